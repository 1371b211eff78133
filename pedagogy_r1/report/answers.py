"""The first screen: four questions, answered in plain words for somebody who knows none of this.

How reliable are the codes?
Can be used with caution. Two people (A and B) gave the same code to 82 % of 120 sentences …
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..agreement.alpha_difference import AlphaDifference
from ..agreement.comparison import Comparison
from ..estimate import Estimate
from ..formatting import counted, interval, sentence, shown
from ..limits import ALPHA_RELIABLE, ALPHA_TENTATIVE, FEW_SHARED, FEW_SHARED_TRACES
from ..stats.code_contrast import ContrastFamily
from ..stats.corrected_verdict import Corrected
from .section import Gap, listed
from .sections.contrasts import Contrasts, clear_of_zero, shown_effects
from .sections.corrections import Corrections
from .sections.noise_share import Noise
from .study import ColumnContrast, Study
from .study_agreement import Agreement


@dataclass(frozen=True)
class PlainAnswer:
    """``short``: a few words; ``text``: sentences; ``points``: a list below them, where it helps."""

    question: str
    short: str
    text: tuple[str, ...]
    points: tuple[str, ...] = ()


def unit_words(study: Study) -> str:
    """``sentences`` where the units are sentences."""
    schemes = {run.manifest.scheme.split("@")[0] for run in study.runs}
    plural = {"sentence": "sentences", "paragraph": "paragraphs", "thought": "thoughts"}
    return plural.get(next(iter(schemes)), "units") if len(schemes) == 1 else "units"


def reliability_answer(study: Study, found: Agreement) -> PlainAnswer:
    """Between people first; then people and the machine."""
    question = "How reliable are the codes?"
    if len(study.data.coders) < 2:
        name = study.data.names[0]
        kind = "a machine" if study.machines else "one person"
        alone = f"Only {name} ({kind}) coded these traces. Nothing says how far another coder would agree, so no number below should be quoted as a finding."
        return PlainAnswer(question, f"Not known: only {name} coded.", (alone,))
    people, machines = _best(found.of_kind("human-human")), _best(found.of_kind("machine-machine"))
    mixed = _best([c for c in found.of_kind("human-machine") if study.machine in c.coders])
    text, short = [], []
    if people:
        text.append(f"{_who(people, 'people')} {_level(people)}")
        short.append(f"People agree {_grade_words(people)}")
    elif study.humans and mixed:
        text.append(f"Only one person, {study.humans[0]}, coded, so how far people agree is not known.")
    if mixed:
        person = next(name for name in mixed.coders if name in study.humans)
        text.append(f"A person ({person}) and the machine ({study.machine}) {_level(mixed)}")
        short.append(f"{'the' if people else 'The'} machine agrees with people {_grade_words(mixed)}")
        text += _difference(found.report.differences.get(study.machine or ""))
    elif machines:
        text.append(
            f"No person coded these traces. {_who(machines, 'machines')} {_level(machines)} That says how much alike they are, "
            "not whether they are right."
        )
        short.append(f"Not known: no person coded. Machines agree with each other {_grade_words(machines)}")
    elif not people:
        text.append("No two coders coded the same units.")
        short.append("Not known: no two coders coded the same units")
    return PlainAnswer(question, "; ".join(short) + ".", tuple(text))


def _best(some: Sequence[Comparison]) -> Comparison | None:
    return max(some, key=lambda c: (len(c.coders), c.result.n), default=None)


def _who(c: Comparison, many: str) -> str:
    number = {2: "Two", 3: "Three", 4: "Four", 5: "Five"}.get(len(c.coders), len(c.coders))
    return f"{number} {many} ({listed(c.coders)})"


def _level(c: Comparison) -> str:
    """The sentence with the numbers, after who it is about."""
    result = c.result
    if result.value is None:
        return f"cannot be compared: {result.why_undefined}."
    seen = next((one.value for one in c.beside if one.name == "percent agreement"), None)
    of = f"of {counted(result.n, 'shared unit')}"
    same = f"gave the same code to {shown(seen, 'share')} {of}. " if seen is not None else ""
    if _too_few(c):
        few = f"{counted(result.n, 'shared unit')} of {counted(result.clusters, 'trace')}"
        return f"{same}Krippendorff's α is {shown(result.value)}, but {few} are too few to tell how far they agree."
    ends = result.interval or result.unit_interval
    span, hedge, grade = " (no interval)", "", _grade(result.value)
    if ends:
        span = f" ({shown(result.level, 'percent')} interval {shown(ends[0])} to {shown(ends[1])})"
        if (low := _grade(ends[0])) != grade:
            hedge = f" The interval reaches down to where it would be {low.means}."
    return (
        f"{same}Beyond chance, their agreement is Krippendorff's α = {shown(result.value)}{span}, where 1 is perfect "
        f"and 0 is chance: by the customary limits ({shown(ALPHA_RELIABLE)} and {shown(ALPHA_TENTATIVE)}), {grade.means}.{hedge}"
    )


class Grade(NamedTuple):
    """What an α is good for: of the coders' agreement, and as a verdict on it."""

    words: str
    means: str


def _grade(alpha: float) -> Grade:
    if alpha >= ALPHA_RELIABLE:
        return Grade("well enough to rely on", "good enough to rely on")
    if alpha >= ALPHA_TENTATIVE:
        return Grade("well enough for tentative conclusions", "good enough for tentative conclusions only")
    return Grade("too little to rely on", "too low to draw conclusions from")


def _too_few(c: Comparison) -> bool:
    return c.result.n < FEW_SHARED or c.result.clusters < FEW_SHARED_TRACES


def _grade_words(c: Comparison) -> str:
    if c.result.value is None:
        return "to an unknown extent"
    if _too_few(c):
        few = f"{counted(c.result.n, 'unit')} of {counted(c.result.clusters, 'trace')}"
        return f"to an extent that cannot be told yet from {few}"
    return f"{_grade(c.result.value).words} (α = {shown(c.result.value)})"


def _difference(d: AlphaDifference | None) -> list[str]:
    if d is None or d.value is None or d.low is None or d.high is None:
        return []
    if d.low <= 0 <= d.high:
        alike = "the machine's agreement with people is not shown to differ from people's own"
        return [f"On the units that all of them coded, {alike}."]
    how, size = "less" if d.value < 0 else "more", shown(d.value, "signed")
    span = f"{shown(d.low, 'signed')} to {shown(d.high, 'signed')}"
    return [
        f"On the same units, people agree {how} with the machine than with each other: α differs by {size} ({span})."
    ]


def noise_answer(study: Study, found: Noise, corrected: Corrections) -> PlainAnswer:
    """The main coder's figures, and the paper's beside them."""
    question = "How much of the reasoning is noise?"
    if found.families.why_no_strict:
        why = f"Units can be noise only where the codebook says so; {found.families.why_no_strict}."
        return PlainAnswer(question, "Not known: the codebook has no code for noise.", (why,))
    strict, wider = found.groups[0].share.strict, found.groups[0].share.nonreflective
    if strict.value is None:
        return PlainAnswer(question, f"Not known: {strict.why_undefined}.", (f"{strict.why_undefined}.",))
    text = [
        f"As {study.main} coded, {shown(strict.value, 'share')} of the words{_span(strict, study.settings.percent)} carry nothing "
        "forward: they restate the question, repeat what was said, or could stand anywhere."
    ]
    if wider.value is not None:
        text.append(
            f"Together with routine work such as computing, which is useful but not reflective, it is "
            f"{shown(wider.value, 'share')}{_span(wider)}. The paper that this follows reports about 65 % and does not say which of "
            "the two it means."
        )
    others = [g for g in found.groups[1:] if not g.column and g.share.strict.value is not None]
    if others:
        said = listed([f"{g.coder} {shown(g.share.strict.value, 'share')}" for g in others[:4]])
        text.append(f"Other coders, on what they coded: {said}.")
    units, own = unit_words(study), _noise_code(study, found, corrected)
    words = f"{_whole(strict.value)} of the words, as {study.main} coded"
    if study.main in study.machines:
        text.append(_corrected_noise(units, own))
    if own is not None and own.dsl.value is not None and not own.dsl.covers(own.naive.value or 0.0):
        words += f" (corrected for its errors: {_whole(own.dsl.value)} of the {units})"
    if wider.value is not None:
        words += f"; {_whole(wider.value)} if routine work counts too"
    return PlainAnswer(question, f"{words}.", tuple(text))


def _span(e: Estimate, percent: str = "") -> str:
    """`` (2.1 % to 4.0 %)``, or nothing; ``percent``: the level, where it is to be said."""
    if e.interval is None:
        return ""
    words = f"{percent} interval " if percent else ""
    return f" ({words}{shown(e.low, 'share')} to {shown(e.high, 'share')})"


def _noise_code(study: Study, found: Noise, corrected: Corrections) -> Corrected | None:
    """The corrected share of the one code that is all of the strict noise."""
    codes = [c.id for c in study.book.codes if c.family in found.families.strict]
    return corrected.prevalence.get(codes[0]) if len(codes) == 1 and corrected.machine == study.main else None


def _corrected_noise(units: str, own: Corrected | None) -> str:
    """Where one code is all of the noise, its corrected share of units."""
    if own is None or own.dsl.interval is None or own.naive.value is None:
        return "A machine's figure is only as good as its agreement with people."
    return (
        f"Counted in {units} and corrected for the machine's errors with what people coded, it is "
        f"{shown(own.dsl.value, 'share')}{_span(own.dsl)} instead of the machine's {shown(own.naive.value, 'share')}."
    )


def _whole(share: float) -> str:
    """A share for a headline: whole percents, but never 0 for what is not."""
    return shown(share, "percent") if share >= 0.01 or share == 0 else "under 1 %"


def difference_answer(study: Study, found: Contrasts, corrected: Corrections) -> PlainAnswer:
    """The first comparison in words, the others in a line each."""
    question = "What differs between the conditions?"
    if not found.families:
        why = tuple(f"{gap.what}: {gap.why}." for gap in found.gaps)
        return PlainAnswer(question, "There is nothing to compare.", why)
    pairs = list(zip(found.comparisons, found.families, strict=True))
    heads = [_headline(study, one, family) for one, family in pairs]
    clear = [words for words in heads if words]
    headline = " ".join(clear[:2]) if clear else "No difference is shown."
    text = [
        f"Shares of {unit_words(study)} as {study.main} coded them, with p corrected for testing many codes. That a difference "
        "is not shown does not mean that there is none."
    ]
    if study.main in study.machines:
        text.append(_checked(found, corrected))
        if clear:
            headline = f"As {study.main} coded, {headline[0].lower()}{headline[1:]}"
    if 0 < len(clear) < len(heads):
        quiet = listed([one.words for one, words in zip(found.comparisons, heads, strict=True) if not words])
        headline += f" {sentence(quiet)}: none shown."
    points = tuple(_contrast_words(study, one, family) for one, family in pairs)
    return PlainAnswer(question, headline, tuple(text), points)


def _headline(study: Study, one: ColumnContrast, family: ContrastFamily) -> str:
    """``Under cop more self-questioning; less noise or filler.``, or nothing."""
    effects = [c for c in shown_effects(family) if clear_of_zero(c)]
    parts = []
    for word, sign in (("more", 1), ("less", -1)):
        if names := [_name(study, c.code) for c in effects if sign * (c.points.value or 0) > 0]:
            parts.append(f"{word} {', '.join(names[:3])}")
    if not parts:
        return ""
    a, b = one.sides
    where = {"correct": f"In {a} answers", "condition": f"Under {a}"}.get(one.column, f"In {a}")
    return f"{where}, compared with {b}: {'; '.join(parts)}."


def _name(study: Study, code: str) -> str:
    return study.book.code(code).name if code in study.book.code_ids else code


def _contrast_words(study: Study, one: ColumnContrast, family: ContrastFamily) -> str:
    effects = shown_effects(family)
    if not effects:
        tested = sum(c.p is not None for c in family.contrasts)
        return f"{one.words}: none of {tested} codes is shown to differ."
    but = f" (p is below {study.settings.alpha_words}, but the interval holds 0)"
    said = [
        f"{_name(study, c.code)} ({c.code}) {shown(c.share_a.value, 'share')} against {shown(c.share_b.value, 'share')}, "
        f"{shown(c.points.value, 'points')} points {interval(c.points.low, c.points.high, 'points')}"
        + ("" if clear_of_zero(c) else but)
        for c in effects[:4]
    ]
    more = f"; and {len(effects) - 4} more" if len(effects) > 4 else ""
    return f"{one.words}: {'; '.join(said)}{more}."


def _checked(found: Contrasts, corrected: Corrections) -> str:
    if not corrected.contrasts:
        return "These are a machine's codes, not corrected for its errors."
    held = {}
    for c in shown_effects(found.families[0]):
        own = corrected.contrasts.get(c.code)
        if own is not None and (span := own.dsl.interval):
            held[c.code] = span[0] > 0 if (c.points.value or 0) > 0 else span[1] < 0
    if not held:
        return "These are a machine's codes; too few units were coded by people to confirm any of them."
    kept = [code for code, same_side in held.items() if same_side]
    what = f"{listed(kept)} still differ{'s' if len(kept) == 1 else ''}" if kept else "none is confirmed"
    return f"These are a machine's codes. Corrected for its errors with the units that people coded, {what} for the first comparison."


def gap_answer(gaps: Sequence[Gap]) -> PlainAnswer:
    """What could not be estimated, and why; grouped by reason."""
    question = "What could not be estimated, and why?"
    if not gaps:
        every = "Every quantity of this report could be estimated."
        return PlainAnswer(question, "Nothing: all was estimated.", (every,))
    by_reason: dict[str, list[str]] = {}
    for gap in gaps:
        by_reason.setdefault(gap.why, []).append(gap.what)
    points = []
    for why, whats in by_reason.items():
        more = f" and {len(whats) - 4} more" if len(whats) > 4 else ""
        points.append(f"{listed(whats[:4])}{more}: {why.rstrip('.')}.")
    rest = f" {len(gaps) - 1} more below." if len(gaps) > 1 else ""
    return PlainAnswer(question, f"{gaps[0].what}: {gaps[0].why.rstrip('.')}.{rest}", (), tuple(points))
