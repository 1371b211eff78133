"""How many traces each step of a filter let through, by domain, and why the others fell.

read                         5,000    1,000  1,000  1,000  1,000  1,000
correct                      1,948      512    …
  - wrong answer             2,611      430    …
  - no answer could be read    441       58    …
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files.records import atomic
from ..trace import Trace
from .policies import Drop

UNKNOWN = "unknown"
"""The domain of a trace that names none."""


@dataclass
class Stage:
    """One step: its policy as written; traces it was asked about, and what became of them, by domain."""

    policy: str
    asked: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    """reason → domain → traces."""

    def count(self, trace: Trace, drop: Drop | None) -> None:
        """Add one trace."""
        domain = trace.domain or UNKNOWN
        self.asked[domain] += 1
        if drop is None:
            self.kept[domain] += 1
        else:
            self.dropped.setdefault(drop.reason, Counter())[domain] += 1

    def as_json(self) -> dict[str, Any]:
        """Plain values; reasons by their frequency."""
        reasons = sorted(self.dropped.items(), key=lambda pair: (-pair[1].total(), pair[0]))
        return {
            "policy": self.policy,
            "asked": self.asked.total(),
            "kept": self.kept.total(),
            "asked_by_domain": dict(sorted(self.asked.items())),
            "kept_by_domain": dict(sorted(self.kept.items())),
            "dropped": {reason: dict(sorted(by.items())) for reason, by in reasons},
        }


@dataclass(frozen=True)
class Funnel:
    """All steps, first to last. ``kept``: what the last one left."""

    stages: tuple[Stage, ...]

    @property
    def traces(self) -> int:
        """How many there were at first."""
        return self.stages[0].asked.total()

    @property
    def kept(self) -> int:
        """How many are left."""
        return self.stages[-1].kept.total()

    @property
    def domains(self) -> list[str]:
        """All domains met, the benchmark's order first."""
        from ..wbeb.item import DOMAINS

        order = [*DOMAINS, UNKNOWN]
        met = self.stages[0].asked
        return sorted(met, key=lambda name: (order.index(name) if name in order else len(order), name))

    def as_json(self) -> dict[str, Any]:
        """Plain values, for ``funnel.json``."""
        return {"traces": self.traces, "kept": self.kept, "steps": [stage.as_json() for stage in self.stages]}

    def rows(self) -> Iterator[tuple[str, str, Counter[str]]]:
        """(what, kind, traces by domain) as they are printed; kind is ``read``, ``kept`` or ``dropped``."""
        yield "read", "read", self.stages[0].asked
        for stage in self.stages:
            yield stage.policy, "kept", stage.kept
            for reason in stage.as_json()["dropped"]:
                yield reason, "dropped", stage.dropped[reason]


def write_funnel(funnel: Funnel, path: str | Path) -> None:
    """As CSV: ``step, policy, domain, outcome, reason, traces``; every step's outcomes add up to what it was asked about."""
    with atomic(path) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["step", "policy", "domain", "outcome", "reason", "traces"])
        for number, stage in enumerate(funnel.stages, 1):
            for domain in funnel.domains:
                table.writerow([number, stage.policy, domain, "kept", "", stage.kept[domain]])
                for reason in stage.as_json()["dropped"]:
                    if count := stage.dropped[reason][domain]:
                        table.writerow([number, stage.policy, domain, "dropped", reason, count])


def funnel_text(funnel: Funnel) -> str:
    """Aligned columns: all, then each domain."""
    names = ["", "all", *funnel.domains]
    lines = [names]
    for what, kind, by in funnel.rows():
        head = f"  - {what}" if kind == "dropped" else what
        lines.append([head, f"{by.total():,}", *(f"{by[domain]:,}" for domain in funnel.domains)])
    return "\n".join(_line(line, _widths(lines)) for line in lines)


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.ljust(w) if i == 0 else cell.rjust(w)
        for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *rest]).rstrip()
