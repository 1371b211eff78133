"""Agreement over a corpus: the same report as of runs, from how often each pattern of answers is in each trace (`Tally`).

    report = agree_on(add_up(read_tally(path, book) for path in …), folder="run/")
    report.comparisons[0].result.value

What needs a unit's text or id is not in it: quotes of disagreed units (their number is), and tests of putting a machine in a
human's place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..estimate import Resampling
from ..runs.tally import Tally
from .agreement_report import (
    AgreementReport,
    GroupAgreement,
    comparisons_of,
    hayes_intervals,
    human_machine_differences,
    leave_one_out,
    shared_errors,
)
from .code_accuracy import accuracy, confusions, n_disagreed
from .comparison import ReliabilityData


def reliability_of_tally(tally: Tally) -> ReliabilityData:
    """Its patterns for units; those that no unit has are left out."""
    data = ReliabilityData(
        coders=tally.coders,
        categories=tally.categories,
        unit_ids=(),
        traces=(),
        cluster=np.empty(0, dtype=np.int64),
        primary=tally.primary,
        present=tally.present,
        reason=tally.reason,
        reasons=tally.reasons,
        measurement=tally.book.level,
        scale=tally.book.scale,
        exhaustive=tally.book.exhaustive,
        counts=tally.units,
    )
    return data.only(tally.units.sizes > 0)


def agree_on(
    found: Tally,
    *,
    folder: str = "",
    coders: Sequence[str] = (),
    by: str | None = None,
    reference: str | None = None,
    hayes: bool = False,
    how: Resampling = Resampling(),
) -> AgreementReport:
    """`agree` of a corpus. ``by``: a field of the traces that the tally has; ``folder``: what the report says of where it was.

    Raises `RunError` for a coder or field that is not there.
    """

    def of(part: Tally) -> ReliabilityData:
        data = reliability_of_tally(part)
        return data.of(coders) if coders else data

    data = of(found)
    parts = [(value, of(found.where(by, value))) for value in found.values_of(by)] if by else []
    others = [name for name in data.names if name != reference] if reference else []
    return AgreementReport(
        codebook=found.book.stamp,
        runs=(folder or found.name,),
        n_units=data.n_units,
        n_traces=data.n_traces,
        comparisons=comparisons_of(data, how),
        confused=tuple(confusions(data)),
        disagreed=(),
        n_disagreed=n_disagreed(data),
        differences=human_machine_differences(data, how),
        leave_one_out=leave_one_out(data, how),
        machine_errors=shared_errors(data),
        groups=tuple(
            GroupAgreement(by or "", value, part.n_units, comparisons_of(part, how)) for value, part in parts
        ),
        replacements=(),
        accuracy={name: accuracy(data, name, reference or "", how) for name in others},
        hayes=hayes_intervals(data, how) if hayes else {},
        how=how,
    )
