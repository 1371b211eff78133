"""Policies, one file each: which traces a student learns from. A plugin exposes ``policy(**options) -> Policy``.

    pedagogy_r1/train/policies/shortest_correct.py      --policy shortest-correct
    pedagogy_r1/train/policies/balanced.py              --policy balanced:cap=400,seed=1

A policy is asked about all traces at once, since some (the shortest of an item, at most 400 of a domain) compare them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from ...trace import Trace
from ...wbeb.item import Item

PLUGINS = "pedagogy_r1.train.policies"


class Drop(NamedTuple):
    """Why a trace is not kept: a ``reason`` that many may share and that is counted, and what it was in this one's case."""

    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Given:
    """What policies may read beside the traces. ``codings``: run directories; ``items``: with their split."""

    codings: tuple[Path, ...] = ()
    items: tuple[Item, ...] = ()


class Policy(Protocol):
    """One policy with its options."""

    def __call__(self, traces: Sequence[Trace], given: Given) -> list[Drop | None]:
        """For each trace, in order: ``None`` if it is kept, else why not. Raises `PedagogyError` if it lacks what it reads."""
        ...
