"""The agreement report: every comparison, what coders confuse, and the units they disagree on, quoted.

report = agree([CoderRun("runs/humans"), CoderRun("runs/cues")])
report.comparisons[0].result.value
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RunError
from ..estimate import Estimate, Interval, Resampling
from ..formatting import level_words
from ..limits import LEVEL
from ..provenance import now, versions
from ..runs.cascade_stages import PEOPLE, stages_of
from ..runs.gathering import require_gathered
from ..runs.run import CoderRun, opened, require_complete
from ..runs.where import in_order, label_of, values_of
from .alpha import Alpha, krippendorff_alphas
from .alpha_difference import AlphaDifference, drift, has_migration, human_machine_difference, not_made_again
from .code_accuracy import (
    MOST,
    CodeAccuracy,
    Confusion,
    DisagreedUnit,
    MachineErrors,
    accuracy,
    confusions,
    machine_errors,
    majority,
    most_disagreed,
    n_disagreed,
)
from .coefficients import hayes_krippendorff
from .comparison import Comparison, ReliabilityData, compare, groups, reliability_data
from .locked_alpha import LockedAlpha, locked_alphas
from .replacement import replacement_test
from .replacement_report import CoderSkill, ReplacementReport

CONFUSED = 3
"""Confused pairs that are printed, and named in the JSON."""


Stages = Mapping[str, Mapping[str, str]]
"""By cascade and unit id, who coded it: `stages_of`."""

STAGE = "stage"
OWN_CODES = "people's own code"
"""Why a cascade's code is not compared with people's."""


@dataclass(frozen=True)
class GroupAgreement:
    """The comparisons within the traces whose ``field`` (``domain``, ``metadata.grade``) is ``value``; ``None``: that have none."""

    field: str
    value: str | None
    n_units: int
    comparisons: tuple[Comparison, ...]

    @property
    def name(self) -> str:
        """``grade 5``, ``no grade``."""
        label = label_of(self.field)
        return f"no {label}" if self.value is None else f"{label} {self.value}"

    def as_json(self) -> dict[str, Any]:
        """JSON object."""
        return vars(self) | {"comparisons": [c.as_json() for c in self.comparisons]}


@dataclass(frozen=True)
class AgreementReport:
    """What ``pcode agreement`` prints and writes, and the report's page shows.

    ``confused``: all pairs of codes, most frequent first. ``disagreed``: the first of the ``n_disagreed`` units on which
    coders differ, as `ranked_units` has them. ``differences``: per machine, human–machine minus human–human.
    ``leave_one_out``: per coder, α of all the others, where there are three or more. Where asked for: ``groups``;
    ``replacements``; ``accuracy``, per coder, against the reference coder; ``hayes``, the Hayes–Krippendorff interval of
    each comparison; ``drift`` from earlier runs, and ``drift_carried``, the same with the earlier codes carried by the
    migration map, where codes changed; ``not_made_again``: codings of these runs that were carried over, not made anew.
    ``partial``: of each run that is not complete, a sentence that says so. ``locked``: α on a locked part that was looked at.
    """

    codebook: str
    runs: tuple[str, ...]
    n_units: int
    n_traces: int
    comparisons: tuple[Comparison, ...]
    confused: tuple[Confusion, ...]
    disagreed: tuple[DisagreedUnit, ...]
    n_disagreed: int
    differences: dict[str, AlphaDifference]
    leave_one_out: dict[str, Alpha]
    machine_errors: MachineErrors | None
    groups: tuple[GroupAgreement, ...]
    replacements: tuple[ReplacementReport, ...]
    accuracy: dict[str, tuple[CodeAccuracy, ...]]
    hayes: dict[str, Estimate]
    how: Resampling
    drift: AlphaDifference | None = None
    drift_carried: AlphaDifference | None = None
    not_made_again: int = 0
    partial: tuple[str, ...] = ()
    locked: tuple[LockedAlpha, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints and ``--json-out`` writes."""
        own = asdict(self) | {
            "comparisons": [c.as_json() for c in self.comparisons],
            "confused": [asdict(confusion) for confusion in self.confused[:CONFUSED]],
            "groups": [group.as_json() for group in self.groups],
            "leave_one_out": {who: alpha.as_json() for who, alpha in self.leave_one_out.items()},
            "hayes_krippendorff": {who: estimate.as_json() for who, estimate in self.hayes.items()},
            "replacements": [replacement.as_json() for replacement in self.replacements],
            "locked": [one.as_json() for one in self.locked],
            "method": {
                "coefficient": "Krippendorff's alpha of the primary code at the codebook's level; per code: presence or absence",
                "interval": f"{level_words(self.how.level, '')}: low and high over traces, as 'method' says of each; unit_low and unit_high: percentiles of redrawn units",
                "replicates": self.how.replicates,
                "seed": self.how.seed,
            },
            "versions": versions(),
            "made": now(),
        }
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in own.items()
            if key not in ("hayes", "how")
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
    quotes: int = MOST,
    replicates: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    interval: Interval = "jackknife",
    partial: bool = False,
) -> AgreementReport:
    """Compare all coders of ``runs`` (or just ``coders``) on the units that they share.

    ``by``: also within each value of a field of the traces, as ``domain`` or ``metadata.grade``; ``stage``: within the units of each coder
    of a cascade. Codes of a cascade that are people's own are compared with nobody's. ``replace``: the humans' kind (``expert``,
    ``skilled``, ``crowd``), to test whether each machine may stand in for a human (`replacement_test`). ``reference``: a
    coder (the adjudicated codes, say) against whom every other is measured, code by code. ``before``: runs of the same
    coders and units under an earlier codebook version, to see what the new one changed. ``hayes``: also the
    Hayes–Krippendorff intervals, which are too narrow and say so. ``quotes``: how many of the units on which coders differ.
    ``level``: of confidence, of every interval. ``interval``: how those over traces are made, see `Resampling`. ``partial``: go on with the traces that unfinished runs have; the report
    says so.

    Raises `CodebookError` if the runs were made under different codebook versions, `RunError` if a run cannot be
    read. Data for which α is undefined raise nothing: the report says why.
    """
    found, earlier = opened(runs), opened(before)
    unfinished = require_complete([*found, *earlier], partial)
    require_gathered([*found, *earlier], "Agreement")
    data = reliability_data(found)
    if coders:
        data = data.of(coders)
    how = Resampling(replicates, seed, level, interval)
    report = agreement_of(
        data, found, by=by, replace=replace, reference=reference, hayes=hayes, quotes=quotes, how=how
    )
    if not earlier:
        return dataclasses.replace(report, partial=unfinished)
    again: dict[str, Any] = {
        "coders": coders,
        "replicates": replicates,
        "seed": seed,
        "level": level,
        "interval": interval,
        "partial": partial,
    }
    return dataclasses.replace(
        report,
        drift=drift(earlier, found, **again),
        drift_carried=drift(earlier, found, carried=True, **again) if has_migration(earlier, found) else None,
        not_made_again=not_made_again(found),
        partial=unfinished,
    )


def agreement_of(
    data: ReliabilityData,
    runs: Sequence[CoderRun],
    *,
    by: str | None = None,
    replace: CoderSkill | None = None,
    reference: str | None = None,
    hayes: bool = False,
    quotes: int = MOST,
    how: Resampling = Resampling(),
    stages: Stages | None = None,
) -> AgreementReport:
    """`agree`, where the runs were read already: ``data`` are theirs, and so are ``stages`` (`stages_of`; else they are read here)."""
    known = stages_of(runs) if stages is None else stages
    stages = {name: of for name, of in known.items() if name in data.names}
    data = without_own_codes(data, stages)
    alike = data.counted()
    return AgreementReport(
        codebook=runs[0].codebook.stamp,
        runs=tuple(str(run.folder) for run in runs),
        n_units=data.n_units,
        n_traces=data.n_traces,
        comparisons=comparisons_of(alike, how),
        confused=tuple(confusions(alike)),
        disagreed=most_disagreed(runs, data, quotes),
        n_disagreed=n_disagreed(alike),
        differences=human_machine_differences(alike, how),
        leave_one_out=leave_one_out(alike, how),
        machine_errors=shared_errors(data),
        groups=_groups(data, runs, stages, by, how) if by else (),
        replacements=_replacements(data, replace, how) if replace else (),
        accuracy={name: accuracy(data, name, reference, how) for name in data.names if name != reference}
        if reference
        else {},
        hayes=hayes_intervals(alike, how) if hayes else {},
        how=how,
        locked=locked_alphas(data, runs, how),
    )


def comparisons_of(data: ReliabilityData, how: Resampling) -> tuple[Comparison, ...]:
    """Of every group of coders that is compared."""
    return tuple(compare(data.of(names), kind, how) for names, kind in groups(data))


def human_machine_differences(data: ReliabilityData, how: Resampling) -> dict[str, AlphaDifference]:
    """Of every machine, at the codebook's level, where there are two people or more."""
    humans, scaled = data.rows("human"), data.on_scale()
    if len(humans) < 2:
        return {}
    return {
        data.names[row]: human_machine_difference(
            scaled.values[humans],
            scaled.values[row],
            scaled.cluster,
            scaled.domain,
            how,
            level=scaled.measurement,
        )
        for row in data.rows("machine")
    }


def leave_one_out(data: ReliabilityData, how: Resampling) -> dict[str, Alpha]:
    """Per coder, α of all the others, where there are three coders or more."""
    if len(data.names) < 3:
        return {}
    whole = data.on_scale()
    problems = [whole._replace(values=np.delete(whole.values, row, axis=0)) for row in range(len(data.names))]
    return dict(zip(data.names, krippendorff_alphas(problems, how), strict=True))


def shared_errors(data: ReliabilityData) -> MachineErrors | None:
    """Of the machines, where people say what is right; ``None`` where nobody coded or one machine did."""
    humans, machines = data.rows("human"), data.rows("machine")
    if not humans or len(machines) < 2:
        return None
    people = majority(data.primary[humans], len(data.categories))
    return machine_errors(data.primary[machines], people, data.sizes if data.counts else None)


def hayes_intervals(data: ReliabilityData, how: Resampling) -> dict[str, Estimate]:
    """Hayes and Krippendorff's, of every group of coders that has an α."""
    found = {
        " – ".join(names): hayes_krippendorff(data.of(names).on_scale(), how) for names, _ in groups(data)
    }
    return {who: estimate for who, estimate in found.items() if estimate.value is not None}


def without_own_codes(data: ReliabilityData, stages: Stages) -> ReliabilityData:
    """Where people completed a cascade its codes are theirs: compared with them, they would agree with themselves."""
    if not data.rows("human"):
        return data
    for name, of in stages.items():
        own = np.array([of.get(unit) == PEOPLE for unit in data.unit_ids], dtype=bool)
        if own.any():
            data = data.without(name, own, OWN_CODES)
    return data


def _by_stage(data: ReliabilityData, stages: Stages, how: Resampling) -> tuple[GroupAgreement, ...]:
    """Within the units of each coder of a cascade."""
    if len(stages) > 1:
        raise RunError(
            f"{' and '.join(stages)} are cascades, and their units differ",
            "give the run of one, or name it with --coders",
        )
    (of,) = stages.values()
    found = [of.get(unit) for unit in data.unit_ids]
    values = [*dict.fromkeys(value for value in found if value), *([None] if None in found else [])]
    parts = [(v, data.only(np.array([one == v for one in found], dtype=bool))) for v in values]
    return tuple(GroupAgreement(STAGE, v, len(part.unit_ids), comparisons_of(part, how)) for v, part in parts)


def _groups(
    data: ReliabilityData, runs: Sequence[CoderRun], stages: Stages, by: str, how: Resampling
) -> tuple[GroupAgreement, ...]:
    if by == STAGE and stages:
        return _by_stage(data, stages, how)
    of_trace = values_of((trace for run in runs for trace in run.traces()), by)
    known = [{by: of_trace[trace]} for trace in data.traces]
    data = dataclasses.replace(data, fields=tuple(known))
    values = [*in_order(of_trace.values()), *([None] if {by: None} in known else [])]
    parts = [(value, data.where(by, value)) for value in values]
    return tuple(
        GroupAgreement(by, value, len(part.unit_ids), comparisons_of(part, how)) for value, part in parts
    )


def _replacements(data: ReliabilityData, kind: CoderSkill, how: Resampling) -> tuple[ReplacementReport, ...]:
    machines = [data.names[row] for row in data.rows("machine")]
    if not machines:
        raise RunError(
            "no machine coder to put in a human's place", "give the machine's run beside the humans'"
        )
    return tuple(
        replacement_test(
            data,
            name,
            kind=kind,
            replicates=how.replicates,
            seed=how.seed,
            level=how.level,
            interval=how.interval,
        )
        for name in machines
    )
