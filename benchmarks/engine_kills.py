"""A corpus on a Ray cluster of two nodes of this machine, whose workers, nodes and drivers are killed at random moments.

    python -m benchmarks.engine_kills                                    100,000 traces in 400 shards, cues
    python -m benchmarks.engine_kills --coder learned:schoen --seed 2

The traces are pieces of real ones (`benchmarks.engines`). A moment is drawn, evenly, from a number of seconds; then a worker, a node
or the driver (drawn too) gets SIGKILL; a driver is started again by the same command, and a node that is gone is replaced after a
while. Then the same corpus is coded by ``--engine local``. Said at the end: whether the bytes are the same, and how many shards were done
at a kill, and made again all the same (must be none).
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from benchmarks.engines import make, pcode
from tests.coding.test_engine_ray import cluster_of, done, same_bytes, started, workers


def kill_node(cluster: Any, dice: random.Random) -> bool:
    """One of the nodes that code, all at once, as where a machine is taken away; another takes its place."""
    if not cluster.worker_nodes:
        return False
    node = dice.choice(sorted(cluster.worker_nodes, key=lambda each: each.node_id))
    raylet = node.all_processes["raylet"][0].process.pid
    for process in [*psutil.Process(raylet).children(recursive=True), psutil.Process(raylet)]:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    cluster.remove_node(node, allow_graceful=False)
    cluster.add_node(num_cpus=1)
    return True


def kill_one(what: str, cluster: Any, driver: subprocess.Popen[bytes], dice: random.Random) -> bool:
    """Whether there was one to kill."""
    if what == "node":
        return kill_node(cluster, dice)
    if what == "driver":
        driver.kill()
        driver.wait()
        return True
    at_work = workers()
    if at_work:
        dice.choice(at_work).send_signal(signal.SIGKILL)
    return bool(at_work)


def main() -> None:
    """Kill, compare, say."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=400)
    parser.add_argument("--words", type=int, default=120, help="words of a trace")
    parser.add_argument("--coder", default="cues")
    parser.add_argument(
        "--every", type=float, default=20.0, help="longest time between two kills, in seconds"
    )
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    dice = random.Random(given.seed)
    killed: Counter[str] = Counter()
    first: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as name:
        folder, run = Path(name), Path(name) / "run"
        make(folder, given.traces, given.shards, given.words)
        corpus, cluster = folder / "corpus", cluster_of(2)
        began = time.monotonic()
        driver = started(cluster, corpus, run, given.coder)
        try:
            while driver.poll() is None:
                time.sleep(dice.uniform(given.every / 4, given.every))
                if driver.poll() is not None:
                    break
                what, before = dice.choice(["worker", "node", "driver"]), done(run)
                if not kill_one(what, cluster, driver, dice):
                    continue
                killed[what] += 1
                print(f"{time.monotonic() - began:6.0f} s, {len(before)} shards done: {what}", flush=True)
                if what == "driver":
                    driver = started(cluster, corpus, run, given.coder)
                first = before | first
        finally:
            if driver.poll() is None:
                driver.kill()
            cluster.shutdown()
        took, ended = time.monotonic() - began, done(run)
        again = {shard for shard, when in first.items() if ended.get(shard) != when}
        if driver.returncode:
            raise SystemExit(f"the driver ended with {driver.returncode}")
        local = pcode(
            "annotate",
            str(corpus),
            "--coder",
            given.coder,
            "-o",
            str(folder / "local"),
            "--workers",
            "2",
            "--engine",
            "local",
        )
        same = same_bytes(run, folder / "local")
    kills = ", ".join(f"{number} {what}s" for what, number in sorted(killed.items()))
    print(
        f"{given.traces:,} traces, {given.shards} shards, {given.coder}: {took:.0f} s with Ray and {kills} killed, {local.clock:.0f} s by the local engine"
    )
    print(f"bytes the same: {same}; shards that were done at a kill and made again: {len(again)}")
    if again or not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
