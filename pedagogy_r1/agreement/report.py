"""The agreement report: every comparison, what coders confuse, and the units they disagree on, quoted.

report = agree([CoderRun("runs/humans"), CoderRun("runs/cues")])
report.comparisons[0].result.alpha
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..coding.run import CoderRun
from ..errors import RunError
from ..provenance import now, versions
from .additive import CONFIDENCE
from .comparison import Comparison, Confusion, compare, confusions, groups, most_disagreed
from .reliability import reliability_data


@dataclass(frozen=True)
class DisagreedUnit:
    """A unit on which coders differ, with what each of them said."""

    unit_id: str
    trace_id: str
    text: str
    codes: dict[str, str]


@dataclass(frozen=True)
class AgreementReport:
    """What ``pcode agreement`` prints and writes."""

    codebook: str
    runs: tuple[str, ...]
    n_units: int
    n_traces: int
    comparisons: tuple[Comparison, ...]
    confused: tuple[Confusion, ...]
    disagreed: tuple[DisagreedUnit, ...]
    replicates: int
    seed: int

    def as_json(self) -> dict[str, Any]:
        """The file that ``--json`` writes."""
        return {
            "codebook": self.codebook,
            "runs": list(self.runs),
            "n_units": self.n_units,
            "n_traces": self.n_traces,
            "comparisons": [c.as_json() for c in self.comparisons],
            "confused": [{"codes": list(c.codes), "count": c.count} for c in self.confused],
            "disagreed": [vars(unit) for unit in self.disagreed],
            "method": {
                "coefficient": "Krippendorff's alpha, nominal, primary code; per code: presence or absence",
                "interval": f"percentile bootstrap, {CONFIDENCE:.0%}: ci over units, ci_cluster over traces",
                "replicates": self.replicates,
                "seed": self.seed,
            },
            "versions": versions(),
            "made": now(),
        }


def agree(
    runs: Sequence[CoderRun | str | Path],
    *,
    coders: Sequence[str] = (),
    replicates: int = 1000,
    seed: int = 0,
) -> AgreementReport:
    """Compare all coders of ``runs`` (or just ``coders``) on the units that they share.

    Raises `CodebookError` if the runs were made under different codebook versions, `RunError` if a run cannot be
    read. Data for which α is undefined raise nothing: the report says why.
    """
    opened = [run if isinstance(run, CoderRun) else CoderRun(run) for run in runs]
    _finished(opened)
    data = reliability_data(opened)
    if coders:
        data = data.of(coders)
    disagreed = most_disagreed(data)
    quotes = _quotes(opened, {unit for unit, _ in disagreed})
    return AgreementReport(
        codebook=opened[0].codebook.stamp,
        runs=tuple(str(run.folder) for run in opened),
        n_units=len(data.unit_ids),
        n_traces=len(data.traces),
        comparisons=tuple(
            compare(data.of(names), kind, replicates=replicates, seed=seed) for names, kind in groups(data)
        ),
        confused=tuple(confusions(data)[:3]),
        disagreed=tuple(DisagreedUnit(unit, *quotes[unit], codes) for unit, codes in disagreed),
        replicates=replicates,
        seed=seed,
    )


def _finished(runs: Sequence[CoderRun]) -> None:
    for run in runs:
        if run.manifest.status == "running":
            raise RunError(
                f"{run.folder} is not finished", "wait for it, or resume it with the command that started it"
            )


def _quotes(runs: Sequence[CoderRun], wanted: set[str]) -> dict[str, tuple[str, str]]:
    """unit id → (trace id, text)."""
    return {unit.id: (unit.trace_id, unit.text) for run in runs for unit in run.units() if unit.id in wanted}
