"""Engines: what has shards made, on this machine or on many.

    engines/local.py   →  def engine(address, workers): ShardEngine     pcode annotate corpus/ -o run/ --engine local --workers 8
    engines/ray.py                                                      pcode distill items.jsonl -o corpus/ --shards 64 --engine ray=ADDRESS

They differ in nothing but where the work is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Done = TypeVar("Done")


class ShardEngine(Protocol):
    """Has work done in other processes, at most ``workers``. ``interrupted``: the user stopped it, so that not all came back."""

    workers: int
    interrupted: bool

    def run(self, work: Callable[[int], Done], numbers: Sequence[int], *, gpus: int = 0) -> Iterator[Done]:
        """What ``work`` made of each of the numbers, in whichever order; both are picklable. ``gpus``: for each process, where there
        are any.

        What a killed process or machine had begun is begun again. Raises what ``work`` raises.
        """
        ...
