"""A packet: what a sample of units needs to be coded blind by several people, and to find its way back.

    PACKET/packet.json        codebook, unit scheme, coders, how the units were drawn, seed, digests (`PacketManifest`)
    PACKET/codebook.yaml      the codebook as it was
    PACKET/key/traces.jsonl   the traces whole, with condition, model and correctness: not for the coders
    PACKET/key/units.jsonl    all units of those traces; the drawn ones are coded, the others are their context
    PACKET/key/sample.csv     every unit that could have been drawn: stratum, inclusion_probability, drawn
    PACKET/A/order.jsonl      {"unit_id": …} in the order in which coder A sees them; {"practice": true} where so
    PACKET/A/…                what A is sent: a workbook, a task file, a project

Nothing in a coder's folder says what a machine or another coder thought, nor how the trace was made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from ..codebook import Code, Codebook, parse_codebook
from ..codebook.codebook import SNAPSHOT
from ..errors import InputError, RunError
from ..files.seal import PACKET, DigestWatch, Parsed, SealedRecord, models_of
from ..job import read_record
from ..sampling.assignment import CONTEXT
from ..trace import Trace, Unit


class PacketManifest(SealedRecord):
    """``packet.json``. ``drawn``: how (fraction, strata, enrichment …), as given; ``counts``: what came of it."""

    packet_id: str
    codebook: dict[str, str]
    scheme: str
    coders: tuple[str, ...] = Field(min_length=1)
    whole_traces: bool
    spans: bool = False
    """Whether coders draw spans of their own; then ``scheme`` is only what they are helped by, and ``order.jsonl`` says which traces."""
    context: int = CONTEXT
    seed: int
    drawn: dict[str, Any] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)
    source: dict[str, str] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)

    def what(self) -> str:
        """A packet is a packet."""
        return ""

    def settings(self) -> dict[str, Any]:
        """What was asked for, by the names a user knows."""
        asked = {"coders": ", ".join(self.coders), "scheme": self.scheme, "seed": self.seed}
        book = f"{self.codebook.get('id')}@{self.codebook.get('version')}"
        return {**self.drawn, **asked, "context": self.context, "codebook": book}

    def sources(self) -> dict[str, Any]:
        runs = {name: self.drawn.get(name, {}).get("run") for name in ("enrich", "active", "deferred")}
        return {**self.source, **runs}


_DRAWN = {
    "by": "strata by",
    "double": "share coded by every coder",
    "shuffle": "each coder's random order, of",
    "practice": "coded before for practice, counted nowhere",
    "fraction": "share asked for",
}


def drawn_in_words(drawn: Mapping[str, Any]) -> list[str]:
    """How a packet was drawn (`PacketManifest.drawn`), for a reader who knows no names of packet.json.

    >>> drawn_in_words({"what": "traces", "n": 5, "by": ["domain", "model"], "double": 1.0, "practice": 0})
    ['5 traces drawn', 'strata by: domain, model', 'share coded by every coder: 1.0', 'coded before for practice, counted nowhere: 0']
    """
    rest = {name: value for name, value in drawn.items() if value not in (None, [], "")}
    what, n = rest.pop("what", None), rest.pop("n", None)
    first = [f"{n:,} {what} drawn"] if what and n is not None else []
    return first + [
        f"{_DRAWN.get(name, name.replace('_', ' '))}: {_plain(value)}" for name, value in rest.items()
    ]


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_plain(one)}" for name, one in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list | tuple) else str(value)


class CodingTask(NamedTuple):
    """One unit as a coder sees it: its trace's question, the units before and after, and itself.

    ``number`` counts from 1 in the coder's own order; ``trace`` is `blind`.
    """

    number: int
    unit: Unit
    trace: Trace
    before: tuple[Unit, ...]
    after: tuple[Unit, ...]
    practice: bool = False

    @classmethod
    def of(cls, number: int, trace: Trace, units: Sequence[Unit], i: int, width: int) -> CodingTask:
        """The task of a trace's unit ``i``, with ``width`` units on each side."""
        before, after = units[max(0, i - width) : i], units[i + 1 : i + 1 + width]
        return cls(number, units[i], blind(trace), tuple(before), tuple(after))

    @property
    def before_text(self) -> str:
        """The units before it with what stands between them, as they are in the trace."""
        return self._slice(self.before)

    @property
    def after_text(self) -> str:
        """The units behind it, likewise."""
        return self._slice(self.after)

    def _slice(self, units: tuple[Unit, ...]) -> str:
        return self.trace.reasoning[units[0].start : units[-1].end] if units else ""


class Packet:
    """A packet on disk, for reading."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        none = RunError(f"{self.folder}: not a packet (no packet.json)", "make one with: pcode sample")
        self.manifest = read_record(self.folder / PACKET, PacketManifest, no_file=none)

    @cached_property
    def codebook(self) -> Codebook:
        """The codebook, checked against the recorded digest."""
        path = self._there(SNAPSHOT)
        book = parse_codebook(path.read_bytes(), str(path))
        if book.digest != self.manifest.codebook.get("digest"):
            raise RunError(f"{path} is not the codebook of the packet ({book.stamp})", _RESTORE)
        return book

    @cached_property
    def traces(self) -> dict[str, Trace]:
        """The sampled traces, whole, by id."""
        return {trace.id: trace for trace in self._read("key/traces.jsonl", Trace)}

    @cached_property
    def units(self) -> dict[str, list[Unit]]:
        """All units of the sampled traces, in order, by trace."""
        found: dict[str, list[Unit]] = {}
        for unit in self._read("key/units.jsonl", Unit):
            found.setdefault(unit.trace_id, []).append(unit)
        return found

    def check_coder(self, coder: str) -> None:
        """Raise `InputError` for a coder the packet is not for."""
        known = self.manifest.coders
        if coder not in known:
            raise InputError(f"{self.folder}: no coder is named {coder!r}", f"known: {', '.join(known)}")

    def tasks(self, coder: str) -> Iterator[CodingTask]:
        """What ``coder`` codes, in the coder's own order. Raises `InputError` for a coder the packet is not for."""
        self.check_coder(coder)
        place = {unit.id: (unit.trace_id, i) for units in self.units.values() for i, unit in enumerate(units)}
        name = f"{coder}/order.jsonl"
        for number, line in enumerate(self._read(name, _OrderLine), 1):
            if line.unit_id not in place:
                path = self._watch(name).through()  # which says more, where the file is not what it was
                raise RunError(f"{path}:{number}: {line.unit_id!r} is no unit of the packet", _RESTORE)
            trace_id, i = place[line.unit_id]
            task = CodingTask.of(
                number, self.traces[trace_id], self.units[trace_id], i, self.manifest.context
            )
            yield task._replace(practice=line.practice)

    def _read(self, name: str, model: type[Parsed]) -> Iterator[Parsed]:
        return models_of(self._watch(name), model)

    def _watch(self, name: str) -> DigestWatch:
        return DigestWatch(self._there(name), self.manifest.sha256.get(name), _RESTORE)

    def _there(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise RunError(f"{path} is missing", _RESTORE)
        return path


class _OrderLine(BaseModel, frozen=True):
    """A line of ``CODER/order.jsonl``."""

    unit_id: str
    practice: bool = False


_RESTORE = (
    "restore it from a copy, or draw the packet again with the same command, which puts its own files back"
)


def blind(trace: Trace) -> Trace:
    """The trace without what could sway a coder: condition, model, correctness, reference, metadata."""
    shown = {"id", "item", "question", "reasoning", "answer", "domain", "lang"}
    return Trace(**trace.model_dump(include=shown))


def blind_id(trace_id: str) -> str:
    """A trace's name in files for coders, since its own id may tell its condition or model: ``t`` and 16 hex digits.

    >>> blind_id("sk-17-cop-r1")
    't391de67428077950'
    """
    return "t" + blake2b(trace_id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


FIRST, MEMO, FLAG = "primary_code", "memo", "flag"
"""What a coder fills in, under the same names in every tool that lets us name things."""

TASK = frozenset({"coder", "codebook"})
"""Fields of every task that is sent, whatever the tool; no table of codings has both and no code."""

RANKS = (FIRST, "second_code", "third_code", *(f"code_{n}" for n in range(4, 21)))
"""Names of the fields for a unit's codes, as far as they are read."""


def unit_records(packet: Packet, coder: str) -> Iterator[dict[str, Any]]:
    """A coder's tasks in order, as every tool shows them: texts only, nothing that could sway a coder.

        number 7, trace 2   question "Which statement …"   before "Okay, so … "   unit "Wait, is it?"   after " No, 24."

    ``trace``: which of the coder's traces, counted from 1, by which coders see that units belong together. Texts are slices
    of the trace.
    """
    seen: dict[str, int] = {}
    for task in packet.tasks(coder):
        yield {
            "number": task.number,
            "trace": seen.setdefault(task.trace.id, len(seen) + 1),
            "practice": task.practice,
            "question": task.trace.question,
            "before": task.before_text,
            "unit": task.unit.text,
            "after": task.after_text,
            "unit_id": task.unit.id,
            "coder": coder,
            "codebook": packet.codebook.stamp,
        }


def trace_records(packet: Packet, coder: str, **more: Any) -> Iterator[dict[str, Any]]:
    """A coder's traces, whole, for tools in which stretches of a text are marked; ``more``: what the tool wants beside it."""
    for trace in {task.trace.id: task.trace for task in packet.tasks(coder)}.values():
        yield {
            "text": trace.reasoning,
            **more,
            "question": trace.question,
            "document": blind_id(trace.id),
            "coder": coder,
            "codebook": packet.codebook.stamp,
        }


def ranks(book: Codebook) -> tuple[str, ...]:
    """Names of the fields for a unit's codes: primary, second, … as many as the codebook allows."""
    return RANKS[: book.max_codes]


def in_context(record: dict[str, Any]) -> str:
    """A unit's record as one text, for tools that show one: the unit stands between two marks."""
    parts = [f"[question]\n{record['question']}"] if record["question"] else []
    body = [record["before"].rstrip(), f">>>>> {record['unit']} <<<<<", record["after"].lstrip()]
    return "\n\n".join([*parts, "[reasoning]\n" + "\n".join(part for part in body if part)])


def code_line(code: Code) -> str:
    return f"{code.id} {code.name}: {code.short}"


def definition(code: Code) -> list[tuple[str, str]]:
    """Headings and texts of a code's definition."""
    rules = [f"{rule.rule} (against {rule.against})" for rule in code.rules]
    hits = [f"“{hit.text}”" for hit in code.hits]
    misses = [f"“{miss.text}” → {miss.code}: {miss.why}" for miss in code.near_misses]
    parts = (
        ("Definition", [code.definition]),
        ("Include", code.include),
        ("Exclude", code.exclude),
        ("Rules", rules),
        ("Examples", hits),
        ("Near misses", misses),
    )
    return [(name, "\n".join(line.strip() for line in lines)) for name, lines in parts if lines]
