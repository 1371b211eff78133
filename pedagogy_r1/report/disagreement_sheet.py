"""What coders confuse, as a sheet to bring into a meeting, and as tables to write the decisions into.

    DIR/disagreements.html, .md    pair by pair: what the codebook says, the rule or that there is none, quotes, room to decide
    DIR/pairs.csv                  a row per pair of codes
    DIR/units.csv                  a row per pair and unit, all of them, with empty columns decision and note
    DIR/disagreements.json         everything; pcode codebook bump --from-disagreements reads it

Of runs that are not complete both tables have a column ``partial``.

Condition and model of a trace are left out: who decides on a rule should not know them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..agreement.disagreement import ConfusedPair, Disagreements
from ..codebook import Code
from ..errors import RunError
from ..files.markdown import markdown_text
from ..files.records import BadRow, atomic, read_rows
from ..files.table_rows import put_rows
from ..formatting import on_page, sentence, shown
from ..runs.run import marked_partial

UNITS = "units.csv"
DECISION, NOTE = "decision", "note"


def write_sheet(found: Disagreements, out: str | Path, quotes: int = 8) -> list[Path]:
    """Write the files into ``out``; ``quotes`` a pair on the sheet. The same disagreements give the same bytes.

    Raises `RunError` if ``out`` holds a table into which decisions were written.
    """
    folder = Path(out)
    _keep_decisions(folder / UNITS)
    texts = {
        "disagreements.html": sheet(found, "html", quotes),
        "disagreements.md": sheet(found, "md", quotes),
        "pairs.csv": _csv(pair_rows(found), found.partial),
        UNITS: _csv(unit_rows(found), found.partial),
        "disagreements.json": json.dumps(found.as_json(), ensure_ascii=False, indent=1) + "\n",
    }
    for name, text in texts.items():
        with atomic(folder / name) as file:
            file.write(text)
    return [folder / name for name in texts]


def _keep_decisions(path: Path) -> None:
    if not path.is_file():
        return
    for row in read_rows(path):
        if isinstance(row, BadRow):
            continue
        if any(str(row.data.get(name) or "").strip() for name in (DECISION, NOTE)):
            raise RunError(
                f"{path}:{row.line}: decisions were written into it", "choose another directory with -o"
            )


def pair_rows(found: Disagreements) -> list[list[Any]]:
    """The table of pairs, head first."""
    people = [coder.name for coder in found.coders]
    head = ["first", "second", "count", "share", "swapped"]
    head += [f"{name}: {which}" for name in people for which in ("first", "second")]
    rows: list[list[Any]] = [[*head, "rule_of_first", "rule_of_second", "undecided"]]
    for pair in found.pairs:
        first, second = pair.codes
        rules = {rule.code: rule.rule for rule in pair.rules}
        given = [pair.by_coder.get(name, {}).get(code, 0) for name in people for code in pair.codes]
        said = (rules.get(first, ""), rules.get(second, ""), pair.undecided)
        rows.append([first, second, pair.count, round(pair.share, 6), pair.swapped, *given, *said])
    return rows


def unit_rows(found: Disagreements) -> list[list[Any]]:
    """The table of units, head first: a unit that three coders gave three codes is there under three pairs."""
    people = [coder.name for coder in found.coders]
    head = ["first", "second", "unit_id", "trace_id", "domain", "before", "text"]
    head += [f"{name}: {what}" for name in people for what in ("codes", "memo")]
    rows: list[list[Any]] = [[*head, DECISION, NOTE]]
    for pair in found.pairs:
        for unit in pair.units:
            said = {one.coder: ("; ".join(one.codes) or "none", one.memo) for one in unit.said}
            cells = [cell for name in people for cell in said.get(name, ("", ""))]
            own = [unit.unit_id, unit.trace_id, unit.domain, unit.before, unit.text]
            rows.append([*pair.codes, *own, *cells, "", ""])
    return rows


def _csv(rows: Sequence[Sequence[Any]], partial: Sequence[str]) -> str:
    text = io.StringIO()
    put_rows(text, marked_partial(rows, partial))
    return text.getvalue()


def code_of(found: Disagreements, name: str) -> Code | None:
    """What the codebook says of a code; nothing of "none"."""
    return found.book.code(name) if name in found.book.code_ids else None


def heading(found: Disagreements) -> str:
    """Whose disagreements these are and how many, in a sentence."""
    people = ", ".join(coder.name for coder in found.coders)
    by = "both" if len(found.coders) == 2 else "two or more"
    share = f" ({shown(found.n_disagreed / found.n_units, 'percent')})" if found.n_units else ""
    second = (
        f"; {found.n_second} more differ only in the second code and are not listed" if found.n_second else ""
    )
    partial = "".join(f"; {words}" for words in found.partial)
    return f"{people}: {found.n_units} units coded by {by}, different primary codes on {found.n_disagreed}{share}{second}{partial}"


def counted_pair(pair: ConfusedPair) -> str:
    """How often, and who said which.

    12 (30 % of all) · A: IA-MT 11, KA-RO 1 · B: IA-MT 1, KA-RO 11
    """
    given = [
        f"{who}: " + ", ".join(f"{code} {n}" for code, n in counts.items())
        for who, counts in pair.by_coder.items()
    ]
    swapped = [f"{pair.swapped} gave both codes in another order"] if pair.swapped else []
    return " · ".join([f"{pair.count} ({shown(pair.share, 'percent')} of all)", *given, *swapped])


def sheet(found: Disagreements, form: str, quotes: int) -> str:
    """The sheet: one page that needs nothing else, ``md`` or ``html``. Texts come from anybody; all are escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=form == "md",
        finalize=on_page,
    )
    environment.filters |= {"md": markdown_text, "sentence": sentence}
    return environment.get_template(f"disagreement_sheet.{form}").render(
        found=found,
        heading=heading(found),
        counted=counted_pair,
        code_of=lambda name: code_of(found, name),
        quotes=quotes,
    )
