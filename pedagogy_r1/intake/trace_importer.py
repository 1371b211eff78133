"""``pcode traces import``: files of other people's making → one ``traces.jsonl``, and nothing lost on the way.

    R1.jsonl  37 rows ─┬─ 36 traces   → traces.jsonl
                       └─  1 skipped  → traces.jsonl.skipped.jsonl   {"file", "line", "why", "raw"}

Rows are streamed; only the ids are held, so that a repeated one can name both places.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from ..errors import InputError, did_you_mean
from ..files.records import BadRow, Row, atomic, dump, need_file, read_rows
from ..files.table_rows import TableHead
from .convert import Converted, FieldPlan, NoThink, RowError, convert
from .fields import KNOWN, check_targets, find, plain_name

_TEXTS = ("question", "response", "reasoning", "answer")
SHOWN = 50
"""Problems kept in memory and printed; all of them are counted, and with ``skip`` written aside."""


def listed(problems: Sequence[object], count: int) -> str:
    """The first of ``count`` problems, one a line, and how many more there are."""
    shown = "".join(f"\n  {problem}" for problem in problems[:SHOWN])
    return shown + (f"\n  … and {count - SHOWN} more" if count > SHOWN else "")


THINK_NOTES = {
    "unclosed": "<think> never closed: cut off while thinking; all of it is reasoning, the answer is empty",
    "unopened": "</think> without <think>: what stands before it is reasoning",
    "repeated": "more than one pair of <think> and </think>: split at the first </think>, the other tags stay in the texts",
    "absent": "no <think> at all: all of it is taken as reasoning",
}
_ANSWERED = "no <think> at all: all of it is taken as answer"


class TraceProblem(NamedTuple):
    """A row that cannot be imported. ``line`` 0 means the file itself."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}" if self.line else f"{self.file}: {self.why}"


@dataclass
class ImportNote:
    """Something worth knowing about rows that were imported: how many, and the first few places."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, where: str) -> None:
        self.count += 1
        if len(self.first) < 3:
            self.first.append(where)


@dataclass
class ImportReport:
    """What an import did. ``mapped`` counts rows by (target, field); ``files`` has (rows, traces) of each file."""

    out: str
    rows: int = 0
    traces: int = 0
    skipped: int = 0
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    mapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    think: Counter[str] = field(default_factory=Counter)
    notes: dict[str, ImportNote] = field(default_factory=dict)
    problems: list[TraceProblem] = field(default_factory=list)
    aside: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "out": self.out,
            "rows": self.rows,
            "traces": self.traces,
            "skipped": self.skipped,
            "skipped_file": self.aside,
            "files": {name: {"rows": rows, "traces": traces} for name, (rows, traces) in self.files.items()},
            "mapped": [{"target": to, "field": name, "rows": n} for (to, name), n in self.mapped.items()],
            "think": dict(self.think),
            "notes": [{"note": text, "rows": n.count, "first": n.first} for text, n in self.notes.items()],
            "problems": [problem._asdict() for problem in self.problems],
        }


def import_traces(
    files: Iterable[str | Path],
    out: str | Path,
    *,
    mapping: Mapping[str, str] | None = None,
    constants: Mapping[str, str | None] | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    no_think: NoThink = "reasoning",
) -> ImportReport:
    """Convert ``files`` into the traces file ``out``, whole or not at all.

    ``mapping``: target → field (`fields.TARGETS`); ``constants``: target → value for every row. With
    ``on_error="stop"`` any bad row raises `InputError` (all are counted, the first 50 named) and nothing is
    written; with ``"skip"`` the good rows are written and the bad ones go to ``OUT.skipped.jsonl``.
    """
    paths, out = [Path(file) for file in files], Path(out)
    plan = _plan(mapping or {}, constants or {}, no_think)
    _check_paths(paths, out)
    aside = out.with_name(out.name + ".skipped.jsonl")
    job = _Importing(plan, ImportReport(str(out)), on_error)
    with ExitStack() as stack:
        good = stack.enter_context(atomic(out))
        bad = stack.enter_context(atomic(aside)) if on_error == "skip" else None
        for path in paths:
            job.read(path, good, bad)
        job.finish()
    report = job.report
    if report.skipped:
        report.aside = str(aside)
    else:
        aside.unlink(missing_ok=True)
    return report


def _plan(mapping: Mapping[str, str], constants: Mapping[str, str | None], no_think: NoThink) -> FieldPlan:
    given = {target: value for target, value in constants.items() if value is not None}
    check_targets([*mapping, *given])
    for target in given.keys() & mapping.keys():
        raise InputError(
            f"{target} is given both a value ({given[target]!r}) and a field ({mapping[target]!r})",
            "drop one of them",
        )
    if "id" in given:
        raise InputError("id cannot be the same for all rows", "use --map id=FIELD")
    return FieldPlan(mapping, given, no_think)


def _check_paths(paths: list[Path], out: Path) -> None:
    if not paths:
        raise InputError("no file to import", "name at least one")
    for path in paths:
        need_file(path)
        if out.resolve() == path.resolve():
            raise InputError(f"{out} is an input and would be overwritten", "choose another file with -o")


class _Importing:
    """The state of one import."""

    def __init__(self, plan: FieldPlan, report: ImportReport, on_error: str) -> None:
        self.plan, self.report, self.skip = plan, report, on_error == "skip"
        self.seen: dict[str, str] = {}
        self.found: Counter[str] = Counter()
        self.columns: dict[str, None] = {}
        self.sheets: dict[Path, str] = {}

    def read(self, path: Path, good: IO[str], bad: IO[str] | None) -> None:
        rows, traces = self.report.rows, self.report.traces
        for row in self._rows(path):
            self.report.rows += 1
            raw = row.raw if isinstance(row, BadRow) else row.data
            try:
                if isinstance(row, BadRow):
                    raise RowError(row.why)
                good.write(self._line(path, row))
                self.report.traces += 1
            except (RowError, RecursionError) as error:
                why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
                if isinstance(row, Row) and row.nth:
                    why = f"element {row.nth}: {why}"
                place = f"{path}[{row.sheet}]" if row.sheet else str(path)
                self._refuse(TraceProblem(place, row.line, why), raw, bad)
        self.report.files[str(path)] = (self.report.rows - rows, self.report.traces - traces)

    def _rows(self, path: Path) -> Iterator[Row | BadRow]:
        """Rows of a file; where the rest of it cannot be read, that is one bad row more."""
        head = TableHead(self._names_texts)
        try:
            yield from read_rows(path, head)
        except InputError as error:
            if not self.skip:
                raise
            why = error.message.removeprefix(f"{path}: ")
            yield BadRow(0, f"{why}; nothing behind this place was read", "")

        for note in head.notes:
            self.report.notes.setdefault(note.removeprefix(str(path)).lstrip(": "), ImportNote()).add(
                str(path)
            )

    def _names_texts(self, names: Sequence[str]) -> bool:
        """Whether a row of a table is its header: one that names a text of a trace."""
        wanted = {field for target in _TEXTS for field in KNOWN[target]}
        return any(plain_name(name) in wanted for name in names) or bool(
            {*self.plan.mapping.values()} & {*names}
        )

    def _line(self, path: Path, row: Row) -> str:
        self._note_columns(row.data)
        # The first sheet's ids are those of a workbook with one sheet.
        stem = (
            path.stem if row.sheet == self.sheets.setdefault(path, row.sheet) else f"{path.stem}[{row.sheet}]"
        )
        converted = convert(row.data, self.plan, f"{stem}:{row.nth or row.line}")
        trace, where = converted.trace, f"{path}:{row.line}" + (f" (element {row.nth})" if row.nth else "")
        if trace.id in self.seen:
            raise RowError(f"id {trace.id!r} was used in {self.seen[trace.id]}")
        line_text = dump(trace.model_dump(mode="json", exclude_defaults=True)) + "\n"
        self.seen[trace.id] = where
        self._count(converted, where)
        return line_text

    def _note_columns(self, data: dict[str, Any]) -> None:
        if len(self.columns) < 200:
            for name, value in data.items():
                self.columns[name] = None
                if isinstance(value, dict):
                    self.columns |= dict.fromkeys(f"{name}.{inner}" for inner in list(value)[:20])
        for target, name in self.plan.mapping.items():
            self.found[target] += bool(find(data, name)[1])

    def _count(self, converted: Converted, where: str) -> None:
        report, trace = self.report, converted.trace
        report.mapped.update(converted.sources.items())
        report.think[trace.think or "field"] += 1
        notes = list(converted.notes)
        if trace.think in THINK_NOTES:
            answered = trace.think == "absent" and not trace.reasoning
            notes.append(_ANSWERED if answered else THINK_NOTES[trace.think])
        notes += [f"no field {self.plan.mapping[target]!r} ({target})" for target in converted.absent]
        for text in notes:
            report.notes.setdefault(text, ImportNote()).add(where)

    def _refuse(self, problem: TraceProblem, raw: Any, bad: IO[str] | None) -> None:
        self.report.skipped += 1
        if len(self.report.problems) < SHOWN:
            self.report.problems.append(problem)
        if bad is not None:
            # ASCII, because what made the row bad may be text that UTF-8 cannot hold.
            text = raw if isinstance(raw, str) else json.dumps(raw, default=str)
            bad.write(json.dumps(problem._asdict() | {"raw": text}) + "\n")

    def finish(self) -> None:
        """Raise if nothing may be written."""
        report = self.report
        for target, name in self.plan.mapping.items():
            if not self.found[target] and self.columns:
                what = f"--map {target}={name}: no row has a field {name!r}"
                raise InputError(what, did_you_mean(name, list(self.columns)))
        if not report.rows:
            raise InputError(f"{', '.join(report.files)}: no rows", "nothing was written")
        if report.problems and not self.skip:
            shown = listed(report.problems, report.skipped)
            raise InputError(
                f"{report.skipped} of {report.rows} rows cannot be imported; nothing was written{shown}",
                f"mend them, or import the other {report.traces} with --on-error skip; ids can be taken from a field with --map id=FIELD",
            )
