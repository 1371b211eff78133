"""What differs? The card asks what its comparisons answer: between the conditions, the models, right and wrong answers.

    Corrected for the errors of gpt-4.1: under cop, compared with generic, more self-questioning.
    odds ratio 4.2 (1.3 to 13.6), in an interval that holds for all ten codes together

Where people coded any units, only corrected differences are named. A machine's own stand in the list, as such.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..formatting import counted, interval, level_words, shown
from ..stats.code_contrast import CodeContrast, ContrastFamily
from ..stats.corrected_verdict import Corrected
from ..stats.moment import interval as interval_of
from .answers import PlainAnswer, hedged, unit_words
from .column_contrast import ColumnContrast
from .noise_answer import assuming, why_none
from .reliability_answer import Ground
from .section import listed
from .sections.contrasts import Contrasts, clear_of_zero, shown_effects, tasks_words
from .sections.corrections import Corrections
from .study import NOT_ADDED_UP, Study

BETWEEN = {
    "condition": "between the conditions",
    "model": "between the models",
    "correct": "between right and wrong answers",
    "domain": "between the domains",
}
MOST_EFFECTS = 4
"""Effects of a comparison that are told one by one."""


def difference_answer(study: Study, found: Contrasts, corrected: Corrections, ground: Ground) -> PlainAnswer:
    """``ground``: what is shown of people's codes."""
    if not found.families:
        why = tuple(f"{gap.what}: {gap.why}." for gap in found.gaps)
        if study.tally is not None:
            return PlainAnswer(
                "What differs?", f"Not known: comparisons are {NOT_ADDED_UP}.", why, firm=False
            )
        return PlainAnswer("What differs?", "There is nothing to compare.", why)
    question = f"What differs {listed([BETWEEN[column] for column in dict.fromkeys(c.column for c in found.comparisons)])}?"
    pairs = list(zip(found.comparisons, found.families, strict=True))
    points = tuple(_contrast_words(study, found, one, family) for one, family in pairs)
    if study.main in study.humans or not study.humans:
        heads = [_headline(study, found, one, family) for one, family in pairs]
        head = _joined(heads, found)
        if study.main in study.machines:
            head = f"as {study.called(study.main)} coded, {head[0].lower()}{head[1:]}"
        short, text = hedged(ground.why, head.rstrip(".")), (_plain_text(study, found),)
        return PlainAnswer(question, short, text, points, firm=ground.firm)
    return _corrected(study, question, found, corrected, ground, points)


def _joined(heads: Sequence[str], found: Contrasts) -> str:
    """Two comparisons in words; the others by name."""
    clear = [words for words in heads if words]
    apart = [
        one.words for one, family in zip(found.comparisons, found.families, strict=True) if untested(family)
    ]
    if len(apart) == len(heads):
        return "No difference could be tested."
    headline = " ".join(clear[:2]) if clear else "No difference is shown."
    if len(clear) > 2:
        headline += f" {counted(len(clear) - 2, 'more comparison')} below."
    quiet = [
        one.words
        for one, words in zip(found.comparisons, heads, strict=True)
        if not words and one.words not in apart
    ]
    if clear and quiet:
        headline += f" No difference is shown between {listed([words.replace(' against ', ' and ') for words in quiet])}."
    if apart:
        headline += f" Not tested: {listed(apart)}."
    return headline


def untested(family: ContrastFamily) -> str:
    """Why none of the codes has a p, or nothing."""
    if any(c.p is not None for c in family.contrasts):
        return ""
    reasons = Counter(c.why_undefined for c in family.contrasts if c.why_undefined)
    return reasons.most_common(1)[0][0] if reasons else "no code was given"


def _plain_text(study: Study, found: Contrasts) -> str:
    several = max(pairs_of(found, one) for one in found.comparisons) > 1
    pairs = ", and for comparing more than two of them (Bonferroni)" if several else ""
    machine = (
        " These are a machine's codes, and no person coded: its errors are in every number."
        if study.main in study.machines
        else ""
    )
    return (
        f"Shares of {unit_words(study)} as {study.main} coded them, with p corrected for testing many codes{pairs}. That a "
        f"difference is not shown does not mean that there is none.{machine}"
    )


def pairs_of(found: Contrasts, one: ColumnContrast) -> int:
    """How many pairs of values of its column are compared."""
    return sum(other.column == one.column for other in found.comparisons)


def effects_of(found: Contrasts, one: ColumnContrast, family: ContrastFamily) -> list[CodeContrast]:
    """Codes whose p, corrected for the codes and for the pairs of the column, is below 1 − level; the largest first."""
    pairs, alpha = pairs_of(found, one), round(1 - family.level, 9)
    return [c for c in shown_effects(family) if pairs * (c.p or 0.0) < alpha]


def _headline(study: Study, found: Contrasts, one: ColumnContrast, family: ContrastFamily) -> str:
    """``Under cop, compared with generic: more self-questioning; less noise or filler.``, or nothing."""
    effects = [c for c in effects_of(found, one, family) if clear_of_zero(c)]
    signed = [(c.code, c.points.value or 0.0) for c in effects]
    return _more_and_less(study, one, signed, tasks_words(study, one, family))


def _more_and_less(study: Study, one: ColumnContrast, signed: Sequence[tuple[str, float]], tasks: str) -> str:
    parts = []
    for word, sign in (("more", 1), ("less", -1)):
        if names := [_name(study, code) for code, size in signed if sign * size > 0]:
            rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
            parts.append(f"{word} {', '.join(names[:3])}{rest}")
    if not parts:
        return ""
    a, b = one.sides
    where = {"correct": f"In {a} answers", "condition": f"Under {a}"}.get(one.column, f"In {a}")
    also = f" ({tasks})" if tasks else ""
    return f"{where}, compared with {b}{also}: {'; '.join(parts)}."


def _name(study: Study, code: str) -> str:
    return study.book.code(code).name if code in study.book.code_ids else code


def _contrast_words(study: Study, found: Contrasts, one: ColumnContrast, family: ContrastFamily) -> str:
    """One comparison as the main coder's codes have it."""
    effects, tasks = effects_of(found, one, family), tasks_words(study, one, family)
    head = f"{one.words}, as {study.main} coded{f' ({tasks})' if tasks else ''}"
    if why := untested(family):
        return f"{head}: not tested: {why}."
    if not effects:
        tested = sum(c.p is not None for c in family.contrasts)
        return f"{head}: none of {counted(tested, 'code')} is shown to differ."
    but = f" (p is below {study.settings.alpha_words}, but the interval holds 0)"
    said = [
        f"{_name(study, c.code)} ({c.code}) {shown(c.share_a.value, 'share')} against {shown(c.share_b.value, 'share')}, "
        f"{shown(c.points.value, 'points')} points {interval(c.points.low, c.points.high, 'points')}"
        + ("" if clear_of_zero(c) else but)
        for c in effects[:MOST_EFFECTS]
    ]
    more = f"; and {len(effects) - MOST_EFFECTS} more" if len(effects) > MOST_EFFECTS else ""
    return f"{head}: {'; '.join(said)}{more}."


class Together(NamedTuple):
    """A corrected log odds ratio with limits that hold for all codes of its comparison together."""

    code: str
    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether it leaves out no difference."""
        return not self.low <= 0 <= self.high


def tested_together(contrasts: Mapping[str, Corrected]) -> int:
    """Codes with a corrected interval: all of them count, whether or not theirs says anything."""
    return sum(c.best is not None for c in contrasts.values())


def together(contrasts: Mapping[str, Corrected], level: float) -> list[Together]:
    """Simultaneous intervals (Bonferroni over all codes that have one) of the odds ratios that may be reported, the clearest first."""
    known = {code: e for code, c in contrasts.items() if (e := c.recommended) is not None and e.se}
    each = 1 - (1 - level) / max(1, tested_together(contrasts))
    found = []
    for code, e in known.items():
        value, df = e.value or 0.0, math.inf if e.df is None else e.df
        found.append(
            Together(code, value, *interval_of(value, e.se or 0.0, df, scale="log odds", level=each))
        )
    return sorted(found, key=lambda one: -abs(one.value) / (one.high - one.low))


def _corrected(
    study: Study,
    question: str,
    found: Contrasts,
    corrected: Corrections,
    ground: Ground,
    points: tuple[str, ...],
) -> PlainAnswer:
    """A machine's codings, and people coded some: what is named is what their codes confirm."""
    one = corrected.comparison
    some = together(corrected.contrasts or {}, study.settings.level)
    if one is None or not some:
        why = _why_not(corrected)
        text = f"These are a machine's codes, and the differences cannot be corrected for its errors: {why}."
        head = f"Not known: the differences that {study.main} shows cannot be corrected, {why}."
        return PlainAnswer(question, head, (text,), points, firm=False)
    clear = [effect for effect in some if effect.clear]
    family = found.families[found.comparisons.index(one)]
    words = _more_and_less(study, one, [(e.code, e.value) for e in clear], tasks_words(study, one, family))
    quiet = f"Between {' and '.join(one.sides)} none of the {counted(len(some), 'code')} that could be corrected is shown to differ"
    machine = study.called(study.main)
    head = f"{(words or quiet).rstrip('.')}; corrected for the errors of {machine} with what people coded{assuming((corrected.contrasts or {}).values())}"
    return PlainAnswer(
        question,
        hedged(ground.why, head),
        tuple(_corrected_text(study, found, corrected, some)),
        points,
        firm=ground.firm,
    )


def _corrected_text(
    study: Study, found: Contrasts, corrected: Corrections, some: Sequence[Together]
) -> Iterator[str]:
    one, contrasts = corrected.comparison, corrected.contrasts or {}
    clear = [effect for effect in some if effect.clear]
    percent, lost = level_words(study.settings.level), len(contrasts) - len(some)
    between = f", {one.words}" if one else ""
    yield (
        f"Corrected for the errors of {study.main} with the units that people coded{between}. The {percent} intervals hold for all "
        f"{counted(tested_together(contrasts), 'code')} together (Bonferroni), so that picking out those that differ does no harm{_without(lost)}. That "
        "a difference is not shown does not mean that there is none."
    )
    if clear:
        said = [f"{_name(study, e.code)} ({e.code}) {_odds(e)}" for e in clear[:MOST_EFFECTS]]
        more = f"; and {len(clear) - MOST_EFFECTS} more" if len(clear) > MOST_EFFECTS else ""
        yield f"Odds ratios: {'; '.join(said)}{more}."
    others = [other.words for other in found.comparisons if other != one]
    if others:
        yield f"Not corrected: {listed(others)}. The list below has what {study.main} alone says."


def _without(lost: int) -> str:
    return (
        f"; of {counted(lost, 'code')} no odds ratio may be reported (the table below says why)"
        if lost
        else ""
    )


def _odds(e: Together) -> str:
    value, low, high = (shown(math.exp(min(x, 700.0)), "number") for x in (e.value, e.low, e.high))
    return f"{value} ({low} to {high})"


def _why_not(corrected: Corrections) -> str:
    """Why there is no corrected difference."""
    told = [corrected.why] if corrected.why else []
    told += [gap.why for gap in corrected.gaps if gap.what.startswith("Corrected odds ratios")]
    told += [f"of {code}, {why_none(c, 'number')}" for code, c in (corrected.contrasts or {}).items()]
    return told[0] if told else "nothing was compared"
