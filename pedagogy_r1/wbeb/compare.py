"""Several evaluations side by side: the same items, differences with paired intervals, and what thinking cost.

    compare(["runs/base", "runs/student"]).differences[0]
    ScoreDifference("SK", None, "accuracy", "student · cop", "base · cop", Estimate(.06, .01, .11, n=161, clusters=158, …))

Only items that all runs answered are compared, domain by domain (a run without the domain stands aside), and how many that
are is said. Intervals resample groups, the same ones for all runs, so that what items have in common cancels out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, InputError, RunError, did_you_mean
from ..estimate import Estimate, Resampling, clustered, ratio_of_means
from .domain import Answered, Score, domain_named
from .evaluation import Key, answered
from .generation import Generation
from .item import place_of
from .score import OVER, from_replicates, unread_and_cut


class _Plain:
    def as_json(self) -> dict[str, Any]:
        """Plain values, one level deep: the estimate's fields stand where it stands."""
        found: dict[str, Any] = {}
        for name, value in vars(self).items():
            found |= value.as_json() if isinstance(value, Estimate) else {name: value}
        return found


@dataclass(frozen=True)
class ComparedRun(_Plain):
    """One evaluation. ``name`` tells it from the others of the comparison."""

    name: str
    folder: str
    model: str
    condition: str
    shots: int


@dataclass(frozen=True)
class SharedItems(_Plain):
    """The items of a domain, or of one of its tasks, that all runs answered. ``answered``: how many each did, by name."""

    domain: str
    task: str | None
    items: int
    groups: int
    answered: dict[str, int]

    @property
    def name(self) -> str:
        return place(self.domain, self.task)


@dataclass(frozen=True)
class RunScores:
    """A run's scores over the shared items."""

    run: str
    domain: str
    task: str | None
    scores: tuple[Score, ...]
    parse_failures: float
    truncated: float

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "scores": [score.as_json() for score in self.scores]}


@dataclass(frozen=True)
class ScoreDifference(_Plain):
    """``run`` less ``base``, over the shared items (``estimate.n``). Undefined where either score is."""

    domain: str
    task: str | None
    score: str
    run: str
    base: str
    estimate: Estimate


@dataclass(frozen=True)
class ThoughtCost(_Plain):
    """Mean thought tokens of right and of wrong answers (unread ones are wrong), and the ratio wrong / right.

        right   120 140 160   mean 140
        wrong   200 220       mean 210        210 / 140 = 1.5

    The paper found that wrong ones usually cost more. Right and wrong answers are different items, and hard items cost more
    whoever answers them: the ratio describes, it does not explain. An answer that was cut off at the limit is nearly always wrong,
    and its tokens are the limit's, not its own: ``cut`` counts them, ``whole_ratio`` is without them.

    ``domain`` of ``None``: all of the run.
    """

    run: str
    domain: str | None
    right: float | None
    wrong: float | None
    estimate: Estimate
    n_right: int
    n_wrong: int
    cut: int
    whole_ratio: float | None


@dataclass(frozen=True)
class EvaluationComparison:
    """Everything. ``conditions``: differences between conditions of one model."""

    runs: tuple[ComparedRun, ...]
    shared: tuple[SharedItems, ...]
    cells: tuple[RunScores, ...]
    differences: tuple[ScoreDifference, ...]
    conditions: tuple[ScoreDifference, ...]
    thinking: tuple[ThoughtCost, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        lists = {name: found for name, found in vars(self).items() if name != "notes"}
        plain = {name: [one.as_json() for one in found] for name, found in lists.items()}
        return {**plain, "notes": list(self.notes)}


def compare(
    folders: Sequence[str | Path], *, base: str | None = None, how: Resampling | None = None
) -> EvaluationComparison:
    """Compare evaluations. ``base``: name or folder of the run that others are held against; default: the first,
    and for a run under another condition the first one's model under that condition, where it was evaluated too.

    Raises `RunError` for a folder that is unfinished or given twice, `InputError` for runs that disagree about an item.
    """
    how = how or Resampling()
    opened = _opened(folders)
    runs = _named(opened)
    pairs = _held_against(runs, base)
    answers: defaultdict[Key, dict[str, list[Answered]]] = defaultdict(dict)
    for run, generation in zip(runs, opened, strict=True):
        for key, found in answered(generation).items():
            answers[key][run.name] = found
    parts = [_part(key, answers[key], how) for key in sorted(answers, key=place_of)]
    return EvaluationComparison(
        runs=runs,
        shared=tuple(part.shared for part in parts),
        cells=tuple(cell for part in parts for cell in part.cells.values()),
        differences=_differences(parts, pairs),
        conditions=_differences(parts, list(_contrasts(runs))),
        thinking=tuple(_thinking(parts, how)),
        notes=(*_readers(runs, opened), *(note for part in parts for note in part.notes())),
    )


def _differences(
    parts: Sequence[_SharedPart], pairs: Sequence[tuple[str, str]]
) -> tuple[ScoreDifference, ...]:
    return tuple(d for part in parts for run, base in pairs for d in part.differences(run, base))


def _thinking(parts: Sequence[_SharedPart], how: Resampling) -> Iterator[ThoughtCost]:
    """Domain by domain, and of several domains together."""
    whole: dict[str, list[Answered]] = defaultdict(list)
    for part in parts:
        for name, found in part.answers.items():
            whole[name] += found
            if found:
                yield thinking(name, part.shared.name, found, how)
    for name, found in whole.items():
        if len(parts) > 1 and found:
            yield thinking(name, None, found, how)


def _held_against(runs: Sequence[ComparedRun], wanted: str | None) -> list[tuple[str, str]]:
    """Each run, and the one it is held against: the base. Where none is ``wanted``, the base's model under the run's own
    condition, if there is such a run: else training and prompt would be mixed up.
    """
    base = _base(runs, wanted)
    alike = {} if wanted else {run.condition: run for run in reversed(runs) if run.model == base.model}
    return [
        (run.name, base.name if run.model == base.model else alike.get(run.condition, base).name)
        for run in runs
    ]


@dataclass(frozen=True)
class _SharedPart:
    """One domain or task: the shared items' answers, and the scores of each run, under the same weights for all."""

    shared: SharedItems
    answers: Mapping[str, list[Answered]]
    cells: Mapping[str, RunScores]
    how: Resampling

    def differences(self, run: str, base: str) -> Iterator[ScoreDifference]:
        """Of all scores that both have."""
        if run == base or run not in self.cells or base not in self.cells:
            return
        s, theirs = self.shared, {score.name: score for score in self.cells[base].scores}
        for score in self.cells[run].scores:
            if score.name in theirs:
                estimate = paired(score, theirs[score.name], self.how, n=s.items, clusters=s.groups)
                yield ScoreDifference(s.domain, s.task, score.name, run, base, estimate)

    def notes(self) -> Iterator[str]:
        """What was left out so that the items are the same."""
        s = self.shared
        if any(count > s.items for count in s.answered.values()):
            each = ", ".join(f"{count:,} in {run}" for run, count in s.answered.items())
            yield f"{s.name}: {s.items:,} items are shared, and only they are compared ({each})"
        if len(s.answered) == 1:
            yield f"{s.name}: only {next(iter(s.answered))} has answers; nothing to compare it with"


def _part(key: Key, own: Mapping[str, list[Answered]], how: Resampling) -> _SharedPart:
    """The shared items of one domain or task, and each run's scores over them."""
    ids = {name: {a.item.id for a in found} for name, found in own.items()}
    common = set.intersection(*ids.values())
    answers = {name: [a for a in found if a.item.id in common] for name, found in own.items()}
    _same_items(answers)
    groups = {a.item.group for found in answers.values() for a in found}
    shared = SharedItems(*key, len(common), len(groups), {name: len(each) for name, each in ids.items()})
    task = domain_named(key[0])
    cells = {
        name: RunScores(name, *key, tuple(task.scores(found, how)), *unread_and_cut(found))
        for name, found in answers.items()
        if found
    }
    return _SharedPart(shared, answers, cells, how)


def _readers(runs: Sequence[ComparedRun], opened: Sequence[Generation]) -> Iterator[str]:
    """Where not one reader read the answers of all."""
    by = {run.name: generation.manifest.reader for run, generation in zip(runs, opened, strict=True)}
    if len(set(by.values())) > 1:
        said = ", ".join(f"{name} by {reader}" for name, reader in by.items())
        yield f"the answers were not all read by one reader ({said}): a difference may be the readers'"


def _same_items(answers: Mapping[str, list[Answered]]) -> None:
    """Items of one id are the same item in all runs; else the files were built differently."""
    seen: dict[str, tuple[str, Any]] = {}
    for name, found in answers.items():
        for a in found:
            what = (a.item.answer, a.item.group, a.item.parts, a.item.options)
            first, other = seen.setdefault(a.item.id, (name, what))
            if what != other:
                raise InputError(
                    f"item {a.item.id!r} is another one in {first} than in {name}",
                    "evaluate both on one items file",
                )


def paired(score: Score, other: Score, how: Resampling, **known: Any) -> Estimate:
    """``score`` less ``other``, over the same groups: replicate by replicate, so that what items have in common cancels out."""
    value, less = score.estimate.value, other.estimate.value
    if value is None or less is None:
        why = score.estimate.why_undefined or other.estimate.why_undefined or ""
        return Estimate.undefined(why, level=how.level, **known)
    if score.replicates is None and other.replicates is None:  # shares of 0 or 1
        warnings = ("no interval: resampling cannot vary it",)
        return Estimate(value - less, level=how.level, warnings=warnings, **known)
    ours = value if score.replicates is None else score.replicates
    theirs = less if other.replicates is None else other.replicates
    return from_replicates(value - less, np.asarray(ours - theirs), how, **known)


def thinking(run: str, domain: str | None, answered: Sequence[Answered], how: Resampling) -> ThoughtCost:
    """Thought tokens of the answers of one run; groups are resampled."""
    tokens = np.array([a.thought or 0 for a in answered])
    right = np.array([a.correct is True for a in answered])
    whole = np.array([not a.truncated for a in answered])
    columns: list[Any] = [tokens * ~right, ~right, tokens * right, right]
    groups = [a.item.group for a in answered]
    above, below = _mean(tokens[whole & ~right]), _mean(tokens[whole & right])
    return ThoughtCost(
        run,
        domain,
        _mean(tokens[right]),
        _mean(tokens[~right]),
        clustered(
            columns, groups, ratio_of_means, how, scale="ratio", over=OVER, why=_no_ratio(tokens, right)
        ),
        int(right.sum()),
        int((~right).sum()),
        int((~whole).sum()),
        above / below if above is not None and below else None,
    )


def _mean(tokens: NDArray[np.int_]) -> float | None:
    return float(tokens.mean()) if len(tokens) else None


def _no_ratio(tokens: NDArray[np.int_], right: NDArray[np.bool_]) -> str:
    """Why there is no ratio, where there is none."""
    if not tokens.any():
        return "no thought was counted"
    if not right.any():
        return "no answer is right"
    return "every answer is right" if right.all() else "right answers have no thoughts"


def place(domain: str, task: str | None) -> str:
    """``DM move``."""
    return f"{domain} {task}" if task else domain


def _opened(folders: Sequence[str | Path]) -> list[Generation]:
    opened = [Generation(folder).require_complete() for folder in folders]
    twice = [f for f, n in Counter(g.folder.resolve() for g in opened).items() if n > 1]
    if twice or not opened:
        raise RunError(f"{twice[0]} is given twice" if twice else "no run is given", "give each run once")
    return opened


def _named(opened: Sequence[Generation]) -> tuple[ComparedRun, ...]:
    """Model and condition, as far as they tell the runs apart; then the number of examples, the folder, a number."""
    facts = [
        (g.manifest.model, g.manifest.parameters["condition"]["id"], g.manifest.parameters["shots"])
        for g in opened
    ]
    names = [f"{model} · {condition}" for model, condition, _ in facts]
    for more in (
        [f" · {shots} shots" for _, _, shots in facts],
        [f" · {g.folder.resolve().name}" for g in opened],
        [f" ({k})" for k in range(1, len(names) + 1)],
    ):
        names = [n + (also if names.count(n) > 1 else "") for n, also in zip(names, more, strict=True)]
    return tuple(
        ComparedRun(name, str(g.folder), *fact) for name, g, fact in zip(names, opened, facts, strict=True)
    )


def _base(runs: Sequence[ComparedRun], wanted: str | None) -> ComparedRun:
    if wanted is None:
        return runs[0]
    for run in runs:
        if wanted in (run.name, run.folder) or Path(wanted).resolve() == Path(run.folder).resolve():
            return run
    meant = did_you_mean(wanted, [run.name for run in runs])
    raise ArgumentError(f"no run is named {wanted!r}", meant)


FIRST = ("cop-audit", "cop")
"""Conditions that are put first, so that a difference reads as what they add."""


def _contrasts(runs: Sequence[ComparedRun]) -> Iterator[tuple[str, str]]:
    """Pairs of runs of one model and as many examples, whose conditions differ."""
    for i, one in enumerate(runs):
        for other in runs[i + 1 :]:
            if (one.model, one.shots) == (other.model, other.shots) and one.condition != other.condition:
                first, second = sorted((one, other), key=_rank)
                yield first.name, second.name


def _rank(run: ComparedRun) -> tuple[int, str]:
    return (FIRST.index(run.condition) if run.condition in FIRST else len(FIRST), run.condition)
