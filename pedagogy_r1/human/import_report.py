"""What an import of codings did, and what is worth saying about it.

1,309 rows = 1,309 kept + 0 "not coded" + 0 in the answer + 0 problems; shared spans: 499, alone: {"D": 191, "Gemini": 120}
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ..runs.run import CoderRun
from .parse_cells import Problem


@dataclass
class CodingsReport:
    """What an import of codings did: every row is in ``kept``, ``not_coded``, ``outside``, ``practice`` or ``problems``.

    ``outside``: spans in the answer, or a think tag; ``practice``: on units of a packet that are for practice alone;
    ``alone``: spans (with ``units="own"``) that only this coder has; ``landless``: spans that own no unit after
    projection; ``moved``: rows by the presumed cause of their shifted offsets; ``places``: the ``file:row`` of all that
    ``moved``, ``counts`` and ``outside`` count, by the cause, the remark, or ``outside``.
    """

    out: str
    rows: int = 0
    kept: int = 0
    not_coded: int = 0
    outside: int = 0
    practice: int = 0
    traces: int = 0
    traces_left_out: int = 0
    units: int = 0
    codings: int = 0
    missing: int = 0
    """Of the codings: those without codes, each with its reason."""
    scheme: str = ""
    coders: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    moved: Counter[str] = field(default_factory=Counter)
    shared: int = 0
    alone: Counter[str] = field(default_factory=Counter)
    landless: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    aside: str | None = None

    def add(self, remark: str, where: list[str]) -> None:
        """Count something worth saying of these rows."""
        if where:
            self.counts[remark] += len(where)
            self.places.setdefault(remark, []).extend(where)

    @property
    def run(self) -> CoderRun:
        """The run that was written."""
        return CoderRun(self.out)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        plain = {k: dict(v) if isinstance(v, Counter) else v for k, v in vars(self).items()}
        plain["counts"] = {k: n for k, n in self.counts.items() if n}
        return plain | {"problems": [problem._asdict() for problem in self.problems]}
