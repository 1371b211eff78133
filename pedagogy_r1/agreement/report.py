"""The agreement report: every comparison, what coders confuse, and the units they disagree on, quoted.

report = agree([CoderRun("runs/humans"), CoderRun("runs/cues")])
report.comparisons[0].result.alpha
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RunError, did_you_mean
from ..provenance import now, versions
from ..runs.run import CoderRun, require_complete
from .accuracy import CodeAccuracy, accuracy
from .additive import CONFIDENCE
from .alpha import Alpha, Reliability, krippendorff_alphas
from .comparison import Comparison, Confusion, compare, confusions, groups, most_disagreed
from .difference import Difference, human_machine_difference
from .drift import drift, has_migration, not_made_again
from .hayes import HayesKrippendorff, hayes_krippendorff
from .machine_errors import MachineErrors, machine_errors, majority
from .reliability import FIELDS, ReliabilityData, reliability_data
from .replacement import replacement_test
from .replacement_report import CoderSkill, ReplacementReport


@dataclass(frozen=True)
class DisagreedUnit:
    """A unit on which coders differ, with what each of them said."""

    unit_id: str
    trace_id: str
    text: str
    codes: dict[str, str]


@dataclass(frozen=True)
class Group:
    """The comparisons within the traces whose ``field`` (domain, condition, model) is ``value``."""

    field: str
    value: str | None
    n_units: int
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class AgreementReport:
    """What ``pcode agreement`` prints and writes.

    ``differences``: per machine, human–machine minus human–human. ``leave_one_out``: per coder, α of all the others,
    where there are three or more. Where asked for: ``groups``; ``replacements``; ``accuracy``, per coder, against the
    reference coder; ``hayes``, the Hayes–Krippendorff interval of each comparison; ``drift`` from earlier runs,
    and ``drift_carried``, the same with the earlier codes carried by the migration map, where codes changed;
    ``not_made_again``: codings of these runs that were carried over, not made anew.
    """

    codebook: str
    runs: tuple[str, ...]
    n_units: int
    n_traces: int
    comparisons: tuple[Comparison, ...]
    confused: tuple[Confusion, ...]
    disagreed: tuple[DisagreedUnit, ...]
    differences: dict[str, Difference]
    leave_one_out: dict[str, Alpha]
    machine_errors: MachineErrors | None
    groups: tuple[Group, ...]
    replacements: tuple[ReplacementReport, ...]
    accuracy: dict[str, tuple[CodeAccuracy, ...]]
    hayes: dict[str, HayesKrippendorff]
    drift: Difference | None
    drift_carried: Difference | None
    not_made_again: int
    replicates: int
    seed: int
    partial: tuple[str, ...] = ()
    """Of each run that is not complete, a sentence that says so."""

    def as_json(self) -> dict[str, Any]:
        """The file that ``--json`` writes."""
        return {
            "codebook": self.codebook,
            "runs": list(self.runs),
            "partial": list(self.partial),
            "n_units": self.n_units,
            "n_traces": self.n_traces,
            "comparisons": [c.as_json() for c in self.comparisons],
            "confused": [{"codes": list(c.codes), "count": c.count} for c in self.confused],
            "disagreed": [vars(unit) for unit in self.disagreed],
            "differences": {name: asdict(difference) for name, difference in self.differences.items()},
            "leave_one_out": {name: asdict(alpha) for name, alpha in self.leave_one_out.items()},
            "machine_errors": asdict(self.machine_errors) if self.machine_errors else None,
            "groups": [
                {
                    "field": g.field,
                    "value": g.value,
                    "n_units": g.n_units,
                    "comparisons": [c.as_json() for c in g.comparisons],
                }
                for g in self.groups
            ],
            "accuracy": {name: [asdict(code) for code in codes] for name, codes in self.accuracy.items()},
            "hayes_krippendorff": {
                who: {"ci": h.interval.ci, "draws": h.draws, "warning": h.warning}
                for who, h in self.hayes.items()
            },
            "drift": asdict(self.drift) if self.drift else None,
            "drift_carried": asdict(self.drift_carried) if self.drift_carried else None,
            "not_made_again": self.not_made_again,
            "replacements": [replacement.as_json() for replacement in self.replacements],
            "method": {
                "coefficient": "Krippendorff's alpha of the primary code at the codebook's level; per code: presence or absence",
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
    by: str | None = None,
    replace: CoderSkill | None = None,
    reference: str | None = None,
    before: Sequence[CoderRun | str | Path] = (),
    hayes: bool = False,
    replicates: int = 1000,
    seed: int = 0,
    partial: bool = False,
) -> AgreementReport:
    """Compare all coders of ``runs`` (or just ``coders``) on the units that they share.

    ``by``: also within each ``domain``, ``condition``, ``model`` or ``item``. ``replace``: the humans' kind (``expert``,
    ``skilled``, ``crowd``), to test whether each machine may stand in for a human (`replacement_test`). ``reference``: a
    coder (the adjudicated codes, say) against whom every other is measured, code by code. ``before``: runs of the same
    coders and units under an earlier codebook version, to see what the new one changed. ``hayes``: also the
    Hayes–Krippendorff intervals, which are too narrow and say so. ``partial``: go on with the traces that unfinished runs
    have; the report says so.

    Raises `CodebookError` if the runs were made under different codebook versions, `RunError` if a run cannot be
    read. Data for which α is undefined raise nothing: the report says why.
    """
    opened = [run if isinstance(run, CoderRun) else CoderRun(run) for run in runs]
    earlier = [run if isinstance(run, CoderRun) else CoderRun(run) for run in before]
    unfinished = require_complete([*opened, *earlier], partial)
    data = reliability_data(opened)
    if coders:
        data = data.of(coders)
    how = {"replicates": replicates, "seed": seed}
    disagreed = most_disagreed(data)
    quotes = _quotes(opened, {unit for unit, _ in disagreed})
    return AgreementReport(
        codebook=opened[0].codebook.stamp,
        runs=tuple(str(run.folder) for run in opened),
        n_units=len(data.unit_ids),
        n_traces=len(data.traces),
        comparisons=_comparisons(data, how),
        confused=tuple(confusions(data)[:3]),
        disagreed=tuple(DisagreedUnit(unit, *quotes[unit], codes) for unit, codes in disagreed),
        differences=_differences(data, how),
        leave_one_out=_leave_one_out(data, how),
        machine_errors=_machine_errors(data),
        groups=_groups(data, by, how) if by else (),
        replacements=_replacements(data, replace, how) if replace else (),
        accuracy=_accuracy(data, reference, how) if reference else {},
        hayes=_hayes(data, how) if hayes else {},
        drift=drift(earlier, opened, coders=coders, replicates=replicates, seed=seed) if earlier else None,
        drift_carried=drift(earlier, opened, coders=coders, carried=True, replicates=replicates, seed=seed)
        if earlier and has_migration(earlier, opened)
        else None,
        not_made_again=not_made_again(opened) if earlier else 0,
        partial=unfinished,
        **how,
    )


How = dict[str, int]


def _comparisons(data: ReliabilityData, how: How) -> tuple[Comparison, ...]:
    return tuple(compare(data.of(names), kind, **how) for names, kind in groups(data))


def _rows(data: ReliabilityData, kind: str) -> list[int]:
    return [row for row, coder in enumerate(data.coders) if coder.kind == kind]


def _differences(data: ReliabilityData, how: How) -> dict[str, Difference]:
    humans = _rows(data, "human")
    if len(humans) < 2 or data.level != "nominal":
        return {}
    q = len(data.categories)
    return {
        data.coders[row].name: human_machine_difference(
            data.primary[humans], data.primary[row], data.cluster, q, **how
        )
        for row in _rows(data, "machine")
    }


def _leave_one_out(data: ReliabilityData, how: How) -> dict[str, Alpha]:
    names = [coder.name for coder in data.coders]
    if len(names) < 3:
        return {}
    problems = [
        Reliability(
            np.delete(data.on_scale(), row, axis=0),
            data.cluster,
            data.scale or len(data.categories),
            data.level,
        )
        for row in range(len(names))
    ]
    return dict(zip(names, krippendorff_alphas(problems, **how), strict=True))


def _machine_errors(data: ReliabilityData) -> MachineErrors | None:
    humans, machines = _rows(data, "human"), _rows(data, "machine")
    if not humans or len(machines) < 2:
        return None
    return machine_errors(data.primary[machines], majority(data.primary[humans], len(data.categories)))


def _accuracy(data: ReliabilityData, reference: str, how: How) -> dict[str, tuple[CodeAccuracy, ...]]:
    return {
        coder.name: accuracy(data, coder.name, reference, replicates=how["replicates"], seed=how["seed"])
        for coder in data.coders
        if coder.name != reference
    }


def _hayes(data: ReliabilityData, how: How) -> dict[str, HayesKrippendorff]:
    found = {}
    for names, _ in groups(data):
        values = data.of(names).on_scale()
        scale = list(data.scale) or None
        result = hayes_krippendorff(values, len(data.categories), level=data.level, domain=scale, **how)
        if result is not None:
            found[" – ".join(names)] = result
    return found


def _groups(data: ReliabilityData, by: str, how: How) -> tuple[Group, ...]:
    if by not in FIELDS:
        raise RunError(f"traces have no field {by!r} to group by", did_you_mean(by, list(FIELDS)))
    values = sorted(
        {fields.get(by) for fields in data.fields}, key=lambda value: (value is None, value or "")
    )
    parts = [(value, data.where(by, value)) for value in values]
    return tuple(Group(by, value, len(part.unit_ids), _comparisons(part, how)) for value, part in parts)


def _replacements(data: ReliabilityData, kind: CoderSkill, how: How) -> tuple[ReplacementReport, ...]:
    machines = [data.coders[row].name for row in _rows(data, "machine")]
    if not machines:
        raise RunError(
            "no machine coder to put in a human's place", "give the machine's run beside the humans'"
        )
    return tuple(
        replacement_test(data, name, kind=kind, replicates=how["replicates"], seed=how["seed"])
        for name in machines
    )


def _quotes(runs: Sequence[CoderRun], wanted: set[str]) -> dict[str, tuple[str, str]]:
    """unit id → (trace id, text)."""
    return {unit.id: (unit.trace_id, unit.text) for run in runs for unit in run.units() if unit.id in wanted}
