"""The report: runs in; one page, and every table and figure as files, out.

    report = build_report(["runs/humans", "runs/cues"], "report/")
    report.answers[0].text         the first of the four answers
    report.table("alpha").rows     what the page's table shows, unrounded

The page is one HTML file that needs nothing else: no address outside itself. Texts of traces, coders and codebooks come from anybody;
the template escapes all of them, only figures that this package drew are put in as they are, and the page's content policy lets no
script run but ``page.js``, by its digest.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from ..errors import ArgumentError, PedagogyError, did_you_mean
from ..files.records import atomic, write_text
from ..formatting import DASH, on_page
from ..plugins import leave_out, load_all
from ..runs.run import CoderRun
from .answers import PlainAnswer, coded_words, gap_answer, unit_words
from .difference_answer import difference_answer
from .figures.figure import Figure, Rendered
from .figures.figure_fonts import warn_of
from .figures.sheet import PAGE, WIDTHS
from .noise_answer import noise_answer
from .reliability_answer import ground, reliability_answer
from .report_record import write_report_record
from .section import Gap, ReportTable, Section
from .sections.contrasts import measure_contrasts
from .sections.corrections import measure_corrections
from .sections.methods import MethodsParagraph, methods_text
from .sections.noise_share import measure_noise
from .study import ReportSettings, Study, open_study
from .study_agreement import measure_agreement

HERE = Path(__file__).parent
SECTIONS = "pedagogy_r1.report.sections"

MOST_ROWS = 1_000
"""Rows of a table that the page shows; files, and the downloads inside the page, have all."""

LEAST_TALL = 40
"""Rows up to which a table of the page is as high as it needs; one of more scrolls in a box."""

Progress = Callable[[str], None]
"""Called with what is being made."""


@dataclass(frozen=True)
class Report:
    """Four ``answers``, the ``methods`` in words, and the sections with their tables and figures."""

    study: Study
    title: str
    answers: tuple[PlainAnswer, ...]
    methods: tuple[MethodsParagraph, ...]
    sections: tuple[Section, ...]

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """All tables, in order."""
        return tuple(table for section in self.sections for table in section.tables)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures, in order."""
        return tuple(figure for section in self.sections for figure in section.figures)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be estimated, and why."""
        return tuple(gap for section in self.sections for gap in section.gaps)

    def table(self, name: str) -> ReportTable:
        """The table of that name."""
        return _named(name, self.tables, "table")

    def figure(self, name: str) -> Figure:
        """The figure of that name."""
        return _named(name, self.figures, "figure")

    def as_file(self, table: ReportTable) -> ReportTable:
        """The table as a file, which says by itself if a run was not complete."""
        if not self.study.partial:
            return table
        said = "; ".join(self.study.partial)
        note = f"{table.note} Partial: {said}.".strip()
        return replace(table, rows=tuple(row | {"partial": said} for row in table.rows), note=note)


_T = TypeVar("_T", ReportTable, Figure)


def _named(name: str, known: Iterable[_T], what: str) -> _T:
    found = {one.name: one for one in known}
    if name not in found:
        raise ArgumentError(f"the report has no {what} {name!r}", did_you_mean(name, list(found)))
    return found[name]


def make_report(
    runs: Sequence[CoderRun | str | Path],
    settings: ReportSettings | None = None,
    *,
    title: str = "",
    progress: Progress | None = None,
    partial: bool = False,
    said: tuple[str, ...] | None = None,
) -> Report:
    """Compute everything; nothing is written. ``partial``: also from runs that are not complete. ``said``: of a report that is made
    again, what it said of its runs.

    Raises `RunError`, `CodebookError` or `InputError` for unusable runs.
    """
    say = progress or (lambda _: None)
    say("reading the runs")
    study = open_study(runs, settings, partial=partial)
    study = study if said is None else replace(study, partial=said)
    found: list[Section] = []
    for name, measure in sorted(load_all(SECTIONS).items()):
        say(name.replace("_", " "))
        made = measure(study)
        parts = [made] if isinstance(made, Section) else made
        if isinstance(parts, list | tuple) and all(isinstance(part, Section) for part in parts):
            found += parts
        else:
            leave_out(f"the section {name!r} returns no Section: left out")
    sections = tuple(sorted(found, key=lambda section: section.place))
    contrasts, corrected = study.once(measure_contrasts), study.once(measure_corrections)
    agreement = study.once(measure_agreement)
    stands_on = ground(study, agreement)
    answers = (
        reliability_answer(study, agreement),
        noise_answer(study, study.once(measure_noise), corrected, stands_on),
        difference_answer(study, contrasts, corrected, stands_on),
        gap_answer([gap for section in sections for gap in section.gaps]),
    )
    title = title or f"{study.book.title}: {study.data.n_traces:,} traces"
    return Report(study, title, answers, methods_text(study, contrasts, corrected), sections)


def write_report(report: Report, out: str | Path, *, progress: Progress | None = None) -> Path:
    """Write ``OUT/report.html``, ``report.json``, ``tables/*.csv``, ``*.tex`` and ``figures/*.svg``, ``*.png``; the page's path.

    Raises `PedagogyError` where ``out`` is a file. Files of an earlier report of the same name are replaced.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise PedagogyError(f"{out} is a file", "give a folder to write the report into")
    say = progress or (lambda _: None)
    for name in ("tables", "figures"):
        (out / name).mkdir(parents=True, exist_ok=True)
    say("tables")
    for table in map(report.as_file, report.tables):
        _write(out / "tables" / f"{table.name}.csv", table.csv())
        _write(out / "tables" / f"{table.name}.tex", table.latex())
    say("figures")
    drawn: dict[str, Rendered] = {}
    width = WIDTHS[report.study.settings.figure_width]
    for figure in report.figures:
        files = figure.render(report.study.partial, width)
        drawn[figure.name] = files if width == PAGE else figure.render(report.study.partial)
        _write(out / "figures" / f"{figure.name}.svg", files.svg)
        write_text(out / "figures" / f"{figure.name}.png", files.png)
    warn_of(letter for files in drawn.values() for letter in files.missing)
    page = out / "report.html"
    _write(page, render_page(report, drawn))
    write_report_record(report, out)
    return page


def _write(path: Path, text: str) -> None:
    with atomic(path) as file:
        file.write(text)


def build_report(
    runs: Sequence[CoderRun | str | Path],
    out: str | Path,
    settings: ReportSettings | None = None,
    *,
    title: str = "",
    progress: Progress | None = None,
    partial: bool = False,
) -> Report:
    """`make_report`, then `write_report`."""
    report = make_report(runs, settings, title=title, progress=progress, partial=partial)
    write_report(report, out, progress=progress)
    return report


def render_page(report: Report, drawn: Mapping[str, Rendered]) -> str:
    """The page. ``drawn``: each figure's files, by name."""
    import jinja2
    from markupsafe import Markup

    palette = report.study.palette
    variables = {color: f"var({palette.variable(code)})" for code, color in palette.light.items()}
    inline = {
        f.name: Markup(f.inline(drawn[f.name].svg, variables, drawn[f.name].values))  # noqa: S704 - drawn by us
        for f in report.figures
    }
    script = (HERE / "page.js").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, finalize=on_page,
    )  # fmt: skip
    return environment.get_template("page.html").render(
        report=report,
        units=unit_words(report.study),
        coded=coded_words(report.study),
        figures=inline,
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        palette=palette,
        code_names={code.id: code.name for code in report.study.book.codes},
        dash=DASH,
        described=_described,
        data={table.name: _in_page(report.as_file(table)) for table in report.tables},
        beside=_beside,
        most_rows=MOST_ROWS,
        least_tall=LEAST_TALL,
        script=Markup(script),  # noqa: S704 - our own file
        script_digest=f"sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
    )


class TableInPage(NamedTuple):
    """A table's files as addresses that hold them (``data:``)."""

    csv: str
    tex: str


def _in_page(table: ReportTable) -> TableInPage:
    def address(text: str, kind: str) -> str:
        return f"data:{kind};charset=utf-8;base64,{b64encode(text.encode()).decode()}"

    return TableInPage(address(table.csv(), "text/csv"), address(table.latex(), "application/x-tex"))


def _beside(folder: str, name: str, suffix: str) -> str:
    """The address, from the page, of a file that `write_report` wrote."""
    return quote(f"{folder}/{name}.{suffix}")


@dataclass(frozen=True)
class PagePart:
    """A figure and the table that holds its numbers, or one of them."""

    figure: Figure | None = None
    table: ReportTable | None = None


def _described(section: Section) -> list[PagePart]:
    """Figures and tables of a section in reading order: a figure, then the table that holds its numbers."""
    figures = {figure.name: figure for figure in section.figures}
    parts = [PagePart(figures.pop(table.name, None), table) for table in section.tables]
    return parts + [PagePart(figure) for figure in figures.values()]
