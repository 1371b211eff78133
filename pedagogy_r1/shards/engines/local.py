"""``local``: processes of this machine, or this one alone; nothing to install.

engine(None, workers=8)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ...errors import ArgumentError
from ...workers import in_order, interrupts
from . import Done

NVIDIA = Path("/proc/driver/nvidia/gpus")


def engine(address: str | None, workers: int) -> LocalEngine:
    """``workers``: processes."""
    if address:
        raise ArgumentError(
            f"--engine local={address}: it has no address", "say --engine local, or ray=ADDRESS"
        )
    return LocalEngine(workers)


class LocalEngine:
    """Shards on processes of this machine."""

    def __init__(self, workers: int) -> None:
        self.workers, self.interrupted = workers, False

    def run(self, work: Callable[[int], Done], numbers: Sequence[int], *, gpus: int = 0) -> Iterator[Done]:
        """As they are done. Ctrl-C ends after the shards that are at work; with one process, between two traces."""
        if gpus and self.workers > 1 and NVIDIA.is_dir():
            raise ArgumentError(
                f"--workers {self.workers}: processes of --engine local would share one GPU",
                "say --engine ray, which gives each its own, or --workers 1",
            )
        if self.workers == 1:
            with interrupts() as stop:
                for number in numbers:
                    yield work(number)
                    if stop.is_set():  # behind the last trace of a shard nobody else looks
                        break
                self.interrupted = stop.is_set()
            return
        with interrupts() as stop:
            for _, done in in_order(work, numbers, self.workers, stop, ahead=2, as_done=True):
                yield done
            self.interrupted = stop.is_set()
