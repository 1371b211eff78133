"""A run as it may be given away: without the texts, where they may not be shared; without what is locked.

    {"id": "aime-3", "domain": "SK", "condition": "cop", "reasoning": "", …}          traces.jsonl of the copy
    {"id": "u4be1…", "start": 512, "end": 547, "text": "", "tokens": 7, …}            units.jsonl

Ids, offsets, counts of tokens and codes are as they were, so that every number that is not about the texts themselves comes out the
same. Quotes and memos of coders go with the texts; of a metadata field no more stays than what a report asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ..codebook.codebook import SNAPSHOT
from ..files.records import atomic, write_jsonl, write_text
from ..files.seal import RUN, digests, file_size
from ..job import save_record
from ..runs.run import CoderRun, Coding
from ..runs.unit_coding import read_odds
from ..runs.where import METADATA, field_of
from ..trace import Trace, Unit

TEXTS = ("question", "reasoning", "answer", "reference")


def write_shared(run: CoderRun, out: Path, *, texts: bool, fields: Collection[str] = ()) -> None:
    """Write the traces that ``run`` reads, their units and codings into ``out``, one over a corpus as a run of one file; ``fields``: of the
    metadata, what stays without ``texts``."""
    out.mkdir(parents=True)
    write_text(out / SNAPSHOT, (run.folder / SNAPSHOT).read_bytes())
    write_jsonl(
        out / "traces.jsonl",
        (_row(one if texts else blank_trace(one, fields)) for one in run.traces()),
    )
    _lines(out / "units.jsonl", (u.json_line() for u in (run.units() if texts else map(_unit, run.units()))))
    _lines(
        out / "codings.jsonl",
        (c.json_line() for c in (run.codings() if texts else map(_coding, run.codings()))),
    )
    for path in run.folder.glob("*.locked.json"):
        write_text(out / path.name, path.read_bytes())
    sums = digests(out, RUN)
    sizes = {name: file_size(out / name) for name in sums}
    save_record(out / RUN, run.manifest.model_copy(update={"sha256": sums, "bytes": sizes, "shards": 0}))


def blank_trace(trace: Trace, fields: Collection[str] = ()) -> Trace:
    """The trace without its texts."""
    wanted = (name for name in fields if name.startswith(METADATA))
    kept = {
        name.removeprefix(METADATA): value for name in wanted if (value := field_of(trace, name)) is not None
    }
    return trace.model_copy(
        update={"question": "", "reasoning": "", "answer": "", "reference": None, "metadata": kept}
    )


def text_digests(traces: Iterator[Trace]) -> Iterator[dict[str, Any]]:
    """A row a trace: its id, what it is of, and sha256 and length of each of its texts, by which whoever has them knows them again."""
    for trace in traces:
        row = trace.model_dump(mode="json", exclude_none=True, exclude={*TEXTS, "metadata", "think"})
        for name in TEXTS:
            if text := getattr(trace, name):
                data = text.encode("utf-8", "surrogatepass")
                row |= {f"{name}_sha256": hashlib.sha256(data).hexdigest(), f"{name}_characters": len(text)}
        yield row


def _row(trace: Trace) -> dict[str, Any]:
    return trace.model_dump(mode="json", exclude_none=True)


def _unit(unit: Unit) -> Unit:
    return unit.model_copy(update={"text": ""})


def _coding(coding: Coding) -> Coding:
    said = coding.rationale if read_odds(coding.rationale) else None
    return coding.model_copy(update={"evidence": None, "rationale": said})


def _lines(path: Path, lines: Iterator[str]) -> None:
    with atomic(path) as file:
        file.writelines(lines)
