"""Machine coding: what a coder is, and what it is given.

    run = annotate("traces.jsonl", "runs/cues", codebook="schoen", coder="cues")      (annotate.py)
    run = annotate(…, coder="learned", path="coders/mine", error=.10, then="openai:gpt-5")      (cascade.py)

The coders are files in ``coders/``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..codebook import Codebook
from ..runs.run import CoderInfo, Coding
from ..trace import Trace, Unit

Unitizer = Callable[[Trace], list[Unit]]
"""Picklable: worker processes get it too."""

Emit = Callable[[Trace, list[Unit], list[Coding]], None]
"""Takes finished traces, in the order in which they came in."""

Asked = Callable[[Trace, list[Unit]], Sequence[int]]
"""Positions of the units of a trace that are to be coded, in order."""


@dataclass
class Context:
    """What every coder is given: the codebook, the run's name and directory, a seed.

    The run's name depends on the coder's ``parameters``: it is there when coding begins, not yet when the coder is built.
    ``asked``: which units of a trace are wanted, where not all are (`cascade`); a coder that is paid by the unit codes these alone.
    """

    book: Codebook
    run_id: str
    folder: Path
    seed: int = 0
    asked: Asked | None = None

    def positions(self, trace: Trace, units: list[Unit]) -> Sequence[int]:
        """Of the units that are wanted: all, where nobody chose."""
        return range(len(units)) if self.asked is None else self.asked(trace, units)


@dataclass(frozen=True)
class Outcome:
    """How a coder ended: ``stopped`` says why it ended early (``None``: it coded everything)."""

    stopped: str | None = None
    interrupted: bool = False
    usage: dict[str, Any] | None = None


class Coder(Protocol):
    """Codes units. ``parameters`` hold all that may change a coding; they enter the run's fingerprint.

    One that has ``trust``, a sentence on how far it is to be trusted on which text, is introduced with it. ``sources``: files that
    it goes by, with their digests, as a job's record has them. ``sum_up(run)``: what all its codings tell, for the record's ``usage``.
    ``of_one_run``: true of one that keeps replies in the run's folder, and is made anew for each shard of a corpus.
    """

    @property
    def coders(self) -> list[CoderInfo]: ...

    @property
    def parameters(self) -> dict[str, Any]: ...

    def plan(self, traces: Iterable[Trace], unitize: Unitizer) -> dict[str, Any]:
        """What ``code`` would do, without doing it: requests, tokens."""
        ...

    def code(self, traces: Iterable[Trace], unitize: Unitizer, emit: Emit) -> Outcome:
        """Code every unit of every trace; every unit that is asked for gets one coding of every coder, if only a missing one."""
        ...
