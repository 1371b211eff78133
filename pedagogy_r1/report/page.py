"""The report as one HTML file that needs nothing else: no address outside itself, no script.

Texts of traces, coders and codebooks come from anybody; the template escapes all of them, and only figures that this
package drew are put in as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..estimate.formatting import DASH
from .answers import unit_words
from .figure import Rendered
from .section import Section

if TYPE_CHECKING:
    from .build_report import Report

HERE = Path(__file__).parent


def render_page(report: Report, drawn: Mapping[str, Rendered]) -> str:
    """The page. ``drawn``: each figure's files, by name."""
    import jinja2
    from markupsafe import Markup

    palette = report.study.palette
    variables = {color: f"var({palette.variable(code)})" for code, color in palette.light.items()}
    inline = {f.name: Markup(f.inline(drawn[f.name].svg, variables)) for f in report.figures}  # noqa: S704 - drawn by us
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    names = {code.id: code.name for code in report.study.book.codes}
    return environment.get_template("page.html").render(
        report=report,
        study=report.study,
        sections=report.sections,
        units=unit_words(report.study),
        figures=inline,
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        colors=[(palette.variable(code), palette.light[code], palette.dark[code]) for code in palette.light],
        chip={code: palette.variable(code) for code in palette.light},
        code_names=names,
        dash=DASH,
        described=_described,
    )


def _described(section: Section) -> list[dict[str, Any]]:
    """Figures and tables of a section in reading order: a figure, then the table that holds its numbers."""
    figures = {figure.name: figure for figure in section.figures}
    found: list[dict[str, Any]] = []
    for table in section.tables:
        if table.name in figures:
            found.append({"figure": figures.pop(table.name)})
        found.append({"table": table})
    return found + [{"figure": figure} for figure in figures.values()]
