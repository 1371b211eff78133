"""A coded corpus that comes with the package: its items and traces, what each coder returned, and what was decided.

    corpus/teaching/corpus.json       what it is, under which codebook it was coded, how the packet was drawn
                    traces.jsonl README.md LICENSE items.jsonl (where the items are WBEB's)
                    returned/C1.csv … what came back of the packet, a file a coder
                    decisions.jsonl   {"unit_id": "u3f…", "codes": ["OA-SR"], "reason": "states the answer; no yardstick"}

    copy_corpus("teaching", "out")    out/packet/ is drawn, out/coders/ imported from what was returned, out/adjudicated/ made
                                      of both with the decisions: everything anew, by the code that everybody's own packets use

Items are in one of three parts (`metadata.part` of every trace): ``train``, ``dev`` and ``test``.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field, ValidationError

from ..codebook import load_codebook
from ..errors import InputError, RunError, did_you_mean, first_fault
from ..files.json_text import parse_json
from ..files.records import write_csv, write_jsonl
from ..files.seal import LEDGER, WEB_LOG, DigestWatch, difference, models_of
from ..intake import read_traces
from ..job import JobFolder, JobRecord
from ..provenance import digest, file_digest, now
from ..runs.run import CoderKind, CoderRun
from ..sampling.assignment import Design
from ..sampling.draw_sample import draw_sample
from ..shipped import folder as shipped
from ..trace import Trace
from ..wbeb.item import read_items, write_items
from .adjudication import Dispute, Material, write_adjudicated
from .adjudication_material import from_runs
from .coding_log import LoggedChange, Work
from .import_codings import import_codings
from .write_packet import write_packet

Part = Literal["train", "dev", "test"]
PARTS: tuple[str, ...] = get_args(Part)
RECORD, ITEMS, TRACES, DECISIONS = "corpus.json", "items.jsonl", "traces.jsonl", "decisions.jsonl"
_BESIDE = ("README.md", "LICENSE")
PACKET, CODERS, ADJUDICATED = "packet", "coders", "adjudicated"
_RESTORE = "install the package again, or restore the folder"


class Corpus(BaseModel, frozen=True, extra="forbid"):
    """``corpus.json``. ``kind``: what its coders are; ``adjudicator``: who decided; ``at``: the day of the decisions."""

    id: str
    version: str
    title: str
    licence: str
    codebook: str
    coders: tuple[str, ...] = Field(min_length=2)
    kind: CoderKind
    adjudicator: str
    at: str
    seed: int
    items: int
    traces: int
    units: int
    sha256: dict[str, str]
    """Of the items, where they are a file, the traces, the decisions and what was returned."""


class Decision(BaseModel, frozen=True, extra="forbid"):
    """A line of ``decisions.jsonl``."""

    unit_id: str
    codes: tuple[str, ...] = Field(min_length=1)
    reason: str = Field(min_length=1)


class CopyRecord(JobRecord):
    """``copy.json`` of a copied corpus."""

    corpus: str
    part: str
    codebook: str
    source: dict[str, str]

    def settings(self) -> dict[str, Any]:
        """Which corpus, and which part of it."""
        return {"corpus": self.corpus, "part": self.part, "codebook": self.codebook}


def corpora() -> list[Corpus]:
    """Those that come with the package."""
    return [_read(path.parent) for path in sorted(shipped("corpus").glob(f"*/{RECORD}"))]


def find_corpus(name: str) -> tuple[Path, Corpus]:
    """The folder and the record of a corpus, by its id. Raises `InputError` where there is none of that name."""
    known = [path.parent.name for path in sorted(shipped("corpus").glob(f"*/{RECORD}"))]
    if name not in known:
        raise InputError(f"no corpus is called {name!r}", did_you_mean(name, known))
    folder = shipped("corpus") / name
    return folder, _read(folder)


def _read(folder: Path) -> Corpus:
    path = folder / RECORD
    try:
        corpus = Corpus.model_validate(parse_json(path.read_text(encoding="utf-8")))
    except ValueError as error:
        why = first_fault(error) if isinstance(error, ValidationError) else error
        raise InputError(f"{path}: {why}", _RESTORE) from None
    if corpus.id != folder.name:
        raise InputError(f"{path}: its id is {corpus.id!r}, and its folder is called otherwise", _RESTORE)
    needed = (TRACES, DECISIONS, *(f"returned/{coder}.csv" for coder in corpus.coders))
    if unsealed := [name for name in needed if name not in corpus.sha256]:
        raise InputError(f"{path}: sha256 lacks {unsealed[0]}", _RESTORE)
    return corpus


def corpus_traces(name: str, part: str | None = None) -> Iterator[Trace]:
    """The traces of a corpus, or of one part of it."""
    folder, _ = find_corpus(name)
    if part not in (None, *PARTS):
        raise InputError(f"no part is called {part!r}", f"there are: {', '.join(PARTS)}")
    return (
        trace for trace in read_traces(folder / TRACES) if part is None or trace.metadata.get("part") == part
    )


def copy_corpus(name: str, out: str | Path, part: str | None = None) -> CopyRecord:
    """Copy a corpus into the folder ``out``, and make its packet and its runs anew; ``part``: of these items alone.

    A copy that was killed is begun again by the same call. Raises `InputError` for a name, or a part, that is not there, and `RunError`
    where the corpus is not as it came, or somebody has worked in the copy.
    """
    source, corpus = find_corpus(name)
    sums = {name: file_digest(source / name) for name in corpus.sha256 if (source / name).is_file()}
    wrong = [name for name, then in corpus.sha256.items() if sums.get(name) != then]
    if wrong := [*wrong, *(name for name in _BESIDE if not (source / name).is_file())]:
        raise RunError(f"{source / wrong[0]} is missing, or not what came with the package", _RESTORE)
    traces = list(corpus_traces(name, part))
    if not traces:
        raise InputError(
            f"{corpus.id} has no trace in {part or 'any part'}", "copy another part, or all of it"
        )
    book = load_codebook(corpus.codebook)
    record = CopyRecord(
        fingerprint=digest({"corpus": sums, "part": part, "codebook": book.digest}),
        started=now(),
        corpus=f"{corpus.id} {corpus.version}",
        part=part or "all",
        codebook=book.stamp,
        source=sums,
    )
    folder = Path(out)
    with JobFolder(folder, record, holds="corpus", name="copy.json") as job:
        if job.previous and job.previous.status == "complete" and not job.damaged():
            return job.previous
        if theirs := _worked_on(folder, job.previous):
            raise RunError(
                f"{theirs} was changed or added since the copy was made, and would be lost",
                "copy the corpus into another folder",
            )
        job.save()
        for made in (PACKET, CODERS, ADJUDICATED):
            shutil.rmtree(folder / made, ignore_errors=True)
        for path in (*_BESIDE, RECORD):
            shutil.copyfile(source / path, folder / path)
        if ITEMS in corpus.sha256:
            mine = {trace.item for trace in traces}
            write_items(folder / ITEMS, (item for item in read_items(source / ITEMS) if item.id in mine))
        write_jsonl(folder / TRACES, (one.model_dump(mode="json", exclude_defaults=True) for one in traces))
        _rebuild(source, corpus, folder)
        return job.finish("complete")


def _worked_on(folder: Path, previous: CopyRecord | None) -> Path | None:
    """A file that would be made anew and is not as the copy left it: somebody's codings, decisions or notes."""
    then, sizes = (previous.sha256, previous.bytes) if previous else ({}, {})
    for name in then:
        path = folder / name
        if path.is_file() and difference(path, sizes.get(name), then[name]):
            return path
    for made in (PACKET, CODERS, ADJUDICATED):
        for path in sorted((folder / made).rglob("*")):
            name = path.relative_to(folder).as_posix()
            if not path.is_file() or path.name == ".lock":
                continue
            if path.name in (WEB_LOG, LEDGER) or (then and name not in then):
                return path
    return None


def _rebuild(source: Path, corpus: Corpus, folder: Path) -> None:
    """Packet, import, adjudication."""
    design = Design(coders=corpus.coders, fraction=1.0, seed=corpus.seed)
    packet = write_packet(draw_sample(folder / TRACES, design, codebook=corpus.codebook), folder / PACKET)
    units = {unit.id for found in packet.units.values() for unit in found}
    files = [
        _returned(source / "returned" / f"{coder}.csv", units, folder / PACKET) for coder in corpus.coders
    ]
    import_codings(files, None, folder / CODERS, packet=folder / PACKET, kind=corpus.kind)
    material = from_runs([CoderRun(folder / CODERS)])
    work = _work(source / DECISIONS, corpus, material, units)
    write_adjudicated(material, work, folder / ADJUDICATED, [corpus.adjudicator], kind=corpus.kind)


def _returned(path: Path, units: set[str], packet: Path) -> Path:
    """What a coder returned of these units, put where the coder's own files are."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file, strict=True)
    out = packet / path.stem / "returned.csv"
    write_csv(out, [head, *(row for row in rows if row[head.index("unit_id")] in units)])
    return out


def _work(path: Path, corpus: Corpus, material: Material, units: set[str]) -> Work:
    """The decisions, as the log of who adjudicates would hold them."""
    disputes = {dispute.task.unit.id: dispute for dispute in material.disputes()}
    work = Work()
    for n, (decision, dispute) in enumerate(_decisions(path, disputes, units), start=1):
        change = LoggedChange(
            n=n,
            at=corpus.at,
            unit_id=decision.unit_id,
            codes=decision.codes,
            memo=decision.reason,
            who=corpus.adjudicator,
            said=dispute.codes,
        )
        work.take(change, row=n + 1)
    return work


def _decisions(
    path: Path, disputes: dict[str, Dispute], units: set[str]
) -> Iterator[tuple[Decision, Dispute]]:
    for decision in models_of(DigestWatch(path, None, _RESTORE), Decision):
        if decision.unit_id in units:
            if decision.unit_id not in disputes:
                raise RunError(f"{path}: the coders agree on {decision.unit_id}", _RESTORE)
            yield decision, disputes[decision.unit_id]
