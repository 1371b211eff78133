"""The report: runs in; one page, and every table and figure as files, out.

report = build_report(["runs/humans", "runs/cues"], "report/")
report.answers[0].text         the first of the four answers
report.table("alpha").rows     what the page's table shows, unrounded
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..errors import PedagogyError, did_you_mean
from ..files.records import atomic
from ..runs.run import CoderRun
from .answers import PlainAnswer, difference_answer, gap_answer, noise_answer, reliability_answer
from .figure import Figure, Rendered
from .reliability import measure_agreement
from .section import Gap, Section
from .sections.code_contrasts import contrast_section, measure_contrasts
from .sections.code_frequency import frequency_section, measure_frequency
from .sections.code_order import measure_order, order_section
from .sections.coder_agreement import agreement_section
from .sections.corrections import correction_section, measure_corrections
from .sections.coverage import coverage_section
from .sections.methods import Paragraph, methods_section, methods_text
from .sections.noise_share import measure_noise, noise_section
from .sections.other_coders import measure_robustness, robustness_section
from .sections.quoted import quote_section
from .settings import ReportSettings
from .study import Study, open_study
from .table import ReportTable

Progress = Callable[[str], None]
"""Called with what is being made."""

STEPS = 11


@dataclass(frozen=True)
class Report:
    """Four ``answers``, the ``methods`` in words, and the sections with their tables and figures."""

    study: Study
    title: str
    answers: tuple[PlainAnswer, ...]
    methods: tuple[Paragraph, ...]
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


_T = TypeVar("_T", ReportTable, Figure)


def _named(name: str, known: Iterable[_T], what: str) -> _T:
    found = {one.name: one for one in known}
    if name not in found:
        raise PedagogyError(f"the report has no {what} {name!r}", did_you_mean(name, list(found)))
    return found[name]


def make_report(
    runs: Sequence[CoderRun | str | Path],
    settings: ReportSettings | None = None,
    *,
    title: str = "",
    progress: Progress | None = None,
    partial: bool = False,
) -> Report:
    """Compute everything; nothing is written. ``partial``: also from runs that are not complete. Raises `RunError`, `CodebookError` or `InputError` for unusable runs."""
    say = progress or (lambda _: None)
    say("reading the runs")
    study = open_study(runs, settings, partial=partial)
    say("agreement")
    agreement = measure_agreement(study)
    say("frequencies")
    frequencies = measure_frequency(study)
    say("contrasts")
    contrasts = measure_contrasts(study)
    say("corrected shares")
    corrected = measure_corrections(study, contrasts)
    say("noise")
    noise = measure_noise(study)
    say("order")
    order = measure_order(study)
    say("robustness")
    robustness = measure_robustness(study, contrasts)
    say("disagreements")
    sections = (
        methods_section(study),
        coverage_section(study),
        agreement_section(study, agreement),
        frequency_section(study, frequencies),
        contrast_section(study, contrasts),
        correction_section(study, corrected),
        noise_section(study, noise),
        order_section(study, order),
        robustness_section(study, robustness),
        quote_section(study),
    )
    gaps = [gap for section in sections for gap in section.gaps]
    answers = (
        reliability_answer(study, agreement),
        noise_answer(study, noise, corrected),
        difference_answer(study, contrasts, corrected),
        gap_answer(gaps),
    )
    methods = methods_text(study, contrasts, corrected)
    return Report(study, title or _title(study), answers, methods, sections)


def _title(study: Study) -> str:
    return f"{study.book.title}: {len(study.data.traces):,} traces"


def write_report(report: Report, out: str | Path, *, progress: Progress | None = None) -> Path:
    """Write ``OUT/report.html``, ``OUT/tables/*.csv``, ``*.tex`` and ``OUT/figures/*.svg``, ``*.png``; the page's path.

    Raises `PedagogyError` where ``out`` is a file. Files of an earlier report of the same name are replaced.
    """
    from .page import render_page

    out = Path(out)
    if out.exists() and not out.is_dir():
        raise PedagogyError(f"{out} is a file", "give a folder to write the report into")
    say = progress or (lambda _: None)
    for name in ("tables", "figures"):
        (out / name).mkdir(parents=True, exist_ok=True)
    say("tables")
    for table in report.tables:
        _write(out / "tables" / f"{table.name}.csv", table.csv())
        _write(out / "tables" / f"{table.name}.tex", table.latex())
    say("figures")
    drawn: dict[str, Rendered] = {}
    for figure in report.figures:
        drawn[figure.name] = files = figure.render()
        _write(out / "figures" / f"{figure.name}.svg", files.svg)
        (out / "figures" / f"{figure.name}.png").write_bytes(files.png)
    page = out / "report.html"
    _write(page, render_page(report, drawn))
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
