"""``pcode traces import``: files of other people's making → one ``traces.jsonl``, and nothing lost on the way.

    R1.jsonl  37 rows ─┬─ 36 traces   → traces.jsonl
                       └─  1 skipped  → traces.jsonl.skipped.jsonl   {"file", "line", "why", "raw"}

Rows are streamed; only the ids are held, so that a repeated one can name both places.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from shlex import quote
from typing import IO, Any, Literal

from ..errors import InputError, did_you_mean
from ..files.records import BadRow, atomic, dump
from ..files.table_rows import TableHead
from ..trace import Trace
from .compose import FieldPlan, NoThink, RowError
from .convert import REASONED, Converted, convert
from .corpus import SKIPPED, CorpusWriter
from .fields import KNOWN, check_targets, find, plain_name
from .format import Format, NoTrace, Record, Said
from .import_files import ImportFile, files_of
from .import_report import (
    ANSWERED,
    SHOWN,
    THINK_NOTES,
    ImportNote,
    ImportReport,
    TraceProblem,
    listed,
    mend_hint,
)
from .lossless import leaves
from .messages import NotChat, aligned
from .sniff import FAULTS, Formats, Found
from .think_tags import Pair

_TEXTS = ("question", "response", "reasoning", "answer")
_EMPTY = "neither reasoning nor answer"
_USED = " was used in "
_NO_QUESTION = "no question: coders will see the reasoning without it"
_ONE_MESSAGE = 'one message of a chat; a chat is one row: {"messages": […]}'
_MANY = "{} {} in one row: the first is taken, the others are in metadata; --explode generations makes each a trace"


def import_traces(
    files: Iterable[str | Path],
    out: str | Path,
    *,
    mapping: Mapping[str, str] | None = None,
    constants: Mapping[str, str | None] | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    no_think: NoThink | None = None,
    format: str | None = None,
    explode: str | None = None,
    think_tags: Sequence[Pair] = (),
    shards: int | None = None,
) -> ImportReport:
    """Convert ``files`` (directories, patterns and corpora too) into the traces file ``out``, whole or not at all.

    ``shards``: into a corpus of so many shards, in the folder or under the address ``out`` (`corpus`).

    ``mapping``: target → field (`fields.TARGETS`); ``constants``: target → value for every row. ``format``: the format of all rows,
    instead of what their content looks like. ``explode="generations"``: each generation of a row becomes a trace.
    With ``on_error="stop"`` any bad row raises `InputError` (all are counted, the first 50 named) and nothing is
    written; with ``"skip"`` the good rows are written and the bad ones go to ``OUT.skipped.jsonl``. Records that are no traces by
    their nature (a request that failed, a span that is no model call) go there in both cases.
    """
    sources = files_of([Path(file) for file in files], Path(out))
    plan = _plan(mapping or {}, constants or {}, no_think, think_tags)
    job = _Importing(plan, ImportReport(str(out)), on_error, Formats(format), explode)
    if shards is not None:
        return _into_corpus(job, sources, out, shards)
    out = Path(out)
    aside = out.with_name(out.name + ".skipped.jsonl")
    with ExitStack() as stack:
        good, bad = stack.enter_context(atomic(out)), stack.enter_context(atomic(aside))
        for source in sources:
            job.read(source.here(), lambda trace: good.write(_line(trace)), bad)
        job.finish()
    job.report.aside = str(aside) if job.report.skipped else None
    if not job.report.skipped:
        aside.unlink(missing_ok=True)
    return job.report


def _into_corpus(job: _Importing, sources: list[ImportFile], out: str | Path, shards: int) -> ImportReport:
    with CorpusWriter(out, shards) as corpus, corpus.place.writer(SKIPPED) as file:
        bad = TextIOWrapper(file, "utf-8", newline="")
        for source in sources:
            job.read(source.here(), corpus.put, bad)
        job.finish()
        bad.flush()
        bad.detach()
    if job.report.skipped:
        job.report.aside = f"{corpus.place}/{SKIPPED}"
    return job.report


def _line(trace: Trace) -> str:
    return dump(trace.model_dump(mode="json", exclude_defaults=True)) + "\n"


def _plan(
    mapping: Mapping[str, str],
    constants: Mapping[str, str | None],
    no_think: NoThink | None,
    tags: Sequence[Pair],
) -> FieldPlan:
    given = {target: value for target, value in constants.items() if value is not None}
    check_targets([*mapping, *given])
    for target in given.keys() & mapping.keys():
        raise InputError(
            f"{target} is given both a value ({given[target]!r}) and a field ({mapping[target]!r})",
            "drop one of them",
        )
    if "id" in given:
        raise InputError("id cannot be the same for all rows", "use --map id=FIELD")
    return FieldPlan(mapping, given, no_think, tags)


class _Importing:
    """The state of one import."""

    def __init__(
        self, plan: FieldPlan, report: ImportReport, on_error: str, formats: Formats, explode: str | None
    ) -> None:
        self.plan, self.report, self.skip = plan, report, on_error == "skip"
        self.formats, self.explode = formats, explode
        self.paths: list[Path] = []
        self.seen: dict[str, int] = {}
        self.found: Counter[str] = Counter()
        self.columns: dict[str, None] = {}
        self.sheets: dict[Path, str] = {}
        self.elsewhere: Counter[str] = Counter()
        self.joins: dict[str, list[Any]] = {}
        self.asked: dict[str, Record] = {}

    def read(self, path: Path, put: Callable[[Trace], object], bad: IO[str]) -> None:
        """One file."""
        self.paths.append(path)
        self.joins = {}
        rows, traces = self.report.rows, self.report.traces
        for found in self._records(path):
            self.report.rows += 1
            raw = found.raw if isinstance(found, BadRow) else found.row.data
            try:
                if isinstance(found, BadRow):
                    raise RowError(found.why)
                for trace in self._traces(path, found):
                    put(trace)
                    self.report.traces += 1
            except (RowError, RecursionError, NoTrace, NotChat) as error:
                self._refuse(path, found, error, raw, bad)
        self.report.files[str(path)] = (self.report.rows - rows, self.report.traces - traces)

    def _records(self, path: Path) -> Iterator[Found | BadRow]:
        """Records of a file; where the rest of it cannot be read, that is one bad row more."""
        head = TableHead(self._names_texts)
        try:
            for found in self.formats.records(path, head):
                if isinstance(found, Found) and not self.joins and self.formats.all[found.format].joins:
                    self.joins = self._joined(path, head)
                yield found
        except InputError as error:
            if not self.skip:
                raise
            why = error.message.removeprefix(f"{path}: ")
            yield BadRow(0, f"{why}; nothing behind this place was read", "")
        for note in head.notes:
            self._note(note.removeprefix(str(path)).lstrip(": "), str(path))

    def _joined(self, path: Path, head: TableHead) -> dict[str, list[Any]]:
        """What the records of one response add to each other, by what they share: the file is read once for this alone."""
        added: dict[str, list[Any]] = {"": []}
        for found in self.formats.records(path, head):
            if isinstance(found, Found) and (joins := self.formats.all[found.format].joins):
                shared = joins(found.row.data)
                if shared:
                    added.setdefault(shared[0], []).append(shared[1])
        return added

    def _names_texts(self, names: Sequence[str]) -> bool:
        """Whether a row of a table is its header: one that names a text of a trace."""
        wanted = {field for target in _TEXTS for field in KNOWN[target]}
        return any(plain_name(name) in wanted for name in names) or bool(
            {*self.plan.mapping.values()} & {*names}
        )

    def _traces(self, path: Path, found: Found) -> list[Trace]:
        """The traces in a record: all, or none."""
        record, format = self._with_request(found.row.data), self.formats.all[found.format]
        self._note_columns(record)
        more = self._more(format, record)
        if more is None:
            self.report.joined += 1
            self.report.formats[found.format] += 1
            return []
        where = f"{path}:{found.row.line}" + (f" (element {found.row.nth})" if found.row.nth else "")
        made: list[Converted] = []
        for k, (row, said) in enumerate(self._said(format, record), 1):
            said.more |= more
            default = self._default_id(path, found)
            if self.explode and self._many:
                said.item = said.item or said.id or default
                default, said.id = f"{said.id or default}:{k}", None
            made.append(convert(row, said, self.plan, default))
        for converted in made:
            self._claim(converted.trace.id, found)
        self.report.formats[found.format] += 1
        self.report.exploded += len(made) - 1
        for converted in made:
            self._count(converted, where)
        return [converted.trace for converted in made]

    def _with_request(self, record: Record) -> Record:
        """A batch's reply together with its request, where that stood in a file before; requests are kept for it."""
        id = record.get("custom_id")
        if not isinstance(id, str):
            return record
        if record.keys() & {"response", "result", "error"}:
            return {**self.asked.get(id, {}), **record}
        self.asked[id] = {name: record[name] for name in ("body", "params") if name in record}
        return record

    def _more(self, format: Format, record: Record) -> dict[str, Any] | None:
        """What other records of the same response add to it; ``None`` for those others."""
        shared = format.joins(record) if format.joins else None
        if shared is None or len(self.joins.get(shared[0], ())) == 1:
            return {}
        added = self.joins.get(shared[0])
        self.joins[shared[0]] = []
        return {"filters": added} if added else None

    def _said(self, format: Format, record: Record) -> list[tuple[Record, Said]]:
        """What the record says, generation by generation if they are to be told apart."""
        several = self._read(format, record)
        self._many = len(several) > 1
        spoken = [one for one in several if one.known or one.response or one.reasoning or one.answer]
        if not spoken and not {*_TEXTS} & self.plan.mapping.keys() and not _says_more(record, several):
            raise NoTrace("an empty output")
        if self._many and self.explode:
            return [(aligned(one.record or record, len(several), k), one) for k, one in enumerate(several)]
        if self.explode and isinstance(column := record.get(self.explode), list):
            self._many = len(column) > 1
            rows = [aligned(record, len(column), k) for k in range(len(column))]
            return [(row, self._read(format, row)[0]) for row in rows]
        if self._many:
            kind = "choices" if "choices" in record else "generations"
            several[0].notes.append(_MANY.format(len(several), kind))
        return [(record, several[0])]

    @staticmethod
    def _read(format: Format, record: Record) -> list[Said]:
        try:
            said = format.read(record)
            return said if isinstance(said, list) else [said]
        except NotChat as error:
            raise RowError(str(error)) from None
        except FAULTS as error:
            raise RowError(f"not as this format is written ({type(error).__name__}: {error})") from None

    def _default_id(self, path: Path, found: Found) -> str:
        # The first sheet's ids are those of a workbook with one sheet.
        row, stem = found.row, path.name.split(".")[0] if path.suffix in (".gz", ".zst") else path.stem
        if row.sheet != self.sheets.setdefault(path, row.sheet):
            stem = f"{stem}[{row.sheet}]"
        return f"{stem}:{row.nth or row.line}" + (f".{found.part}" if found.part else "")

    def _claim(self, id: str, found: Found) -> None:
        """Take an id for a trace; raise if another has it."""
        if id in self.seen:
            file, rest = divmod(self.seen[id], 1 << 56)
            line, nth = divmod(rest, 1 << 24)
            place = f"{self.paths[file]}:{line}" + (f" (element {nth})" if nth else "")
            raise RowError(f"id {id!r}{_USED}{place}")
        nth = min(found.row.nth or 0, (1 << 24) - 1)
        self.seen[id] = ((len(self.paths) - 1) << 56) + (found.row.line << 24) + nth

    def _note_columns(self, data: dict[str, Any]) -> None:
        if len(self.columns) < 200:
            for name, value in data.items():
                self.columns[name] = None
                if isinstance(value, dict):
                    self.columns |= dict.fromkeys(f"{name}.{inner}" for inner in list(value)[:20])
        for target, name in self.plan.mapping.items():
            self.found[target] += bool(find(data, name)[1])

    def _note(self, text: str, where: str) -> None:
        self.report.notes.setdefault(text, ImportNote()).add(where)

    def _count(self, converted: Converted, where: str) -> None:
        report, trace = self.report, converted.trace
        report.mapped.update(converted.sources.items())
        report.think[trace.think or "field"] += 1
        notes = [*converted.notes, *([] if trace.question.strip() else [_NO_QUESTION])]
        if trace.think in THINK_NOTES:
            answered = trace.think == "absent" and not trace.reasoning
            if not (trace.think == "absent" and trace.reasoning and trace.answer):
                notes.append(ANSWERED if answered else THINK_NOTES[trace.think])
        notes += [f"no field {self.plan.mapping[target]!r} ({target})" for target in converted.absent]
        for text in notes:
            self._note(text, where)

    def _refuse(self, path: Path, found: Found | BadRow, error: Exception, raw: Any, bad: IO[str]) -> None:
        """Count a record that gives no trace, and write it aside."""
        row = found if isinstance(found, BadRow) else found.row
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        by_nature = isinstance(error, NoTrace)
        self.report.skipped += 1
        self.report.left_out += by_nature
        place = f"{path}[{row.sheet}]" if row.sheet else str(path)
        if isinstance(found, Found):
            if found.row.nth:
                why = f"element {found.row.nth}: {why}"
            if _EMPTY in why and {"role", "content"} <= found.row.data.keys():
                why = why.replace(_EMPTY, _ONE_MESSAGE)
            elif _EMPTY in why:
                self._look_elsewhere(found.row.data)
        problem = TraceProblem(place, row.line, why)
        if by_nature:
            self._note(f"no trace: {error}", f"{place}:{row.line}")
        elif len(self.report.problems) < SHOWN:
            self.report.problems.append(problem)
        # ASCII, because what made the row bad may be text that UTF-8 cannot hold.
        text = raw if isinstance(raw, str) else json.dumps(raw, default=str)
        bad.write(json.dumps(problem._asdict() | {"raw": text}) + "\n")

    def _look_elsewhere(self, record: Record) -> None:
        """Where the texts of a record stand that gave no trace, fields that were just tried aside."""
        if self.elsewhere.total() < 1000:
            tried = {*self.plan.mapping.values()}
            for path, text in leaves(record):
                if len(text) >= 20 and path not in tried:
                    self.elsewhere[path] += len(text)

    def finish(self) -> None:
        """Raise if nothing may be written."""
        report = self.report
        for target, name in self.plan.mapping.items():
            if not self.found[target] and self.columns:
                what = f"--map {target}={name}: no row has a field {name!r}"
                raise InputError(what, did_you_mean(name, [c for c in self.columns if c != name]))
        if not report.rows:
            raise InputError(f"{', '.join(report.files)}: no rows", "nothing was written")
        if report.left_out == report.rows:
            why = "".join(
                f"\n  {note.count} × {text}: {', '.join(note.first)}" for text, note in report.notes.items()
            )
            raise InputError(
                f"none of {report.rows} rows is a trace; nothing was written{why}", self._where_texts()
            )
        if report.problems and not self.skip:
            shown = listed(report.problems, report.skipped - report.left_out)
            clash = any(_USED in problem.why for problem in report.problems)
            raise InputError(
                f"{report.skipped} of {report.rows} rows cannot be imported; nothing was written{shown}",
                mend_hint(report.traces)
                + ("; ids can be taken from a field with --map id=FIELD" if clash else "")
                + self._where_texts("; "),
            )

    def _where_texts(self, before: str = "") -> str:
        if not self.elsewhere:
            return before and ""
        names = [name for name, _ in self.elsewhere.most_common(4)]
        thought = next((name for name in names if REASONED.search(name)), None)
        take = quote(f"reasoning={thought}") if thought else "response=FIELD"
        return f"{before}texts stand in {', '.join(names)}: --map {take} takes one"


def _says_more(record: Record, several: list[Said]) -> bool:
    """Whether some text of a record is no part of what was asked: then its output may only stand where nobody looked."""
    asked = [
        text
        for one in several
        for text in (one.question, one.prompt, *one.more.values())
        if isinstance(text, str)
    ]
    return any(
        len(leaf.split()) > 3 and not any(leaf in text for text in asked) for _, leaf in leaves(record)
    )
