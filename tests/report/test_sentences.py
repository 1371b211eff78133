"""Every sentence that the first screen can print, with the numbers that bring it about, in one table.

A sentence is a claim: `test_every_sentence_stands_in_the_table` fails where the report learns a new one that no row triggers.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pedagogy_r1.agreement.agreement_report import AgreementReport
from pedagogy_r1.agreement.alpha import Alpha
from pedagogy_r1.agreement.alpha_difference import AlphaDifference
from pedagogy_r1.agreement.coefficients import Coefficient
from pedagogy_r1.agreement.comparison import Comparison
from pedagogy_r1.agreement.unitizing import ChosenSpans
from pedagogy_r1.estimate import Estimate, Resampling, few, joined
from pedagogy_r1.report import answers, difference_answer, noise_answer, reliability_answer
from pedagogy_r1.report.answers import PlainAnswer, coded_words, gap_answer
from pedagogy_r1.report.column_contrast import ColumnContrast
from pedagogy_r1.report.reliability_answer import Ground, ground
from pedagogy_r1.report.section import Gap
from pedagogy_r1.report.sections.contrasts import Contrasts
from pedagogy_r1.report.sections.corrections import Corrections, InclusionPlan
from pedagogy_r1.report.sections.noise_share import Noise, NoiseGroup
from pedagogy_r1.report.study import NOT_ADDED_UP, ReportSettings, Study, open_study
from pedagogy_r1.report.study_agreement import Agreement, WithPeople
from pedagogy_r1.runs.run_columns import read_columns
from pedagogy_r1.runs.tally import tally
from pedagogy_r1.stats.code_contrast import CodeContrast, ContrastFamily
from pedagogy_r1.stats.corrected_verdict import Corrected, CorrectedEstimate
from pedagogy_r1.tokens.noise import NoiseShare, noise_families

from ..make_runs import BOOK, book, make_run

NOISY = BOOK.replace("{id: F, name: f}", "{id: F, name: f}, {id: UT, name: noise}, {id: KA, name: routine}").replace(
    "{id: C, name: c, family: F,", "{id: C, name: c, family: UT,"
).replace("{id: B, name: b, family: F,", "{id: B, name: b, family: KA,")  # fmt: skip
TWO_NOISY = NOISY.replace("{id: A, name: a, family: F,", "{id: A, name: a, family: UT,")
FEW = "no interval: 4 traces, and with fewer than 5 none can hold"

Values = dict[str, list[Any]]
SCENES: dict[str, tuple[Values, tuple[str, ...], str]] = {
    "one person": ({"A": ["A", "B"] * 20}, (), NOISY),
    "cues alone": ({"cues": ["A", "B"] * 20}, ("cues",), NOISY),
    "model alone": ({"gpt": ["A", "B"] * 20}, ("gpt",), NOISY),
    "people": ({"A": ["A", "B"] * 20, "B": ["A", "C"] * 20}, (), NOISY),
    "strangers": ({"A": ["A", None] * 20, "B": [None, "C"] * 20}, (), NOISY),
    "three people": ({name: ["A", "B"] * 20 for name in "ABC"}, (), NOISY),
    "seven people": ({name: ["A", "B"] * 20 for name in "ABCDEFG"}, (), NOISY),
    "person and cues": ({"A": ["A", *[None] * 39], "cues": ["A", "B"] * 20}, ("cues",), NOISY),
    "people and machines": (
        {"A": ["A", "B", *[None] * 38], "B": ["A", "C", *[None] * 38], "cues": ["A", "B"] * 20, "gpt": ["A"] * 40},
        ("cues", "gpt"),
        NOISY,
    ),
    "people and cues": (
        {"A": ["A", "B", *[None] * 38], "B": ["A", "C", *[None] * 38], "cues": ["A", "B"] * 20},
        ("cues",),
        NOISY,
    ),
    "machines": ({"m": ["A", "B"] * 20, "n": ["A"] * 40, "cues": ["B"] * 40}, ("cues", "m", "n"), NOISY),
    "five machines": ({"A": ["A", "B"], "B": ["A", "C"]} | {name: ["A", "B"] for name in "vwxyz"}, tuple("vwxyz"), NOISY),
    "no noise": ({"A": ["A", "B"] * 20, "B": ["A", "C"] * 20}, (), BOOK),
    "two noises": ({"A": ["A", "B", *[None] * 38], "gpt": ["A"] * 40}, ("gpt",), TWO_NOISY),
}  # fmt: skip


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    home, found = tmp_path_factory.mktemp("scenes"), {}
    for name, (values, machines, text) in SCENES.items():
        run = make_run(home / name.replace(" ", "-"), values, machines=machines, codebook=book(text))
        found[name] = open_study([run], ReportSettings(replicates=20))
    return found


# --- numbers


def alpha(value: float | None, low: float | None = None, high: float | None = None, **more: Any) -> Alpha:
    why = more.pop("why", None)
    warnings = (FEW,) if value is not None and low is None else ()
    return Alpha(value, low, high, n=more.pop("n", 120), clusters=more.pop("clusters", 12), why_undefined=why, warnings=warnings)  # fmt: skip


NARROW = replace(alpha(0.9, 0.85, 0.95), warnings=joined(few(12)))
"""By percentiles of redrawn traces (``--interval bootstrap``), which are too narrow with so few."""


def compared(coders: str, kind: Any, result: Alpha, same: float | None = 0.825) -> Comparison:
    beside = () if same is None else (Coefficient(same, name="percent agreement"),)
    return Comparison(tuple(coders.split()), kind, "nominal", result, (), {}, beside, {}, {}, {})


def agreement(
    *comparisons: Comparison,
    with_people: dict[str, WithPeople] | None = None,
    differences: dict[str, AlphaDifference] | None = None,
    spans: ChosenSpans | None = None,
) -> Agreement:
    report = AgreementReport(
        "abc", (), 0, 0, comparisons, (), (), 0, differences or {}, {}, None, (), (), {}, {}, Resampling()
    )
    return Agreement(report, comparisons, None, ("", ""), with_people or {}, spans)


def less(
    value: float | None, low: float | None = None, high: float | None = None, **more: Any
) -> AlphaDifference:
    return AlphaDifference(value, low, high, n=120, clusters=12, first=0.79, second=0.34, **more)


PEOPLE = compared("A B", "human-human", alpha(0.792, 0.708, 0.852))
CUES = WithPeople(alpha(0.343, 0.22, 0.447), ("A", "B"))
GPT = WithPeople(alpha(0.808, 0.75, 0.86), ("A", "B"))


def share(
    value: float | None, low: float | None = None, high: float | None = None, why: str | None = None
) -> Estimate:
    warnings = (FEW,) if value is not None and low is None else ()
    return Estimate(value, low, high, why_undefined=why, warnings=warnings)


def noise(
    study: Study, groups: dict[str, tuple[Estimate, Estimate]], refused: dict[str, str] | None = None
) -> Noise:
    made = tuple(
        NoiseGroup(name, "", "all", NoiseShare(*both, *both, 4, 100, 100, 0, 0))
        for name, both in groups.items()
    )
    return Noise(noise_families(study.book), made, refused or {})


def one_way(
    name: str, value: float | None, low: float | None, high: float | None, why: str | None = None
) -> CorrectedEstimate:
    se = None if low is None or high is None else (high - low) / 4
    warnings = (FEW,) if value is not None and low is None else ()
    return CorrectedEstimate(
        value, low, high, name=name, se=se, df=30.0, why_undefined=why, warnings=warnings
    )


def corrected(
    dsl: tuple[Any, ...] = (0.079, 0.042, 0.142),
    human: tuple[Any, ...] = (0.05, 0.01, 0.19),
    *,
    scale: Any = "proportion",
    apart: tuple[str, ...] = (),
    assumed: str | None = None,
) -> Corrected:
    naive, none = one_way("naive", 0.09, 0.08, 0.1), one_way("naive − DSL", 0.011, -0.01, 0.03)
    return Corrected("prevalence", scale, naive, one_way("human only", *human), one_way("DSL", *dsl), one_way("PPI++", *dsl),
                     none, 400, 120, 20, 10, 0.95, 0, (), apart, assumed=assumed)  # fmt: skip


NONE: tuple[Any, ...] = (None, None, None, "no human-coded unit has the code")
DRAWN = InclusionPlan(0.3, "drawn", recorded=True)
RANDOM = "the 6 of 14 traces that people coded were drawn at random"
FIRM, LOOSE = Ground(), Ground("people's own agreement is below .667")
NEVER = "no unit of either side has the code"
COP, RIGHT = ColumnContrast("condition", "cop", "generic"), ColumnContrast("correct", True, False)
BOTH = (ColumnContrast("condition", "cop", "other"), ColumnContrast("condition", "generic", "other"))
MODELS, DOMAINS = ColumnContrast("model", "R1", "QwQ"), ColumnContrast("domain", "SK", "PK")


def effect(
    code: str, size: float, p: float | None = 0.001, low: float | None = None, high: float | None = None
) -> CodeContrast:
    ends = (size - 3, size + 3) if low is None else (low, high)
    needed: dict[str, Any] = {field.name: None for field in fields(CodeContrast) if field.default is MISSING}
    known = {"code": code, "share_a": share(0.2), "share_b": share(0.1), "points": Estimate(size, *ends)}
    why = NEVER if p is None else None
    return CodeContrast(**needed | known | {"confirmatory": True, "p_family": p, "why_undefined": why})


def family(*effects: CodeContrast, clusters: int = 10, shared: int = 10) -> ContrastFamily:
    codes = tuple(e.code for e in effects)
    return ContrastFamily("item", clusters, shared, codes, effects, (9, 9), (9, 9), 99, False, 0, 0.95, ())


def contrasts(*pairs: tuple[ColumnContrast, ContrastFamily]) -> Contrasts:
    return Contrasts(tuple(one for one, _ in pairs), tuple(found for _, found in pairs), ())


SOME = family(effect("A", 11), effect("B", -9))
QUIET = family(effect("A", 1, 0.6))
EVEN = (math.log(1.1), math.log(0.6), math.log(2))
MORE = (math.log(4.2), math.log(1.8), math.log(9.8))
WIDER = (math.log(4.0), math.log(1.1), math.log(14.0))
OPEN = (0.0, math.log(0.01), math.log(100))


def odds(dsl: tuple[Any, ...], human: tuple[Any, ...] = WIDER) -> Corrected:
    return corrected(dsl, human, scale="log odds")


# --- the table


@dataclass(frozen=True)
class Row:
    """``says``: what the answer holds, anywhere; ``head``: what its headline holds; ``never``: what it does not hold."""

    name: str
    scene: str
    make: Callable[[Study], PlainAnswer]
    head: str
    says: tuple[str, ...] = ()
    firm: bool = True
    never: tuple[str, ...] = ()


def reliable(name: str, scene: str, found: Agreement, head: str, *says: str, **more: Any) -> Row:
    return Row(
        name, scene, lambda study: reliability_answer.reliability_answer(study, found), head, says, **more
    )


RELIABILITY = [
    reliable("one person alone", "one person", agreement(), "Not known: only A coded.",
             "Only A (one person) coded these traces. Nothing says how far another coder would agree, so no number below should be "
             "quoted as a finding.", firm=False),
    reliable("cues alone is a rule-based baseline", "cues alone", agreement(),
             "Not known: only cues (a rule-based baseline) coded.", "Only cues (a rule-based baseline) coded", firm=False),
    reliable("a model alone", "model alone", agreement(), "Not known: only gpt coded.", "Only gpt (a machine) coded", firm=False),
    reliable("not shown to reach .800", "people", agreement(PEOPLE),
             "People agree with each other well enough for tentative conclusions (α = .792, reaches .667, not shown to reach .800).",
             "Two people (A and B) gave the same code to 82.5 % of 120 shared units. Beyond chance: Krippendorff's α = .792 (95 % "
             "interval .708 to .852): it reaches .667, not shown to reach .800. 1 is perfect and 0 is chance. By Krippendorff's rule "
             "the lower limit counts: from .800 rely on it, from .667 draw tentative conclusions, below that none."),
    reliable("good", "people", agreement(compared("A B", "human-human", alpha(0.9, 0.84, 0.94))),
             "People agree with each other well enough to rely on (α = .900, reaches .800)."),
    reliable("low", "people", agreement(compared("A B", "human-human", alpha(0.4, 0.2, 0.6))),
             "People agree with each other too little to rely on (α = .400, below .667).", "): it is below .667.", firm=False),
    reliable("wide", "people", agreement(compared("A B", "human-human", alpha(0.861, 0.59, 0.96))),
             "to an extent that is not shown to be enough (α = .861, not shown to reach .800, nor .667).",
             "(95 % interval .590 to .960): it is not shown to reach .800, nor .667.", firm=False),
    reliable("no interval over enough units", "people",
             agreement(compared("A B", "human-human", replace(alpha(0.9), warnings=("no interval: one of the traces holds more than half of everything",)))),
             "to an extent that is not known (α = .900, no verdict without an interval).",
             "Krippendorff's α = .900, which has no interval: one of the traces holds more than half of everything: so nothing is shown.", firm=False),
    reliable("few", "people", agreement(compared("A B", "human-human", alpha(0.9, n=20, clusters=4), None)),
             "People agree with each other to an extent that cannot be told yet from 20 units of 4 traces.",
             "Krippendorff's α is .900, but 20 shared units of 4 traces are too few to tell how far they agree.", firm=False),
    reliable("undefined", "people", agreement(compared("A B", "human-human", alpha(None, why="all values are the same"))),
             "to an extent that cannot be told, α is undefined.", "cannot be compared: all values are the same.", firm=False),
    reliable("three people", "three people", agreement(compared("A B C", "human-human", alpha(0.9, 0.84, 0.94))), "People agree",
             "Three people (A, B and C) gave, averaged over their pairs, the same code to 82.5 % of 120 shared units."),
    reliable("nobody shares", "strangers", agreement(), "Not known: no two coders coded the same units.",
             "No two coders coded the same units.", firm=False),
    reliable("one person and cues", "person and cues",
             agreement(compared("A cues", "human-machine", alpha(0.3, 0.2, 0.4)), with_people={"cues": WithPeople(alpha(0.3, 0.2, 0.4), ("A",))}),
             "How far people agree is not known, only A coded; A and cues (a rule-based baseline) agree too little to rely on (α = .300, "
             "below .667).", "Only one person, A, coded, so how far people agree is not known.",
             "cues (a rule-based baseline), with A: Krippendorff's α = .300", firm=False),
    reliable("every machine is named", "people and machines",
             agreement(PEOPLE, with_people={"cues": CUES, "gpt": GPT},
                       differences={"cues": less(-0.45, -0.59, -0.3), "gpt": less(0.02, -0.05, 0.08, averaged="1 of 3 pairs shares no unit")}),
             "(α = .792, reaches .667, not shown to reach .800); people and gpt agree well enough for tentative conclusions (α = .808, reaches "
             ".667, not shown to reach .800); people and cues (a rule-based baseline) agree too little to rely on (α = .343, below .667).",
             "Every machine with people, by name:",
             "gpt, with people, the mean over A and B on 120 units that it and at least two of them coded: Krippendorff's α = .808",
             "cues (a rule-based baseline), with people, the mean over A and B on 120 units",
             "People reach .790 with each other there, averaged over their pairs: they agree less with it than with each other, by −0.45 "
             "(−0.59 to −0.30).", "averaged over their pairs; that is not shown to differ (+0.02, −0.05 to +0.08).",
             "1 of 3 pairs shares no unit."),
    reliable("more than people with each other", "people and cues",
             agreement(PEOPLE, with_people={"cues": GPT}, differences={"cues": less(0.2, 0.1, 0.3)}), "people and cues",
             "they agree more with it than with each other, by +0.20 (+0.10 to +0.30)."),
    reliable("a difference without interval", "people and cues",
             agreement(PEOPLE, with_people={"cues": GPT}, differences={"cues": less(0.2)}), "people and cues",
             "a difference of +0.20, and whether there truly is one is not known."),
    reliable("no difference", "people and cues",
             agreement(PEOPLE, with_people={"cues": WithPeople(alpha(0.3, 0.2, 0.4), ("A",))},
                       differences={"cues": AlphaDifference(None, why_undefined="no unit was coded by two people and by the other side")}),
             "A and cues", "Whether that is less than people reach with each other cannot be told: no unit was coded by two people and by the "
             "other side."),
    reliable("many machines", "five machines", agreement(PEOPLE, with_people=dict.fromkeys("vwxyz", GPT)),
             "people and x agree well enough for tentative conclusions (α = .808, reaches .667, not shown to reach .800); 2 more machines below.",
             "z, with people, the mean over A and B"),
    reliable("own spans", "people", agreement(PEOPLE, spans=ChosenSpans(217, 700, alpha(0.768, 0.7, 0.82))),
             ", on the 31 % of units that two chose alike; over the whole text unitizing α = .768 (reaches .667, not shown to reach .800).",
             "People chose their own units, and only those that two of them chose alike are compared: 31.0 % of the 700 units. Over the whole "
             "text, where units lie and how they are coded, unitizing α is .768 (95 % interval .700 to .820): it reaches .667, not shown to "
             "reach .800."),
    reliable("own spans, no interval", "people", agreement(PEOPLE, spans=ChosenSpans(217, 700, alpha(0.768))),
             "over the whole text unitizing α = .768 (no verdict without an interval).",
             "unitizing α is .768, and has no interval: 4 traces", firm=False),
    reliable("own spans overlap", "people", agreement(PEOPLE, spans=ChosenSpans(217, 700, alpha(None, why="spans overlap"))),
             "over the whole text unitizing α is undefined.", "unitizing α is undefined: spans overlap.", firm=False),
    reliable("machines alone", "machines",
             agreement(compared("m n", "machine-machine", alpha(0.936, 0.76, 0.983)), compared("m cues", "machine-machine", alpha(0.4, 0.1, 0.6))),
             "Not known: no person coded. How much alike machines are: most m and n, α = .936 (reaches .667, not shown to reach .800); least m "
             "and cues (a rule-based baseline), α = .400 (below .667).",
             "No person coded these traces. How far machines agree says how much alike they are, not whether they are right.",
             "m and n gave the same code to 82.5 % of 120 shared units.", firm=False),
    reliable("two machines", "machines", agreement(compared("m n", "machine-machine", alpha(0.936, 0.76, 0.983))),
             "How much alike machines are: m and n, α = .936 (reaches .667, not shown to reach .800).", firm=False),
    reliable("machines apart", "machines", agreement(), "Not known: no person coded.",
             "No person coded these traces, and no two machines coded the same units.", firm=False),
]  # fmt: skip


def noisy(
    name: str,
    scene: str,
    groups: dict[str, Any],
    fixed: Corrections,
    stands: Ground,
    head: str,
    *says: str,
    **more: Any,
) -> Row:
    refused = more.pop("refused", None)

    def make(study: Study) -> PlainAnswer:
        return noise_answer.noise_answer(study, noise(study, groups, refused), fixed, stands)

    return Row(name, scene, make, head, says, **more)


def fixed(one: Corrected | None, machine: str = "gpt", **more: Any) -> Corrections:
    return Corrections(machine, DRAWN, 400, 120, {"C": one} if one else {}, **more)


NO_PEOPLE = Corrections("gpt", why="no run holds codings by people")
OWN = (share(0.061, 0.03, 0.12), share(0.671, 0.6, 0.74))
NINE = (share(0.09), share(None, why="no routine"))
GROUPS = {"gpt": OWN, "A": (share(0.056), share(0.5)), "B": (share(0.043), share(0.5))}
NOISE = [
    noisy("no code for noise", "no noise", {}, NO_PEOPLE, FIRM, "Not known: the codebook has no code for noise.",
          "Units can be noise only where the codebook says so; abc@1.0.0 has no family UT"),
    noisy("undefined", "people", {"A": (share(None, why="no unit was coded"), share(None))}, NO_PEOPLE, FIRM, "Not known: no unit was coded."),
    noisy("overlapping units", "people", {}, NO_PEOPLE, FIRM, "Not known: 3 units of 9 that A coded overlap another",
          refused={"A": "3 units of 9 that A coded overlap another"}),
    noisy("one person's spans overlap", "people", {"A": OWN}, NO_PEOPLE, FIRM, "6 % of the words",
          "3 units of 9 that B coded overlap another: no share of words for B.", refused={"B": "3 units of 9 that B coded overlap another"}),
    noisy("people coded all", "people", {"A": OWN, "B": NINE}, NO_PEOPLE, FIRM,
          "6 % of the words, as A coded (B 9 %); 67 % if routine work counts too.",
          "As A coded, 6.1 % of the words (95 % interval 3.0 % to 12.0 %) carry nothing forward: they restate the question, repeat what was "
          "said, or could stand anywhere.",
          "Together with routine work such as computing, which is useful but not reflective, it is 67.1 % (60.0 % to 74.0 %). The paper that "
          "this follows reports about 65 % and does not say which of the two it means.", "Other coders, on what they coded: B 9.0 %."),
    noisy("never bold what people do not agree on", "people", {"A": NINE}, NO_PEOPLE, LOOSE,
          "Not to be relied on, people's own agreement is below .667: 9 % of the words, as A coded.",
          "9.0 % of the words (no interval: 4 traces, and with fewer than 5 none can hold)", firm=False),
    noisy("a machine alone", "cues alone", {"cues": (share(0.004, 0.001, 0.01), share(None))}, NO_PEOPLE, Ground("no person coded"),
          "Not to be relied on, no person coded: under 1 % of the words, as cues (a rule-based baseline) coded.", firm=False),
    noisy("corrected", "people and machines", GROUPS, fixed(corrected()), FIRM,
          "7.9 % of the sentences (4.2 % to 14.2 %), corrected for the errors of gpt with what people coded.",
          "Counted in sentences. The machine's own frequency, 9.0 %, lies inside the corrected interval", "Report the corrected figure.",
          "Other coders, on what they coded: A 5.6 % and B 4.3 %.", never=("assuming",)),
    noisy("six coders beside", "people", {"A": OWN, "B": NINE, **dict.fromkeys(("C", "D", "E", "F", "gpt"), NINE)}, NO_PEOPLE, FIRM,
          "6 % of the words", "B 9.0 %, C 9.0 %, D 9.0 %, E 9.0 % and 2 coders more."),
    noisy("assumed", "people and machines", GROUPS, fixed(corrected(assumed=RANDOM)), LOOSE,
          "Not to be relied on, people's own agreement is below .667: 7.9 % of the sentences (4.2 % to 14.2 %), corrected for the errors of gpt "
          "with what people coded (assuming that the 6 of 14 traces that people coded were drawn at random).", firm=False),
    noisy("people alone are narrower", "people and machines", GROUPS, fixed(corrected(human=(0.05, 0.03, 0.08))), FIRM,
          "5.0 % of the sentences (3.0 % to 8.0 %), by what people coded alone, whose interval is no wider than the one corrected for gpt."),
    noisy("0 to 65 % says nothing", "people and machines", GROUPS, fixed(corrected((0.2, 0.0, 0.65), (0.2, 0.0, 0.9))), FIRM,
          "Not known: 20.0 %, corrected for the errors of gpt, is not to be quoted: the narrowest interval goes from 0.0 % to 65.0 %.", firm=False),
    noisy("people alone have no estimate", "people and machines", GROUPS, fixed(corrected(human=NONE)), FIRM,
          "is not to be quoted: people's codes alone have no estimate (no human-coded unit has the code).", firm=False),
    noisy("no interval", "people and machines", GROUPS, fixed(corrected((0.08, None, None))), FIRM,
          "is not to be quoted: the corrected figure has no interval: 4 traces, and with fewer than 5 none can hold.", firm=False),
    noisy("apart", "people and machines", GROUPS, fixed(corrected(apart=("human only",))), FIRM,
          "is not to be quoted: people's codes alone differ from the corrected figure by more than chance explains.", firm=False),
    noisy("PPI++ alone is apart", "people and machines", GROUPS, fixed(corrected(apart=("PPI++",))), FIRM,
          "is not to be quoted: PPI++ differs from the corrected figure by more than chance explains.", firm=False),
    noisy("both are apart", "people and machines", GROUPS, fixed(corrected(apart=("PPI++", "human only"))), FIRM,
          "PPI++ and people's codes alone differ from the corrected figure by more than chance explains.", firm=False),
    noisy("two codes of noise", "two noises", {"gpt": OWN}, fixed(corrected()), FIRM,
          "the codebook has 2 codes for noise, and codes are corrected one by one.",
          "A machine's figure is only as good as its agreement with people, and this one is not corrected: the codebook has 2 codes", firm=False),
    noisy("no unit in common", "people and machines", GROUPS, Corrections("gpt", why="people and gpt coded no unit in common"), FIRM,
          "people and gpt coded no unit in common.", firm=False),
    noisy("not corrected", "people and machines", GROUPS, fixed(None), FIRM, "cannot be corrected, it was not corrected.", firm=False),
    noisy("a gap says why", "people and machines", GROUPS, fixed(None, gaps=(Gap("Corrected share of C", "a weight is 0"),)), FIRM,
          "cannot be corrected, a weight is 0.", firm=False),
]  # fmt: skip


def differ(
    name: str,
    scene: str,
    found: Contrasts,
    fix: Corrections,
    stands: Ground,
    head: str,
    *says: str,
    **more: Any,
) -> Row:
    question = more.pop("question", None)

    def make(study: Study) -> PlainAnswer:
        own = (
            replace(study, table=study.table.assign(item=more_items))
            if (more_items := ITEMS.get(name))
            else replace(study, table=tally(read_columns(study.runs)))
            if name == "added up"
            else study
        )
        made = difference_answer.difference_answer(own, found, fix, stands)
        assert question is None or made.question == question
        return made

    return Row(name, scene, make, head, says, **more)


ITEMS = {"no item shared": "item 3"}
FIXED = fixed(None, comparison=COP, contrasts={"A": odds(MORE), "B": odds(EVEN), "C": odds(OPEN, OPEN)})
DIFFERENCES = [
    differ("nothing", "people", Contrasts((), (), (Gap("Differences by model", "model is R1 everywhere"),)), NO_PEOPLE, FIRM,
           "There is nothing to compare.", "Differences by model: model is R1 everywhere.", question="What differs?"),
    differ("added up", "people", Contrasts((), (), (Gap("Differences by model", NOT_ADDED_UP),)), NO_PEOPLE, FIRM,
           f"Not known: comparisons are {NOT_ADDED_UP}.", f"Differences by model: {NOT_ADDED_UP}.", question="What differs?", firm=False),
    differ("people's codes", "people", contrasts((COP, SOME)), NO_PEOPLE, FIRM, "Under cop, compared with generic: more a; less b.",
           "Shares of sentences as A coded them, with p corrected for testing many codes. That a difference is not shown does not mean that "
           "there is none.", "cop against generic, as A coded: a (A) 20.0 % against 10.0 %, +11.0 points [+8.0, +14.0]; b (B)",
           question="What differs between the conditions?"),
    differ("people who do not agree", "people", contrasts((COP, SOME)), NO_PEOPLE, LOOSE,
           "Not to be relied on, people's own agreement is below .667: Under cop", firm=False),
    differ("nothing is shown", "people", contrasts((COP, QUIET)), NO_PEOPLE, FIRM, "No difference is shown.",
           "none of 1 code is shown to differ."),
    differ("the title is the question", "people", contrasts((MODELS, SOME), (RIGHT, QUIET)), NO_PEOPLE, FIRM,
           "In R1, compared with QwQ: more a; less b. No difference is shown between right and wrong.",
           question="What differs between the models and between right and wrong answers?"),
    differ("right answers", "people", contrasts((RIGHT, SOME)), NO_PEOPLE, FIRM, "In right answers, compared with wrong: more a"),
    differ("domains", "people", contrasts((DOMAINS, replace(SOME, shared=0))), NO_PEOPLE, FIRM, "In SK, compared with PK: more a",
           question="What differs between the domains?", never=("tasks",)),
    differ("no item shared", "people", contrasts((MODELS, replace(SOME, shared=0))), NO_PEOPLE, FIRM,
           "In R1, compared with QwQ (no item has both: the tasks differ as well): more a; less b."),
    differ("items unknown", "people", contrasts((MODELS, replace(SOME, shared=0))), NO_PEOPLE, FIRM,
           "(items are not recorded: the tasks may differ as well)"),
    differ("few items shared", "people", contrasts((MODELS, replace(SOME, shared=3))), NO_PEOPLE, FIRM,
           "(3 of 10 items have both; on the others the tasks differ as well)"),
    differ("three conditions", "people", contrasts((COP, family(effect("A", 11, 0.02))), (BOTH[0], SOME), (BOTH[1], SOME)), NO_PEOPLE, FIRM,
           "Under cop, compared with other: more a; less b. Under generic, compared with other: more a; less b. No difference is shown between cop and "
           "generic.",
           "corrected for testing many codes, and for comparing more than two of them (Bonferroni)."),
    differ("more comparisons than the headline holds", "people", contrasts((COP, SOME), (RIGHT, SOME), (MODELS, SOME)), NO_PEOPLE, FIRM,
           "1 more comparison below."),
    differ("many effects", "people", contrasts((COP, family(*(effect(c, 20 - k) for k, c in enumerate("ABCVW"))))), NO_PEOPLE, FIRM,
           "more a, b, c and 2 more.", "; and 1 more."),
    differ("p and interval differ", "people", contrasts((COP, family(effect("A", 11, 0.001, -1, 20)))), NO_PEOPLE, FIRM,
           "No difference is shown.", "points [−1.0, +20.0] (p is below .05, but the interval holds 0)"),
    differ("not tested", "people", contrasts((COP, SOME), (MODELS, family(effect("A", 11, None)))), NO_PEOPLE, FIRM,
           "more a; less b. Not tested: R1 against QwQ.", f"R1 against QwQ, as A coded: not tested: {NEVER}."),
    differ("nothing tested", "people", contrasts((MODELS, family(effect("A", 11, None)))), NO_PEOPLE, FIRM, "No difference could be tested."),
    differ("no code", "people", contrasts((MODELS, family())), NO_PEOPLE, FIRM, "No difference could be tested.", "not tested: no code was given."),
    differ("a machine alone", "cues alone", contrasts((COP, SOME)), NO_PEOPLE, Ground("no person coded"),
           "Not to be relied on, no person coded: as cues (a rule-based baseline) coded, under cop, compared with generic: more a; less b.",
           "These are a machine's codes, and no person coded: its errors are in every number.", firm=False),
    differ("corrected", "people and machines", contrasts((COP, SOME), (RIGHT, QUIET)), FIXED, FIRM,
           "Under cop, compared with generic: more a; corrected for the errors of gpt with what people coded.",
           "Corrected for the errors of gpt with the units that people coded, cop against generic. The 95 % intervals hold for all 3 codes "
           "together (Bonferroni), so that picking out those that differ does no harm; of 1 code no odds ratio may be reported (the table "
           "below says why). That a difference is not shown does not mean that there is none.",
           "Odds ratios: a (A) 4.20 (", "Not corrected: right against wrong. The list below has what gpt alone says."),
    differ("four effects that none confirms", "people and machines", contrasts((COP, SOME)),
           fixed(None, comparison=COP, contrasts={"A": odds(EVEN), "B": replace(odds(EVEN), assumed=RANDOM)}), FIRM,
           "Between cop and generic none of the 2 codes that could be corrected is shown to differ; corrected for the errors of gpt with what people coded (assuming that "
           "the 6 of 14 traces that people coded were drawn at random).", "as gpt coded: a (A)", never=("Under cop",)),
    differ("cannot be corrected", "people and machines", contrasts((COP, SOME)),
           fixed(None, gaps=(Gap("Corrected odds ratios, cop against generic", "people coded units of one side only"),)), FIRM,
           "Not known: the differences that gpt shows cannot be corrected, people coded units of one side only.",
           "These are a machine's codes, and the differences cannot be corrected for its errors: people coded units of one side only.",
           firm=False),
    differ("no odds ratio", "people and machines", contrasts((COP, SOME)), fixed(None, comparison=COP, contrasts={"A": odds(OPEN, OPEN)}), FIRM,
           "cannot be corrected, of A, the narrowest interval goes from 0.01 to 100.00.", firm=False),
    differ("nothing was corrected", "people and machines", contrasts((COP, SOME)), fixed(None), FIRM,
           "cannot be corrected, nothing was compared.", firm=False),
    differ("many corrected effects", "people and machines", contrasts((COP, SOME)),
           fixed(None, comparison=COP, contrasts={code: odds(MORE) for code in "ABCVW"}), FIRM, "more a, b, c and 2 more", "; and 1 more."),
]  # fmt: skip


def gapped(name: str, gaps: list[Gap], head: str, *says: str) -> Row:
    return Row(name, "people", lambda _: gap_answer(gaps), head, says)


GAPS = [
    gapped("all was estimated", [], "Nothing: all was estimated.", "Every quantity of this report could be estimated."),
    gapped("one", [Gap("α of A and B", "no unit was shared")], "α of A and B: no unit was shared.", "α of A and B: no unit was shared."),
    gapped("several", [Gap(f"Share of {k}", "no unit") for k in "ABCDEF"], "Share of A: no unit. 5 more below.",
           "Share of A, Share of B, Share of C and Share of D and 2 more: no unit."),
]  # fmt: skip
TABLE = [*RELIABILITY, *NOISE, *DIFFERENCES, *GAPS]


def printed(answer: PlainAnswer) -> str:
    return "\n".join((answer.question, answer.short, *answer.text, *answer.points))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_sentence(row: Row, scenes: dict[str, Study]) -> None:
    answer = row.make(scenes[row.scene])
    assert row.head in answer.short
    for words in row.says:
        assert words in printed(answer)
    for words in row.never:
        assert words not in answer.short
    assert answer.firm is row.firm
    assert ".." not in answer.short.replace("…", "")


# --- the table is whole

MODULES: tuple[ModuleType, ...] = (answers, reliability_answer, noise_answer, difference_answer)
LOOKED_UP = {"percent agreement", "machine-machine", "Corrected odds ratios", "Corrected share of "}
"""Names in those modules that are compared with, never printed."""
LEAST = 12
"""Letters from which on a piece of text is a sentence or part of one."""


def pieces(module: ModuleType) -> Iterator[str]:
    """Texts within the module's functions, docstrings apart; of those with blanks in them, the parts between."""
    tree = ast.parse(Path(inspect.getsourcefile(module) or "").read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node is not _docstring(function)
            ):
                yield node.value


def _docstring(function: ast.FunctionDef) -> ast.AST | None:
    first = function.body[0]
    return first.value if isinstance(first, ast.Expr) else None


def test_every_sentence_stands_in_the_table(scenes: dict[str, Study]) -> None:
    everything = "\n".join(
        [*(printed(row.make(scenes[row.scene])) for row in TABLE), *(coded_words(study) for study in scenes.values()),
         *(ground(scenes[scene], found).why for scene, found, _ in GROUNDS)]
    ).casefold()  # fmt: skip
    unsaid = [
        piece
        for module in MODULES
        for piece in pieces(module)
        if len(re.sub(r"\W", "", piece)) >= LEAST and piece.strip().casefold() not in everything
    ]
    assert set(unsaid) == LOOKED_UP


GROUNDS = [
    ("cues alone", agreement(), "no person coded"),
    ("one person", agreement(), "only one person coded, A"),
    ("people", agreement(), "people coded too few units together to tell how far they agree"),
    ("people", agreement(compared("A B", "human-human", alpha(0.9, n=20, clusters=4))), "people coded too few units together"),
    ("people", agreement(PEOPLE), ""),
    ("people", agreement(compared("A B", "human-human", alpha(0.5, 0.3, 0.66))), "people's own agreement is below .667"),
    ("people", agreement(compared("A B", "human-human", alpha(None, why="all pairable values are the same"))),
     "people's own agreement is undefined: all pairable values are the same"),
    ("people", agreement(compared("A B", "human-human", NARROW)), "people's own agreement gets no verdict, as the interval"),
    ("people", agreement(PEOPLE, spans=ChosenSpans(210, 700, alpha(0.6, 0.5, 0.7))),
     "over the whole text people's unitizing α is not shown to reach .667"),
]  # fmt: skip


@pytest.mark.parametrize(("scene", "found", "why"), GROUNDS)
def test_ground(scene: str, found: Agreement, why: str, scenes: dict[str, Study]) -> None:
    told = ground(scenes[scene], found)
    assert told.why.startswith(why)
    assert told.firm == (why == "")


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        ("people", "A and B coded all of them."),
        ("people and cues", "A and B coded 2 of them (1 trace); cues coded all of them."),
        ("seven people", "7 coders coded them; “Who coded what” says how many each."),
    ],
)
def test_said_of_each_counts_what_was_coded_by_whom(scene: str, words: str, scenes: dict[str, Study]) -> None:
    assert coded_words(scenes[scene]) == words


def test_simultaneous_intervals_are_wider_by_bonferroni() -> None:
    """Of five codes each has the 99 % interval, so that all five hold together at 95 %."""
    from scipy import stats

    (one, *_) = difference_answer.together({code: odds(MORE) for code in "ABCDE"}, 0.95)
    se = (MORE[2] - MORE[1]) / 4
    assert np.isclose(one.high - one.value, stats.t.ppf(0.995, 30) * se)
