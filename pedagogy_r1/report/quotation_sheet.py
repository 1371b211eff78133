"""Quotations of a code, to read, to cite and to paste: Word, web page, Markdown, or a table.

    pcode quotes runs/humans runs/cues --code IA-SQ -o quotes.docx

Texts of traces, memos and names come from anybody; whatever they hold, they are shown and do nothing in all four formats.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..codebook import Code
from ..errors import InputError
from ..files.archive import legal
from ..files.markdown import markdown_text
from ..files.records import write_text
from ..files.table_rows import put_rows
from ..formatting import counted, on_page, sentence
from ..runs.export import spare_runs
from ..runs.quotations import Given, Quotation, Quotations
from ..runs.run import marked_partial
from ..runs.run_columns import TRACE_FIELDS


def write_quotations(found: Quotations, out: str | Path) -> Path:
    """Write the quotations in the format of the suffix: ``.docx``, ``.html``, ``.md`` or ``.csv``. The same ones give the same text."""
    out = Path(out)
    make = FORMATS.get(out.suffix.lower())
    if make is None:
        raise InputError(
            f"{out}: cannot tell the format from the suffix {out.suffix!r}",
            f"use one of {', '.join(FORMATS)}",
        )
    spare_runs(out)
    write_text(out, make(found))
    return out


def heading(found: Quotations) -> str:
    """``IA-SQ · self-questioning``"""
    code = _code(found)
    return f"{code.id} · {code.name}" if code else "none · no code applies"


def facts(found: Quotations) -> list[str]:
    """What the sheet says of itself: how many quotations by whom, of which codebook, and of which traces alone."""
    given = Counter(one.coder for q in found.quotations for one in q.said)
    traces = len({q.trace.id for q in found.quotations})
    by = ", ".join(f"{name} {given[name]:,}" for name in found.coders)
    code = _code(found)
    given_to = (
        f"Given to {counted(len(found.quotations), 'unit')} in {traces:,} of {counted(found.n_traces, 'trace')}, "
        f"as primary or further code ({by})."
    )
    return [
        *([code.definition] if code else []),
        given_to if found.quotations else f"{sentence(nobody(found))}.",
        f"Codebook {found.book.stamp}.",
        *(f"{words}." for words in found.partial),
    ]


def nobody(found: Quotations) -> str:
    """That there is nothing to quote, of whom, and what to look at."""
    what = f"gave {found.code}" if _code(found) else "said of a unit that no code applies"
    never = (
        f"; under {found.book.ref} every unit has a code"
        if found.book.exhaustive and not _code(found)
        else ""
    )
    return (
        f"none of the coders ({', '.join(found.coders)}) {what} in {counted(found.n_traces, 'trace')}{never}"
    )


def _code(found: Quotations) -> Code | None:
    return found.book.code(found.code) if found.code in found.book.code_ids else None


def place(quotation: Quotation) -> str:
    """``aime-3, unit 8 · SK · cop · R1``: the first unit is number 1."""
    trace = quotation.trace
    fields = [value for value in (trace.domain, trace.condition, trace.model) if value]
    return " · ".join([f"{trace.id}, unit {quotation.unit.index + 1}", *fields])


def said(one: Given) -> str:
    """``A (human): KA-RO, IA-SQ``"""
    return f"{one.coder} ({one.kind}): {', '.join(one.codes)}"


def _markdown(found: Quotations) -> str:
    lines = [f"# {markdown_text(heading(found))}", *(markdown_text(line) for line in facts(found))]
    for number, q in enumerate(found.quotations, 1):
        lines.append(f"## {number}. {markdown_text(place(q))}")
        lines += [f"before: {markdown_text(q.before)}"] if q.before else []
        lines.append(f"> {markdown_text(q.text)}")
        lines += [f"after: {markdown_text(q.after)}"] if q.after else []
        memos = [f" – {markdown_text(one.memo)}" if one.memo else "" for one in q.said]
        lines.append("\n".join(f"- {markdown_text(said(o))}{m}" for o, m in zip(q.said, memos, strict=True)))
    return "\n\n".join(lines) + "\n"


def _html(found: Quotations) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: on_page(legal(value)) if type(value) is str else value,
    )
    return environment.get_template("quotation_sheet.html").render(
        found=found, heading=heading(found), facts=facts(found), place=place, said=said
    )


COLUMNS = (
    "code", "trace_id", *TRACE_FIELDS, "unit_id", "unit_index", "before", "text", "after",
    "coder", "kind", "run", "rank", "codes", "evidence", "memo",
)  # fmt: skip
"""Of the table: a row a quotation and coder. ``rank``: 1 where the code is the primary one."""


def _csv(found: Quotations) -> str:
    text = io.StringIO()
    put_rows(text, marked_partial(_rows(found), found.partial))
    return text.getvalue()


def _rows(found: Quotations) -> Iterator[list[Any]]:
    yield list(COLUMNS)
    for q in found.quotations:
        fields = [getattr(q.trace, name) for name in TRACE_FIELDS]
        fields = [str(value).lower() if isinstance(value, bool) else value for value in fields]
        unit = [q.unit.id, q.unit.index, q.before, q.text, q.after]
        for one in q.said:
            rank = one.codes.index(found.code) + 1
            own = [one.coder, one.kind, one.run, rank, "; ".join(one.codes), one.evidence, one.memo]
            yield [found.code, q.trace.id, *fields, *unit, *own]


def _docx(found: Quotations) -> bytes:
    import docx
    from docx.oxml import OxmlElement
    from docx.shared import Cm, Pt
    from docx.text.paragraph import Paragraph

    page: Any = docx.Document()
    ids = {name: page.styles[name].style_id for name in ("Heading 2", "Normal", "Quote", "List Bullet")}
    for name in ids:
        page.styles[name].paragraph_format.space_after = Pt(3)
    page.styles["Normal"].font.size = Pt(10.5)
    page.styles["Quote"].paragraph_format.left_indent = Cm(0.8)
    end = page.sections[0]._sectPr  # noqa: SLF001 - add_paragraph looks for it among all paragraphs, every time

    def add(text: str, style: str = "Normal", *, italic: bool | None = None) -> None:
        paragraph: Any = Paragraph(OxmlElement("w:p"), page)
        end.addprevious(paragraph._p)  # noqa: SLF001 - see above
        paragraph._p.style = ids[style]  # noqa: SLF001 - a name would be looked up among all styles
        paragraph.add_run(legal(text)).italic = italic

    page.core_properties.title = legal(heading(found))[:250]
    page.core_properties.author = ""
    page.add_heading(legal(heading(found)), 1)
    for line in facts(found):
        add(line)
    for number, q in enumerate(found.quotations, 1):
        add(f"{number}. {place(q)}", "Heading 2", italic=None)
        if q.before:
            add(q.before, italic=True)
        add(q.text, "Quote", italic=False)
        if q.after:
            add(q.after, italic=True)
        for one in q.said:
            add(said(one) + (f" – {one.memo}" if one.memo else ""), "List Bullet")
    buffer = io.BytesIO()
    page.save(buffer)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[Quotations], str | bytes]] = {
    ".docx": _docx,
    ".html": _html,
    ".md": _markdown,
    ".csv": _csv,
}
