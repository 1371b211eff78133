"""Worked examples of ../shared/oracles: contrasts of clustered codes and lag-1 transitions.

Of clustered_freq.json only ``R_glmer_item_trace`` is context and not reproduced: a conditional (per-trace) log odds ratio
from a mixed model is another quantity than the marginal ones that are reported here.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks import compare_r
from pedagogy_r1.stats import BinomialFit, SurveyTests, binomial_glm, sequence_transitions, survey_tests
from pedagogy_r1.stats.code_contrast import contrast
from pedagogy_r1.stats.code_shares import Sums
from pedagogy_r1.stats.share_difference import Sides

from ..code_tables import code_frame
from ..conftest import ROOT

PROGRAM = {"abs": 1e-6}


@pytest.fixture(scope="module")
def clustered(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "oracles" / "clustered_freq.json").read_text())


@pytest.fixture(scope="module")
def lag(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "oracles" / "lag_sequential.json").read_text())


def glm(clustered: dict[str, Any], **how: Any) -> BinomialFit:
    item, _, cop, y = np.array(clustered["rows"]).T
    x = np.column_stack([np.ones(len(y)), cop])
    return binomial_glm(y, np.ones(len(y)), x, item, **how)


def surveyed(clustered: dict[str, Any]) -> SurveyTests:
    """Through sums per item, with R survey's correction."""
    item, trace, cop, y = np.array(clustered["rows"]).T
    sides = [
        Sums(
            np.bincount(item[cop == side], weights=y[cop == side], minlength=20),
            np.bincount(item[cop == side], minlength=20).astype(float),
            int((cop == side).sum()),
            len(set(trace[cop == side])),
        )
        for side in (1, 0)
    ]
    return survey_tests(Sides(*sides))


@pytest.mark.parametrize(
    ("case", "how"),
    [
        ("statsmodels_GLM_cluster", {}),
        ("statsmodels_GLM_cluster_nocorr", {"correction": "none"}),
        ("statsmodels_GEE_ind", {"correction": "none"}),
        ("statsmodels_GEE_exch", {"correction": "none", "working": "exchangeable"}),
    ],
)
def test_clustered_freq_statsmodels(clustered: dict[str, Any], case: str, how: dict[str, Any]) -> None:
    expected, fit = clustered["expected"][case], glm(clustered, **how)
    assert fit.se == pytest.approx(expected["se"], **PROGRAM)
    if "coef" in expected:
        assert fit.coef == pytest.approx(expected["coef"], **PROGRAM)


def test_clustered_freq_svyglm_quasibinomial(clustered: dict[str, Any]) -> None:
    expected, fit = (
        clustered["expected"]["R_survey"]["svyglm_quasibinomial"],
        glm(clustered, correction="survey"),
    )
    assert fit.coef == pytest.approx(expected["coef"], **PROGRAM)
    assert fit.se == pytest.approx(expected["se"], **PROGRAM)


def test_clustered_freq_svyglm_p(clustered: dict[str, Any]) -> None:
    """R's ``summary(svyglm(y ~ cop, design, family = quasibinomial))``: 20 items less two coefficients are 18 degrees of freedom."""
    assert surveyed(clustered).p_glm == pytest.approx(8.09240113728e-03, **PROGRAM)


@pytest.mark.parametrize("working", ["independence", "exchangeable"])
def test_clustered_freq_geeglm(clustered: dict[str, Any], working: Any) -> None:
    expected = clustered["expected"]["R_geeglm"][working]
    fit = glm(clustered, correction="none", working=working, pair_correction=False)
    assert fit.coef == pytest.approx(expected["coef"], **PROGRAM)
    assert fit.se == pytest.approx(expected["se"], **PROGRAM)


def test_clustered_freq_svychisq_f(clustered: dict[str, Any]) -> None:
    statistic, _, df, p = clustered["expected"]["R_survey"]["svychisq_F"]
    found = surveyed(clustered).p_chisq
    assert found == pytest.approx(p, **PROGRAM)
    assert stats.f.isf(found, 1, df) == pytest.approx(statistic, abs=1e-5)


def test_clustered_freq_svychisq_raoscott(clustered: dict[str, Any]) -> None:
    """First-order Rao–Scott: Pearson's X² over the design effect, held against χ²."""
    chi, _, p = clustered["expected"]["R_survey"]["svychisq_RaoScott1_Chisq"]
    deff = surveyed(clustered).design_effect
    assert deff is not None
    assert stats.chi2.sf(chi / deff, 1) == pytest.approx(p, **PROGRAM)


def test_clustered_freq_svychisq_wald(clustered: dict[str, Any]) -> None:
    statistic, _, df, p = clustered["expected"]["R_survey"]["Wald"]
    found = surveyed(clustered).p_score
    assert found == pytest.approx(p, **PROGRAM)
    assert stats.f.isf(found, 1, df) == pytest.approx(statistic, abs=1e-5)


def test_clustered_freq_odds_ratio_of_a_table(clustered: dict[str, Any]) -> None:
    """The same estimate through the public function, from a table of codes; its interval is the jackknife's, not the GLM's."""
    expected = clustered["expected"]["statsmodels_GLM_cluster"]
    rows = [
        {
            "trace_id": f"t{t}",
            "item": f"i{i}",
            "condition": "cop" if c else "generic",
            "codes": ("A",) if y else (),
        }
        for i, t, c, y in clustered["rows"]
    ]
    family = contrast(code_frame(rows), "condition", "cop", "generic", family=["A"])
    found = family.contrasts[0]
    assert family.cluster == "item"
    assert family.clusters == family.shared == 20
    assert math.log(found.odds_ratio.value or 0) == pytest.approx(expected["coef"][1], **PROGRAM)
    assert found.design_effect == pytest.approx(surveyed(clustered).design_effect)


def test_r_computes_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Where R and its packages are installed: nothing differs beyond rounding without a reason."""
    if why := compare_r.missing():
        pytest.skip(why)
    assert compare_r.main() == 0, capsys.readouterr().out


def test_without_r_the_comparison_says_how_to_install_it(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.compare_r"],
        capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PATH": str(tmp_path)},
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("No Rscript is on the path")
    assert "apt-get install r-cran-survey r-cran-sandwich r-cran-clubsandwich" in told.stdout
    assert len(told.stdout.splitlines()) == 1


def test_lag_sequential(lag: dict[str, Any]) -> None:
    value = np.array(lag["sequence"]) - 1
    place = np.arange(len(value))
    found = sequence_transitions(value, 0 * place, place, tuple("123456"), permutations=0)
    assert found.observed.tolist() == lag["freqs"]
    assert found.expected == pytest.approx(np.array(lag["expected"]), **PROGRAM)
    assert found.residual == pytest.approx(np.array(lag["adjusted_residuals"]), **PROGRAM)
    assert found.yules_q == pytest.approx(np.array(lag["yulesQ"]), **PROGRAM)
