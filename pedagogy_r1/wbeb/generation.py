"""A generation on disk: what a model answered to items, and how it was asked.

DIR/run.json        settings, counts, which replies never came and why (`Manifest`)
DIR/traces.jsonl    one trace an item and sample, in the order of the items: `pcode annotate` takes it as it is
DIR/timings.csv     seconds and tokens of each request; kept apart, since no two runs have the same
DIR/ledger.jsonl    every request and raw reply: what makes the run resumable

Generation("runs/cop").traces()
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..asking import FILE as LEDGER
from ..errors import RunError
from ..files.records import BadRow, Row, atomic, read_jsonl
from ..trace import Trace
from .item import Item, read_items

ITEMS, TRACES, TIMINGS, MANIFEST = "items.jsonl", "traces.jsonl", "timings.csv", "run.json"

Status = Literal["running", "interrupted", "stopped", "complete"]


class Missing(BaseModel):
    """A reply that never came."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item: str
    sample: int
    reason: str


class GenerationManifest(BaseModel):
    """``run.json``. ``fingerprint``: the digest of all that determines what is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["generation"] = "generation"
    run_id: str
    fingerprint: str
    status: Status
    stopped_why: str | None = None
    started: str
    finished: str | None = None
    seconds: float = 0.0
    model: str
    """What the model is called in the traces."""
    parameters: dict[str, Any]
    source: dict[str, Any]
    counts: dict[str, int] = Field(default_factory=dict)
    missing: list[Missing] = Field(default_factory=list)
    usage: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    bytes: dict[str, int] = Field(default_factory=dict)


class Generation:
    """A generation, for reading. Raises `RunError` where the folder holds none."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / MANIFEST
        if not path.is_file():
            raise RunError(
                f"{self.folder}: holds no answers (no {MANIFEST})", "make some with: pcode wbeb eval"
            )
        try:
            self.manifest = GenerationManifest.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            raise RunError(
                f"{path}: {first['msg']} ({'.'.join(map(str, first['loc']))})",
                "it is the file of something else, or was changed by hand",
            ) from None

    @property
    def whole(self) -> bool:
        """Complete, and its traces as they were then."""
        path = self.folder / TRACES
        size = path.stat().st_size if path.is_file() else None
        return self.manifest.status == "complete" and size == self.manifest.bytes.get(TRACES)

    def items(self) -> Iterator[Item]:
        """The items that were asked."""
        return read_items(self.folder / ITEMS)

    def traces(self) -> Iterator[Trace]:
        """The traces, in the order of the items. Raises `RunError` for a file that was changed since."""
        path = self.folder / TRACES
        if not path.is_file():
            raise RunError(f"{path} is missing", "run the same command again: what was answered is kept")
        if self.manifest.status == "complete" and not self.whole:
            raise RunError(
                f"{path} has changed since it was complete",
                "run the same command again, which makes it again",
            )
        for row in read_jsonl(path):
            if isinstance(row, BadRow):
                raise RunError(f"{path}:{row.line}: {row.why}", "run the same command again")
            yield Trace.model_validate(row.data)


def save(folder: Path, manifest: GenerationManifest) -> None:
    """Write ``run.json``, atomically."""
    with atomic(folder / MANIFEST) as file:
        file.write(json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")


def write_timings(folder: Path) -> None:
    """``timings.csv`` from the ledger: every attempt, in the order in which it ended."""
    with atomic(folder / TIMINGS) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(
            [
                "item",
                "sample",
                "attempt",
                "seconds",
                "outcome",
                "prompt_tokens",
                "cached_tokens",
                "completion_tokens",
            ]
        )
        for row in read_jsonl(folder / LEDGER):
            if isinstance(row, Row) and row.data.get("kind") in ("reply", "fault"):
                line = row.data
                about, tokens = line["about"], line.get("usage") or ("", "", "")
                ended = line.get("fault") or line.get("finish")
                table.writerow(
                    [about["item"], about["sample"], line["attempt"], line["seconds"], ended, *tokens]
                )
