"""How reliable are the codes? People with each other first; then every machine with people, by name; each judged by the lower
limit of its α.

    People agree with each other well enough for tentative conclusions (α = .792, reaches .667, not shown to reach .800);
    people and gpt-4.1 agree …; people and cues (a rule-based baseline) agree too little to rely on (α = .225, below .667).

No machine stands for the others, and none of this depends on whose codings the rest of the page shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..agreement.alpha_difference import AlphaDifference
from ..agreement.comparison import Comparison
from ..estimate import Estimate
from ..estimate.reliability_verdict import Standing, verdict
from ..formatting import counted, level_words, sentence, shown
from ..limits import ALPHA_RELIABLE, ALPHA_TENTATIVE, FEW_SHARED, FEW_SHARED_TRACES
from .answers import PlainAnswer
from .section import listed, no_interval
from .study import BASELINE, Study
from .study_agreement import Agreement, WithPeople

QUESTION = "How reliable are the codes?"
MOST_NAMED = 3
"""Machines that the headline names; the list below it names all."""

RULE = (
    "1 is perfect and 0 is chance. By Krippendorff's rule the lower limit counts: from "
    f"{shown(ALPHA_RELIABLE)} rely on it, from {shown(ALPHA_TENTATIVE)} draw tentative conclusions, below that none."
)


GRADES: dict[Standing, str] = {
    "reliable": "well enough to rely on",
    "tentative": "well enough for tentative conclusions",
    "not shown": "to an extent that is not shown to be enough",
    "low": "too little to rely on",
    "unknown": "to an extent that is not known",
}


ENOUGH: tuple[Standing, ...] = ("reliable", "tentative")
"""Verdicts that let a headline stand on the codes."""


class Ground(NamedTuple):
    """What the rest of the page stands on. ``why``: why the codes are not shown to be reliable, or nothing where they are."""

    why: str = ""

    @property
    def firm(self) -> bool:
        """Whether a headline may state what rests on it."""
        return not self.why


def ground(study: Study, found: Agreement) -> Ground:
    """Of what people coded: it must be shown that they agree well enough for tentative conclusions."""
    if not study.humans:
        return Ground("no person coded")
    if len(study.humans) == 1:
        return Ground(f"only one person coded, {study.humans[0]}")
    people = best(found.of_kind("human-human"))
    if people is None or too_few(people.result):
        return Ground("people coded too few units together to tell how far they agree")
    if verdict(people.result).standing not in ENOUGH:
        return Ground(f"people's own agreement {judged(people.result)}")
    if found.spans is not None and verdict(found.spans.alpha).standing not in ENOUGH:
        return Ground(f"over the whole text people's unitizing α {judged(found.spans.alpha)}")
    return Ground()


def reliability_answer(study: Study, found: Agreement) -> PlainAnswer:
    """Between people first; then people and each machine."""
    if len(study.data.coders) < 2:
        name = study.data.names[0]
        kind = BASELINE if study.rule_based(name) else "a machine" if study.machines else "one person"
        alone = f"Only {name} ({kind}) coded these traces. Nothing says how far another coder would agree, so no number below should be quoted as a finding."
        return PlainAnswer(QUESTION, f"Not known: only {study.called(name)} coded.", (alone,), firm=False)
    text, short = list(_people_text(study, found)), list(_people_short(study, found))
    machines = [
        (name, found.with_people[name]) for name in study.machines_in_order if name in found.with_people
    ]
    heads = [f"{_whom(own)} and {study.called(name)} agree {_headed(own.alpha)}" for name, own in machines]
    points = [_with_people(study, found, name, own) for name, own in machines]
    more = len(heads) - MOST_NAMED
    short += heads[:MOST_NAMED] + ([f"{counted(more, 'more machine')} below"] if more > 0 else [])
    if machines:
        text.append("Every machine with people, by name:")
    elif study.machines and not study.humans:
        text += _machines_text(found)
        points = list(_machine_points(study, found))
        short = _machines_short(study, found)
    if not text:
        text, short = (
            ["No two coders coded the same units."],
            ["Not known: no two coders coded the same units"],
        )
    firm = ground(study, found).firm
    return PlainAnswer(QUESTION, f"{'; '.join(short)}.", tuple(text), tuple(points), firm=firm)


def best(some: Sequence[Comparison]) -> Comparison | None:
    """The comparison of most coders, of most units among those."""
    return max(some, key=lambda c: (len(c.coders), c.result.n), default=None)


def too_few(alpha: Estimate) -> bool:
    """Whether units or traces are so few that α does not tell how far coders agree."""
    return alpha.n < FEW_SHARED or alpha.clusters < FEW_SHARED_TRACES


def judged(alpha: Estimate) -> str:
    """``reaches .667, not shown to reach .800``; where the interval is missing, why."""
    if alpha.value is None:
        return f"is undefined: {alpha.why_undefined}"
    if alpha.interval is None:
        return f"has {no_interval(alpha)}"
    words = verdict(alpha).words
    if words.startswith("no verdict"):
        return f"gets {words}"
    return f"is {words}" if words.startswith(("not shown", "below")) else words


def _headed(alpha: Estimate) -> str:
    """``well enough for tentative conclusions (α = .792, reaches .667, not shown to reach .800)``"""
    if alpha.value is None:
        return "to an extent that cannot be told, α is undefined"
    if too_few(alpha):
        few = f"{counted(alpha.n, 'unit')} of {counted(alpha.clusters, 'trace')}"
        return f"to an extent that cannot be told yet from {few}"
    found = verdict(alpha)
    return f"{GRADES[found.standing]} (α = {shown(alpha.value)}, {found.words})"


def level_of(alpha: Estimate) -> str:
    """α with its interval and what that shows, or why neither."""
    if alpha.value is None:
        return f"cannot be compared: {alpha.why_undefined}."
    if too_few(alpha):
        few = f"{counted(alpha.n, 'shared unit')} of {counted(alpha.clusters, 'trace')}"
        return f"Krippendorff's α is {shown(alpha.value)}, but {few} are too few to tell how far they agree."
    if alpha.interval is None:
        return f"Krippendorff's α = {shown(alpha.value)}, which {judged(alpha)}: so nothing is shown."
    span = f"{level_words(alpha.level)} interval {shown(alpha.low)} to {shown(alpha.high)}"
    return f"Krippendorff's α = {shown(alpha.value)} ({span}): it {judged(alpha)}."


def _number(coders: Sequence[str], many: str) -> str:
    number = {2: "Two", 3: "Three", 4: "Four", 5: "Five"}.get(len(coders), str(len(coders)))
    return f"{number} {many} ({listed(coders)})"


def _same(c: Comparison) -> str:
    """How often the same code was given; of three or more, the mean over their pairs."""
    seen = next((one.value for one in c.beside if one.name == "percent agreement"), None)
    if seen is None or c.result.value is None:
        return ""
    pairs = (
        "gave the same code to" if len(c.coders) == 2 else "gave, averaged over their pairs, the same code to"
    )
    return f"{pairs} {shown(seen, 'share')} of {counted(c.result.n, 'shared unit')}. Beyond chance: "


def _people_text(study: Study, found: Agreement) -> Iterator[str]:
    people = best(found.of_kind("human-human"))
    if people:
        yield f"{_number(people.coders, 'people')} {_same(people)}{level_of(people.result)} {RULE}"
        yield from _spans_text(found)
    elif len(study.humans) == 1:
        yield f"Only one person, {study.humans[0]}, coded, so how far people agree is not known. {RULE}"


def _people_short(study: Study, found: Agreement) -> Iterator[str]:
    people = best(found.of_kind("human-human"))
    if people:
        yield f"People agree with each other {_headed(people.result)}{_spans_short(found)}"
    elif len(study.humans) == 1:
        yield f"How far people agree is not known, only {study.humans[0]} coded"


def _spans_text(found: Agreement) -> Iterator[str]:
    spans = found.spans
    if spans is None:
        return
    yield (
        f"People chose their own units, and only those that two of them chose alike are compared: {shown(spans.share, 'share')} of "
        f"the {counted(spans.total, 'unit')}. Over the whole text, where units lie and how they are coded, unitizing α "
        f"{_unitizing(spans.alpha)}."
    )


def _unitizing(alpha: Estimate) -> str:
    if alpha.value is None:
        return f"is undefined: {alpha.why_undefined}"
    if alpha.interval is None:
        return f"is {shown(alpha.value)}, and {judged(alpha)}"
    span = f"{level_words(alpha.level)} interval {shown(alpha.low)} to {shown(alpha.high)}"
    return f"is {shown(alpha.value)} ({span}): it {judged(alpha)}"


def _spans_short(found: Agreement) -> str:
    if found.spans is None:
        return ""
    whole = found.spans.alpha
    over = (
        f"unitizing α = {shown(whole.value)} ({verdict(whole).words})"
        if whole.value is not None
        else "unitizing α is undefined"
    )
    return f", on the {shown(found.spans.share, 'percent')} of units that two chose alike; over the whole text {over}"


def _whom(own: WithPeople) -> str:
    return "people" if len(own.people) > 1 else own.people[0]


def _with_people(study: Study, found: Agreement, machine: str, own: WithPeople) -> str:
    """What is said of one machine."""
    several = len(own.people) > 1
    mean = (
        f", the mean over {listed(own.people)} on {counted(own.alpha.n, 'unit')} that it and at least two of them coded"
        if several
        else ""
    )
    difference = found.report.differences.get(machine)
    more = " ".join(_difference(difference)) if not too_few(own.alpha) else ""
    return f"{study.called(machine)}, with {_whom(own)}{mean}: {level_of(own.alpha)} {more}".strip()


def _difference(d: AlphaDifference | None) -> Iterator[str]:
    if d is None:
        return
    if d.value is None:
        yield f"Whether that is less than people reach with each other cannot be told: {d.why_undefined}."
        return
    if d.averaged:
        yield f"{sentence(d.averaged)}."
    own = f"People reach {shown(d.first)} with each other there, averaged over their pairs"
    if d.low is None or d.high is None:
        yield f"{own}: a difference of {shown(d.value, 'signed')}, and whether there truly is one is not known."
    elif d.low <= 0 <= d.high:
        span = f"{shown(d.low, 'signed')} to {shown(d.high, 'signed')}"
        yield f"{own}; that is not shown to differ ({shown(d.value, 'signed')}, {span})."
    else:
        how, span = (
            "less" if d.value < 0 else "more",
            f"{shown(d.low, 'signed')} to {shown(d.high, 'signed')}",
        )
        yield f"{own}: they agree {how} with it than with each other, by {shown(d.value, 'signed')} ({span})."


def _machines(found: Agreement) -> list[Comparison]:
    """The pairs of machines that share units, the models before the rule-based ones."""
    return [c for c in found.report.comparisons if c.kind == "machine-machine" and c.result.n]


def _machines_text(found: Agreement) -> list[str]:
    if not _machines(found):
        return ["No person coded these traces, and no two machines coded the same units."]
    return [
        f"No person coded these traces. How far machines agree says how much alike they are, not whether they are right. {RULE}"
    ]


def _machine_points(study: Study, found: Agreement) -> Iterator[str]:
    for c in _machines(found):
        yield f"{listed([study.called(name) for name in c.coders])} {_same(c)}{level_of(c.result)}"


def _machines_short(study: Study, found: Agreement) -> list[str]:
    pairs = [c for c in _machines(found) if c.result.value is not None and not too_few(c.result)]
    if not pairs:
        return ["Not known: no person coded"]
    ordered = sorted(pairs, key=lambda c: c.result.value or 0.0)
    ends = [
        f"{listed([study.called(name) for name in c.coders])}, α = {shown(c.result.value)} ({verdict(c.result).words})"
        for c in (ordered[-1], ordered[0])
    ]
    said = ends[0] if len(pairs) == 1 else f"most {ends[0]}; least {ends[1]}"
    return [f"Not known: no person coded. How much alike machines are: {said}"]
