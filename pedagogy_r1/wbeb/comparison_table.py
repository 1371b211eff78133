"""A comparison as tables: for the terminal, as CSV and as Markdown.

                 SK accuracy      KT auc           …
base · cop       .27 [.21, .34]   .52 [.46, .58]
student · cop    .33 [.26, .40]   .55 [.49, .61]
published: …     .272             .5499
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..estimate import Estimate
from ..files.records import write_csv, write_json, write_text
from ..formatting import interval, level_words, shown
from ..limits import FEW_CLUSTERS, LEVEL
from .compare import EvaluationComparison, ScoreDifference, ThoughtCost, place

PAIRED = f"paired over the same items (★ the interval excludes 0, by {FEW_CLUSTERS} groups or more; by chance one in {{}} does)"
BESIDE = frozenset({"adjacent", "mae"})
"""Scores that the narrow table leaves out; they are in the files."""


SOURCE = "Lee et al. 2025, arXiv 2505.18467"
"""Pedagogy-R1, CIKM 2025, doi 10.1145/3746252.3761133. Its items cannot be had as a whole (docs/wbeb.md), so a difference between
its numbers and a run's is one of data as much as of models: they show where the paper stands."""


class Published(NamedTuple):
    """One number, as a share; a range has two ends. ``derived``: from a published difference. ``score``: ``None``: not stated."""

    model: str
    domain: str
    low: float
    high: float
    derived: bool = False
    score: str | None = None

    def __str__(self) -> str:
        """``.272``; ``.240–.270``; ``.252*`` derived; ``.158?`` where the score is not stated."""
        ends = dict.fromkeys((self.low, self.high))
        value = "–".join(f"{end:.4f}".rstrip("0").removeprefix("0") for end in ends)
        return value + ("*" if self.derived else "") + ("" if self.score else "?")


PUBLISHED = (
    Published("Pedagogy-R1-7B", "SK", 0.272, 0.272, score="accuracy"),
    Published("Pedagogy-R1-7B", "PK", 0.3167, 0.3167, score="accuracy"),
    Published("Pedagogy-R1-7B", "KT", 0.5499, 0.5499, score="auc"),
    Published("Pedagogy-R1-7B", "AES", 0.1583, 0.1583),
    Published("Pedagogy-R1-7B", "DM", 0.5476, 0.5476),
    Published("Pedagogy-R1-1.5B", "SK", 0.24, 0.27, score="accuracy"),
    Published("Pedagogy-R1-1.5B", "PK", 0.306, 0.306, score="accuracy"),
    Published("Pedagogy-R1-1.5B", "KT", 0.5257, 0.5257, score="auc"),
    Published("Qwen2.5-7B-Instruct", "SK", 0.2969, 0.2969, score="accuracy"),
    Published("Qwen2.5-7B-Instruct", "PK", 0.2518, 0.2518, derived=True, score="accuracy"),
    Published("Qwen2.5-7B-Instruct", "AES", 0.0708, 0.0708, derived=True),
    Published("Qwen2.5-7B-Instruct", "DM", 0.2342, 0.2342, derived=True),
    Published("o4-mini", "SK", 0.4596, 0.4596, score="accuracy"),
    Published("DKT", "KT", 0.7755, 0.7755, score="auc"),
    Published("AKT", "KT", 0.7931, 0.7931, score="auc"),
)

NOTE = (
    f"published: {SOURCE}, on the paper's own items, which are not these; * derived from published differences; "
    "? which score it is, is not stated"
)
"""What stands under a table that shows them."""


class TextTable(NamedTuple):
    """Texts. The first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def cell(estimate: Estimate) -> str:
    """``.31 [.25, .38]``, the value alone, or ``undefined``."""
    if estimate.value is None:
        return "undefined"
    bounds = f" {interval(estimate.low, estimate.high)}" if estimate.interval else ""
    return shown(estimate.value) + bounds


def scores_table(comparison: EvaluationComparison) -> TextTable:
    """Runs × scores, over the shared items; the published numbers below."""
    found = {
        (one.run, (one.domain, one.task, score.name)): cell(score.estimate)
        for one in comparison.cells
        for score in one.scores
        if score.name not in BESIDE
    }
    keys = list(dict.fromkeys(key for _, key in found))
    rows = [(run.name, *(found.get((run.name, key), "") for key in keys)) for run in comparison.runs]
    for model in dict.fromkeys(one.model for one in PUBLISHED):
        cells = [_reference(model, key, keys) for key in keys]
        if any(cells):
            rows.append((f"published: {model}", *cells))
    columns = ("", *(f"{place(domain, task)} {name}" for domain, task, name in keys))
    return TextTable("Scores over the shared items", columns, tuple(rows))


def _reference(
    model: str, key: tuple[str, str | None, str], keys: Sequence[tuple[str, str | None, str]]
) -> str:
    """In the column of its score; where that is not stated, in the domain's first."""
    for one in PUBLISHED:
        if (one.model, one.domain) == (model, key[0]):
            first = next(k for k in keys if k[0] == key[0])
            if one.score == key[2] or (one.score is None and key == first):
                return str(one)
    return ""


def differences_table(title: str, differences: Sequence[ScoreDifference]) -> TextTable:
    """A line a difference; a star where the interval excludes 0."""
    rows = []
    for d in differences:
        e = d.estimate
        value = "undefined" if e.value is None else ("+" if e.value > 0 else "") + shown(e.value)
        sure = (
            e.clusters >= FEW_CLUSTERS and e.interval is not None and not e.interval[0] <= 0 <= e.interval[1]
        )
        name = f"{place(d.domain, d.task)} {d.score}"
        cells = (d.run, d.base, name, value + (" ★" if sure else ""), interval(e.low, e.high))
        rows.append((*cells, f"{e.n:,}", f"{e.clusters:,}"))
    level = differences[0].estimate.level if differences else LEVEL
    columns = ("run", "less", "score", "difference", level_words(level), "items", "groups")
    return TextTable(f"{title}, {PAIRED.format(round(1 / (1 - level)))}", columns, tuple(rows))


def thinking_table(rows: Sequence[ThoughtCost]) -> TextTable:
    """Thought tokens of right and wrong answers."""
    cells = [
        (
            t.run,
            t.domain or "all",
            shown(t.right, "count"),
            shown(t.wrong, "count"),
            t.estimate.why_undefined or shown(t.estimate.value),
            interval(t.estimate.low, t.estimate.high),
            *(f"{count:,}" for count in (t.n_right, t.n_wrong, t.cut)),
            shown(t.whole_ratio),
        )
        for t in rows
    ]
    level = [level_words(t.estimate.level) for t in rows[:1]]
    columns = ("run", "", "right", "wrong", "wrong / right", *level)
    columns += ("n right", "n wrong", "cut off", "without these")
    return TextTable("Thought tokens of right and wrong answers", columns, tuple(cells))


def tables(comparison: EvaluationComparison) -> list[TextTable]:
    """All that have rows. What the differences from the base say of conditions already is not said twice."""
    shown = {(d.run, d.base) for d in comparison.differences}
    others = [d for d in comparison.conditions if (d.run, d.base) not in shown]
    found = [
        scores_table(comparison),
        differences_table("Differences", comparison.differences),
        differences_table("Conditions of one model", others),
        thinking_table(comparison.thinking),
    ]
    return [table for table in found if table.rows]


def commands(comparison: EvaluationComparison) -> list[str]:
    """What to run for the contrast of code frequencies between the conditions of one model."""
    if not comparison.conditions:
        return []
    by_name = {run.name: run for run in comparison.runs}
    pair = [by_name[name] for name in (comparison.conditions[0].run, comparison.conditions[0].base)]
    folders = [run.folder.rstrip("/") for run in pair]
    contrast = ":".join(["condition", *(run.condition for run in pair)])
    return [
        *(f"pcode annotate {folder}/traces.jsonl -o {folder}/coded" for folder in folders),
        f"pcode report {' '.join(f'{folder}/coded' for folder in folders)} -o report --contrast {contrast}",
    ]


def markdown(comparison: EvaluationComparison) -> str:
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


def as_json(comparison: EvaluationComparison) -> dict[str, Any]:
    """Plain values, the published numbers among them."""
    published = {"source": SOURCE, "note": NOTE, "numbers": [one._asdict() for one in PUBLISHED]}
    return {**comparison.as_json(), "published": published}


def write(folder: Path, comparison: EvaluationComparison) -> list[Path]:
    """``compare.md``, ``compare.json``, and CSV files of scores, differences and thought tokens."""
    write_text(folder / "compare.md", markdown(comparison))
    write_json(folder / "compare.json", as_json(comparison))
    lists: dict[str, list[dict[str, Any]]] = {
        "scores.csv": [
            {"run": c.run, "domain": c.domain, "task": c.task, **score.as_json()}
            | {"parse_failures": c.parse_failures, "truncated": c.truncated}
            for c in comparison.cells
            for score in c.scores
        ],
        "differences.csv": [
            {"of": of, **d.as_json()}
            for of, found in (("base", comparison.differences), ("condition", comparison.conditions))
            for d in found
        ],
        "thinking.csv": [t.as_json() for t in comparison.thinking],
        "published.csv": [one._asdict() for one in PUBLISHED],
    }
    for name, rows in lists.items():
        header = rows[:1]  # a row's keys; where there is none, the file is empty
        write_csv(folder / name, [*header, *(row.values() for row in rows)])
    return [folder / name for name in ("compare.md", "compare.json", *lists)]
