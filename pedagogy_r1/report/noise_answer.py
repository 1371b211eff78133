"""How much of the reasoning is noise? The corrected share, where people coded any units; a machine's own figure only as such.

7.9 % of the sentences (95 % interval 4.2 % to 14.2 %), corrected for the errors of gpt-4.1 with what people coded.
Not to be relied on, no person coded: 9 % of the words, as cues (a rule-based baseline) coded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..estimate import Estimate
from ..formatting import Kind, counted, level_words, shown
from ..stats.corrected_verdict import Corrected
from .answers import PlainAnswer, hedged, unit_words
from .reliability_answer import Ground
from .section import listed, no_interval
from .sections.corrections import Corrections
from .sections.noise_share import Noise, NoiseGroup
from .study import Study

QUESTION = "How much of the reasoning is noise?"
APART = {"PPI++": "PPI++", "human only": "people's codes alone"}
"""Estimates that may differ from DSL by more than chance."""
SHOWN = 4
"""Other coders whose figures are told; how many more there are is said, and the table below has all of them."""


def noise_answer(study: Study, found: Noise, corrected: Corrections, ground: Ground) -> PlainAnswer:
    """``ground``: what is shown of people's codes."""
    if found.families.why_no_strict:
        why = f"Units can be noise only where the codebook says so; {found.families.why_no_strict}."
        return PlainAnswer(QUESTION, "Not known: the codebook has no code for noise.", (why,))
    own = found.of(study.main)
    if own is None or own.share.strict.value is None:
        why = (
            found.refused.get(study.main)
            or (own.share.strict.why_undefined if own else "")
            or "no unit was coded"
        )
        return PlainAnswer(QUESTION, f"Not known: {why}.", ())
    if study.main in study.humans:
        return _of_people(study, found, own, ground)
    if not study.humans:
        head = f"{_words(own)}, as {study.called(study.main)} coded"
        return PlainAnswer(QUESTION, hedged(ground.why, head), tuple(_text(found, own)), firm=False)
    return _corrected(study, found, own, corrected, ground)


def _of_people(study: Study, found: Noise, own: NoiseGroup, ground: Ground) -> PlainAnswer:
    """The main coder's figure with those of the other people beside it."""
    others = [g for g in found.overall if g.coder in study.humans and g.coder != own.coder]
    known = [f"{g.coder} {_whole(g.share.strict.value)}" for g in others if g.share.strict.value is not None]
    beside = f" ({', '.join(known)})" if known else ""
    wider = own.share.nonreflective.value
    more = f"; {_whole(wider)} if routine work counts too" if wider is not None else ""
    head = f"{_words(own)}, as {own.coder} coded{beside}{more}"
    return PlainAnswer(QUESTION, hedged(ground.why, head), tuple(_text(found, own)), firm=ground.firm)


def _corrected(
    study: Study, found: Noise, own: NoiseGroup, corrected: Corrections, ground: Ground
) -> PlainAnswer:
    """People coded some units: the machine's errors are taken out, or there is no figure for the headline."""
    units, one = unit_words(study), noise_corrected(study, found, corrected)
    if isinstance(one, str):
        first = f"A machine's figure is only as good as its agreement with people, and this one is not corrected: {one}."
        return _not_corrected(study, one, (first, *_text(found, own)))
    text = (f"Counted in {units}. {one.verdict()}", *_text(found, own))
    report = one.recommended
    if report is None:
        return _not_corrected(study, why_none(one, "share"), text, one.dsl.value)
    if report is one.human:
        how = f"by what people coded alone, whose interval is no wider than the one corrected for {study.called(study.main)}"
    else:
        how = f"corrected for the errors of {study.called(study.main)} with what people coded"
    head = f"{shown(report.value, 'share')} of the {units}{span(report)}, {how}{assuming([one])}"
    return PlainAnswer(QUESTION, hedged(ground.why, head), text, firm=ground.firm)


def _not_corrected(study: Study, why: str, text: tuple[str, ...], value: float | None = None) -> PlainAnswer:
    """``value``: the corrected figure that there is, and that the text shows; it is only not to be quoted."""
    machine = study.called(study.main)
    if value is None:
        head = f"Not known: the errors of {machine} cannot be corrected, {why}."
    else:
        head = f"Not known: {shown(value, 'share')}, corrected for the errors of {machine}, is not to be quoted: {why}."
    return PlainAnswer(QUESTION, head, text, firm=False)


def why_none(one: Corrected, kind: Kind) -> str:
    """Why no figure of the four is recommended, in a few words; the verdict has more."""
    for e, who in ((one.human, "people's codes alone have"), (one.dsl, "the corrected figure has")):
        if e.value is None:
            return f"{who} no estimate ({e.why_undefined})"
        if e.interval is None:
            return f"{who} {no_interval(e)}"
    if one.apart:
        others = " and ".join(APART[name] for name in one.apart)
        differs = "differs" if one.apart == ("PPI++",) else "differ"
        return f"{others} {differs} from the corrected figure by more than chance explains"
    best = one.best or one.dsl
    ends = [
        shown(x if one.scale == "proportion" else math.exp(min(x, 700.0)), kind) for x in best.interval or ()
    ]
    return f"the narrowest interval goes from {' to '.join(ends)}"


def assuming(some: Iterable[Corrected]) -> str:
    """What is assumed of how people's units were chosen, where nothing records it."""
    words = next((one.assumed for one in some if one.assumed), None)
    return f" (assuming that {words})" if words else ""


def noise_corrected(study: Study, found: Noise, corrected: Corrections) -> Corrected | str:
    """The share of the one code that is all of the strict noise, four ways; or why there is none."""
    codes = [c.id for c in study.book.codes if c.family in found.families.strict]
    if corrected.why:
        return corrected.why
    if len(codes) != 1:
        return f"the codebook has {counted(len(codes), 'code')} for noise, and codes are corrected one by one"
    one = corrected.prevalence.get(codes[0]) if corrected.machine == study.main else None
    return one or next(
        (gap.why for gap in corrected.gaps if gap.what == f"Corrected share of {codes[0]}"),
        "it was not corrected",
    )


def _text(found: Noise, own: NoiseGroup) -> list[str]:
    """The coder's own figures, the wider reading with the paper's, and those of other coders."""
    strict, wider = own.share.strict, own.share.nonreflective
    text = [
        f"As {own.coder} coded, {shown(strict.value, 'share')} of the words{span(strict, say_level=True)} carry nothing forward: they "
        "restate the question, repeat what was said, or could stand anywhere."
    ]
    if wider.value is not None:
        text.append(
            f"Together with routine work such as computing, which is useful but not reflective, it is "
            f"{shown(wider.value, 'share')}{span(wider)}. The paper that this follows reports about 65 % and does not say which of "
            "the two it means."
        )
    others = [g for g in found.overall if g.coder != own.coder and g.share.strict.value is not None]
    if others:
        said = [f"{g.coder} {shown(g.share.strict.value, 'share')}" for g in others[:SHOWN]]
        more = [f"{counted(len(others) - SHOWN, 'coder')} more"] if len(others) > SHOWN else []
        text.append(f"Other coders, on what they coded: {listed([*said, *more])}.")
    return text + [
        f"{why[:1].upper()}{why[1:]}: no share of words for {coder}." for coder, why in found.refused.items()
    ]


def span(e: Estimate, *, say_level: bool = False) -> str:
    """`` (2.1 % to 4.0 %)``; where there is no interval, why."""
    if e.interval is None:
        return f" ({no_interval(e)})"
    words = f"{level_words(e.level)} interval " if say_level else ""
    return f" ({words}{shown(e.low, 'share')} to {shown(e.high, 'share')})"


def _words(own: NoiseGroup) -> str:
    return f"{_whole(own.share.strict.value)} of the words"


def _whole(share: float | None) -> str:
    """A share for a headline: whole percents, but never 0 for what is not."""
    return shown(share, "percent") if not share or share >= 0.01 else "under 1 %"
