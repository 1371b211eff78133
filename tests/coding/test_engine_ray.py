"""The Ray engine on a real cluster of two nodes on this machine: a worker, a node and the driver are killed at random moments, and
the bytes are those of the local engine."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pedagogy_r1.coding.annotate_corpus import annotate_corpus
from pedagogy_r1.errors import ChatError, InputError, PedagogyError, RunError
from pedagogy_r1.intake import import_traces
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.shards.engines.ray import RayEngine, _own

from ..conftest import ROOT

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.timeout(600)

COPIES = int(os.environ.get("PCODE_RAY_COPIES", "12"))
"""Of the 14 traces of the demo."""


def cluster_of(nodes: int) -> Any:
    """So many nodes of one processor each, and a head that codes nothing."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - the name that Ray reads
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(nodes):
        found.add_node(num_cpus=1)
    return found


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes."""
    found = cluster_of(2)
    yield found
    found.shutdown()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's traces several times over, in eight shards."""
    folder = tmp_path_factory.mktemp("ray")
    rows = [json.loads(line) for line in (ROOT / "demo" / "traces.jsonl").read_text().splitlines()]
    with (folder / "many.jsonl").open("w") as file:
        for k in range(COPIES):
            for row in rows:
                file.write(json.dumps(row | {"id": f"{row['id']}-{k}", "item": f"{row['item']}-{k}"}) + "\n")
    import_traces([folder / "many.jsonl"], folder / "corpus", shards=8)
    return folder / "corpus"


def started(cluster: Any, corpus: Path, out: Path, coder: str) -> subprocess.Popen[bytes]:
    """``pcode annotate`` as a driver of its own."""
    engine = f"ray={cluster.address}"
    command = [
        "annotate",
        str(corpus),
        "--coder",
        coder,
        "-o",
        str(out),
        "--engine",
        engine,
        "--workers",
        "2",
    ]
    return subprocess.Popen([sys.executable, "-m", "pedagogy_r1", *command], cwd=ROOT)


def done(out: Path) -> dict[str, int]:
    """The records of shards, and when they were written."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob("shard-*.json")}


def wait_for(out: Path, shards: int, process: subprocess.Popen[bytes]) -> None:
    """Until so many shards are done."""
    until = time.monotonic() + 240
    while len(done(out)) < shards and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)


def workers() -> list[psutil.Process]:
    """Processes that code."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [""])[0].startswith("ray::ShardWorker"):
            found.append(process)
    return found


def same_bytes(one: Path, other: Path) -> bool:
    names = [
        sorted(p.name for p in run.iterdir() if p.suffix in (".parquet", ".yaml", ".json"))
        for run in (one, other)
    ]
    return names[0] == names[1] and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in names[0] if name != "run.json"
    )


@pytest.mark.whole
@pytest.mark.parametrize("coder", ["cues", "learned:schoen"])
def test_a_worker_a_node_and_the_driver_are_killed_and_the_bytes_are_the_same(
    cluster: Any, corpus: Path, tmp_path: Path, coder: str
) -> None:
    out, dice = tmp_path / "run", random.Random(coder)
    process = started(cluster, corpus, out, coder)
    wait_for(out, 1, process)
    time.sleep(dice.random())
    for victim in workers()[:1]:
        victim.kill()
    wait_for(out, 2, process)
    before = done(out)
    assert before
    time.sleep(dice.random())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process = started(cluster, corpus, out, coder)
    wait_for(out, len(before) + 1, process)
    node = dice.choice(sorted(cluster.worker_nodes, key=lambda one: one.node_id))
    os.kill(node.all_processes["raylet"][0].process.pid, signal.SIGKILL)
    cluster.add_node(num_cpus=1)
    assert process.wait(timeout=400) == 0
    assert done(out).items() >= before.items()
    assert CoderRun(out).manifest.status == "complete"
    name, _, path = coder.partition(":")
    annotate_corpus(
        corpus, tmp_path / "local", coder=name, **({"path": path} if path else {"codebook": "schoen"})
    )
    assert same_bytes(out, tmp_path / "local")


def _placed(number: int) -> tuple[int, int, str]:
    time.sleep(0.3)
    return number, os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES", "")


def _ends_its_process(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


@pytest.mark.whole
def test_each_process_keeps_its_gpus_from_shard_to_shard_and_a_shard_that_ends_processes_is_named(
    cluster: Any,
) -> None:
    """GPUs are what Ray is told there are: none is needed for who gets which."""
    node = cluster.add_node(num_cpus=4, num_gpus=4)
    small = cluster.add_node(num_cpus=0, num_gpus=1)
    try:
        found = list(RayEngine(cluster.address, 2).run(_placed, range(8), gpus=2))
        assert sorted(number for number, _, _ in found) == list(range(8))
        by_process = {(pid, gpus) for _, pid, gpus in found}
        assert sorted(gpus for _, gpus in by_process) == ["0,1", "2,3"]
        with pytest.raises(
            RunError, match="needs 5 GPUs of one machine, and none of the cluster has more than 4"
        ):
            list(RayEngine(cluster.address, 2).run(_placed, range(8), gpus=5))
    finally:
        cluster.remove_node(small)
        cluster.remove_node(node)
    done = list[int]()
    with pytest.raises(RunError, match="5 processes ended over shard 3"):
        done.extend(RayEngine(cluster.address, 2).run(_ends_its_process, range(6)))


@pytest.mark.parametrize("kind", [InputError, ChatError])
def test_an_error_is_of_its_kind(kind: type[PedagogyError]) -> None:
    """As `ray.get` raises it: of a kind that Ray makes of both."""
    raised = ray.exceptions.RayTaskError("do", "", kind("what", "next")).as_instanceof_cause()
    assert isinstance(raised, ray.exceptions.RayTaskError)
    assert type(_own(raised)) is kind
    assert str(_own(raised)) == str(kind("what", "next"))


def test_on_this_machine_it_writes_what_the_local_engine_writes(tmp_path: Path) -> None:
    import_traces([ROOT / "demo" / "traces.jsonl"], tmp_path / "corpus", shards=3)
    command = ["annotate", str(tmp_path / "corpus"), "--coder", "cues", "--engine", "ray", "--workers", "2"]
    ended = subprocess.run(
        [sys.executable, "-m", "pedagogy_r1", *command, "-o", str(tmp_path / "ray")],
        cwd=ROOT,
        env=os.environ | {"RAY_worker_niceness": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert ended.returncode == 0, ended.stderr
    annotate_corpus(tmp_path / "corpus", tmp_path / "local", coder="cues", codebook="schoen")
    assert same_bytes(tmp_path / "ray", tmp_path / "local")
