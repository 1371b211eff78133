"""The coder's manual: what a human coder is trained with, made from the codebook and from nothing else.

    pcode codebook manual schoen -o schoen.docx

Cues and features are left out. They steer the rule-based coder, and people who have seen them code by keyword:
their agreement with that coder would then say nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..errors import CodebookError, did_you_mean
from .codebook import NONE, Code, Codebook, Family
from .prose import Block, blocks

Format = Literal["md", "html", "docx"]
FORMATS: tuple[Format, ...] = ("md", "html", "docx")

LEFT_OUT = (
    "The codebook file also holds cues and features for the rule-based coder. They are not shown here, so that "
    "people code by meaning and not by keyword."
)


class Chapter(NamedTuple):
    """A family with its codes, in the book's order."""

    family: Family
    codes: tuple[Code, ...]


class Contents(NamedTuple):
    """What every format of the manual shows, in this order."""

    book: Codebook
    facts: tuple[tuple[str, str], ...]
    about: tuple[Block, ...]
    how: tuple[str, ...]
    chapters: tuple[Chapter, ...]
    source: tuple[Block, ...]
    footer: str


def manual(book: Codebook, format: str = "md") -> str | bytes:
    """The manual as text (``md``, ``html``) or as the bytes of a Word file (``docx``)."""
    found = contents(book)
    if format == "md":
        return _markdown(found)
    if format == "html":
        return _html(found)
    if format == "docx":
        from .manual_docx import document

        return document(found)
    raise CodebookError(f"a manual cannot be made as {format!r}", did_you_mean(format, list(FORMATS)))


def contents(book: Codebook) -> Contents:
    """Order the book for reading: families as listed, codes within them as listed."""
    chapters = [Chapter(f, tuple(c for c in book.codes if c.family == f.id)) for f in book.families]
    return Contents(
        book=book,
        facts=(
            ("Codebook", book.ref),
            ("Unit", book.unit),
            ("Codes", str(len(book.codes))),
            (
                "Codes a unit",
                "1" if book.max_codes == 1 else f"1 to {book.max_codes}, the primary code first",
            ),
            ("Domains", ", ".join(book.domains) or "any"),
            ("Digest", book.digest),
        ),
        about=tuple(blocks(book.about)),
        how=_how(book),
        chapters=tuple(chapter for chapter in chapters if chapter.codes),
        source=tuple(blocks(book.source)),
        footer=f"{book.ref} · {book.digest}",
    )


def _how(book: Codebook) -> tuple[str, ...]:
    nothing = (
        "Every unit has a code. There is no empty coding."
        if book.exhaustive
        else f"Where no code applies, write {NONE!r}. An empty cell means something else: that the unit was not coded."
    )
    most = (
        "Give each unit exactly one code."
        if book.max_codes == 1
        else f"Give each unit one code, and at most {book.max_codes} where the unit really does several things. The first is the primary code."
    )
    return (
        most,
        nothing,
        "Leave a unit empty only if you cannot code it, and say why in the memo.",
        "Code alone. Do not discuss single units before everyone has finished.",
        "For a unit between two codes, read the table of rules of both before you decide.",
        LEFT_OUT,
    )


# --- Markdown -----------------------------------------------------------------------------------------------------


def _markdown(c: Contents) -> str:
    lines = [f"# {_md(c.book.title)}", "", "A manual for coders.", ""]
    lines += [f"- **{name}:** {_md(value)}" for name, value in c.facts]
    lines += [
        "",
        "## Contents",
        "",
        "- [How to code](#how-to-code)",
        "- [The codes at a glance](#the-codes-at-a-glance)",
    ]
    for chapter in c.chapters:
        lines.append(f"- {chapter.family.id} · {_md(chapter.family.name)}")
        lines += [f"  - [{code.id} · {_md(code.name)}](#{anchor(code)})" for code in chapter.codes]
    lines += ["- [Sources](#sources)", "", "## How to code", ""]
    lines += [line for block in c.about for line in _md_block(block)]
    lines += ["### For every unit", "", *(f"- {_md(text)}" for text in c.how), ""]
    lines += ["## The codes at a glance", "", "| code | name | in short |", "|---|---|---|"]
    lines += [
        f"| [{code.id}](#{anchor(code)}) | {_cell(code.name)} | {_cell(code.short)} |"
        for ch in c.chapters
        for code in ch.codes
    ]
    for chapter in c.chapters:
        lines += ["", f"## {chapter.family.id} · {_md(chapter.family.name)}", ""]
        lines += [_md(chapter.family.about), ""] if chapter.family.about else []
        for code in chapter.codes:
            lines += _md_code(code)
    lines += [
        "## Sources",
        "",
        *(line for block in c.source for line in _md_block(block)),
        "---",
        "",
        _md(c.footer),
        "",
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _md_code(code: Code) -> list[str]:
    lines = [
        f'<a id="{anchor(code)}"></a>',
        "",
        f"### {code.id} · {_md(code.name)}",
        "",
        f"*{_md(code.short)}*",
        "",
    ]
    lines += [_md(code.definition), ""]
    for title, texts in (("It belongs here", code.include), ("It does not belong here", code.exclude)):
        if texts:
            lines += [f"**{title}**", "", *(f"- {_md(text)}" for text in texts), ""]
    if code.rules:
        lines += ["**How to tell it from its neighbours**", "", "| or | decide |", "|---|---|"]
        lines += [f"| {rule.against} | {_cell(rule.rule)} |" for rule in code.rules] + [""]
    if code.hits:
        lines += ["**Hits**", ""]
        lines += [f"- {_md(hit.domain)}: “{_md(hit.text)}”{_md(_note(hit.note))}" for hit in code.hits] + [""]
    if code.near_misses:
        lines += ["**Near misses**", "", "| looks like it | is | because |", "|---|---|---|"]
        lines += [
            f"| {_cell(m.domain)}: “{_cell(m.text)}” | {m.code} | {_cell(m.why)} |" for m in code.near_misses
        ]
    if code.source:
        lines += ["", f"**Source.** {_md(code.source)}"]
    return [*lines, ""]


def _md_block(block: Block) -> list[str]:
    if block.kind == "heading":
        return [f"### {_md(block.texts[0])}", ""]
    if block.kind == "steps":
        return [*(f"{n}. {_md(text)}" for n, text in enumerate(block.texts, 1)), ""]
    if block.kind == "points":
        return [*(f"- {_md(text)}" for text in block.texts), ""]
    return [_md(block.texts[0]), ""]


def _md(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(text.split()))


_cell = _md


def _note(note: str) -> str:
    return f" ({note})" if note else ""


def anchor(code: Code) -> str:
    """The code's name within the page."""
    return f"code-{code.id}"


# --- HTML ---------------------------------------------------------------------------------------------------------


def _html(c: Contents) -> str:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["linked"] = _linked(c.book)
    template = environment.from_string(Path(__file__).with_name("manual.html.j2").read_text(encoding="utf-8"))
    return template.render(c=c, book=c.book, anchor=anchor)


def _linked(book: Codebook) -> Any:
    """A filter that turns names of codes within escaped text into links."""
    from markupsafe import Markup, escape

    names = "|".join(re.escape(code_id) for code_id in sorted(book.code_ids, key=len, reverse=True))
    # A name such as "Read" is a word too; only an arrow before it makes it a code.
    pattern = re.compile(rf"(→ )({names})(?![\w-])")

    def linked(text: str) -> Markup:
        return Markup(pattern.sub(r'\1<a class="code" href="#code-\2">\2</a>', str(escape(text))))  # noqa: S704 - escaped just before

    return linked


def format_of(path: str | Path | None) -> Format:
    """The format that a file name's suffix asks for; Markdown where there is no file."""
    if path is None:
        return "md"
    suffix = Path(path).suffix.lower().removeprefix(".")
    suffix = {"markdown": "md", "htm": "html"}.get(suffix, suffix)
    if suffix not in FORMATS:
        raise CodebookError(
            f"{path}: cannot tell the format from the suffix",
            "end it in .md, .html or .docx, or give --format",
        )
    return suffix
