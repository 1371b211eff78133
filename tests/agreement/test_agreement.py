"""Agreement: α against its published examples and its reference package, and everything that is not a number."""

from __future__ import annotations

import json
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.agreement import agree, krippendorff_alpha, reliability_data, value_counts
from pedagogy_r1.agreement.code_accuracy import confusions, most_disagreed, ranked_units
from pedagogy_r1.errors import ArgumentError, CodebookError, RunError
from pedagogy_r1.runs.run_columns import coder_names

from ..make_runs import BOOK, book, change_record, make_run, with_fields


def test_published_examples(shared: Path) -> None:
    """Krippendorff 2011, Hayes & Krippendorff 2007 and others: every case of the oracle file, at every level."""
    cases = json.loads((shared / "oracles/alpha_coding.json").read_text())["cases"]
    seen = 0
    for case in cases:
        rows = case["reliability_data"]
        values = sorted(
            {v for row in rows for v in row if v is not None}, key=lambda v: (isinstance(v, str), v)
        )
        matrix = np.array([[-1 if v is None else values.index(v) for v in row] for row in rows])
        for level, expected in case["expected"].items():
            domain = values if level in ("interval", "ratio") else len(values)
            found = krippendorff_alpha(
                matrix, np.zeros(matrix.shape[1], dtype=int), domain, level=level, replicates=0
            )
            where = f"{case['id']} {level}"
            if expected.get("computed_krippendorff_0_9") is not None:
                assert found.value == pytest.approx(expected["computed_krippendorff_0_9"], abs=1e-12), where
            if expected.get("published") is not None:
                assert found.value == pytest.approx(expected["published"], abs=expected["tol"]), where
            seen += 1
    assert seen >= 10


matrices = st.integers(2, 4).flatmap(
    lambda coders: st.lists(
        st.lists(st.integers(-1, 3), min_size=coders, max_size=coders), min_size=1, max_size=30
    )
)


@given(matrices)
@settings(max_examples=300, deadline=None)
def test_alpha_is_one_minus_observed_over_expected(rows: list[list[int]]) -> None:
    """The parts reported beside α give α again; where α is undefined a reason stands in its place."""
    matrix = np.array(rows).T
    counts = value_counts(matrix, 4)
    found = krippendorff_alpha(matrix, np.arange(len(rows)), 4, replicates=20)
    pairable = counts[counts.sum(axis=1) >= 2]
    if len(pairable) == 0 or (pairable.sum(axis=0) > 0).sum() < 2:
        assert found.value is None
        assert found.why_undefined
        assert found.interval is None
        assert found.unit_interval is None
    else:
        reference = krippendorff.alpha(value_counts=pairable, level_of_measurement="nominal")
        assert found.value == pytest.approx(reference, abs=1e-12)
        assert found.observed is not None
        assert found.expected
        assert 1 - found.observed / found.expected == pytest.approx(reference, abs=1e-12)
        assert found.n_pairable == pairable.sum()


@pytest.mark.parametrize("clustered", [False, True])
def test_bootstrap_equals_resampling_by_hand(clustered: bool) -> None:
    """The profile bootstrap has the quantiles of redrawing units (or whole traces) and calling krippendorff."""
    rng = np.random.default_rng(1)
    truth = np.repeat(rng.integers(0, 3, 40), 5)
    matrix = np.array([np.where(rng.random(200) < 0.75, truth, rng.integers(0, 3, 200)) for _ in range(2)])
    matrix[1, ::9] = -1
    counts, cluster = value_counts(matrix, 3), np.arange(200) // 5
    found = krippendorff_alpha(matrix, cluster, 3, replicates=4000, seed=2, interval="bootstrap")
    by_hand = []
    groups = [np.flatnonzero(cluster == t) for t in range(40)]
    for _ in range(1500):
        if clustered:
            picked = np.concatenate([groups[t] for t in rng.integers(0, 40, 40)])
        else:
            pairable = np.flatnonzero(counts.sum(axis=1) >= 2)
            picked = rng.choice(pairable, len(pairable))
        by_hand.append(krippendorff.alpha(value_counts=counts[picked], level_of_measurement="nominal"))
    expected = np.quantile(by_hand, [0.025, 0.975])
    interval = found.interval if clustered else found.unit_interval
    assert interval == pytest.approx(expected, abs=0.02)


def test_missing_is_not_none(tmp_path: Path) -> None:
    """``None`` leaves the unit out; ``()`` is a value that can be agreed on."""
    run = make_run(tmp_path / "r", {"x": ["A", None, (), "B"], "y": ["A", "A", (), ()]})
    data = reliability_data([run])
    assert data.categories == ("A", "B", "C", "none")
    found = agree([run], replicates=50).comparisons[0]
    assert found.result.n == 3
    assert found.result.n_pairable == 6
    assert found.dropped == {
        "asked of fewer than two coders": 0,
        "coded by nobody here": 0,
        "coded by one coder only": 1,
    }
    assert found.coverage == {"x": 0.75, "y": 1.0}
    assert found.missing["x"] == {"not sure": 1}


def test_not_asked_is_told_apart_from_missing(tmp_path: Path) -> None:
    """Packets of 4 in a run of 8: y was never asked about the second four, and left one of the first four open."""
    whole = make_run(tmp_path / "x", {"x": ["A", "B", "A", None] * 2})
    packet = make_run(tmp_path / "y", {"y": ["A", None, "B", "B"]})
    found = agree([whole, packet], replicates=0).comparisons[0]
    assert found.missing == {"x": {"not sure": 2}, "y": {"not asked": 4, "not sure": 1}}
    assert found.dropped == {
        "asked of fewer than two coders": 4,
        "coded by nobody here": 0,
        "coded by one coder only": 2,
    }
    assert found.coverage == {"x": 0.75, "y": 0.375}
    (group,) = agree([whole, packet], by="domain", replicates=0).groups
    assert group.comparisons[0].missing == found.missing


def test_a_coder_who_codes_later_what_was_missing_is_not_missing(tmp_path: Path) -> None:
    first = make_run(tmp_path / "first", {"x": ["A", None], "y": ["A", "B"]})
    later = make_run(tmp_path / "later", {"x": [None, "B"]})
    assert agree([first, later], replicates=0).comparisons[0].missing == {"x": {}, "y": {}}


def test_ac1_goes_by_the_codebook_not_by_who_else_is_in_the_table(tmp_path: Path) -> None:
    """z says "none" under an exhaustive book; x and y never do, and their AC1 stays what it is without z."""
    exhaustive = book(BOOK.replace("exhaustive: false", "exhaustive: true"))
    pair = make_run(
        tmp_path / "xy", {"x": ["A", "B", "A", "B"] * 5, "y": ["A", "B", "B", "B"] * 5}, codebook=exhaustive
    )
    other = make_run(tmp_path / "z", {"z": ["A", (), "C", ()] * 5}, codebook=exhaustive)
    alone = agree([pair], replicates=0).comparisons[0].beside[2]
    with_z = {c.coders: c for c in agree([pair, other], replicates=0).comparisons}
    beside = with_z["x", "y"].beside[2]
    assert (beside.value, beside.chance) == (alone.value, alone.chance)
    n = 3  # A, B and C, though nobody of the two gave C
    p = np.array([15, 25, 0]) / 40
    assert alone.chance == pytest.approx((p * (1 - p)).sum() / (n - 1))
    four = np.array([10, 15, 5, 10]) / 40  # x and z: "none" is a fourth, since z gave it
    assert with_z["x", "z"].beside[2].chance == pytest.approx((four * (1 - four)).sum() / 3)


def test_prevalence_is_of_the_units_that_enter_alpha(tmp_path: Path) -> None:
    """x gave C four times, but only where y did not code."""
    run = make_run(
        tmp_path / "r",
        {"x": ["A", "B", "A", "B", "C", "C", "C", "C"], "y": ["A", "B", "B", "B"] + [None] * 4},
    )
    by_code = {c.code: c for c in agree([run], replicates=0).comparisons[0].per_code}
    assert by_code["C"].prevalence == 0
    assert by_code["A"].prevalence == 3 / 8
    assert {c.result.n_pairable for c in by_code.values()} == {8}


def test_an_ordinal_book_has_weighted_coefficients_and_a_difference(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 160)

    def coded(spread: float) -> list[str]:
        moved = np.clip(truth + (rng.random(160) < spread) * rng.choice([-1, 1], 160), 0, 2)
        return ["ABC"[k] for k in moved]

    ordinal = book(BOOK.replace("exhaustive", "level: ordinal\nexhaustive"))
    people = make_run(tmp_path / "h", {"x": coded(0.2), "y": coded(0.2)}, codebook=ordinal)
    machine = make_run(tmp_path / "m", {"m": coded(0.6)}, machines=["m"], codebook=ordinal)
    report = agree([people, machine], replicates=20)
    assert [one.name for one in report.comparisons[0].beside] == [
        "percent agreement",
        "Cohen's κ, ordinal weights",
        "Gwet's AC2, ordinal weights",
    ]
    difference = report.differences["m"]
    assert difference.first == pytest.approx(report.comparisons[0].result.value, abs=1e-12)
    assert difference.value is not None
    assert difference.value < 0
    assert difference.interval is not None


def test_undefined_is_said_in_words(tmp_path: Path) -> None:
    constant = make_run(tmp_path / "constant", {"x": ["A"] * 6, "y": ["A"] * 6})
    apart = make_run(tmp_path / "apart", {"x": ["A", None, "B", None], "y": [None, "A", None, "B"]})
    alone = make_run(tmp_path / "alone", {"x": ["A", "B"]})
    first = agree([constant]).comparisons[0].result
    assert first.value is None
    assert "the same" in str(first.why_undefined)
    second = agree([apart]).comparisons[0].result
    assert second.value is None
    assert "no unit was coded by two" in str(second.why_undefined)
    assert agree([alone]).comparisons == ()


def test_who_is_compared_with_whom(tmp_path: Path) -> None:
    humans = make_run(tmp_path / "humans", {"x": ["A", "B", "A", "C"], "y": ["A", "B", "B", "C"]})
    machine = make_run(tmp_path / "m", {"cues": ["A", "A", "A", "C"]}, machines=["cues"])
    report = agree([humans, machine], replicates=20)
    kinds = [(c.coders, c.kind) for c in report.comparisons]
    assert kinds == [
        (("x", "y"), "human-human"),
        (("x", "cues"), "human-machine"),
        (("y", "cues"), "human-machine"),
        (("x", "y", "cues"), "all"),
    ]
    assert [c.coders for c in agree([humans, machine], coders=["y", "cues"], replicates=20).comparisons] == [
        ("y", "cues")
    ]
    with pytest.raises(RunError, match="no coder is named 'cuse'"):
        agree([humans, machine], coders=["x", "cuse"])


def test_one_coder_in_two_runs(tmp_path: Path) -> None:
    """Disjoint units: one coder. The same units twice: two coders, told apart by run (intra-coder reliability)."""
    first = make_run(tmp_path / "first", {"x": ["A", "B", "A", "C"], "y": ["A", "B", "B", "C"]})
    more = make_run(tmp_path / "more", {"x": ["C", "B", "A", "A"], "y": ["C", "B", "B", "A"]}, offset=4)
    again = make_run(tmp_path / "again", {"x": ["A", "B", "A", "A"]})
    joined = agree([first, more], replicates=20)
    assert [c.coders for c in joined.comparisons] == [("x", "y")]
    assert joined.comparisons[0].result.n == 8
    twice = agree([first, again], replicates=20)
    assert ("x@first", "x@again") in [c.coders for c in twice.comparisons]


def test_the_same_words_under_two_schemes_do_not_count_twice(tmp_path: Path) -> None:
    """Sentences, and own spans of the same traces: two coders each, and no α over both as if they were more units."""
    sentences = make_run(tmp_path / "sentences", {"x": ["A", "B", "A", "C"], "y": ["A", "B", "B", "C"]})
    own = make_run(
        tmp_path / "own", {"x": ["A", "B", "A", "C"], "y": ["A", "A", "A", "C"]}, scheme="given@0a"
    )
    found = {c.coders: c.result for c in agree([sentences, own], replicates=20).comparisons}
    assert found["x@sentences", "y@sentences"].n == found["x@own", "y@own"].n == 4
    assert found["x@sentences", "x@own"].value is None
    assert coder_names([sentences, own])[1] == {"x": "x@own", "y": "y@own"}
    # Spans of other traces are more of the same coder.
    more = make_run(tmp_path / "more", {"x": ["A"] * 4, "y": ["B"] * 4}, offset=4, scheme="given@0b")
    assert [c.coders for c in agree([own, more], replicates=20).comparisons] == [("x", "y")]


def test_by_any_field_of_the_traces(tmp_path: Path) -> None:
    """``--by metadata.grade``, as in ``pcode report``: numbers by size, traces without the field last."""
    run = make_run(tmp_path / "r", {"x": ["A", "B", "A", "C"] * 4, "y": ["A", "B", "B", "C"] * 4})
    grades: list[dict[str, object]] = [{"grade": 10}, {"grade": 9}, {}, {"grade": 9.0}]
    graded = with_fields(run.folder, lambda n: {"metadata": grades[n]})
    groups = agree([graded], by="metadata.grade", replicates=20).groups
    assert [(g.name, g.value, g.n_units) for g in groups] == [
        ("grade 9", "9", 8), ("grade 10", "10", 4), ("no grade", None, 4)
    ]  # fmt: skip
    assert groups[0].as_json()["field"] == "metadata.grade"
    with pytest.raises(ArgumentError, match="traces have no field 'grade'") as error:
        agree([graded], by="grade")
    assert "metadata.grade" in str(error.value.hint)


def test_codebook_versions_are_not_mixed(tmp_path: Path) -> None:
    old = make_run(tmp_path / "old", {"x": ["A", "B"]})
    new = make_run(tmp_path / "new", {"y": ["A", "B"]}, codebook=book(BOOK.replace("1.0.0", "1.1.0")))
    with pytest.raises(CodebookError, match=r"abc@1\.0\.0.*abc@1\.1\.0"):
        agree([old, new])


def test_per_code_presence_counts_second_codes(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"x": [("A", "B"), "A", "B", "C"], "y": ["B", "A", ("C", "B"), "C"]})
    by_code = {c.code: c for c in agree([run], replicates=20).comparisons[0].per_code}
    assert by_code["B"].result.value == 1.0  # both gave B to units 0 and 2, as primary or as second code
    assert by_code["B"].prevalence == 0.5
    assert by_code["A"].result.value is not None
    assert by_code["A"].result.value < 1


def test_confusions_and_quotes(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"x": ["A", "A", "A", "B", "C"], "y": ["B", "A", "B", "C", "C"]})
    data = reliability_data([run])
    assert [(c.codes, c.count) for c in confusions(data)] == [(("A", "B"), 2), (("B", "C"), 1)]
    report = agree([run], replicates=20)
    assert report.disagreed[0].text == "Sentence 3."  # the rarer confusion comes first
    assert report.disagreed[0].codes == {"x": "B", "y": "C"}
    assert ranked_units(data).tolist() == [3, 0, 2]
    assert len(most_disagreed([run], data)) == 3
    assert report.n_disagreed == 3


def test_second_codes_bring_three_alphas_of_sets(tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "r", {"x": [("A", "B"), "A", "B", "C"] * 5, "y": ["B", "A", ("C", "B"), ()] * 5}
    )
    sets = agree([run], replicates=50, interval="bootstrap").comparisons[0].sets
    assert list(sets) == ["masi", "jaccard", "multivalued"]
    for alpha in sets.values():
        assert alpha.value is not None
        assert alpha.interval is not None
        assert alpha.unit_interval is not None
    assert not agree([make_run(tmp_path / "one", {"x": ["A"], "y": ["B"]})]).comparisons[0].sets


def test_the_same_confusion_is_quoted_twice_at_most(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"x": ["A"] * 6 + ["B", "C"], "y": ["B"] * 6 + ["C", "C"]})
    data = reliability_data([run])
    assert ranked_units(data).tolist() == [6, 0, 1, 2, 3, 4, 5]
    assert ranked_units(data, each=2).tolist() == [6, 0, 1]
    report = agree([run], replicates=0)
    assert [unit.text for unit in report.disagreed] == ["Sentence 6.", "Sentence 0.", "Sentence 1."]
    assert report.n_disagreed == 7
    assert len(agree([run], replicates=0, quotes=1).disagreed) == 1


def test_the_confidence_level_reaches_every_interval(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    truth = rng.choice(["A", "B", "C"], 400)

    def coded(skill: float) -> list[str]:
        return [str(t) if rng.random() < skill else str(rng.choice(["A", "B", "C"])) for t in truth]

    people = make_run(tmp_path / "h", {name: coded(0.8) for name in "xyz"})
    machine = make_run(tmp_path / "m", {"cues": coded(0.6)}, machines=["cues"])

    def widths(level: float) -> list[float]:
        report = agree(
            [people, machine], reference="x", hayes=True, replace="expert", replicates=200, level=level
        )
        comparison = report.comparisons[0]
        found = [
            comparison.result,
            comparison.per_code[0].result,
            comparison.beside[1],
            report.differences["cues"],
            report.leave_one_out["x"],
            report.accuracy["y"][0].f1,
            next(iter(report.hayes.values())),
            report.replacements[0].advantage,
        ]
        assert {one.level for one in found} == {level}
        units = [comparison.result.unit_high - comparison.result.unit_low]  # type: ignore[operator]
        return units + [one.high - one.low for one in found]  # type: ignore[operator]

    assert all(narrow < wide for narrow, wide in zip(widths(0.8), widths(0.99), strict=True))
    shown = pcode("agreement", people.folder, machine.folder, "--level", ".9", "--replicates", 20)
    assert "90 % over traces" in shown.stdout


def test_command_writes_the_contract(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    make_run(tmp_path / "h", {"x": ["A", "B", "A", "C"] * 5, "y": ["A", "B", "B", "C"] * 5})
    make_run(tmp_path / "m", {"cues": ["A", "A", "A", "C"] * 5}, machines=["cues"])
    file = tmp_path / "agreement.json"
    result = pcode(
        "agreement", tmp_path / "h", tmp_path / "m", "--by", "code", "--json", file, "--replicates", 50
    )
    assert result.exit_code == 0, result.output
    assert "human-machine" in result.output
    assert "most confused" in result.output
    comparison = json.loads(file.read_text())["comparisons"][0]
    for key in (
        "coders",
        "kind",
        "value",
        "why_undefined",
        "low",
        "high",
        "unit_low",
        "unit_high",
        "level",
        "measurement",
        "n",
        "n_pairable",
        "per_code",
        "coverage",
        "dropped",
    ):
        assert key in comparison
    assert {"code", "value", "why_undefined", "low", "high", "unit_low", "unit_high"} <= set(
        comparison["per_code"][0]
    )
    assert comparison["alpha"] == comparison["value"]
    assert {"coders", "kind", "alpha", "ci_cluster", "n_units", "why_undefined", "per_code"} <= set(
        comparison
    )
    for code in comparison["per_code"]:
        assert {"code", "prevalence", "alpha", "ci_cluster", "n_units", "why_undefined"} <= set(code)
        assert (code["alpha"], code["n_units"]) == (code["value"], code["n"])
    assert comparison["n_units"] == comparison["n"] == 20
    assert comparison["ci_cluster"] is None, "all five traces are alike: nothing shows how much traces differ"
    assert comparison["unit_low"] <= comparison["value"] <= comparison["unit_high"]
    alone = pcode("agreement", tmp_path / "m")
    assert alone.exit_code == 0
    assert "nobody to agree with" in alone.output
    absent = pcode("agreement", tmp_path / "nothing")
    assert absent.exit_code == 2
    assert "not a run directory" in absent.stderr


@pytest.mark.parametrize("status", ["running", "interrupted", "stopped"])
def test_a_run_that_is_not_complete_is_refused(tmp_path: Path, status: str) -> None:
    run = make_run(tmp_path / "run", {"x": ["A", "B"], "y": ["A", "A"]})
    change_record(run.folder / "run.json", status=status)
    with pytest.raises(
        RunError, match=f"is {status}, not complete.*biased sample(.|\\n)*the command that started it"
    ):
        agree([run.folder])


def test_runs_under_different_codebooks_are_told_what_helps(tmp_path: Path) -> None:
    one = make_run(tmp_path / "a/run", {"x": ["A", "B"]})
    other = make_run(tmp_path / "b/run", {"y": ["A", "B"]}, codebook=book(BOOK.replace("id: abc", "id: abd")))
    with pytest.raises(CodebookError, match=r"under abc@.*under abd@(.|\n)*cannot be compared") as caught:
        agree([one, other])
    assert "migrate" not in caught.value.hint
    later = make_run(tmp_path / "c/run", {"y": ["A", "B"]}, codebook=book(BOOK.replace("1.0.0", "1.1.0")))
    with pytest.raises(CodebookError, match="codebook migrate"):
        agree([one, later])


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    runs = [
        make_run(tmp_path / f"{place}/cues", {"cues": codes}, machines=["cues"])
        for place, codes in (("p/a", ["A", "B"]), ("p/b", ["A", "A"]), ("q/b", ["B", "A"]))
    ]
    names = [coder.name for coder in reliability_data(runs).coders]
    assert names == ["cues@a/cues", "cues@p/b/cues", "cues@q/b/cues"]
    with pytest.raises(RunError, match="is given 2 times"):
        reliability_data([runs[0], runs[0]])
