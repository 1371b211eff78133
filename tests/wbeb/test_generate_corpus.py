"""Answers in shards: the traces of the command without shards, nothing paid twice whatever is killed, and a corpus that all else reads."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.files.seal import sealed
from pedagogy_r1.intake import import_traces, read_traces
from pedagogy_r1.intake.corpus import TraceCorpus, shard_of
from pedagogy_r1.train.filter import filter_traces
from pedagogy_r1.wbeb.answers.parsed import READER
from pedagogy_r1.wbeb.compare import compare
from pedagogy_r1.wbeb.generate import generate
from pedagogy_r1.wbeb.generate_corpus import generate_corpus
from pedagogy_r1.wbeb.generation import Generation
from pedagogy_r1.wbeb.item import write_items

from ..conftest import ROOT
from ..fake_openai import Call, FakeOpenAI
from ..wbeb_items import all_domains, choice, thinker

Pcode = Callable[..., Result]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def items(tmp_path: Path) -> Path:
    """Sixty of test and as many of train, of five domains."""
    path = tmp_path / "items.jsonl"
    write_items(path, [*all_domains(12), *all_domains(12, split="train")])
    return path


def distill(items: Path, out: Path, server: FakeOpenAI, *more: object) -> list[object]:
    asked = ["distill", items, "-o", out, "--model", "openai:fake", "--base-url", server.url, "--n", 50]
    return [*asked, "--backoff", 0.01, *more]


def evaluate(items: Path, out: Path, server: FakeOpenAI, *more: object) -> list[object]:
    asked = ["wbeb", "eval", "openai:fake", items, "-o", out, "--base-url", server.url, "--backoff", 0.01]
    return [*asked, "--replicates", 100, *more]


def answers(folder: Path) -> dict[str, Any]:
    """All traces, by id."""
    return {trace.id: trace for trace in Generation(folder).traces()}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != ".lock"}


def test_the_corpus_holds_the_traces_of_the_command_without_shards(
    items: Path, tmp_path: Path, pcode: Pcode
) -> None:
    flat, out = tmp_path / "flat", tmp_path / "out"
    with FakeOpenAI(answer=thinker) as server:
        more = ("--samples", 2, "--shots", 2, "--seed", 3)
        beside = pcode(*distill(items, flat, server, *more))
        asked = server.number
        planned = pcode(*distill(items, out, server, *more, "--shards", 4, "--dry-run", "--json"))
        assert json.loads(planned.stdout)["requests"] == asked == 100
        assert json.loads(planned.stdout)["shards_done"] == 0
        made = pcode(*distill(items, out, server, *more, "--shards", 4))
        assert made.exit_code == 0, made.output
        assert server.number == 2 * asked
        assert pcode(*distill(items, out, server, *more, "--shards", 4, "--workers", 2)).exit_code == 0
        planned = pcode(*distill(items, out, server, *more, "--shards", 4, "--dry-run", "--json"))
        assert server.number == 2 * asked
        assert json.loads(planned.stdout)["answered_already"] == 100
        assert json.loads(planned.stdout)["prompt_tokens"] == 0
        assert json.loads(planned.stdout)["shards_done"] == 4
    assert made.stdout.replace(str(out), "OUT") == beside.stdout.replace(str(flat / "traces.jsonl"), "OUT")
    assert answers(out) == answers(flat)
    for name in ("seeds.jsonl", "seeds.json", "items.jsonl"):
        assert (out / name).read_bytes() == (flat / name).read_bytes()
    corpus = TraceCorpus(out)
    assert corpus.total == 100
    assert all(shard_of(trace, 4) == n for n in range(4) for trace in corpus.shard(n))
    assert Generation(out).manifest.counts == Generation(flat).manifest.counts
    kinds = [f"{kind}-{n:04d}.{end}" for n in range(4) for kind, end in KINDS]
    assert names(out) == {"run.json", "shards.json", "items.jsonl", "seeds.jsonl", "seeds.json", *kinds}
    assert pcode("verify", out).exit_code == 0
    assert "complete: 4 of 4 shards are done, 100 traces" in pcode("status", out).stdout


KINDS = (("traces", "parquet"), ("ledger", "jsonl"), ("shard", "json"))


def test_what_reads_traces_reads_the_corpus(items: Path, tmp_path: Path, pcode: Pcode) -> None:
    out = tmp_path / "out"
    with FakeOpenAI(answer=thinker) as server:
        assert pcode(*distill(items, out, server, "--shards", 3)).exit_code == 0
    coded = pcode("annotate", out, "-o", tmp_path / "run", "--coder", "cues")
    assert coded.exit_code == 0, coded.output
    assert "50 traces" in coded.stdout
    right = sum(trace.correct is True for trace in read_traces(out))
    filtered = pcode("filter", out, "-o", tmp_path / "kept")
    assert f"50 → {right} traces" in filtered.stdout
    other = tmp_path / "other"
    import_traces([ROOT / "demo" / "traces.jsonl"], other, shards=2)
    refused = pcode("filter", other, "-o", tmp_path / "kept")
    assert "holds the outcome of another filter" in refused.stderr
    assert filter_traces(out, tmp_path / "again").kept == right


def test_scores_are_those_of_the_command_without_shards(items: Path, tmp_path: Path, pcode: Pcode) -> None:
    flat, out = tmp_path / "flat", tmp_path / "out"
    with FakeOpenAI(answer=thinker) as server:
        assert pcode(*evaluate(items, flat, server)).exit_code == 0
        made = pcode(*evaluate(items, out, server, "--shards", 5, "--workers", 2))
        assert made.exit_code == 0, made.output
    for name in ("scores.json", "scores.csv"):
        assert (out / name).read_bytes() == (flat / name).read_bytes()
    assert f"pcode annotate {out} -o RUN" in made.stdout
    assert answers(out) == answers(flat)
    assert {d.estimate.value for d in compare([flat, out]).differences} <= {0.0, None}
    assert pcode("verify", out).exit_code == 0


def test_replies_that_never_come_are_listed_and_asked_again_alone(
    items: Path, tmp_path: Path, pcode: Pcode
) -> None:
    out = tmp_path / "out"
    down = True

    def fault(call: Call) -> str | None:
        return "500" if down and "1 plus one" in call.user else None

    with FakeOpenAI(answer=thinker, fault=fault) as server:
        more = ("--retries", 0, "--domain", "SK", "--split", "all")
        lost = pcode(*evaluate(items, out, server, *more, "--shards", 3))
        assert lost.exit_code == 1
        assert "no answer to sk-test-1 (sample 1): server_error" in lost.stderr
        manifest = Generation(out).manifest
        assert manifest.counts["missing"] == len(manifest.missing) == 4
        assert json.loads((out / "scores.json").read_text())["rows"][0]["missing"] == 4
        down = False
        asked = server.number
        assert pcode(*evaluate(items, out, server, *more, "--shards", 3)).exit_code == 1
        assert server.number == asked
        mended = pcode(*evaluate(items, out, server, *more, "--shards", 3, "--retry-missing"))
        assert mended.exit_code == 0, mended.output
        assert server.number == asked + 4
    assert len(answers(out)) == 24


def test_what_is_damaged_is_made_again_out_of_the_ledger(items: Path, tmp_path: Path, pcode: Pcode) -> None:
    out = tmp_path / "out"
    with FakeOpenAI(answer=thinker) as server:
        words = distill(items, out, server, "--shards", 3)
        assert pcode(*words).exit_code == 0
        asked, before = server.number, {p.name: p.read_bytes() for p in out.iterdir() if p.name[0] != "."}
        (out / "traces-0001.parquet").write_bytes(b"PAR1")
        (out / "shard-0002.json").unlink()
        assert pcode(*words).exit_code == 0
        (out / "shards.json").unlink()
        assert pcode(*words).exit_code == 0
        record = json.loads((out / "shard-0000.json").read_bytes()) | {"reader": "answers@1"}
        (out / "shard-0000.json").write_bytes(sealed(record))
        (out / "seeds.json").unlink()
        assert pcode(*words).exit_code == 0
        assert json.loads((out / "shard-0000.json").read_bytes())["reader"] == READER
        assert server.number == asked
    after = {p.name: p.read_bytes() for p in out.iterdir() if p.name[0] != "."}
    assert {n: b for n, b in after.items() if n != "run.json"} == {
        n: b for n, b in before.items() if n != "run.json"
    }


def test_what_cannot_be_is_refused_and_nothing_of_others_is_touched(
    items: Path, tmp_path: Path, pcode: Pcode
) -> None:
    out = tmp_path / "out"
    with FakeOpenAI(answer=thinker) as server:
        assert pcode(*distill(items, out, server, "--shards", 3)).exit_code == 0
        asked = server.number
        for more, said in (
            (("--shards", 4), "holds another run: shards: 3 there, 4 now"),
            ((), "holds another run: shards: 3 there, none now"),
            (("--shards", 3, "--temperature", 0.1), "temperature: 0.6 there, 0.1 now"),
            (("--shards", 3, "--n", 10), "items: 50 there, 10 now"),
            (("--shards", 3, "--max-tokens-total", 1000), "--max-tokens-total is not for shards"),
            (("--shards", 20_000), "20000 is not in the range 1<=x<=10000"),
            (("--engine", "local"), "--engine is for answers in shards"),
            (("--work", tmp_path), "--work is for answers in shards"),
            (("--shards", 3, "--engine", "lokal"), "no engine is named 'lokal'"),
        ):
            refused = pcode(*distill(items, out, server, *more))
            assert refused.exit_code == 2
            assert said in refused.stderr, refused.stderr
        planned = pcode(*distill(items, out, server, "--shards", 3, "--dry-run", "--json"))
        assert json.loads(planned.stdout)["answered_already"] == 50
        other = ("--shards", 3, "--temperature", 0.1, "--dry-run", "--json")
        assert json.loads(pcode(*distill(items, out, server, *other)).stdout)["answered_already"] == 0
        import_traces([ROOT / "demo" / "traces.jsonl"], tmp_path / "corpus", shards=3)
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.txt").write_text("mine")
        for folder in ("corpus", "mine"):
            refused = pcode(*distill(items, tmp_path / folder, server, "--shards", 3))
            assert "is not empty and holds no run" in refused.stderr
        assert "add: --shards 64" in pcode(*distill(items, Path("s3://bucket/x"), server)).stderr
        assert server.number == asked


def test_shards_without_items_are_empty(tmp_path: Path) -> None:
    with FakeOpenAI(answer=thinker) as server:
        how: dict[str, Any] = {"model": "openai:fake", "condition": "cop", "base_url": server.url}
        made = generate_corpus([choice(0), choice(1)], tmp_path / "out", shards=7, **how)
        flat = generate([choice(0), choice(1)], tmp_path / "flat", **how)
    assert answers(made.folder) == answers(flat.folder)
    assert sorted(TraceCorpus(made.folder).shard(n).total for n in range(7))[-2:] == [1, 1]


def test_what_is_made_on_another_disk_is_copied(tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no other disk here")
    work = elsewhere / f"pcode-{os.getpid()}"
    try:
        with FakeOpenAI(answer=thinker) as server:
            how: dict[str, Any] = {"model": "openai:fake", "condition": "cop", "base_url": server.url}
            made = generate_corpus(all_domains(2), tmp_path / "out", shards=2, work=work, **how)
        assert len(answers(made.folder)) == 10
        assert list(work.iterdir()) == []
    finally:
        shutil.rmtree(work, ignore_errors=True)


def killed(process: subprocess.Popen[str], dice: random.Random) -> None:
    """The driver, or one of its workers: then it ends by itself."""
    psutil = pytest.importorskip("psutil")
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline()) and "resource_tracker" not in " ".join(child.cmdline())
    ]
    if workers and dice.random() < 0.5:
        dice.choice(workers).kill()
        _, errors = process.communicate(timeout=120)
        assert "a worker process died" in errors
    else:
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_killed_what_was_answered_is_not_asked_again(
    items: Path, tmp_path: Path, pcode: Pcode, pcode_process: Start, seed: int
) -> None:
    out, dice = tmp_path / "out", random.Random(seed)
    more = ("--concurrency", 2, "--samples", 4, "--shards", 6, "--work", tmp_path / "work")
    with FakeOpenAI(answer=thinker, latency=0.1) as server:
        clean = pcode(*distill(items, tmp_path / "flat", server, "--samples", 4))
        assert clean.exit_code == 0
        server.forget()
        for after in (8, 50, 100, 150):
            process = pcode_process(*distill(items, out, server, *more, "--workers", 2))
            while server.number < after and process.poll() is None:
                time.sleep(0.002)
            time.sleep(dice.random() * 0.2)
            killed(process, dice)
            assert not (out / "shards.json").exists()
            assert "of 6 shards are done" in pcode("status", out).stdout
        ended = pcode_process(*distill(items, out, server, *more, "--workers", 2))
        _, errors = ended.communicate(timeout=240)
        assert ended.returncode == 0, errors
        assert 200 <= server.number <= 200 + 4 * 2 * 2, "only what was in flight is asked twice"
        assert max(server.answered.values()) <= 2
    assert answers(out) == answers(tmp_path / "flat")
    assert list((tmp_path / "work").iterdir()) == []
    assert Generation(out).manifest.usage["requests"] <= server.number


def test_a_driver_that_is_killed_leaves_no_worker_behind(
    items: Path, tmp_path: Path, pcode_process: Start
) -> None:
    psutil = pytest.importorskip("psutil")
    with FakeOpenAI(answer=thinker, latency=2) as server:
        process = pcode_process(*distill(items, tmp_path / "out", server, "--shards", 3, "--workers", 2))
        while not server.number and process.poll() is None:
            time.sleep(0.01)
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) >= 2
        process.send_signal(signal.SIGKILL)
        process.communicate()
        _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []


@pytest.mark.slow
def test_a_ray_cluster_makes_what_the_local_engine_makes(
    items: Path, tmp_path: Path, pcode: Pcode, pcode_process: Start
) -> None:
    pytest.importorskip("ray")
    with FakeOpenAI(answer=thinker) as server:
        words = distill(items, tmp_path / "ray", server, "--shards", 3, "--engine", "ray", "--workers", 2)
        process = pcode_process(*words, env={"RAY_worker_niceness": "0"}, cwd=ROOT)
        _, errors = process.communicate(timeout=500)
        assert process.returncode == 0, errors
        assert server.number == 50
        assert pcode(*distill(items, tmp_path / "local", server, "--shards", 3)).exit_code == 0
    for n in range(3):
        one, other = (tmp_path / where / f"traces-{n:04d}.parquet" for where in ("ray", "local"))
        assert one.read_bytes() == other.read_bytes()
