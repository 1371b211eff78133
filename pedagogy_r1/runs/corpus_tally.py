"""Runs over a corpus, added up shard by shard: one shard is in memory at a time.

tallied(runs)        the `Tally` of the corpus: agreement, shares, noise and transitions come out of it
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import RunError
from ..files.places import copies_of
from ..provenance import digest
from ..shards.shard_record import file_name, shard_file
from .run import CoderRun, run_labels
from .run_columns import read_columns
from .tally import Tally, add_up, tally
from .tally_file import read_tally, write_tally


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
