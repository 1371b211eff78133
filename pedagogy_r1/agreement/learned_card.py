"""The card of a learned coder: how far what it said out of fold agrees with those who taught it, and how far cues do.

    card = coder_card(runs, fitted)                      coders/mine/card.json, card.md
    card = coder_card(runs, fitted, test=[others])      … and how far it agrees with the codings of traces set apart

Everything else in it is of predictions out of fold: of every trace by a model that had not seen its item.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from ..coding.annotate import annotate
from ..coding.learned.coded_traces import TaughtTraces, read_coded
from ..coding.learned.deferral import Calibration, CalibrationData
from ..coding.learned.fit_coder import CARD, CARD_TEXT, CODEBOOK, NAME, OUT_OF_FOLD, Fitted, carded
from ..coding.learned.fit_model import REPEATS, learning_curve
from ..coding.learned.learned_model import Floats
from ..errors import InputError
from ..estimate import Estimate, Resampling
from ..files.records import write_json, write_text
from ..formatting import counted, interval, shown
from ..runs.locked_part import text_key
from ..runs.run import CoderKind, CoderRun
from ..trace import item_group
from .alpha import krippendorff_alpha
from .comparison import Comparison, ReliabilityData, compare, reliability_data
from .learning_forecast import MORE, rise_of

CUES, TEST = "cues", "test"


@dataclass(frozen=True)
class CurvePoint:
    """α with the teachers on traces set aside, after learning from so many; ``repeats`` are the single ones."""

    traces: int
    alpha: float
    repeats: tuple[float, ...]


@dataclass(frozen=True)
class TestedOn:
    """α with one coder on traces of items that it did not learn from, and that of the cues."""

    __test__ = False  # pytest takes it for tests

    traces: int
    items: int
    units: int
    learned: Comparison
    cues: Comparison | None
    kind: CoderKind

    def as_json(self) -> dict[str, Any]:
        """What ``card.json`` holds of it."""
        sizes = {"traces": self.traces, "items": self.items, "units": self.units}
        both = {"learned": self.learned.as_json(), "cues": self.cues and self.cues.as_json()}
        return sizes | {"says": self.sentence()} | both

    def sentence(self) -> str:
        """What `annotate` says of the coder in one line."""
        who = self.learned.coders[0]
        other = f" (cues: {shown(self.cues.result.value)})" if self.cues else ""
        return (
            f"α {_said(self.learned)}{other} with {who} ({self.kind} codings) on {counted(self.traces, 'trace')} of "
            f"{counted(self.items, 'item')} that it did not learn from"
        )


@dataclass(frozen=True)
class CoderCard:
    """``learned``, ``cues``: comparisons with each teacher; ``teachers``: among themselves. α are nominal, of first codes.

    ``more``: the rise of α that `MORE` more traces would bring. ``curve``: empty for a coder with an encoder, which would have to
    be taught so many times more."""

    fitted: Fitted
    learned: tuple[Comparison, ...]
    cues: tuple[Comparison, ...]
    teachers: tuple[Comparison, ...]
    calibration: Calibration
    curve: tuple[CurvePoint, ...]
    more: Estimate
    test: tuple[TestedOn, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What ``card.json`` holds."""
        record = self.fitted.record
        beside = {"encoder": record.encoder} if record.encoder else {}
        return beside | {
            "codebook": record.codebook,
            "taught_by": record.coders,
            "people": record.people,
            "traces": record.traces,
            "items": record.items,
            "units": record.units,
            "learned": [one.as_json() for one in self.learned],
            "cues": [one.as_json() for one in self.cues],
            "teachers": [one.as_json() for one in self.teachers],
            "calibration": {"ece": self.calibration.ece, "curve": list(self.calibration.curve)},
            "learning_curve": [vars(point) for point in self.curve],
            "more_traces": {"traces": MORE, "rise": self.more.as_json(), "says": _more_said(self.more)},
            "test": [one.as_json() for one in self.test],
        }


def mean_alpha(comparisons: Iterable[Comparison]) -> float | None:
    """Mean of the α that are defined."""
    found = [one.result.value for one in comparisons if one.result.value is not None]
    return fmean(found) if found else None


def cues_of(out_of_fold: CoderRun, folder: Path) -> CoderRun | None:
    """The rule-based coder on the same units, if the codebook has cues."""
    if not _has_cues(out_of_fold):
        return None
    where = out_of_fold.folder
    return annotate(where / "traces.jsonl", folder / CUES, codebook=where / CODEBOOK, units=where, coder=CUES)


def _has_cues(run: CoderRun) -> bool:
    return any(code.cues for code in run.codebook.codes)


def why_refused(
    runs: Sequence[CoderRun],
    coders: Sequence[str],
    out_of_fold: CoderRun,
    folder: Path,
    *,
    tested: bool = False,
) -> str | None:
    """Why a coder is not worth using: out of fold it agrees with its teachers no better than the cues do, or than chance.

    Where the codebook has no cues, the interval over traces has to lie above 0 too. If it is to be ``tested`` on traces set apart,
    it is there that it has to beat the cues (`why_beaten`): they may have been written with these traces in view.
    """
    data = reliability_data([*runs, out_of_fold])
    found = list(_with(data, NAME, coders, Resampling()))
    mine = mean_alpha(found)
    traces = counted(out_of_fold.manifest.counts["traces"], "trace")
    so_far = f"learned from {traces}, the coder has α {shown(mine)} out of fold"
    if mine is not None and mine <= 0:
        return f"{so_far}, no better than chance: it learned too little"
    if tested and _has_cues(out_of_fold):
        return None
    if cues := cues_of(out_of_fold, folder):
        theirs = mean_alpha(_with(reliability_data([*runs, cues]), CUES, coders, Resampling(0)))
        better = mine is not None and (theirs is None or mine > theirs)
        return None if better else f"{so_far}, and the cues have {shown(theirs)}: it learned too little"
    lows = [one.result.interval[0] for one in found if one.result.interval]
    if mine is not None and mine > 0 and all(low > 0 for low in lows):
        return None
    return f"{so_far}, which is not shown to be better than chance: it learned too little"


def coder_card(
    runs: Sequence[CoderRun],
    fitted: Fitted,
    how: Resampling = Resampling(),
    test: Sequence[CoderRun] = (),
) -> CoderCard:
    """Measure what was said out of fold, and on the runs of ``test``. Raises `InputError` where these are not set apart."""
    coders, out = fitted.record.coders, fitted.out_of_fold
    data = reliability_data([*runs, out])
    cues = cues_of(out, fitted.folder)
    coded = read_coded(runs, coders)
    curve, more = _curve(coded, fitted)
    return CoderCard(
        fitted,
        learned=tuple(_with(data, NAME, coders, how)),
        cues=tuple(_with(reliability_data([*runs, cues]), CUES, coders, how)) if cues else (),
        teachers=tuple(
            compare(data.of((a, b)), "human-human", how)
            for i, a in enumerate(coders)
            for b in coders[i + 1 :]
        ),
        calibration=CalibrationData.load(fitted.folder).curve(),
        curve=curve,
        more=more,
        test=tuple(one for run in test for one in _tested(run, fitted, how)),
    )


def why_beaten(card: CoderCard) -> str | None:
    """Why a coder that was tested is not worth using: on some traces set apart it agrees no better than the cues."""
    for one in card.test:
        mine, theirs = one.learned.result.value, one.cues.result.value if one.cues else None
        if mine is not None and theirs is not None and mine <= theirs:
            return f"{one.sentence()}: it learned too little"
    return None


def check_apart(runs: Sequence[CoderRun], test: Sequence[CoderRun]) -> None:
    """Raise `InputError` for a trace of ``test`` that is in ``runs``, or another trace of whose item is."""
    taught = [trace for run in runs for trace, _, _ in run.by_trace()] if test else []
    items, texts = {t.item for t in taught if t.item}, {text_key(t) for t in taught}
    for run in test:
        for trace, _, _ in run.by_trace():
            if trace.item in items or text_key(trace) in texts:
                raise InputError(
                    f"{run.folder}: the coder would learn from {trace.id}, or from another trace of its item",
                    "test it on items that are set apart before anything is fitted",
                )


def _tested(run: CoderRun, fitted: Fitted, how: Resampling) -> Iterable[TestedOn]:
    """With each coder of the run: what the coder and the cues say of its units."""
    folder, traces, units = fitted.folder, list(run.traces()), sum(1 for _ in run.units())
    where, out = run.sound("traces.jsonl"), folder / TEST / run.manifest.run_id
    given: dict[str, Any] = {"codebook": folder / CODEBOOK, "units": run.folder}
    mine = annotate(where, out / NAME, coder=NAME, path=folder, owes_card=True, **given)
    cues = annotate(where, out / CUES, coder=CUES, **given) if _has_cues(mine) else None
    data = reliability_data([run, mine])
    theirs = reliability_data([run, cues]) if cues else None
    sizes = len(traces), len({item_group(t) for t in traces}), units
    for coder in run.manifest.coders:
        beside = compare(theirs.of((coder.name, CUES)), "human-machine", how) if theirs else None
        yield TestedOn(*sizes, compare(data.of((coder.name, NAME)), "human-machine", how), beside, coder.kind)


def _with(
    data: ReliabilityData, machine: str, coders: Sequence[str], how: Resampling
) -> Iterable[Comparison]:
    return (compare(data.of((coder, machine)), "human-machine", how) for coder in coders)


def _curve(coded: TaughtTraces, fitted: Fitted) -> tuple[tuple[CurvePoint, ...], Estimate]:
    if fitted.record.encoder:
        return (), Estimate.undefined("it was not measured for a coder with an encoder")
    draws: dict[int, dict[int, float]] = {}
    for draw, traces, p, out in learning_curve(coded, fitted.record.seed):
        alpha = _alpha(coded, p, out)
        if alpha is not None:
            draws.setdefault(draw, {})[traces] = alpha
    sizes = sorted({traces for draw in draws.values() for traces in draw})
    single = {n: [round(draw[n], 3) for draw in draws.values() if n in draw] for n in sizes}
    points = tuple(CurvePoint(n, round(fmean(alphas), 3), tuple(alphas)) for n, alphas in single.items())
    return points, rise_of(list(draws.values()), len(coded.traces))


def _more_said(more: Estimate) -> str:
    if more.value is None or more.interval is None:
        return f"What {MORE} more traces of the same kind would bring cannot be said: {more.why_undefined}."
    low, high = more.interval
    return (
        f"{MORE} more traces of the same kind would change α by {more.value:+.3f} [{low:+.3f}, {high:+.3f}], if the curve goes on as "
        f"it went ({more.method})."
    )


def _alpha(coded: TaughtTraces, p: Floats, out: Sequence[int]) -> float | None:
    """With the code that most of the teachers gave."""
    targets = np.vstack([coded.traces[i].targets for i in out])
    kept = targets.any(axis=1)
    values = np.vstack([targets.argmax(axis=1), p.argmax(axis=1)])[:, kept].astype(np.int64)
    cluster = np.repeat(np.arange(len(out)), [len(coded.traces[i].units) for i in out])[kept]
    return krippendorff_alpha(values, cluster, len(coded.codes), replicates=0).value


def write_card(card: CoderCard) -> None:
    """Write ``card.json`` and ``card.md`` into the coder's folder, and their digests into its record, which owes no card then."""
    folder = card.fitted.folder
    write_json(folder / CARD, card.as_json())
    write_text(folder / CARD_TEXT, "\n".join(card_lines(card)) + "\n")
    carded(card.fitted)


def card_lines(card: CoderCard) -> Iterable[str]:
    """The card as Markdown."""
    record = card.fitted.record
    who = ", ".join(record.coders)
    yield f"# A coder learned from {who}\n"
    kind = "people" if record.people else "machines: not people's codings"
    book = f"{record.codebook['id']}@{record.codebook['version']}"
    yield (
        f"{counted(record.units, 'unit')} of {counted(record.traces, 'trace')} ({counted(record.items, 'item')}), "
        f"coded by {who} ({kind}) under {book}. All figures but those on traces set apart are of predictions out of fold (`{OUT_OF_FOLD}/`): of every "
        "trace by a model that had not seen its item.\n"
    )
    if record.encoder:
        yield f"{_encoder_line(record.encoder)}\n"
    yield "| with | learned: α [interval over traces] | cues: α |"
    yield "|---|---|---|"
    cues = {one.coders[0]: one for one in card.cues}
    for one in card.learned:
        other = cues.get(one.coders[0])
        yield f"| {one.coders[0]} | {_said(one)} | {_said(other) if other else '–'} |"
    for one in card.teachers:
        yield f"\n{one.coders[0]} with {one.coders[1]}: α {_said(one)}"
    if card.test:
        yield "\n## On traces set apart\n"
        yield from (f"- {one.sentence()}." for one in card.test)
    yield "\n## By code\n"
    yield "| code | share | α | cues: α |\n|---|---|---|---|"
    first = card.learned[0]
    theirs = {c.code: c.result.value for c in card.cues[0].per_code} if card.cues else {}
    for code in first.per_code:
        yield (
            f"| {code.code} | {shown(code.prevalence, 'percent')} | {shown(code.result.value)} | "
            f"{shown(theirs.get(code.code))} |"
        )
    yield f"\n## Calibration\n\nExpected calibration error {card.calibration.ece:.3f}.\n"
    yield "| units | mean confidence | right |\n|---|---|---|"
    for b in card.calibration.curve:
        yield f"| {b['units']} | {b['confidence']:.2f} | {b['right']:.2f} |"
    yield "\n## What more traces bring\n"
    yield f"{_more_said(card.more)}\n"
    if not card.curve:
        return
    yield f"A fifth of the items set aside, {REPEATS} times; α with the code that most of the teachers gave.\n"
    yield "| traces learned from | α | single draws |\n|---|---|---|"
    for point in card.curve:
        yield f"| {point.traces} | {point.alpha:.3f} | {', '.join(f'{a:.3f}' for a in point.repeats)} |"


def _encoder_line(encoder: dict[str, Any]) -> str:
    """How the encoder was taught, in a sentence."""
    how = (
        f"the {encoder['taught']} of its layers taught too, {encoder['epochs']} times through"
        if encoder["fine_tuned"]
        else "frozen"
    )
    return (
        f"With the sentence encoder {Path(encoder['path']).name} (`{encoder['digest']}`), {how}; class weights: "
        f"{encoder['class_weights']}. Words weigh {encoder['weights'][0]:.2f}, the encoder {encoder['weights'][1]:.2f}."
    )


def _said(one: Comparison) -> str:
    result = one.result
    if result.value is None:
        return f"undefined ({result.why_undefined})"
    low, high = result.interval or (None, None)
    return f"{shown(result.value)} {interval(low, high)}"
