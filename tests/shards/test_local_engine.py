"""Shards on processes of this machine."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

from pedagogy_r1.shards.engines.local import engine
from pedagogy_r1.workers import interrupts


def _done(folder: Path, number: int) -> int:
    """The first shard waits until all others are done; then each says its number."""
    if number == 0:
        until = time.monotonic() + 60
        while len(list(folder.iterdir())) < 11 and time.monotonic() < until:
            time.sleep(0.05)
    else:
        (folder / str(number)).touch()
    return len(list(folder.iterdir())) if number == 0 else number


def test_no_shard_waits_behind_a_slow_one(tmp_path: Path) -> None:
    """In order, no more than some would be begun before the first is done."""
    done = list(engine(None, workers=2).run(partial(_done, tmp_path), range(12)))
    assert done[-1] == 11
    assert sorted(done[:-1]) == list(range(1, 12))


def _stopped_at_its_end(number: int) -> int:
    """Ctrl-C behind the last trace of the second shard, where nobody within it looks any more."""
    with interrupts():
        if number == 1:
            os.kill(os.getpid(), signal.SIGINT)
    return number


def test_ctrl_c_at_the_end_of_a_shard_ends_the_run() -> None:
    local = engine(None, workers=1)
    assert list(local.run(_stopped_at_its_end, range(5))) == [0, 1]
    assert local.interrupted
