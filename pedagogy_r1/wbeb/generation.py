"""A generation on disk: what a model answered to items, and how it was asked.

DIR/run.json        settings, counts, which replies never came and why (`Manifest`)
DIR/traces.jsonl    one trace an item and sample, in the order of the items: `pcode annotate` takes it as it is
DIR/timings.csv     seconds and tokens of each request; kept apart, since no two runs have the same
DIR/ledger.jsonl    every request and raw reply: what makes the run resumable

Generation("runs/cop").traces()

In shards (`generate_corpus.py`) the folder is a corpus: ``traces-0007.parquet`` and ``ledger-0007.jsonl`` in place of one file each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from ..errors import RunError
from ..files.ledger import LedgerLines
from ..files.places import Place
from ..files.records import Row, need_file, write_csv
from ..files.seal import LEDGER, RUN, DigestWatch, check_beside, models_of, sha256_of
from ..intake.corpus import CorpusPart, TraceCorpus, is_corpus
from ..job import JobRecord, read_record
from ..shards.shard_record import ShardRecord, records_there, summed
from ..trace import Trace
from .answers.parsed import FIRST
from .item import Item, place_of, read_items

ITEMS, TRACES, TIMINGS, MANIFEST = "items.jsonl", "traces.jsonl", "timings.csv", RUN


class Missing(BaseModel, frozen=True, extra="forbid"):
    """A reply that never came."""

    item: str
    sample: int
    reason: str


class AnsweredShard(ShardRecord):
    """``shard-0007.json`` of answers. ``source``: digest of what was asked; ``counts["domains"]``: counts of each domain."""

    part: CorpusPart
    """Its traces, as the corpus's record will have them."""
    missing: list[Missing] = Field(default_factory=list)
    reader: str


class GenerationManifest(JobRecord):
    """``run.json``. ``fingerprint``: the digest of all that determines what is asked."""

    kind: Literal["generation"] = "generation"
    run_id: str
    model: str
    """What the model is called in the traces."""
    parameters: dict[str, Any]
    source: dict[str, Any]
    counts: dict[str, int] = Field(default_factory=dict)
    missing: list[Missing] = Field(default_factory=list)
    usage: dict[str, Any] = Field(default_factory=dict)
    reader: str = FIRST
    """Which reader read the answers; records without a name are of the first."""
    reread_from: str | None = None
    """Which reader had read them, where a session of a later version took the folder up again and read them anew."""
    shards: int = 0
    """Of a corpus: how many there are."""

    def settings(self) -> Mapping[str, Any]:
        """The parameters, the condition by name and version; how many items, and in how many shards, if any."""
        found = self.parameters | {"items": self.source["items"], "shards": self.shards or None}
        if isinstance(condition := found.get("condition"), dict):
            found["condition"] = f"{condition['id']}@{condition['version']}"
        return found


class Generation:
    """A generation, for reading. Raises `RunError` where the folder holds none. ``folder``: of one in an object store, copies of its
    small files."""

    def __init__(self, folder: str | Path) -> None:
        self.place = Place(folder)
        self.folder = self.place.here([MANIFEST, ITEMS])
        none = RunError(f"{self.place}: holds no answers (no {MANIFEST})", "make some with: pcode wbeb eval")
        self.manifest = read_record(self.folder / MANIFEST, GenerationManifest, no_file=none)

    def require_complete(self) -> Generation:
        """Itself. Raises `RunError` where answers are still to come."""
        if self.manifest.status != "complete":
            raise RunError(
                f"{self.folder} is not finished ({self.manifest.status})",
                "run the command that made it again: it goes on where it stopped",
            )
        return self

    def items(self) -> Iterator[Item]:
        """The items that were asked."""
        path = self.folder / ITEMS
        need_file(path, "run the same command again, which writes it again")
        check_beside(path, sha256_of(path))
        return read_items(path)

    def traces(self) -> Iterator[Trace]:
        """The traces, in the order of the items; of a corpus shard by shard. Raises `RunError` for a file that was changed since."""
        if self.manifest.shards:
            if not is_corpus(self.place.absolute()):
                raise RunError(
                    f"{self.place} is no corpus yet ({self.manifest.status})",
                    "run the command that made it again: it goes on where it stopped",
                )
            yield from TraceCorpus(self.place.absolute())
            return
        path = self.folder / TRACES
        if not path.is_file():
            raise RunError(f"{path} is missing", "repeat the command that made it: what was answered is kept")
        again = "repeat the command that made it, which makes it anew"
        size = path.stat().st_size
        if size != self.manifest.bytes.get(TRACES, size):
            raise RunError(
                f"{path} has changed: it has {size:,} bytes, and {self.manifest.bytes[TRACES]:,} when it was complete",
                again,
            )
        yield from models_of(DigestWatch(path, self.manifest.sha256.get(TRACES), again), Trace)

    def outcomes(self) -> dict[str, Counter[str]]:
        """domain → correct, wrong, unread (of which cut off: ``truncated``), and traces; of a corpus, of the shards that are done."""
        if self.manifest.shards:
            counts, _ = summed(records_there(self.place, AnsweredShard).values())
            found = counts.get("domains", {})
            return {
                name: Counter(found[name]) for name in sorted(found, key=lambda name: place_of((name, None)))
            }
        made: dict[str, Counter[str]] = {}
        for trace in self.traces():
            count(made, trace)
        return made


def count(outcomes: dict[str, Counter[str]], trace: Trace) -> None:
    """Add one trace to the outcomes of its domain."""
    counts = outcomes.setdefault(trace.domain or "unknown", Counter())
    counts["traces"] += 1
    counts["unread" if trace.correct is None else "correct" if trace.correct else "wrong"] += 1
    counts["truncated"] += bool(trace.metadata.get("truncated"))


_TIMED = (
    *("item", "sample", "attempt", "seconds", "outcome"),
    *("prompt_tokens", "cached_tokens", "completion_tokens"),
)


def write_timings(folder: Path) -> None:
    """``timings.csv`` from the ledger: every attempt, in the order in which it ended."""
    write_csv(folder / TIMINGS, _timings(folder / LEDGER))


def _timings(ledger: Path) -> Iterator[Sequence[Any]]:
    yield _TIMED
    for _, row in LedgerLines(ledger):
        if isinstance(row, Row) and row.data.get("kind") in ("reply", "fault"):
            line = row.data
            about, tokens = line.get("about"), line.get("usage")
            about = about if isinstance(about, dict) else {}
            tokens = tokens if isinstance(tokens, list) else ("", "", "")
            ended = line.get("fault") or line.get("finish")
            yield [
                *(about.get("item"), about.get("sample"), line.get("attempt"), line.get("seconds"), ended),
                *tokens[:3],
            ]
