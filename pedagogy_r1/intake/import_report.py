"""What an import did: rows, traces, formats, what was mapped to what, and what was not taken, with its reason.

R1.jsonl  37 rows ─┬─ 35 traces     → traces.jsonl
                   ├─  1 left out   → traces.jsonl.skipped.jsonl   {"file", "line", "why", "raw"}: no trace by its nature
                   └─  1 skipped    → the same file                                            with --on-error skip
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

SHOWN = 50
"""Problems kept in memory and printed; all of them are counted, and with ``skip`` written aside."""


PLACES = 3
"""Places named of a problem that many rows have."""


_OTHER_ROW = re.compile(r"(?<=:)\d+(?= already$)")


class RowTrouble(Protocol):
    """A row that cannot be imported, and why."""

    @property
    def where(self) -> str: ...
    @property
    def why(self) -> str: ...


def listed(problems: Sequence[RowTrouble], count: int) -> str:
    """The first of ``count`` problems, one a line, and how many more there are; what many rows have in common is said once."""
    rows: dict[str, list[RowTrouble]] = {}
    for problem in problems:
        rows.setdefault(_OTHER_ROW.sub("#", problem.why), []).append(problem)
    lines: list[str] = []
    told = 0
    for problem in problems:
        alike = rows[_OTHER_ROW.sub("#", problem.why)]
        if len(alike) <= PLACES:
            lines.append(f"\n  {problem}")
        elif problem is alike[0]:
            places = ", ".join(one.where for one in alike[:PLACES])
            same = all(one.why == problem.why for one in alike)
            said = (
                f"{len(alike)} × {problem.why}: {places}, …" if same else f"{len(alike)} rows like {problem}"
            )
            lines.append(f"\n  {said}")
        else:
            continue
        told += len(alike) if len(alike) > PLACES else 1
        if len(lines) == SHOWN:
            break
    return "".join(lines) + (f"\n  … and {count - told} more" if count > told else "")


def mend_hint(kept: int, aside: str = "") -> str:
    """What to do about rows that cannot be imported. ``kept``: rows that could be; ``aside``: where all problems are listed."""
    mend = "mend them" + (f" (all are listed in {aside})" if aside else "")
    return f"{mend}, or import the other {kept} with --on-error skip" if kept else mend


THINK_NOTES = {
    "unclosed": "<think> never closed: cut off while thinking; all of it is reasoning, the answer is empty",
    "unopened": "</think> without <think>: what stands before it is reasoning",
    "repeated": "more than one pair of <think> and </think>: split at the first </think>, the other tags stay in the texts",
    "absent": "no <think> at all: all of it is taken as reasoning",
}
ANSWERED = "no <think> at all: all of it is taken as answer"


class TraceProblem(NamedTuple):
    """A row that cannot be imported. ``line`` 0 means the file itself."""

    file: str
    line: int
    why: str

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


@dataclass
class ImportNote:
    """Something worth knowing about rows that were imported: how many, and the first few places."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, where: str) -> None:
        self.count += 1
        if len(self.first) < 3:
            self.first.append(where)


@dataclass
class ImportReport:
    """What an import did. ``skipped`` rows include those ``left_out``, which are no traces by their nature; ``joined`` rows added to the
    trace of another; ``exploded`` traces are the second and further ones of their row.

    ``rows`` + ``exploded`` = ``traces`` + ``skipped`` + ``joined``. ``formats`` counts rows by format. ``mapped`` counts rows by (target, field); ``files`` has (rows, traces) of each file."""

    out: str
    rows: int = 0
    traces: int = 0
    skipped: int = 0
    left_out: int = 0
    joined: int = 0
    exploded: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    mapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    think: Counter[str] = field(default_factory=Counter)
    notes: dict[str, ImportNote] = field(default_factory=dict)
    problems: list[TraceProblem] = field(default_factory=list)
    aside: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "out": self.out,
            "rows": self.rows,
            "traces": self.traces,
            "skipped": self.skipped,
            "left_out": self.left_out,
            "joined": self.joined,
            "exploded": self.exploded,
            "formats": dict(self.formats),
            "skipped_file": self.aside,
            "files": {name: {"rows": rows, "traces": traces} for name, (rows, traces) in self.files.items()},
            "mapped": [{"target": to, "field": name, "rows": n} for (to, name), n in self.mapped.items()],
            "think": dict(self.think),
            "notes": [{"note": text, "rows": n.count, "first": n.first} for text, n in self.notes.items()],
            "problems": [problem._asdict() for problem in self.problems],
        }
