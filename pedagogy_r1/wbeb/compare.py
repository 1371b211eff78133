"""Several evaluations side by side: the same items, differences with paired intervals, and what thinking cost.

    compare(["runs/base", "runs/student"]).differences[0]
    Difference("SK", None, "accuracy", "student · cop", "base · cop", .06, .01, .11, items=161, groups=158)

Only items that all runs answered are compared, domain by domain (a run without the domain stands aside), and how many that
are is said. Intervals resample groups, the same ones for all runs, so that what items have in common cancels out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, RunError, did_you_mean
from .domains import Answered, Resampling, Score, domain_of
from .evaluate import Key, answered, place_of
from .generation import Generation
from .published import NOTE, PUBLISHED, SOURCE
from .thinking import Thinking, thinking


@dataclass(frozen=True)
class Run:
    """One evaluation. ``name`` tells it from the others of the comparison."""

    name: str
    folder: str
    model: str
    condition: str
    shots: int


@dataclass(frozen=True)
class Shared:
    """The items of a domain, or of one of its tasks, that all runs answered. ``answered``: how many each did, by name."""

    domain: str
    task: str | None
    items: int
    groups: int
    answered: dict[str, int]


@dataclass(frozen=True)
class Cell:
    """A run's scores over the shared items."""

    run: str
    domain: str
    task: str | None
    scores: tuple[Score, ...]
    parse_failures: float
    truncated: float


@dataclass(frozen=True)
class Difference:
    """``run`` less ``base``, over the shared items. Undefined (``None``) where either score is, and ``why_undefined``."""

    domain: str
    task: str | None
    score: str
    run: str
    base: str
    estimate: float | None
    low: float | None
    high: float | None
    items: int
    groups: int
    why_undefined: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Everything. ``conditions``: differences between conditions of one model."""

    runs: tuple[Run, ...]
    shared: tuple[Shared, ...]
    cells: tuple[Cell, ...]
    differences: tuple[Difference, ...]
    conditions: tuple[Difference, ...]
    thinking: tuple[Thinking, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, the published numbers among them."""
        reference = {"source": SOURCE, "note": NOTE, "numbers": [one._asdict() for one in PUBLISHED]}
        return {**asdict(self), "published": reference}


def compare(
    folders: Sequence[str | Path], *, base: str | None = None, how: Resampling | None = None
) -> Comparison:
    """Compare evaluations. ``base``: name or folder of the run that others are held against; default: the first,
    and for a run under another condition the first one's model under that condition, where it was evaluated too.

    Raises `RunError` for a folder that is unfinished or given twice, `InputError` for runs that disagree about an item.
    """
    how = how or Resampling()
    opened = [_whole(Generation(folder)) for folder in folders]
    runs = _named(opened)
    against = _base(runs, base)
    answers = {run.name: answered(generation) for run, generation in zip(runs, opened, strict=True)}
    parts = [
        _part(key, {name: found[key] for name, found in answers.items() if key in found}, how)
        for key in sorted({key for found in answers.values() for key in found}, key=place_of)
    ]
    kept: dict[str, list[Answered]] = defaultdict(list)
    for part in parts:
        for name, found in part.answers.items():
            kept[name] += found
    return Comparison(
        runs=runs,
        shared=tuple(part.shared for part in parts),
        cells=tuple(cell for part in parts for cell in part.cells.values()),
        differences=tuple(
            d
            for part in parts
            for run in runs
            for d in part.differences(run.name, against if base else _held_against(run, against, runs))
        ),
        conditions=tuple(
            d for part in parts for one, other in _contrasts(runs) for d in part.differences(one, other)
        ),
        thinking=tuple(
            thinking(name, domain, found, how)
            for part in parts
            for domain in [" ".join(filter(None, (part.shared.domain, part.shared.task)))]
            for name, found in part.answers.items()
            if found
        )
        + tuple(
            thinking(run.name, None, kept[run.name], how) for run in runs if len(parts) > 1 and kept[run.name]
        ),
        notes=tuple(note for part in parts for note in part.notes()),
    )


def _held_against(run: Run, base: str, runs: Sequence[Run]) -> str:
    """The base's run under the same condition, where there is one: else training and prompt would be mixed up."""
    model = next(one.model for one in runs if one.name == base)
    alike = [one.name for one in runs if one.model == model and one.condition == run.condition]
    return alike[0] if alike and run.model != model else base


@dataclass(frozen=True)
class _Part:
    """One domain or task: the shared items' answers, and by run and score the replicates, under the same weights for all."""

    shared: Shared
    answers: Mapping[str, list[Answered]]
    cells: Mapping[str, Cell]
    replicates: Mapping[str, Mapping[str, Any]]

    def differences(self, run: str, base: str) -> Iterator[Difference]:
        """Of all scores that both have."""
        if run == base or run not in self.cells or base not in self.cells:
            return
        theirs = {score.name: score for score in self.cells[base].scores}
        for score in self.cells[run].scores:
            if score.name in theirs:
                yield self._difference(score, theirs[score.name], run, base)

    def _difference(self, score: Score, other: Score, run: str, base: str) -> Difference:
        s = self.shared
        low = high = estimate = None
        why = score.why_undefined or other.why_undefined
        if score.estimate is not None and other.estimate is not None:
            estimate = score.estimate - other.estimate
            low, high = _interval(
                self.replicates[run].get(score.name, score.estimate),
                self.replicates[base].get(score.name, other.estimate),
            )
        return Difference(
            s.domain, s.task, score.name, run, base, estimate, low, high, s.items, s.groups, why
        )

    def notes(self) -> Iterator[str]:
        """What was left out so that the items are the same."""
        s = self.shared
        name = " ".join(filter(None, (s.domain, s.task)))
        if any(count > s.items for count in s.answered.values()):
            each = ", ".join(f"{count:,} in {run}" for run, count in s.answered.items())
            yield f"{name}: {s.items:,} items are shared, and only they are compared ({each})"
        if len(s.answered) == 1:
            yield f"{name}: only {next(iter(s.answered))} has answers; nothing to compare it with"


def _part(key: Key, own: Mapping[str, list[Answered]], how: Resampling) -> _Part:
    """The shared items of one domain or task, and each run's scores over them."""
    common = set.intersection(*({a.item.id for a in found} for found in own.values()))
    answers = {name: [a for a in found if a.item.id in common] for name, found in own.items()}
    _same_items(answers)
    groups = {a.item.group for found in answers.values() for a in found}
    counts = {name: len({a.item.id for a in found}) for name, found in own.items()}
    shared = Shared(key[0], key[1], len(common), len(groups), counts)
    cells: dict[str, Cell] = {}
    replicates: dict[str, dict[str, Any]] = {}
    for name, found in answers.items() if common else ():
        replicates[name] = {}
        scores = domain_of(found[0].item).scores(found, how._replace(keep=replicates[name]))
        unread, cut = (sum(flags) / len(found) for flags in zip(*_flags(found), strict=True))
        cells[name] = Cell(name, key[0], key[1], tuple(scores), unread, cut)
    return _Part(shared, answers, cells, replicates)


def _flags(found: Sequence[Answered]) -> Iterator[tuple[bool, bool]]:
    return ((a.parsed.value is None, a.truncated) for a in found)


def _same_items(answers: Mapping[str, list[Answered]]) -> None:
    """Items of one id are the same item in all runs; else the files were built differently."""
    seen: dict[str, tuple[str, Any]] = {}
    for name, found in answers.items():
        for a in found:
            first, item = seen.setdefault(a.item.id, (name, a.item))
            if (item.answer, item.group, item.parts, item.options) != (
                a.item.answer,
                a.item.group,
                a.item.parts,
                a.item.options,
            ):
                raise InputError(
                    f"item {a.item.id!r} is another one in {first} than in {name}",
                    "evaluate both on one items file",
                )


def _interval(ours: Any, theirs: Any) -> tuple[float | None, float | None]:
    """95 % bounds of the difference; an array of replicates, or one number where they cannot differ."""
    import numpy as np

    difference = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    if difference.ndim == 0:
        return None, None
    defined = difference[np.isfinite(difference)]
    if len(defined) < len(difference) / 2:
        return None, None
    low, high = np.quantile(defined, (0.025, 0.975))
    return float(low), float(high)


def _whole(generation: Generation) -> Generation:
    if generation.manifest.status != "complete":
        raise RunError(
            f"{generation.folder} is not finished ({generation.manifest.status})",
            "run the command that made it again: it goes on where it stopped",
        )
    return generation


def _named(opened: Sequence[Generation]) -> tuple[Run, ...]:
    """Model and condition, as far as they tell the runs apart; then the number of examples, then the folder."""
    twice = [f for f, n in Counter(g.folder.resolve() for g in opened).items() if n > 1]
    if twice or not opened:
        raise RunError(f"{twice[0]} is given twice" if twice else "no run is given", "give each run once")
    facts = [
        (g.manifest.model, g.manifest.parameters["condition"]["id"], g.manifest.parameters["shots"])
        for g in opened
    ]
    names = [f"{model} · {condition}" for model, condition, _ in facts]
    names = [
        f"{name} · {fact[2]} shots" if names.count(name) > 1 else name
        for name, fact in zip(names, facts, strict=True)
    ]
    names = [
        f"{name} · {g.folder.resolve().name}" if names.count(name) > 1 else name
        for name, g in zip(names, opened, strict=True)
    ]
    names = [f"{name} ({k})" if names.count(name) > 1 else name for k, name in enumerate(names, 1)]
    return tuple(Run(name, str(g.folder), *fact) for name, g, fact in zip(names, opened, facts, strict=True))


def _base(runs: Sequence[Run], wanted: str | None) -> str:
    if wanted is None:
        return runs[0].name
    for run in runs:
        if wanted in (run.name, run.folder) or Path(wanted).resolve() == Path(run.folder).resolve():
            return run.name
    raise InputError(f"no run is named {wanted!r}", did_you_mean(wanted, [run.name for run in runs]))


FIRST = ("cop-audit", "cop")
"""Conditions that are put first, so that a difference reads as what they add."""


def _contrasts(runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """Pairs of runs of one model and as many examples, whose conditions differ."""
    for i, one in enumerate(runs):
        for other in runs[i + 1 :]:
            if (one.model, one.shots) == (other.model, other.shots) and one.condition != other.condition:
                first, second = sorted((one, other), key=_rank)
                yield first.name, second.name


def _rank(run: Run) -> tuple[int, str]:
    return (FIRST.index(run.condition) if run.condition in FIRST else len(FIRST), run.condition)
