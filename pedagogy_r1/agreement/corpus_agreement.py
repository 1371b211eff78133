"""Agreement over a corpus: the same report as of runs, from how often each pattern of answers is in each trace (`Tally`).

    report = agree_on(add_up(read_tally(path, book) for path in …), folder="run/")
    report.comparisons[0].result.value

What needs a unit's text or id is not in it: quotes of disagreed units (their number is), and tests of putting a machine in a
human's place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import RunError
from ..estimate import Resampling
from ..files.places import copies_of
from ..limits import MOST_GATHERED
from ..provenance import digest
from ..runs.run import CoderRun, run_labels
from ..runs.run_columns import read_columns
from ..runs.tally import Tally, add_up, tally
from ..runs.tally_file import read_tally, write_tally
from ..shards.shard_record import file_name, shard_file
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


def by_shards(runs: Sequence[CoderRun]) -> bool:
    """Whether runs are over one corpus, all of it, and so many units that they are not gathered."""
    if not all(run.shards and run.manifest.status == "complete" and run.whole for run in runs):
        return False
    same = len({run.texts_key for run in runs}) == 1
    return same and sum(int(run.manifest.counts["coded"]) for run in runs) > MOST_GATHERED


def tallied(runs: Sequence[CoderRun]) -> Tally:
    """What coders said in runs over one corpus, added up shard by shard; one shard is in memory at a time.

    Of one run each shard has it already; of several it is made once, and kept in this machine's cache. Raises `RunError` where they are not over
    one corpus.
    """
    shards = runs[0].shards
    if shards is None or len({run.texts_key for run in runs}) > 1:
        raise RunError("the runs are not over one corpus", "code the same corpus with each coder")
    return add_up(_tally_of(runs, number) for number in shards.numbers)


def _tally_of(runs: Sequence[CoderRun], number: int) -> Tally:
    book, parts = runs[0].codebook, [run.shards for run in runs if run.shards]
    name = file_name("tally", number)
    if len(runs) == 1:
        return read_tally(shard_file(parts[0].place, parts[0].records[number], "tally"), book)
    sums = [part.records[number].sha256 for part in parts], run_labels(runs)  # which may be in coders' names
    path = copies_of(parts[0].place.absolute()) / f"{digest(sums)[7:23]}-{name}"
    if path.is_file():
        return read_tally(path, book)
    made = tally(read_columns([run.of_shard(number) for run in runs]), path.stem)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tally(path, made)
    return made


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
