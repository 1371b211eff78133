"""Places on a real S3-compatible server of this machine: import, annotate, agreement and evaluation over s3://."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pedagogy_r1.errors import InputError, RunError
from pedagogy_r1.files.places import CACHE, Place, as_folder, as_url
from pedagogy_r1.wbeb.item import write_items

from ..conftest import ROOT
from ..fake_openai import FakeOpenAI
from ..wbeb_items import all_domains, thinker

SERVER = os.environ.get("PCODE_S3_PYTHON", sys.executable)
"""A Python that has ``moto[server]``, an S3-compatible server; its botocore and this project want different python-dateutils."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket, and an environment in which it is found."""
    from pyarrow import fs

    probe = [SERVER, "-c", "import moto.server, flask_cors"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip(
            "no S3 server: python -m venv S3; S3/bin/pip install 'moto[server,s3]'; PCODE_S3_PYTHON=S3/bin/python"
        )
    port = free_port()
    log = (tmp_path_factory.mktemp("s3") / "log").open("wb")
    process = subprocess.Popen([SERVER, "-m", "moto.server", "-p", str(port)], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    mine = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
        CACHE: str(tmp_path_factory.mktemp("cache")),
    }
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update(mine)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    fs.S3FileSystem(endpoint_override=url, allow_bucket_creation=True).create_dir("bucket")
    yield "s3://bucket"
    process.kill()
    process.wait()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def pcode(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pedagogy_r1", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_addresses_and_paths() -> None:
    assert as_url("gcs://b/x") == "gs://b/x"
    assert as_folder("file:///tmp/x") == Path("/tmp/x")
    assert as_url("C:/x") is None


def test_a_file_is_put_listed_read_and_fetched(bucket: str, tmp_path: Path) -> None:
    place = Place(f"{bucket}/some/where")
    assert place.names() == []
    (tmp_path / "a").write_bytes(b"one")
    place.put(tmp_path / "a", "a.txt")
    place.put_bytes(b"two", "b.txt")
    assert place.names() == ["a.txt", "b.txt"]
    assert place.read("a.txt") == b"one"
    assert place.fetch("b.txt", tmp_path / "here").read_bytes() == b"two"
    with pytest.raises(InputError, match=r"s3://bucket/some/where/c\.txt: no such file"):
        place.read("c.txt")


def test_a_server_that_is_not_there_is_said_in_words() -> None:
    place = Place(f"s3://bucket/x?endpoint_override=127.0.0.1:{free_port()}&scheme=http")
    with pytest.raises(RunError, match="s3://bucket/x"):
        place.read("a.txt")


def test_import_annotate_and_agreement_over_s3(bucket: str, tmp_path: Path) -> None:
    made = pcode("traces", "import", "demo/traces.jsonl", "--shards", "3", "-o", f"{bucket}/corpus")
    assert made.returncode == 0, made.stderr
    assert Place(f"{bucket}/corpus").names()[0] == "shards.json"
    again = pcode("traces", "import", "demo/traces.jsonl", "--shards", "3", "-o", f"{bucket}/corpus")
    assert "s3://bucket/corpus holds a corpus already" in again.stderr
    for coder in ("cues", "learned:schoen"):
        out = f"{bucket}/{coder.partition(':')[0]}"
        coded = pcode("annotate", f"{bucket}/corpus", "--coder", coder, "-o", out)
        assert coded.returncode == 0, coded.stderr
    shutil.rmtree(os.environ[CACHE])  # as on another machine
    other = pcode("annotate", f"{bucket}/corpus", "--coder", "learned:schoen", "-o", f"{bucket}/cues")
    assert "holds another run" in other.stderr
    over = pcode("agreement", f"{bucket}/cues", f"{bucket}/learned", "--replicates", "0", "--json")
    assert over.returncode == 0, over.stderr
    for coder in ("cues", "learned:schoen"):
        folder = tmp_path / coder.partition(":")[0]
        pcode("annotate", "demo/traces.jsonl", "--coder", coder, "-o", str(folder))
    flat = pcode(
        "agreement", str(tmp_path / "cues"), str(tmp_path / "learned"), "--replicates", "0", "--json"
    )
    alphas = [one.split('"alpha": ')[1].split(",")[0] for one in (over.stdout, flat.stdout)]
    assert alphas[0] == alphas[1] != "null"
    names = Place(f"{bucket}/cues").names()
    assert {"run.json", "codebook.yaml", "shard-0002.json", "units-0000.parquet"} <= set(names)


def test_answers_become_a_corpus_in_an_object_store(bucket: str, tmp_path: Path) -> None:
    items, out = tmp_path / "items.jsonl", f"{bucket}/answers"
    write_items(items, [*all_domains(6), *all_domains(6, split="train")])
    with FakeOpenAI(answer=thinker) as server:
        asked = ["--base-url", server.url, "--shards", "3", "--shots", "1", "--workers", "2", "-o"]
        scored = ["wbeb", "eval", "openai:fake", str(items), "--replicates", "50", *asked]
        made = pcode(*scored, out)
        assert made.returncode == 0, made.stderr
        assert server.number == 30
        shutil.rmtree(os.environ[CACHE])  # as on another machine
        Place(out).remove("shard-0001.json")
        status = pcode("status", out)
        assert "2 of 3 shards are done" in status.stdout
        again = pcode(*scored, out)
        assert again.returncode == 0, again.stderr
        assert server.number == 30
        other = pcode(*scored, out, "--seed", "7")
        assert "seed: 0 there, 7 now" in other.stderr
        assert pcode(*scored, str(tmp_path / "here")).returncode == 0
    kinds = [("ledger", "jsonl"), ("shard", "json"), ("traces", "parquet")]
    shards = [f"{kind}-{n:04d}.{end}" for kind, end in kinds for n in range(3)]
    beside = ["items.jsonl", "run.json", "scores.csv", "scores.json", "shards.json"]
    assert Place(out).names() == sorted([*shards, *beside])
    assert Place(out).read("scores.json") == (tmp_path / "here" / "scores.json").read_bytes()
    coded = pcode("annotate", out, "--coder", "cues", "-o", str(tmp_path / "run"))
    assert "30 traces" in coded.stdout
