"""Coders against a reference, and before against after."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pedagogy_r1.agreement import accuracy, agree, drift, reliability_data
from pedagogy_r1.errors import RunError

from ..make_runs import BOOK, book, make_run


def test_precision_recall_and_f1_equal_counting(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    gold = rng.choice(["A", "B", "C"], 120).tolist()
    machine = [code if rng.random() < 0.7 else str(rng.choice(["A", "B", "C"])) for code in gold]
    machine[5] = None
    run = make_run(tmp_path / "r", {"gold": gold, "m": machine}, machines=["m"])
    found = {c.code: c for c in accuracy(reliability_data([run]), "m", "gold")}
    pairs = [(m, g) for m, g in zip(machine, gold, strict=True) if m is not None]
    for code in "ABC":
        tp = sum(m == code == g for m, g in pairs)
        given, wanted = sum(m == code for m, _ in pairs), sum(g == code for _, g in pairs)
        c = found[code]
        assert c.precision.value == pytest.approx(tp / given)
        assert c.recall.value == pytest.approx(tp / wanted)
        assert c.f1.value == pytest.approx(2 * tp / (given + wanted))
        assert c.bias.value == pytest.approx((given - wanted) / 119)
        assert c.precision.interval is not None
        assert c.precision.low < tp / given < c.precision.high
        assert c.n_units == 119


def test_a_code_nobody_gave_has_no_precision(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"gold": ["A", "B"] * 4, "m": ["A", "A"] * 4})
    found = {c.code: c for c in accuracy(reliability_data([run]), "m", "gold")}
    assert found["C"].precision.value is None
    assert "never gave" in str(found["C"].precision.why_undefined)
    assert found["B"].precision.value is None
    assert found["B"].recall.value == 0


def test_drift_between_two_versions(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    truth = rng.choice(["A", "B", "C"], 200)

    def coded(skill: float) -> dict[str, list[str]]:
        return {
            n: [str(t) if rng.random() < skill else str(rng.choice(["A", "B", "C"])) for t in truth]
            for n in "xy"
        }

    old = make_run(tmp_path / "old", coded(0.6))
    new = make_run(tmp_path / "new", coded(0.95), codebook=book(BOOK.replace("1.0.0", "1.1.0")))
    found = drift([old], [new])
    assert found.first == pytest.approx(agree([old], replicates=0).comparisons[0].result.value)
    assert found.second == pytest.approx(agree([new], replicates=0).comparisons[0].result.value)
    assert found.interval is not None
    assert found.low > 0
    shown = pcode(
        "agreement", new.folder, "--before", old.folder, "--reference", "x", "--hayes", "--replicates", 50
    )
    assert shown.exit_code == 0, shown.stderr
    for words in ("α before", "against the reference", "Hayes–Krippendorff", "too narrow"):
        assert words in shown.stdout
    data = json.loads(
        pcode("agreement", new.folder, "--reference", "x", "--replicates", 20, "--json", "-").stdout
    )
    assert {c["code"] for c in data["accuracy"]["y"]} == {"A", "B", "C", "none"}
    with pytest.raises(RunError, match="0 coders coded before and after"):
        drift([old], [make_run(tmp_path / "others", {"p": ["A", "B"], "q": ["A", "B"]})])
