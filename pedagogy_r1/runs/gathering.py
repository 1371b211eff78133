"""When codings of runs over a corpus are gathered in memory, and when there are too many: one limit, `limits.MOST_GATHERED`, for everybody.

Runs with more are added up shard by shard (`corpus_tally.py`), where all of them are complete and over all of one corpus. What
cannot be added up is refused in words, and never gathered by the way.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import RunError
from ..limits import MOST_GATHERED
from .run import CoderRun


def codings_of_corpora(runs: Sequence[CoderRun]) -> int:
    """How many codings the runs over corpora hold, in the shards that are done."""
    shards = (record for run in runs if run.shards for record in run.shards.records.values())
    return sum(int(record.counts["coded"]) for record in shards)


def too_many(runs: Sequence[CoderRun]) -> bool:
    """Whether runs over corpora hold more codings than are gathered."""
    return codings_of_corpora(runs) > MOST_GATHERED


def by_shards(runs: Sequence[CoderRun]) -> bool:
    """Whether runs are over one corpus, all of it, and so many units that they are added up and not gathered."""
    return bool(runs) and not _why_not(runs) and too_many(runs)


def _why_not(runs: Sequence[CoderRun]) -> str:
    """Why runs cannot be added up shard by shard."""
    if other := next((run for run in runs if not run.shards), None):
        return f"{other.folder} is not over the corpus"
    if part := next((run for run in runs if run.manifest.status != "complete"), None):
        return f"{part.folder} is not complete"
    if not all(run.whole for run in runs):
        return "only some of its traces are asked for"
    return "" if len({run.texts_key for run in runs}) == 1 else "the runs are over different corpora"


def require_gathered(runs: Sequence[CoderRun], what: str) -> None:
    """Raises `RunError` where runs over corpora hold too many codings to gather. ``what``: what needs them, as a sentence begins."""
    if not too_many(runs):
        return
    why = _why_not(runs)
    added = f", and they are not added up shard by shard, since {why}" if why else ""
    raise RunError(
        f"{what} needs all codings in memory, and the runs over a corpus hold {codings_of_corpora(runs):,}: more than {MOST_GATHERED:,} are "
        f"not gathered{added}",
        "import some of the corpus's files as a traces file (pcode traces import) and code that: it gets the same codes",
    )
