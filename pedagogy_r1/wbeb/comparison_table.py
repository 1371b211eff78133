"""A comparison as tables: for the terminal, as CSV and as Markdown.

                 SK accuracy      KT auc           …
base · cop       .27 [.21, .34]   .52 [.46, .58]
student · cop    .33 [.26, .40]   .55 [.49, .61]
published: …     .272             .5499
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ..files.records import atomic
from .bootstrap import FEW
from .compare import Comparison, Difference
from .domains import Score
from .published import NOTE, PUBLISHED
from .thinking import Thinking

PAIRED = "paired over the same items (★ the interval excludes 0, by ten groups or more; by chance one in twenty does)"
BESIDE = frozenset({"adjacent", "mae"})
"""Scores that the narrow table leaves out; they are in the files."""


class Table(NamedTuple):
    """Texts. The first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def number(value: float | None) -> str:
    """Three decimals without the leading zero, or a dash.

    >>> number(0.3104), number(-0.02), number(1.25), number(None)
    ('.310', '-.020', '1.250', '–')
    """
    if value is None:
        return "–"
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


def interval(low: float | None, high: float | None) -> str:
    """``[.25, .38]``, or nothing.

    >>> interval(0.25, 0.38), interval(None, None)
    ('[.250, .380]', '')
    """
    return "" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def place(domain: str, task: str | None) -> str:
    """``DM move``."""
    return f"{domain} {task}" if task else domain


def scores_table(comparison: Comparison) -> Table:
    """Runs × scores, over the shared items; the published numbers below."""
    keys = list(
        dict.fromkeys(
            (cell.domain, cell.task, score.name)
            for cell in comparison.cells
            for score in cell.scores
            if score.name not in BESIDE
        )
    )
    found = {
        (cell.run, cell.domain, cell.task, score.name): score
        for cell in comparison.cells
        for score in cell.scores
    }
    rows = [(run.name, *(_score(found.get((run.name, *key))) for key in keys)) for run in comparison.runs]
    for model in dict.fromkeys(one.model for one in PUBLISHED):
        cells = [_published(model, key, keys) for key in keys]
        if any(cells):
            rows.append((f"published: {model}", *cells))
    columns = ("", *(f"{place(domain, task)} {name}" for domain, task, name in keys))
    return Table("Scores over the shared items", columns, tuple(rows))


def _score(score: Score | None) -> str:
    if score is None:
        return ""
    if score.estimate is None:
        return "undefined"
    return " ".join(filter(None, (number(score.estimate), interval(score.low, score.high))))


def _published(
    model: str, key: tuple[str, str | None, str], keys: Sequence[tuple[str, str | None, str]]
) -> str:
    """In the column of its score; where that is not stated, in the domain's first."""
    for one in PUBLISHED:
        if (one.model, one.domain) == (model, key[0]):
            first = next(k for k in keys if k[0] == key[0])
            if one.score == key[2] or (one.score is None and key == first):
                return str(one)
    return ""


def differences_table(title: str, differences: Iterable[Difference]) -> Table:
    """A line a difference; a star where the interval excludes 0."""
    rows = []
    for d in differences:
        value = "undefined" if d.estimate is None else signed(d.estimate)
        sure = d.groups >= FEW and d.low is not None and d.high is not None and (d.low > 0 or d.high < 0)
        cells = (d.run, d.base, f"{place(d.domain, d.task)} {d.score}", value + (" ★" if sure else ""))
        rows.append((*cells, interval(d.low, d.high), f"{d.items:,}", f"{d.groups:,}"))
    return Table(title, ("run", "less", "score", "difference", "95 %", "items", "groups"), tuple(rows))


def signed(value: float) -> str:
    """``+.060``."""
    return ("+" if value > 0 else "") + number(value)


def thinking_table(rows: Iterable[Thinking]) -> Table:
    """Thought tokens of right and wrong answers."""
    cells = [
        (
            t.run,
            t.domain or "all",
            _tokens(t.right),
            _tokens(t.wrong),
            number(t.ratio) if t.ratio is not None else (t.why_undefined or "undefined"),
            interval(t.low, t.high),
            f"{t.n_right:,}",
            f"{t.n_wrong:,}",
            f"{t.cut:,}",
            number(t.whole_ratio),
        )
        for t in rows
    ]
    columns = (
        "run",
        "",
        "right",
        "wrong",
        "wrong / right",
        "95 %",
        "n right",
        "n wrong",
        "cut off",
        "without these",
    )
    return Table("Thought tokens of right and wrong answers", columns, tuple(cells))


def _tokens(mean: float | None) -> str:
    return "–" if mean is None else f"{mean:,.0f}"


def tables(comparison: Comparison) -> list[Table]:
    """All that have rows. What the differences from the base say of conditions already is not said twice."""
    shown = {(d.run, d.base) for d in comparison.differences}
    others = [d for d in comparison.conditions if (d.run, d.base) not in shown]
    found = [
        scores_table(comparison),
        differences_table(f"Differences, {PAIRED}", comparison.differences),
        differences_table(f"Conditions of one model, {PAIRED}", others),
        thinking_table(comparison.thinking),
    ]
    return [table for table in found if table.rows]


def commands(comparison: Comparison) -> list[str]:
    """What to run for the contrast of code frequencies between the conditions of one model."""
    pairs = list(dict.fromkeys((d.run, d.base) for d in comparison.conditions))
    if not pairs:
        return []
    by_name = {run.name: run for run in comparison.runs}
    first, second = (by_name[name] for name in pairs[0])
    coded = [f"{run.folder.rstrip('/')}/coded" for run in (first, second)]
    return [
        *(
            f"pcode annotate {run.folder.rstrip('/')}/traces.jsonl -o {out}"
            for run, out in zip((first, second), coded, strict=True)
        ),
        f"pcode report {' '.join(coded)} -o report --contrast condition:{first.condition}:{second.condition}",
    ]


def markdown(comparison: Comparison) -> str:
    """All tables with what must be said of them."""
    parts = ["# Evaluations compared\n"]
    for table in tables(comparison):
        head = "| " + " | ".join(table.columns) + " |"
        rule = "|" + "---|" * len(table.columns)
        body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table.rows]
        parts.append("\n".join([f"## {table.title}\n", head, rule, *body]) + "\n")
    notes = [NOTE, *comparison.notes]
    parts.append("\n".join(f"- {note}" for note in notes) + "\n")
    if lines := commands(comparison):
        parts.append(
            "How often each code comes under the conditions:\n\n```sh\n" + "\n".join(lines) + "\n```\n"
        )
    return "\n".join(parts)


def write(folder: Path, comparison: Comparison) -> list[Path]:
    """``compare.md``, ``compare.json``, and CSV files of scores, differences and thought tokens."""
    texts = {
        "compare.md": markdown(comparison),
        "compare.json": json.dumps(comparison.as_json(), indent=1, ensure_ascii=False) + "\n",
    }
    for name, text in texts.items():
        with atomic(folder / name) as file:
            file.write(text)
    scores = [
        {"run": c.run, "domain": c.domain, "task": c.task, **asdict(s)}
        | {"parse_failures": c.parse_failures, "truncated": c.truncated}
        for c in comparison.cells
        for s in c.scores
    ]
    differences = [
        {"of": of, **asdict(d)}
        for of, found in (("base", comparison.differences), ("condition", comparison.conditions))
        for d in found
    ]
    lists: dict[str, list[dict[str, Any]]] = {
        "scores.csv": scores,
        "differences.csv": differences,
        "thinking.csv": [asdict(t) for t in comparison.thinking],
        "published.csv": [one._asdict() for one in PUBLISHED],
    }
    for name, rows in lists.items():
        with atomic(folder / name) as file:
            if rows:
                table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                table.writeheader()
                table.writerows(rows)
    return [folder / name for name in (*texts, *lists)]
