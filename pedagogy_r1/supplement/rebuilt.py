"""A report made again from what an archive holds, and held against the one in it, number by number.

    tables.alpha[0].value       0.7917 there, 0.7921 rebuilt
    tables/alpha.csv            row 3, low: …

Numbers are the same if they agree to nine digits: other versions of a library may differ in the last ones. Dates and the paragraph
on software are not compared.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from math import isclose
from pathlib import Path
from typing import Any, NamedTuple

from ..files.records import write_text
from ..report.report_record import ReportRecord, read_report, record_of
from ..report.study_report import Report, make_report, write_report
from .archive_record import STUDY

DIGITS = 1e-9
"""Relative difference up to which two numbers are the same."""


class Difference(NamedTuple):
    """``where``: in report.json, or a file and a cell."""

    where: str
    there: Any
    rebuilt: Any

    @property
    def words(self) -> str:
        """In a line."""
        return f"{self.where}: {_short(self.there)} there, {_short(self.rebuilt)} rebuilt"


class ReportComparison(NamedTuple):
    """How many ``numbers`` and ``texts`` were compared, and which differ."""

    numbers: int
    texts: int
    differences: tuple[Difference, ...]


class WithoutTexts(NamedTuple):
    """``files`` of the report as they are without the texts; ``lost``: what does not come out without them."""

    files: dict[str, Path]
    lost: tuple[str, ...]


def make_again(folder: Path) -> tuple[ReportRecord, Report]:
    """The report in ``folder``, as it is recorded and as it comes out of the runs. Raises what `make_report` raises."""
    record = read_report(folder)
    found = make_report(
        record.runs_at(folder),
        record.settings_at(folder),
        title=record.title,
        partial=True,
        said=record.partial,
    )
    return record, found


def compare(folder: Path, record: ReportRecord, found: Report) -> ReportComparison:
    """Every number and sentence of ``report.json``, and every cell of the tables beside it."""
    numbers = texts = 0
    differences = []
    again = record_of(found, folder).numbers()
    for where, there, rebuilt in _pairs("", record.numbers(), again):
        number = _is_number(there) or _is_number(rebuilt)
        numbers, texts = numbers + number, texts + (not number)
        if not _same(there, rebuilt):
            differences.append(Difference(where, there, rebuilt))
    for table in map(found.as_file, found.tables):
        for name, text in (
            (f"tables/{table.name}.csv", table.csv()),
            (f"tables/{table.name}.tex", table.latex()),
        ):
            path = folder / name
            if not path.is_file():
                differences.append(Difference(name, "no file", "a table"))
            else:
                differences += _in_table(name, path.read_bytes().decode("utf-8", "replace"), text)
    return ReportComparison(numbers, texts, tuple(differences))


def _in_table(name: str, there: str, rebuilt: str) -> Iterator[Difference]:
    if there == rebuilt:
        return
    if name.endswith(".tex"):
        pairs = list(zip(there.splitlines(), rebuilt.splitlines(), strict=False))
        line = next((n for n, (a, b) in enumerate(pairs, 1) if a != b), len(pairs) + 1)
        yield Difference(
            f"{name}:{line}", *(pairs[line - 1] if line <= len(pairs) else ("another length", "this one"))
        )
        return
    old, new = (list(csv.reader(io.StringIO(text))) for text in (there, rebuilt))
    for where, a, b in _pairs(name, old, new):
        if not _same(_value(a), _value(b)):
            yield Difference(where, a, b)


def _value(cell: Any) -> Any:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return cell


def _pairs(where: str, there: Any, rebuilt: Any) -> Iterator[tuple[str, Any, Any]]:
    """Leaves of two trees side by side; what one of them lacks comes whole."""
    if isinstance(there, Mapping) and isinstance(rebuilt, Mapping):
        for key in dict.fromkeys([*there, *rebuilt]):
            yield from _pairs(f"{where}.{key}".lstrip("."), there.get(key, _NONE), rebuilt.get(key, _NONE))
    elif isinstance(there, list) and isinstance(rebuilt, list):
        for n in range(max(len(there), len(rebuilt))):
            yield from _pairs(
                f"{where}[{n}]", *(one[n] if n < len(one) else _NONE for one in (there, rebuilt))
            )
    else:
        yield where, there, rebuilt


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


_NONE = _Nothing()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(there: Any, rebuilt: Any) -> bool:
    if _is_number(there) and _is_number(rebuilt):
        return there == rebuilt or isclose(there, rebuilt, rel_tol=DIGITS)
    return type(there) is type(rebuilt) and bool(there == rebuilt)


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, str) else value
    return text if len(text) <= 80 else f"{text[:77]}…"


def without_texts(record: ReportRecord, members: Mapping[str, Any], name: str, place: Path) -> WithoutTexts:
    """Write the report again from copies of the runs that hold no texts: a page without quotations, and what is lost with them."""
    base = place
    for _ in Path(name).parts:
        base = base.parent
    for member, data in members.items():
        path = base / Path(member).relative_to(STUDY)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_text(path, data if isinstance(data, bytes) else data.read_bytes())
    _, found = make_again(place)
    lost = tuple(one.where for one in compare(place, record, found).differences)
    out = place.with_name(f".{place.name}.again")
    write_report(found, out)
    kept = {
        f"{STUDY}/{name}/{path.relative_to(out).as_posix()}": path
        for path in sorted(out.rglob("*"))
        if path.is_file()
        and path.name != "report.json"
        and f"{STUDY}/{name}/{path.relative_to(out).as_posix()}" in members
    }
    return WithoutTexts(kept, lost)
