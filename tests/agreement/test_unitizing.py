"""The unitizing alphas and gamma: published and program-computed cases, a naive second implementation, invariances."""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.agreement.continuum import Continuum, Span, continua_of, overlap_in
from pedagogy_r1.agreement.gamma import Gamma, gamma
from pedagogy_r1.agreement.unitizing import Unitizing, unitizing_alpha
from pedagogy_r1.errors import PedagogyError, RunError
from pedagogy_r1.runs.run import CoderInfo, CoderRun, Coding, Manifest
from pedagogy_r1.runs.run_writer import RunWriter
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import given_scheme, given_units

from ..make_runs import book

Spans = dict[str, list[Span]]


@pytest.fixture(scope="module")
def oracle(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "oracles/unitizing.json").read_text())


@pytest.fixture(scope="module")
def gamma_oracle(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "oracles/gamma.json").read_text())


def _case(cases: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(case for case in cases if case["id"] == name)


def _family(case: dict[str, Any]) -> Continuum:
    spans = {coder: [Span(*s) for s in found] for coder, found in case["segments"].items()}
    return Continuum(case["id"], case["length"], spans)


def _check_family(case: dict[str, Any]) -> None:
    expected = case["expected_eq10"]
    found = unitizing_alpha([_family(case)], replicates=0)
    assert found.u.value == pytest.approx(expected["u"], abs=1e-12)
    assert found.binary.value == pytest.approx(expected["bar_u"], abs=1e-12)
    assert found.coded.value == pytest.approx(expected["cu"], abs=1e-12)
    assert found.coded.coverage == pytest.approx(expected["cu_coverage"], abs=1e-12)
    for code, (alpha, coverage) in expected["ku"].items():
        assert found.per_code[code].value == pytest.approx(alpha, abs=1e-12)
        assert found.per_code[code].coverage == pytest.approx(coverage, abs=1e-12)
    assert set(found.per_code) == set(expected["ku"])
    assert "2016" in found.method
    assert "union" in found.method  # three coders: says which pairing it is
    union = unitizing_alpha([_family(case)], pairing="union", replicates=0)
    assert union.coded.value == pytest.approx(case["cu_if_quallmer_union_pairing"], abs=1e-12)
    assert union.u == found.u


def test_three_coders_20(oracle: dict[str, Any]) -> None:
    _check_family(_case(oracle["u_alpha_family_2016"], "three_coders_20"))


def test_three_coders_60(oracle: dict[str, Any]) -> None:
    _check_family(_case(oracle["u_alpha_family_2016"], "three_coders_60"))


# --- gamma -----------------------------------------------------------------------------------------------------------


def _gamma_case(gamma_oracle: dict[str, Any], name: str) -> tuple[Continuum, dict[str, Any]]:
    spans: Spans = defaultdict(list)
    for line in gamma_oracle["csv"][name].split():
        coder, code, start, end = line.split(",")
        spans[coder].append(Span(int(start), int(end), code))
    length = max(span.end for found in spans.values() for span in found)
    return Continuum(name, length, dict(spans)), next(
        row for row in gamma_oracle["results"] if row["file"] == name
    )


def _check_gamma(found: Gamma, expected: dict[str, Any], tolerance: float) -> None:
    assert found.aligned == expected["n_unitary"]
    assert found.observed == pytest.approx(expected["best_disorder"], abs=1e-6)  # not random
    assert found.value == pytest.approx(expected["gamma"], abs=tolerance)
    assert found.gamma_cat == pytest.approx(expected["gamma_cat"], abs=tolerance)
    assert found.samples == expected["n_samples"]
    for code, value in expected["gamma_k"].items():
        assert found.gamma_k[code] == pytest.approx(value, abs=tolerance)


def test_AlexPaulSuzan(gamma_oracle: dict[str, Any]) -> None:
    pytest.importorskip("pygamma_agreement")
    continuum, expected = _gamma_case(gamma_oracle, "AlexPaulSuzan")
    found = gamma([continuum], alpha=3, sampler="shuffle", seed=4772)[0]
    assert found.value is not None
    assert found.observed is not None
    assert 0.44 <= found.value <= 0.47
    assert 0.95 <= found.observed <= 0.97
    _check_gamma(found, expected, 1e-6)


@pytest.mark.slow
def test_3by100(gamma_oracle: dict[str, Any]) -> None:
    pytest.importorskip("pygamma_agreement")
    continuum, expected = _gamma_case(gamma_oracle, "3by100")
    found = gamma([continuum], alpha=3, seed=4772)[0]
    assert found.value is not None
    assert 0.79 <= found.value <= 0.81
    _check_gamma(found, expected, 1e-6)


def test_2by1000(gamma_oracle: dict[str, Any]) -> None:
    pytest.importorskip("pygamma_agreement")
    if "2by1000" not in gamma_oracle["csv"]:
        pytest.skip("the oracle gives the values of 2by1000, not its data")
    continuum, expected = _gamma_case(gamma_oracle, "2by1000")
    found = gamma([continuum], alpha=3, seed=4772)[0]
    assert found.value is not None
    assert 0.39 <= found.value <= 0.42
    _check_gamma(found, expected, 0.03)


def test_gamma_leaves_numpy_and_stdout_alone(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pygamma_agreement")
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    text = Continuum("t", 30, {"A": [Span(0, 9, "x"), Span(9, 20, "y")], "B": [Span(0, 8, "x")], "C": []})
    alone = gamma([text], seed=3)
    first, none, again = gamma([text, Continuum("e", 9, {"A": [], "B": []}), text], seed=3)
    assert alone == [first] == [again]
    assert first.value is not None
    assert none.value is None
    assert (np.random.get_state()[1] == before).all()
    assert capfd.readouterr().out == ""


def test_gamma_without_the_package_says_what_to_install() -> None:
    try:
        import pygamma_agreement  # noqa: F401 - is it there?
    except ImportError:
        with pytest.raises(PedagogyError, match="pip install pygamma-agreement"):
            gamma([_two([(0, 5, "x")], [(0, 5, "x")])])
    else:
        pytest.skip("it is installed")


def test_gamma_of_nothing_says_why() -> None:
    lone = Continuum("t", 5, {"A": [Span(0, 5, "x")]})
    found = gamma([_two([], []), lone, _two([(0, 5, None)], [(0, 5, "x")])])
    assert [one.why_undefined for one in found] == [
        "no coder chose any span",
        "no text was coded by two coders",
        "a coding is missing, which gamma cannot take",
    ]


# --- a naive second implementation -----------------------------------------------------------------------------------


def _naive(continua: Sequence[Continuum], pairing: str = "2016") -> dict[str, float]:
    """The equations of the 2016 paper, point by point and pair by pair; every coder codes every continuum."""
    coders = sorted({coder for c in continua for coder in c.spans})
    m = len(coders)
    units: dict[str, list[tuple[int, int, str]]] = {}
    line: dict[str, list[int]] = {}
    for coder in coders:
        units[coder], line[coder], at = [], [], 0
        for c in continua:
            points = [-1] * c.length
            for span in c.spans[coder]:
                points[span.start : span.end] = [len(units[coder])] * (span.end - span.start)
                units[coder].append((span.start + at, span.end + at, str(span.code)))
            line[coder] += points
            at += c.length

    def code(coder: str, point: int) -> str | None:
        unit = line[coder][point]
        return None if unit < 0 else units[coder][unit][2]

    points = range(len(line[coders[0]]))
    values: list[str | None] = [None, *sorted({u[2] for found in units.values() for u in found})]
    obs = {(c, k): 0.0 for c in values for k in values}
    for i, j in itertools.permutations(coders, 2):
        for x in points:
            obs[code(i, x), code(j, x)] += 1 / (m - 1)
    row = {c: sum(obs[c, k] for k in values) for c in values}
    whole = sum(row.values())
    own = dict.fromkeys(values, 0.0)
    for i in coders:
        own[None] += sum(code(i, x) is None for x in points)
        for start, end, value in units[i]:
            own[value] += (end - start) ** 2
    scale = whole / (whole**2 - sum(own.values()))
    exp = {
        (c, k): scale * (row[c] * row[k] - (own[c] if c == k else 0))
        for c, k in itertools.product(values, values)
    }
    found = {
        "u": 1 - (whole - sum(obs[c, c] for c in values)) / (whole - sum(exp[c, c] for c in values)),
        "binary": 1 - (row[None] - obs[None, None]) / (sum(exp[None, k] for k in values) - exp[None, None]),
    }
    codes = values[1:]
    star = {c: sum(obs[c, k] for k in codes) for c in codes}
    own_star = dict.fromkeys(codes, 0.0)
    for i in coders:
        others = [j for j in coders if j != i]
        for start, end, value in units[i]:
            met = [[code(j, x) is not None for x in range(start, end)] for j in others]
            if pairing == "union":
                own_star[value] += sum(map(any, zip(*met, strict=True))) ** 2
            else:
                own_star[value] += sum(sum(one) ** 2 for one in met) / (m - 1)
    n = sum(star.values())
    scale = n / (n**2 - sum(own_star.values()))
    exp = {(c, k): scale * (star[c] * star[k] - (own_star[c] if c == k else 0)) for c in codes for k in codes}
    agreed = sum(obs[c, c] for c in codes)
    found["coded"] = 1 - (n - agreed) / (n - sum(exp[c, c] for c in codes))
    for k in codes:
        e = sum(exp[c, k] for c in codes)
        found[f"k{k}"] = 1 - (e / star[k]) * (star[k] - obs[k, k]) / (e - exp[k, k])
    return found


def _estimates(found: Unitizing) -> dict[str, float | None]:
    named = {"u": found.u, "binary": found.binary, "coded": found.coded}
    named |= {f"k{code}": alpha for code, alpha in found.per_code.items()}
    return {name: alpha.value for name, alpha in named.items()}


def _random_continuum(
    rng: random.Random, coders: int, length: int, name: str = "t", codes: str = "xyz"
) -> Continuum:
    """Coders who see the same spans with jitter, now and then another code, and now and then miss one."""
    step = 12
    spans: Spans = {f"c{i}": [] for i in range(coders)}
    truth = [(at, rng.choice(codes)) for at in range(0, length - step, step)]
    for found in spans.values():
        for at, code in truth:
            if rng.random() < 0.75:
                start, end = at + rng.randint(0, 4), at + rng.randint(6, step)
                found.append(Span(start, end, code if rng.random() < 0.7 else rng.choice(codes)))
    return Continuum(name, length, spans)


@pytest.mark.parametrize("coders", [2, 3, 4])
@pytest.mark.parametrize("pairing", ["2016", "union"])
def test_equals_a_naive_implementation(coders: int, pairing: Any) -> None:
    rng = random.Random(coders)
    for _ in range(5):
        continua = [
            _random_continuum(rng, coders, length, f"t{n}") for n, length in enumerate((120, 61, 240))
        ]
        naive = _naive(continua, pairing)
        assert _estimates(unitizing_alpha(continua, pairing=pairing, replicates=0)) == pytest.approx(
            naive, abs=1e-12
        )


def test_the_union_pairing_is_the_same_for_two_coders_and_another_for_three() -> None:
    for coders in (2, 3):
        text = [_random_continuum(random.Random(7), coders, 240)]
        a, b = (unitizing_alpha(text, pairing=p, replicates=0) for p in ("2016", "union"))
        assert (a.coded.value == pytest.approx(b.coded.value, abs=1e-12)) is (coders == 2)
    with pytest.raises(ValueError, match="did you mean union"):
        unitizing_alpha(text, pairing="unoin")  # type: ignore[arg-type]


# --- invariances -----------------------------------------------------------------------------------------------------


@st.composite
def _continuum(draw: st.DrawFn, least: int = 2) -> Continuum:
    length = draw(st.integers(1, 60))
    spans: Spans = {}
    for coder in "ABCD"[: draw(st.integers(least, 4))]:
        cuts = sorted(draw(st.sets(st.integers(0, length), max_size=8)))
        pairs = list(itertools.pairwise(cuts))
        kept = draw(
            st.lists(st.sampled_from(["x", "y", "z", None]), min_size=len(pairs), max_size=len(pairs))
        )
        spans[coder] = [Span(a, b, code) for (a, b), code in zip(pairs, kept, strict=True) if code]
    return Continuum("t", length, spans)


def _close(a: dict[str, float | None], b: dict[str, float | None]) -> bool:
    return a.keys() == b.keys() and all(
        (x is None) == (b[name] is None)
        and (x is None or math.isclose(x, b[name] or 0.0, rel_tol=1e-9, abs_tol=1e-9))
        for name, x in a.items()
    )


@given(_continuum())
@settings(deadline=None, max_examples=150)
def test_every_coefficient_is_a_number_or_says_why(text: Continuum) -> None:
    found = unitizing_alpha([text, text], replicates=20)
    for alpha in [found.u, found.binary, found.coded, *found.per_code.values()]:
        assert (alpha.value is None) == (alpha.why_undefined is not None)
        without = alpha.why_undefined or any(warning.startswith("no interval") for warning in alpha.warnings)
        assert (alpha.interval is None) == bool(without)
        assert alpha.value is None or -1000 < alpha.value <= 1 + 1e-9


@given(_continuum())
@settings(deadline=None, max_examples=100)
def test_identical_coders_agree_perfectly(text: Continuum) -> None:
    same = Continuum("t", text.length, dict.fromkeys("ABC", text.spans["A"]))
    found = unitizing_alpha([same], replicates=0)
    codes = {span.code for span in text.spans["A"]}
    filled = sum(span.end - span.start for span in text.spans["A"])
    for alpha in _estimates(found).values():
        assert alpha is None or alpha == pytest.approx(1)
    assert (found.u.value is None) == (not codes or (len(codes) == 1 and filled == text.length))
    assert (found.binary.value is None) == (filled in (0, text.length))
    assert (found.coded.value is None) == (len(codes) < 2)


@given(_continuum(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_the_order_of_coders_and_spans_is_irrelevant(text: Continuum, rng: random.Random) -> None:
    names = list(text.spans)
    rng.shuffle(names)
    shuffled = Continuum("t", text.length, {n: rng.sample(text.spans[n], len(text.spans[n])) for n in names})
    a, b = (_estimates(unitizing_alpha([c], replicates=0)) for c in (text, shuffled))
    assert _close(a, b)


@given(_continuum(), st.integers(2, 50))
@settings(deadline=None, max_examples=100)
def test_a_finer_scale_leaves_the_coding_alphas_alone(text: Continuum, factor: int) -> None:
    """cᵤα and (k)ᵤα are ratios of lengths. ᵤα and |ᵤα are so only without gaps, which count by length, not squared."""
    finer = Continuum(
        "t",
        text.length * factor,
        {
            coder: [Span(s.start * factor, s.end * factor, s.code) for s in spans]
            for coder, spans in text.spans.items()
        },
    )
    a, b = (_estimates(unitizing_alpha([c], replicates=0)) for c in (text, finer))
    gapless = all(sum(s.end - s.start for s in spans) == text.length for spans in text.spans.values())
    for names in (a, b):
        if not gapless:
            names.pop("u")
            names.pop("binary")
    assert _close(a, b)


@given(_continuum(), _continuum())
@settings(deadline=None, max_examples=100)
def test_continua_are_one_text_laid_end_to_end(first: Continuum, second: Continuum) -> None:
    coders = [coder for coder in first.spans if coder in second.spans]
    one, two = (Continuum(c.name, c.length, {n: c.spans[n] for n in coders}) for c in (first, second))
    joined = {
        n: [*one.spans[n], *(Span(s.start + one.length, s.end + one.length, s.code) for s in two.spans[n])]
        for n in coders
    }
    whole = Continuum("both", one.length + two.length, joined)
    assert _close(
        _estimates(unitizing_alpha([one, two], replicates=0)),
        _estimates(unitizing_alpha([whole], replicates=0)),
    )


def test_a_missing_stretch_is_left_out_of_the_pairs() -> None:
    """Two coders, the last third missing for one: the same as a text that ends before it."""
    spans = {"A": [Span(2, 9, "x"), Span(9, 14, "y")], "B": [Span(3, 9, "x"), Span(11, 16, "y")]}
    short = Continuum("t", 20, spans)
    long = Continuum("t", 30, {"A": [*spans["A"], Span(21, 28, "y")], "B": [*spans["B"], Span(20, 30, None)]})
    absent = Continuum("u", 9, {"A": [Span(0, 9, "x")]})
    expected = unitizing_alpha([short], replicates=0)
    found = unitizing_alpha([long, absent], replicates=0)
    assert _estimates(found) == pytest.approx(_estimates(expected))
    assert (found.length, found.left_out, found.n_continua) == (20, 19, 1)
    assert found.absent == {"A": 0, "B": 1}


# --- degenerate data -------------------------------------------------------------------------------------------------


def _two(
    a: list[tuple[int, int, str | None]], b: list[tuple[int, int, str | None]], length: int = 20
) -> Continuum:
    return Continuum("t", length, {"A": [Span(*s) for s in a], "B": [Span(*s) for s in b]})


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        (_two([], []), "u", "left everything uncoded"),
        (_two([], []), "binary", "coded nothing"),
        (_two([(0, 20, "x")], [(0, 20, "x")]), "u", "gave everything the same code"),
        (_two([(0, 20, "x")], [(0, 20, "y")]), "binary", "left no gap"),
        (_two([(0, 5, "x")], [(5, 9, "y")]), "coded", "nowhere did two coders"),
        (_two([(0, 5, "x")], [(2, 9, "x")]), "coded", "one and the same code"),
        (_two([(0, 5, "x"), (6, 9, "y")], [(2, 5, "x")]), "y", "no span coded y intersects"),
        (
            _two([(0, 5, "x"), (6, 9, "y")], [(2, 5, "x")]),
            "x",
            "wherever coded matter intersects it is coded x",
        ),
        (Continuum("t", 9, {"A": [Span(0, 5, "x")]}), "u", "no text was coded by two coders"),
        (Continuum("t", 9, {}), "u", "no text was coded by two coders"),
        # Three coders, two of whom once code the same matter: eq. 10 leaves nothing for chance, and α would be 1.
        (
            Continuum("t", 20, {"A": [Span(0, 5, "x")], "B": [Span(0, 5, "y")], "C": []}),
            "coded",
            "too little coded matter intersects",
        ),
    ],
)
def test_undefined_says_why(text: Continuum, name: str, why: str) -> None:
    found = unitizing_alpha([text])
    named = {"u": found.u, "binary": found.binary, "coded": found.coded} | found.per_code
    assert named[name].value is None
    assert named[name].interval is None
    assert why in (named[name].why_undefined or "")


def test_no_continuum_at_all() -> None:
    assert unitizing_alpha([]).u.why_undefined == "no text was coded by two coders"


def test_total_disagreement_is_defined_and_negative() -> None:
    found = unitizing_alpha([_two([(0, 10, "x")], [(10, 20, "x")])], replicates=0)
    assert found.u.value is not None
    assert found.u.value < 0
    assert found.u.observed == 1


def test_bad_spans_name_continuum_coder_and_offsets() -> None:
    with pytest.raises(PedagogyError, match="t: coder A: spans 0–5 and 4–9 overlap"):
        unitizing_alpha([_two([(4, 9, "x"), (0, 5, "x")], [])])
    with pytest.raises(PedagogyError, match="t: coder B: span 15–21 does not lie in its 20 characters"):
        unitizing_alpha([_two([], [(15, 21, "x")])])
    with pytest.raises(PedagogyError, match="t: coder B: span 5–5"):
        unitizing_alpha([_two([], [(5, 5, "x")])])


def test_units_of_different_codes_may_not_overlap() -> None:
    with pytest.raises(PedagogyError, match="overlap"):
        unitizing_alpha([_two([(0, 6, "x"), (3, 9, "y")], [(0, 6, "x"), (3, 9, "y")])])


# --- intervals -------------------------------------------------------------------------------------------------------


def test_one_continuum_has_no_interval_and_says_so() -> None:
    text = _random_continuum(random.Random(1), 2, 240)
    alpha = unitizing_alpha([text]).u
    assert alpha.interval is None
    assert alpha.warnings == ("no interval: everything comes from one trace",)


def _redrawn(continua: list[Continuum], replicates: int, seed: int) -> list[list[Continuum]]:
    drawn = np.random.default_rng(seed).integers(0, len(continua), size=(replicates, len(continua)))
    return [[continua[at] for at in row] for row in drawn]


def test_the_interval_is_that_of_redrawn_continua() -> None:
    rng = random.Random(5)
    continua = [_random_continuum(rng, 3, 60 + 12 * n, f"t{n}", "xy") for n in range(12)]
    found = unitizing_alpha(continua, replicates=200, seed=9, interval="bootstrap")
    redrawn = _redrawn(continua, 200, 9)
    each = [_estimates(unitizing_alpha(again, replicates=0)) for again in redrawn]
    named = {"u": found.u, "binary": found.binary, "coded": found.coded, "kx": found.per_code["x"]}
    for name, alpha in named.items():
        assert alpha.interval == pytest.approx(
            np.quantile([e[name] for e in each], [0.025, 0.975]), abs=1e-12
        )
        assert alpha.value is not None
        assert alpha.interval is not None
        assert alpha.low < alpha.value < alpha.high
    narrower = unitizing_alpha(continua, replicates=200, seed=9, interval="bootstrap", level=0.9)
    assert narrower.u.interval == pytest.approx(np.quantile([e["u"] for e in each], [0.05, 0.95]), abs=1e-12)
    assert "90%" in narrower.method
    assert found == unitizing_alpha(continua, replicates=200, seed=9, interval="bootstrap")
    assert (
        found.u.interval
        != unitizing_alpha(continua, replicates=200, seed=10, interval="bootstrap").u.interval
    )
    assert unitizing_alpha(continua * 4).u.warnings == ()
    assert "4 traces, and with fewer than 5 none can hold" in unitizing_alpha(continua[:4]).u.warnings[0]


def test_undefined_resamples_are_counted_and_left_out() -> None:
    coded, empty = _two([(0, 5, "x")], [(0, 6, "x")]), _two([], [])
    found = unitizing_alpha([coded, empty], interval="bootstrap")
    assert found.u.undefined_share == pytest.approx(0.25, abs=0.05)  # both draws are the empty text
    assert found.u.interval is not None


# --- from runs -------------------------------------------------------------------------------------------------------

TEXTS = {
    "t0": "Wait, that is odd. So what is x? Compute it.",
    "t1": "First plan. Then do it.",
    "t2": "Nothing.",
}


def _own_run(
    folder: Path, spans: dict[str, dict[str, list[tuple[int, int, Any]]]], texts: dict[str, str] = TEXTS
) -> CoderRun:
    """A run in which coder → trace → [(start, end, code)], ``()`` for none applies and ``None`` for missing."""
    codebook = book()
    every = [(t, s, e) for by_trace in spans.values() for t, found in by_trace.items() for s, e, _ in found]
    scheme = given_scheme(every)
    manifest = Manifest(
        run_id=folder.name,
        fingerprint=folder.name,
        status="running",
        started="2026-01-01T00:00:00+00:00",
        codebook={"id": codebook.id, "version": codebook.version, "digest": codebook.digest},
        coders=[CoderInfo(name=name, kind="human") for name in spans],
        coder="import:test",
        scheme=scheme,
    )
    writer = RunWriter(folder, manifest, codebook)
    try:
        for trace_id, text in texts.items():
            trace = Trace(id=trace_id, reasoning=text)
            units = given_units(trace, ((s, e) for t, s, e in every if t == trace_id), scheme)
            codings = [
                Coding(
                    unit_id=unit.id,
                    coder=coder,
                    codes=(code,) if isinstance(code, str) else code,
                    missing_reason="not sure" if code is None else None,
                    codebook=codebook.stamp,
                    run_id=folder.name,
                )
                for unit in units
                for coder, by_trace in spans.items()
                for s, e, code in by_trace.get(trace_id, [])
                if (s, e) == (unit.start, unit.end)
            ]
            writer.write(trace, units, codings)
        writer.finish("complete")
    finally:
        writer.close()
    return CoderRun(folder)


HUMANS: dict[str, dict[str, list[tuple[int, int, Any]]]] = {
    "A": {"t0": [(0, 18, "A"), (19, 32, "B"), (33, 44, ())], "t1": [(0, 11, "C")]},
    "B": {"t0": [(0, 18, "A"), (19, 44, "B")], "t1": [(0, 11, "C"), (12, 23, None)]},
}


def test_from_a_run_whose_units_the_coders_chose(tmp_path: Path) -> None:
    run = _own_run(tmp_path / "own", HUMANS)
    assert run.manifest.scheme.startswith("given@")
    continua = continua_of([run])
    assert continua[0] == Continuum(
        "t0", 44, {"A": [Span(0, 18, "A"), Span(19, 32, "B")], "B": [Span(0, 18, "A"), Span(19, 44, "B")]}
    )
    assert continua[1].spans["B"] == [Span(0, 11, "C"), Span(12, 23, None)]
    assert continua[2].spans == {}
    assert continua_of([run], silent="nothing")[2].spans == {"A": [], "B": []}
    found = unitizing_alpha(continua)
    assert found.length == 44 + 12  # t1's last clause is missing for B, nobody coded t2
    assert found.u.value == pytest.approx(unitizing_alpha(continua[:2]).u.value)
    assert set(found.per_code) == {"A", "B", "C"}
    assert [list(c.spans) for c in continua_of([run], coders=["B"])] == [["B"], ["B"], []]
    with pytest.raises(RunError, match="no coder is named 'BB'"):
        continua_of([run], coders=["BB"])


def test_runs_with_their_own_spans_join_by_trace(tmp_path: Path) -> None:
    a = _own_run(tmp_path / "a", {"A": HUMANS["A"]})
    b = _own_run(tmp_path / "b", {"B": HUMANS["B"]})
    assert a.manifest.scheme != b.manifest.scheme
    assert continua_of([a, b]) == continua_of([_own_run(tmp_path / "both", HUMANS)])
    again = _own_run(tmp_path / "again", {"A": {"t0": [(0, 5, "A")]}})
    assert list(continua_of([a, again])[0].spans) == ["A@a", "A@again"]
    other = _own_run(tmp_path / "more", {"A": {"t2": [(0, 8, "A")]}})
    assert [list(c.spans) for c in continua_of([a, other])] == [["A"], ["A"], ["A"]]
    with pytest.raises(RunError, match="a is given 2 times"):
        continua_of([a, a])
    (tmp_path / "deep").mkdir()
    same = _own_run(tmp_path / "deep/a", {"A": {"t0": [(0, 5, "A")]}})
    parent = tmp_path.name
    assert list(continua_of([a, same])[0].spans) == [f"A@{parent}/a", "A@deep/a"]
    changed = _own_run(tmp_path / "changed", {"B": HUMANS["B"]}, TEXTS | {"t1": "First plan. Then do it!"})
    with pytest.raises(RunError, match="trace t1 has one text in a and another in changed"):
        continua_of([a, changed])


def test_overlap_in_words() -> None:
    """What the command says instead of alphas where γ alone can be had."""
    apart = Continuum("s", 9, {"A": [Span(5, 9, "x"), Span(0, 5, "y")], "B": [Span(4, 6, "x")]})
    assert overlap_in([apart]) == "", "spans of two coders may"
    over = Continuum("t", 9, {"A": [Span(4, 9, "x"), Span(0, 5, None)]})
    assert overlap_in([apart, over]) == "t: coder A: spans 0–5 and 4–9 overlap"


def test_overlapping_spans_of_one_coder_in_a_run_are_an_error(tmp_path: Path) -> None:
    spans = {"A": {"t0": [(0, 18, "A"), (6, 32, "B")]}, "B": HUMANS["B"]}
    run = _own_run(tmp_path / "own", spans)
    with pytest.raises(PedagogyError, match="t0: coder A: spans 0–18 and 6–32 overlap"):
        unitizing_alpha(continua_of([run]))


def test_the_lengths_do_not_matter_for_the_time() -> None:
    """A text of 10¹² characters is no more work than a short one."""
    far = 10**12
    text = _two([(0, far // 3, "x"), (far // 2, far, "y")], [(0, far // 3, "x"), (far // 2, far, "y")], far)
    assert unitizing_alpha([text]).u.value == pytest.approx(1)


def test_command_on_runs_with_their_own_spans(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    """Two people's spans over one trace, imported as units: the command prints what the functions return."""
    (tmp_path / "t.jsonl").write_text(
        '{"id": "t", "reasoning": "aa bb cc dd ee"}\n{"id": "s", "reasoning": "aa bb cc"}\n'
    )
    rows = [
        "trace_id,start,end,quote,coder,code",
        "t,0,5,aa bb,x,TR-SP",
        "t,0,5,aa bb,y,TR-SP",
        "t,6,11,cc dd,x,KA-RO",
    ]
    rows += ["t,6,14,cc dd ee,y,KA-RO", "s,0,2,aa,x,KA-RO", "s,0,2,aa,y,IA-SQ"]
    (tmp_path / "c.csv").write_text("\n".join(rows) + "\n")
    made = pcode(
        "import",
        tmp_path / "c.csv",
        "--traces",
        tmp_path / "t.jsonl",
        "-o",
        tmp_path / "r",
        "--codebook",
        "schoen",
        "--units",
        "own",
    )
    assert made.exit_code == 0, made.stderr
    shown = pcode("unitizing", tmp_path / "r")
    assert shown.exit_code == 0, shown.stderr
    assert "spans and codes" in shown.stdout
    found = json.loads(pcode("unitizing", tmp_path / "r", "--json").stdout)
    expected = unitizing_alpha(continua_of([CoderRun(tmp_path / "r")]))
    assert found["u"]["value"] == expected.u.value
    assert found["n_continua"] == 2
    without = pcode("unitizing", tmp_path / "r", "--gamma", "--json")
    if importlib.util.find_spec("pygamma_agreement") is None:
        assert without.exit_code == 2
        assert "pedagogy-r1[gamma]" in without.stderr
    else:
        assert [one["name"] for one in json.loads(without.stdout)["gamma"]] == ["t", "s"]
        assert "γ of codes" in pcode("unitizing", tmp_path / "r", "--gamma").stdout
