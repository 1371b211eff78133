"""Every sentence that `Corrected.verdict` can print, with the numbers that bring it about."""

from __future__ import annotations

from typing import Any

import pytest

from pedagogy_r1.stats.corrected_verdict import Corrected, CorrectedEstimate

Three = tuple[float, float, float] | tuple[float] | str
"""Value and limits; the value alone; or why there is none."""


def estimate(name: str, of: Three) -> CorrectedEstimate:
    if isinstance(of, str):
        return CorrectedEstimate(None, name=name, why_undefined=of)
    if len(of) == 1:
        return CorrectedEstimate(of[0], name=name, warnings=("no interval: 3 human-coded traces",))
    return CorrectedEstimate(*of, name=name)


def corrected(
    naive: Three = (0.29, 0.27, 0.31),
    human: Three = (0.16, 0.11, 0.22),
    dsl: Three = (0.17, 0.14, 0.20),
    ppi: Three = (0.171, 0.14, 0.205),
    bias: Three = (0.12, 0.09, 0.15),
    **more: Any,
) -> Corrected:
    """As in the module's example, unless said otherwise."""
    fixed: dict[str, Any] = {"what": "prevalence", "scale": "proportion", "level": 0.95, "seed": 0}
    fixed |= {"n_units": 2000, "n_coded": 400, "n_clusters": 100, "n_clusters_coded": 100, "warnings": ()}
    return Corrected(
        naive=estimate("naive", naive),
        human=estimate("human only", human),
        dsl=estimate("DSL", dsl),
        ppi=estimate("PPI++", ppi),
        bias=estimate("naive − DSL", bias),
        **fixed | more,
    )


ODDS: dict[str, Any] = {"what": "CoP", "scale": "log odds"}
LOG2, LOG3 = 0.6931, 1.0986
BOTH_INSIDE = "PPI++ (17.1 %) and the human codes alone (16.0 %) lie inside the corrected interval."
OUTSIDE = "The machine's own frequency, 29.0 %, lies outside the corrected interval: corrected (DSL) 17.0 % (14.0 % to 20.0 %); "
NO_MORE = "No figure is to be reported as corrected, since the human codes alone have no "
A, B = estimate("A", (0.165, 0.1, 0.25)), estimate("B", (0.24, 0.15, 0.35))

SENTENCES: dict[str, tuple[Corrected, str]] = {
    "outside, surely": (
        corrected(),
        OUTSIDE
        + "the machine overstates it by 12.0 points (9.0 to 15.0). Report the corrected figure. "
        + BOTH_INSIDE,
    ),
    "understates": (
        corrected(naive=(0.05, 0.04, 0.06), bias=(-0.12, -0.15, -0.09)),
        "The machine's own frequency, 5.0 %, lies outside the corrected interval: corrected (DSL) 17.0 % (14.0 % to 20.0 %); the machine "
        "understates it by 12.0 points (9.0 to 15.0). Report the corrected figure. " + BOTH_INSIDE,
    ),
    "outside, perhaps by chance": (
        corrected(naive=(0.21, 0.15, 0.28), bias=(0.04, -0.02, 0.1)),
        "The machine's own frequency, 21.0 %, lies outside the corrected interval: corrected (DSL) 17.0 % (14.0 % to 20.0 %); the "
        "difference may still be chance. Report the corrected figure. " + BOTH_INSIDE,
    ),
    "inside": (
        corrected(naive=(0.18, 0.17, 0.19), bias=(0.01, -0.02, 0.04)),
        "The machine's own frequency, 18.0 %, lies inside the corrected interval: corrected (DSL) 17.0 % (14.0 % to 20.0 %). Its own "
        "interval leaves out that the machine errs. Report the corrected figure. " + BOTH_INSIDE,
    ),
    "inside, and yet it errs": (
        corrected(naive=(0.19, 0.18, 0.2), bias=(0.02, 0.01, 0.03)),
        "The machine's own frequency, 19.0 %, lies inside the corrected interval: corrected (DSL) 17.0 % (14.0 % to 20.0 %). Its own "
        "interval leaves out that the machine errs. Still, the machine overstates it by 2.0 points (1.0 to 3.0). Report the "
        "corrected figure. " + BOTH_INSIDE,
    ),
    "people's interval is narrower": (
        corrected(human=(0.16, 0.15, 0.17)),
        OUTSIDE
        + "the machine overstates it by 12.0 points (9.0 to 15.0). Report the human codes alone, 16.0 % (15.0 % to 17.0 %), whose "
        "interval is narrower than the corrected one. " + BOTH_INSIDE,
    ),
    "people coded everything": (
        corrected(human=(0.17, 0.14, 0.2), ppi=(0.17, 0.14, 0.2)),
        OUTSIDE
        + "the machine overstates it by 12.0 points (9.0 to 15.0). Report the human codes alone, 17.0 % (14.0 % to 20.0 %), whose "
        "interval is as narrow as the corrected one. PPI++ (17.0 %) and the human codes alone (17.0 %) lie inside the corrected "
        "interval.",
    ),
    "π is assumed": (
        corrected(assumed="the 6 of 14 traces that people coded were drawn at random"),
        OUTSIDE
        + "the machine overstates it by 12.0 points (9.0 to 15.0). Report the corrected figure, if it holds that the 6 of 14 "
        "traces that people coded were drawn at random. " + BOTH_INSIDE,
    ),
    "people have no estimate": (
        corrected(human="no finite solution"),
        OUTSIDE + "the machine overstates it by 12.0 points (9.0 to 15.0). " + NO_MORE + "estimate: "
        "no finite solution. PPI++ (17.1 %) lies inside the corrected interval.",
    ),
    "people have no interval": (
        corrected(human=(0.16,), dsl=(0.17,), ppi=(0.171,), bias=(0.12,)),
        "The machine's own frequency is 29.0 %; corrected (DSL) it is 17.0 % (no interval). "
        + NO_MORE
        + "interval: 3 human-coded traces.",
    ),
    "DSL has no interval": (
        corrected(dsl=(0.17,), bias=(0.12,)),
        "The machine's own frequency is 29.0 %; corrected (DSL) it is 17.0 % (no interval). No figure is to be reported as corrected, "
        "since the corrected figure (DSL) has no interval: 3 human-coded traces.",
    ),
    "0 to 65 % says nothing": (
        corrected(dsl=(0.2, 0.0, 0.65), human=(0.2, 0.0, 1.0), bias=(0.09, -0.4, 0.3), ppi="no"),
        "The machine's own frequency, 29.0 %, lies inside the corrected interval: corrected (DSL) 20.0 % (0.0 % to 65.0 %). Its own "
        "interval leaves out that the machine errs. No figure is precise enough to be reported: the narrowest interval goes from "
        "0.0 % to 65.0 %. The human codes alone (20.0 %) lie inside the corrected interval. No estimate from PPI++: no.",
    ),
    "both differ by more than chance": (
        corrected(apart=("human only", "PPI++")),
        OUTSIDE
        + "the machine overstates it by 12.0 points (9.0 to 15.0). But the human codes alone and PPI++ differ from the corrected "
        "figure by more than chance explains in 99 of 100 samples: check the inclusion probabilities before quoting any of them.",
    ),
    "PPI++ differs by more than chance": (
        corrected(apart=("PPI++",)),
        OUTSIDE
        + "the machine overstates it by 12.0 points (9.0 to 15.0). But PPI++ differs from the corrected figure by more than chance "
        "explains in 99 of 100 samples: check the inclusion probabilities before quoting any of them. The human codes alone "
        "(16.0 %) lie inside the corrected interval.",
    ),
    "outside by chance": (
        corrected(human=(0.22, 0.1, 0.35)),
        OUTSIDE
        + "the machine overstates it by 12.0 points (9.0 to 15.0). Report the corrected figure. PPI++ (17.1 %) lies inside the "
        "corrected interval. The human codes alone (22.0 %) lie outside it, but no further off than chance may explain.",
    ),
    "two people": (
        corrected(people=(A, B)),
        OUTSIDE
        + "the machine overstates it by 12.0 points (9.0 to 15.0). The corrected figure is the mean of those against each of 2 people (A 16.5 %, "
        "B 24.0 %), and its interval allows for how they differ. Report the corrected figure. " + BOTH_INSIDE,
    ),
    "warnings": (
        corrected(warnings=("only 4 human-coded units have the code",)),
        OUTSIDE
        + "the machine overstates it by 12.0 points (9.0 to 15.0). Report the corrected figure. "
        + BOTH_INSIDE
        + " With caution: only 4 human-coded units have the code.",
    ),
    "no DSL, others": (
        corrected(dsl="why", bias="why"),
        "No corrected (DSL) estimate of prevalence: why. What there is: PPI++ 17.1 % (14.0 % to 20.5 %); human only 16.0 % (11.0 % to 22.0 %).",
    ),
    "nothing": (
        corrected(dsl="why", bias="why", human="why", ppi="why"),
        "No corrected (DSL) estimate of prevalence: why. Neither is there another that knows of the machine's errors.",
    ),
    "odds": (
        corrected(
            (LOG3, 0.9, 1.3), (0.0, -1, 1), (0.0, -0.5, 0.5), (0.1, -0.5, 0.7), (LOG3, LOG2, 1.5), **ODDS
        ),
        "The machine's own odds ratio for CoP, 3.00, lies outside the corrected interval: corrected (DSL) 1.00 (0.61 to 1.65); the "
        "machine gives 3.00 times that odds ratio (2.00 to 4.48). Report the corrected figure. PPI++ (1.11) and the human codes "
        "alone (1.00) lie inside the corrected interval.",
    ),
    "odds, the machine has none": (
        corrected("no finite solution", (0.0, -1, 1), (0.0, -0.5, 0.5), (0.1, -0.5, 0.7), "no", **ODDS),
        "Corrected (DSL) odds ratio for CoP 1.00 (0.61 to 1.65). The machine's own has no estimate: no finite solution. Report the "
        "corrected figure. PPI++ (1.11) and the human codes alone (1.00) lie inside the corrected interval.",
    ),
    "odds of 0.05 to 20 say nothing": (
        corrected((0.1, 0, 0.2), (0.0, -4, 4), (0.0, -3, 3), "no", (0.1, -3, 3), **ODDS),
        "The machine's own odds ratio for CoP, 1.11, lies inside the corrected interval: corrected (DSL) 1.00 (0.05 to 20.09). Its own "
        "interval leaves out that the machine errs. No figure is precise enough to be reported: the narrowest interval goes from "
        "0.05 to 20.09. The human codes alone (1.00) lie inside the corrected interval. No estimate from PPI++: no.",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_every_sentence(case: str) -> None:
    result, words = SENTENCES[case]
    assert result.verdict() == words


def test_a_figure_is_recommended_exactly_where_the_verdict_says_report() -> None:
    for case, (result, words) in SENTENCES.items():
        says = next(
            (e for e in ("Report the corrected figure", "Report the human codes") if e in words), None
        )
        named = {None: None, "Report the corrected figure": "DSL", "Report the human codes": "human only"}
        assert (result.recommended.name if result.recommended else None) == named[says], case


def test_a_one_sided_interval_is_judged_by_its_limit() -> None:
    near = corrected(dsl=(0.17, 0.14, 1.0), human=(0.16, 0.11, 1.0), alternative="larger")
    far = corrected(dsl=(0.7, 0.3, 1.0), human=(0.7, 0.2, 1.0), alternative="larger")
    below = corrected(dsl=(0.17, 0.0, 0.2), human=(0.16, 0.0, 0.22), alternative="smaller")
    assert near.recommended is near.dsl
    assert far.recommended is None
    assert below.recommended is below.dsl
