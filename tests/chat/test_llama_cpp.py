"""The real server of llama-cpp-python on real weights: a whole run of ``annotate``, and a context that is too short for the codebook.

Skipped where PEDAGOGY_LLAMA_PYTHON names no Python that has `llama_cpp.server`, or the weights are not (`tests.real_weights`).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.runs.run import CoderRun

from ..real_weights import FILE, gguf_folder


@contextmanager
def server(context: int, log: Path) -> Iterator[str]:
    """The base URL of a server whose context has so many tokens."""
    python = os.environ.get("PEDAGOGY_LLAMA_PYTHON")
    if not python or not Path(python).exists():
        pytest.skip("PEDAGOGY_LLAMA_PYTHON names no Python with llama_cpp.server")
    model = gguf_folder() / FILE
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "llama_cpp.server", "--model", model, "--n_ctx", context, "--n_threads", 2]
    with log.open("w") as out:
        process = subprocess.Popen(
            [python, *map(str, words), "--host", "127.0.0.1", "--port", str(port)],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}/v1"
            wait_for(f"{url}/models", process, log)
            yield url
        finally:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(480):
        if process.poll() is not None:
            pytest.fail(f"the server ended:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"the server did not come up:\n{log.read_text()[-2000:]}")


def annotate(folder: Path, url: str) -> list[object]:
    traces = folder / "traces.jsonl"
    said = "Wait, that is wrong. So I add the two numbers again. The sum is 7."
    traces.write_text(json.dumps({"id": "t", "question": "What is 3 + 4?", "reasoning": said}) + "\n")
    words: list[object] = [
        "annotate",
        traces,
        "-o",
        folder / "run",
        "--model",
        "openai:smol",
        "--base-url",
        url,
    ]
    words += [
        "--codebook",
        "schoen@1.0.0",
        "--codebook-form",
        "names",
        "--window",
        1,
        "--context",
        0,
        "--temperature",
        0,
    ]
    return [*words, "--concurrency", 1, "--max-output-tokens", 120, "--timeout", 600]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_context_that_is_shorter_than_the_codebook_is_said(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    with server(512, tmp_path / "log.txt") as url:
        result = pcode(*annotate(tmp_path, url))
    assert result.exit_code == 2, result.output
    assert "512" in result.output
    run = CoderRun(tmp_path / "run")
    assert run.manifest.counts.get("coded", 0) == 0
    ledger = (tmp_path / "run" / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    said = [json.loads(line).get("message", "") for line in ledger]
    assert "json_schema" in said[1], "refused with status 500; the next request asks in another form"
    assert "512" in said[2]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_whole_run(tmp_path: Path, pcode: Callable[..., Any]) -> None:
    """The server keeps to the schema, so that no reply is malformed; that this model leaves units out is counted, unit by unit."""
    with server(4096, tmp_path / "log.txt") as url:
        result = pcode(*annotate(tmp_path, url))
        assert result.exit_code in (0, 1), result.output
        run = CoderRun(tmp_path / "run")
        assert run.manifest.status == "complete"
        assert run.manifest.usage["server"]["schema"] == "object_schema"
        codings = list(run.codings())
        assert len(codings) == 3
        known = {code.id for code in run.codebook.codes}
        assert all(set(coding.codes) <= known for coding in codings if coding.codes is not None)
        assert {coding.missing_reason for coding in codings if coding.codes is None} <= {"skipped_unit"}
        before = (tmp_path / "run" / "ledger.jsonl").read_bytes()
        assert pcode(*annotate(tmp_path, url)).exit_code == result.exit_code
        assert (tmp_path / "run" / "ledger.jsonl").read_bytes() == before, "a finished run asks nothing"
    assert pcode("verify", tmp_path / "run").exit_code == 0
