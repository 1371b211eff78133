"""What the stress tests of a codebook found: a row for each test, as text, JSON and Markdown.

swap    passes   98 % followed, at least 80 % asked    [92 %, 100 %]    120 units of 14 traces
order   –        not tested: rules score each code by its own cues
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from ..errors import InputError, first_fault
from ..estimate import Estimate
from ..files.json_text import parse_json
from ..files.records import write_json, write_text
from ..formatting import counted, interval, shown

JSON, MARKDOWN = "stress.json", "stress.md"

Verdict = Literal["passes", "fails", "no verdict", "not tested"]


@dataclass(frozen=True)
class StressResult:
    """One test. ``did``: what was done to the codebook or the traces. ``counted``: what the share is of, as "followed".

    ``at_least`` or ``at_most``: the limit; without either the share is for comparison. ``missing``: units left out, since they have
    no code in one of the two runs. ``others``: of a changed rule, the share of the codes that it does not speak of and that changed
    all the same, with the limit for it; above it the test fails too. ``broke``: why it fails where nothing is left to count.
    """

    name: str
    did: str
    counted: str = ""
    share: Estimate | None = None
    at_least: float | None = None
    at_most: float | None = None
    missing: int = 0
    others: Estimate | None = None
    others_at_most: float | None = None
    why_not: str | None = None
    broke: str | None = None

    @property
    def verdict(self) -> Verdict:
        """By the share itself; `says` tells where the interval reaches over the limit."""
        if self.broke:
            return "fails"
        if self.share is None or self.share.value is None:
            return "not tested"
        if self.at_least is None and self.at_most is None:
            return "no verdict"
        good = self._within(self.share.value) and not self._others_changed
        return "passes" if good else "fails"

    def _within(self, value: float) -> bool:
        low = self.at_least is None or value >= self.at_least
        return low and (self.at_most is None or value <= self.at_most)

    @property
    def _others_changed(self) -> bool:
        value = self.others.value if self.others else None
        return value is not None and self.others_at_most is not None and value > self.others_at_most

    def says(self) -> str:
        """The result in a sentence without its interval; of what was not tested, why."""
        if self.share is None or self.share.value is None:
            return self.broke or self.why_not or "undefined"
        words = f"{shown(self.share.value, 'percent')} {self.counted}"
        if self.at_least is not None:
            words += f", at least {shown(self.at_least, 'percent')} asked"
        if self.at_most is not None:
            words += f", at most {shown(self.at_most, 'percent')} allowed"
        if self.others is not None and self.others.value is not None:
            words += f"; {shown(self.others.value, 'percent')} of the codes it does not speak of changed"
            if self._others_changed:
                words += f", more than {shown(self.others_at_most, 'percent')}"
        limits = self.share.interval
        if limits and self.verdict in ("passes", "fails") and self._within(limits[0]) != self._within(limits[1]):  # fmt: skip
            words += "; the interval holds the limit: more traces would tell"
        return words

    def as_json(self) -> dict[str, Any]:
        """What ``stress.json`` holds of it."""
        return {
            "test": self.name,
            "did": self.did,
            "verdict": self.verdict,
            "says": self.says(),
            "counted": self.counted or None,
            "share": self.share.as_json() if self.share else None,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "missing": self.missing,
            "others": self.others.as_json() if self.others else None,
            "others_at_most": self.others_at_most,
        }


@dataclass(frozen=True)
class StressReport:
    """All tests of one coder with one codebook, on the same units."""

    codebook: str
    coder: str
    traces: int
    units: int
    results: tuple[StressResult, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The coder's parameters, as its runs record them."""

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the tests that the coder fails."""
        return tuple(one.name for one in self.results if one.verdict == "fails")

    def sentence(self) -> str:
        """What the tests come to."""
        number = {
            verdict: sum(one.verdict == verdict for one in self.results) for verdict in ("passes", "fails")
        }
        tried = number["passes"] + number["fails"]
        failed = f", fails {', '.join(self.failed)}" if self.failed else ""
        return f"{self.coder} passes {number['passes']} of {counted(tried, 'test')}{failed}"

    def as_json(self) -> dict[str, Any]:
        """What ``stress.json`` holds."""
        return {
            "codebook": self.codebook,
            "coder": self.coder,
            "settings": dict(self.settings),
            "traces": self.traces,
            "units": self.units,
            "says": self.sentence(),
            "failed": list(self.failed),
            "tests": [one.as_json() for one in self.results],
        }

    def lines(self) -> Iterable[str]:
        """The report as Markdown."""
        yield f"# Does the coder read the codebook? {self.coder}\n"
        yield (
            f"{self.sentence()}. {counted(self.units, 'unit')} of {counted(self.traces, 'trace')} under "
            f"{self.codebook}, coded as it is and once more for each test; shares are of units with a first code in both "
            "runs, intervals over traces (of recall, of its answers over codes). The runs lie in `runs/`, the changed codebooks in `books/`.\n"
        )
        yield "| test | what was done | verdict | result | interval | units | missing |\n|---|---|---|---|---|---|---|"
        for one in self.results:
            found = one.share
            low, high = (found.interval if found else None) or (None, None)
            units = f"{found.n:,}" if found else "–"
            yield (
                f"| {one.name} | {one.did} | {one.verdict} | {one.says()} | {interval(low, high, 'percent')} | {units} | "
                f"{one.missing or '–'} |"
            )
        said = dict.fromkeys(f"{w}" for one in self.results if one.share for w in one.share.warnings)
        if said:
            yield "\n" + "\n".join(f"- {words}" for words in said)


class StressRow(BaseModel, frozen=True):
    """Of a test in ``stress.json``, what a report repeats."""

    test: str
    verdict: Verdict
    says: str


class StressRecord(BaseModel, frozen=True):
    """``stress.json`` as it was written. ``settings``: of earlier versions there are none."""

    codebook: str
    coder: str
    traces: int = Field(ge=0)
    units: int = Field(ge=0)
    says: str
    tests: tuple[StressRow, ...]
    settings: dict[str, Any] | None = None


def read_stress(folder: str | Path) -> StressRecord:
    """The tests in a folder of `write_stress`. Raises `InputError` where there are none."""
    path = Path(folder) / JSON
    hint = "give the folder of: pcode codebook stress CODEBOOK TRACES -o FOLDER"
    if not path.is_file():
        raise InputError(f"{folder}: no {JSON} there", hint)
    try:
        return StressRecord.model_validate(parse_json(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        why = first_fault(error) if isinstance(error, ValidationError) else error
        raise InputError(f"{path}: no stress tests ({why})", hint) from None


def write_stress(report: StressReport, folder: Path) -> None:
    """Write ``stress.json`` and ``stress.md`` into ``folder``."""
    write_json(folder / JSON, report.as_json())
    write_text(folder / MARKDOWN, "\n".join(report.lines()) + "\n")
