r"""What the report is made of: a section says something in words, has tables and figures, and says what it cannot say.

    Section("noise", "Noise", lead=("41.2 % of the tokens …",), tables=(…,), figures=(…,))
    Section("contrast", "Contrasts", absent="no column has two values to compare: condition is … everywhere")

A table holds raw values once, shown in three ways:

    ReportTable("alpha", "Agreement", columns("coders", ("α", "value", "coefficient"), …), ({"coders": "A – B", "value": 0.7917…}, …))

    alpha.csv     A – B,0.7917…,0.754…,0.832…       every value, unrounded, limits in columns of their own
    alpha.tex     A – B & .792 & [.754, .832] \\    what the page shows, for a paper (booktabs)
    the page      A – B   .792   [.754, .832]

What is undefined is an empty cell in the CSV and a dash elsewhere, and the reason stands in a column beside it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..codebook import NONE
from ..estimate import Estimate
from ..files.table_rows import put_rows
from ..formatting import DASH, Kind, aligned, interval, level_words, shown, visible
from .figures.figure import Figure

Row = dict[str, Any]
Keys = str | tuple[str, ...]
Spec = str | tuple[str, Keys] | tuple[str, Keys, Kind]

LONG = 40
"""Rows from which on a LaTeX table may break across pages."""


UNSURE = "†"
"""Behind a value that has no interval, in columns that hold both."""


@dataclass(frozen=True)
class TableColumn:
    """``head``: what stands above; ``keys``: the row's value, or lower and upper limit of an interval, or value and both limits."""

    head: str
    keys: Keys = ""
    kind: Kind = "text"

    @property
    def names(self) -> tuple[str, ...]:
        """The keys as a tuple; a column without keys is called as its head."""
        return self.keys if isinstance(self.keys, tuple) else (self.keys or self.head,)

    @property
    def numeric(self) -> bool:
        """Whether it is set flush right."""
        return self.kind not in ("text", "code")

    def cell(self, row: Row) -> str:
        """The value as the page and LaTeX show it."""
        values = [row.get(name) for name in self.names]
        if len(values) == 1:
            return shown(values[0], self.kind)
        if len(values) == 2:
            return interval(values[0], values[1], self.kind)
        value, low, high = values
        if value is None:
            return DASH
        return f"{shown(value, self.kind)} {UNSURE if low is None or high is None else interval(low, high, self.kind)}"

    def order(self, row: Row) -> float | None:
        """By what a numeric column is sorted: the value, of an interval its lower limit; ``None`` where there is none."""
        value = row.get(self.names[0])
        return None if value is None or not self.numeric else float(value)


@dataclass(frozen=True)
class ReportTable:
    """``rows``: raw values by key."""

    name: str
    caption: str
    columns: tuple[TableColumn, ...]
    rows: tuple[Row, ...]
    note: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys of the rows: those that are shown, in their order, then the others."""
        shown_keys = [name for column in self.columns for name in column.names]
        return tuple(dict.fromkeys([*shown_keys, *(key for row in self.rows for key in row)]))

    def text(self) -> str:
        """The shown columns for a terminal: numbers flush right, two spaces between."""
        lines = [[c.head for c in self.columns], *([c.cell(row) for c in self.columns] for row in self.rows)]
        return aligned(lines, [k for k, column in enumerate(self.columns) if not column.numeric])

    def csv(self) -> str:
        """All rows with all their values, unrounded; text that a spreadsheet would run gets an apostrophe in front."""
        text = io.StringIO()
        keys = self.keys
        put_rows(text, [keys, *([row.get(key) for key in keys] for row in self.rows)])
        return text.getvalue()

    def latex(self) -> str:
        """A ``table`` (a ``longtable`` where it is long) of the shown columns, for ``\\usepackage{booktabs}``."""
        align = "".join("r" if column.numeric else "l" for column in self.columns)
        head = " & ".join(latex_text(column.head) for column in self.columns) + r" \\"
        body = [
            " & ".join(latex_text(column.cell(row)) for column in self.columns) + r" \\" for row in self.rows
        ]
        caption = rf"\caption{{{latex_text(self.caption)}}}"
        label = rf"\label{{tab:{self.name}}}"
        note = [rf"\par\footnotesize {latex_text(self.note)}"] if self.note else []
        if len(self.rows) > LONG:
            top = [rf"\begin{{longtable}}{{{align}}}", rf"{caption}{label}\\", r"\toprule", head, r"\midrule"]
            lines = [*top, r"\endhead", *body, r"\bottomrule", r"\end{longtable}", *note]
        else:
            top = [r"\begin{table}", r"\centering", caption, label, rf"\begin{{tabular}}{{{align}}}"]
            middle = [r"\toprule", head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
            lines = [*top, *middle, *note, r"\end{table}"]
        return "\n".join(
            ["% needs \\usepackage{booktabs}, and longtable where the table is long", *lines, ""]
        )


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "−": "$-$", "–": "--",
    "α": r"$\alpha$", "κ": r"$\kappa$", "π": r"$\pi$", "ρ": r"$\rho$", "ω": r"$\omega$", "λ": r"$\lambda$",
    "≥": r"$\geq$", "≤": r"$\leq$", "→": r"$\to$", "∞": r"$\infty$", "×": r"$\times$", "±": r"$\pm$",
    "\u202f": r"\,", "\u00a0": "~", "…": r"\dots{}", "“": "``", "”": "''", "’": "'", "½": r"$\frac12$", "†": r"$\dagger$", "·": r"$\cdot$",
    "ξ": r"$\xi$", "β": r"$\beta$", "χ": r"$\chi$", "²": "$^2$", "Σ": r"$\Sigma$", "θ": r"$\theta$",
}  # fmt: skip


def latex_text(text: str) -> str:
    r"""Text for LaTeX: what means something there is escaped, Greek letters and signs become mathematics.

    >>> latex_text("50 % of a_b & α")
    '50 \\% of a\\_b \\& $\\alpha$'
    """
    return "".join(_LATEX.get(letter, letter) for letter in visible(" ".join(text.splitlines())))


def columns(*specs: Spec) -> tuple[TableColumn, ...]:
    """Columns from (head, key or limits, kind); of text that is called as its head, the head alone."""
    return tuple(TableColumn(*((spec,) if isinstance(spec, str) else spec)) for spec in specs)


def with_interval(head: str, name: str, kind: Kind, level: float) -> tuple[TableColumn, TableColumn]:
    """Two columns for the estimate whose cells are called ``name_value``, … (`estimate_cells`)."""
    before = f"{name}_" if name else ""
    limits = TableColumn(f"{head}, {level_words(level)}", (f"{before}low", f"{before}high"), kind)
    return TableColumn(head, f"{before}value", kind), limits


def interval_words(percent: str, reasons: Sequence[str | None]) -> str:
    """For a caption: that what is shown has intervals, or that nothing has, and why. ``reasons``: of each value why it has none.

    >>> interval_words("95 %", [None, "no interval: one item"]), interval_words("95 %", ["no interval: one item"] * 2)
    ('with 95 % intervals', 'without intervals (one item)')
    """
    if not reasons or None in reasons:
        return f"with {percent} intervals"
    whys = dict.fromkeys((why or "").removeprefix(f"{NO_INTERVAL}: ") for why in reasons)
    said = "; ".join(why for why in whys if why and why != NO_INTERVAL)
    return f"without intervals ({said})" if said else "without intervals"


MOST_ACROSS = 24
"""Values that a table has side by side at most; more of them stand in the long table alone."""


def side_by_side(
    name: str, caption: str, rows: Sequence[Row], by: str, kind: Kind, level: float
) -> ReportTable | None:
    """A row for each code, and a column for each value of ``by`` with the estimate and its interval; `None` where that are fewer than
    two columns, or too many. Rows have ``code``, ``value``, ``low``, ``high``, and ``why_no_interval`` or ``warnings``."""
    values = list(dict.fromkeys(str(row[by]) for row in rows))
    if not 2 <= len(values) <= MOST_ACROSS:
        return None
    found: dict[str, Row] = {}
    reasons: dict[str, list[str]] = {}
    lacking: list[str | None] = []
    for row in rows:
        value = str(row[by])
        cells = found.setdefault(row["code"], {"code": row["code"]})
        cells |= {f"{value} {key}": row[key] for key in ("value", "low", "high")}
        if row["value"] is None:
            continue
        lacks = row["low"] is None or row["high"] is None
        lacking.append((row.get("why_no_interval") or row.get("warnings") or NO_INTERVAL) if lacks else None)
        if why := lacking[-1]:
            reasons.setdefault(why, []).append(f"{row['code']} ({value})")
    keys = ((value, tuple(f"{value} {key}" for key in ("value", "low", "high"))) for value in values)
    return ReportTable(
        name,
        f"{caption}, {interval_words(level_words(level), lacking)}.",
        (TableColumn("code", "code", "code"), *(TableColumn(value, key, kind) for value, key in keys)),
        tuple(found.values()),
        note=" ".join(f"{UNSURE} {why}: {shortened(names)}." for why, names in reasons.items()),
    )


def estimate_cells(estimates: Estimate | Mapping[str, Estimate], *, more: bool = False) -> Row:
    """``value``, ``low`` and ``high`` as cells; ``name_value``, … of each where a row has several estimates.

    ``more``: also its level, design effect, warnings, and why it is undefined.
    """
    if isinstance(estimates, Estimate):
        keys = ("value", "low", "high", *(("level", "design_effect", "why_undefined") if more else ()))
        cells = {key: getattr(estimates, key) for key in keys}
        return cells | ({"warnings": "; ".join(estimates.warnings)} if more else {})
    named = {name: estimate_cells(one, more=more) for name, one in estimates.items()}
    return {f"{name}_{key}": cell for name, cells in named.items() for key, cell in cells.items()}


NO_INTERVAL = "no interval"
"""How a warning begins that says why an estimate has no interval."""


def no_interval(e: Estimate) -> str | None:
    """Why an estimate that has a value has no interval; ``None`` where it has one."""
    if e.value is None or e.interval is not None:
        return None
    return next(
        (w for w in e.warnings if w.startswith(NO_INTERVAL)),
        f"{NO_INTERVAL}: {'; '.join(e.warnings)}".rstrip(": "),
    )


def no_intervals(named: Iterable[tuple[str, Estimate]], of: str) -> tuple[str, ...]:
    """For a section's cautions: each reason once, with what it holds for. ``of``: ``α of``, ``noise``."""
    found: dict[str, list[str]] = {}
    for name, e in named:
        if why := no_interval(e):
            found.setdefault(why, []).append(name)
    lines = []
    for why, names in found.items():
        lines.append(f"{of} {shortened(names)}: {why}.")
    return tuple(lines)


def shortened(names: Sequence[str], most: int = 6) -> str:
    """The first names, and how many more there are."""
    return listed([*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])])


def quoted(codes: Iterable[str]) -> str:
    """Codes in a sentence; ``none``, the coding that no code applies, in quotation marks, or it would be read as a word.

    >>> quoted(["IA-SQ", "none"])
    'IA-SQ, “none”'
    """
    return ", ".join(f"“{code}”" if code == NONE else code for code in codes)


def interval_methods(estimates: Iterable[Estimate]) -> str:
    """How the intervals that there are were made, each way once, whatever the numbers of each are.

    >>> interval_methods([Estimate(0.5, 0.4, 0.6, method="95% jackknife over traces, t with 3.9 df")])
    '95 % jackknife over traces, t'
    """
    own = r" with [\d.]+ df|, correlation -?[\d.]+ between the sides"
    ways = (re.sub(own, "", e.method) for e in estimates if e.interval is not None)
    return re.sub(r"(?<=\d)%", " %", "; ".join(dict.fromkeys(ways)))


class Gap(NamedTuple):
    """Something that could not be estimated, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Quote:
    """A unit's text with what each coder said of it."""

    trace_id: str
    text: str
    said: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Section:
    """``absent``: why there is nothing here; ``lead``: paragraphs; ``cautions``: what to know before trusting it.

    ``place``: sections stand in this order on the page.
    """

    id: str
    title: str
    lead: tuple[str, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    figures: tuple[Figure, ...] = ()
    quotes: tuple[Quote, ...] = ()
    gaps: tuple[Gap, ...] = ()
    cautions: tuple[str, ...] = ()
    absent: str | None = None
    place: int = 100

    def at(self, place: int) -> Section:
        """The section at that place of the page."""
        return replace(self, place=place)


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a sentence lists them.

    >>> listed(["A", "B", "C"])
    'A, B and C'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
