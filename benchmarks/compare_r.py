"""Our numbers beside R's: survey, sandwich, clubSandwich, psych, vcd and geepack on the same made-up data.

    apt-get install r-cran-survey r-cran-sandwich r-cran-clubsandwich r-cran-psych r-cran-vcd r-cran-geepack
    python -m benchmarks.compare_r

Small tables are made up and written to a folder, ``compare_r.R`` reads them there and says R's numbers; ours come from the
package's public functions. Printed is a table of quantity, ours, R's and the difference. A difference beyond rounding
(1e-6 of the number) has its reason under the table; one without a reason is called so and the exit status is 1.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from pedagogy_r1.agreement import (
    MISSING,
    alternative_annotator_test,
    chance_corrected,
    cohen_kappa,
    krippendorff_alpha,
    percent_agreement,
)
from pedagogy_r1.agreement.left_out import benjamini_yekutieli
from pedagogy_r1.estimate import clopper_pearson, jackknife_spread, wilson
from pedagogy_r1.stats import binomial_glm, contrast, frequency, survey_tests
from pedagogy_r1.stats.code_shares import Sums
from pedagogy_r1.stats.dsl import dsl
from pedagogy_r1.stats.moment import fit
from pedagogy_r1.stats.sampled import sampled
from pedagogy_r1.stats.share_difference import Sides
from tests.code_tables import code_frame

ROUNDING = 1e-6
PACKAGES = ("survey", "sandwich", "clubSandwich", "psych", "vcd", "geepack")
CODERS = ("a", "b", "c")
NUMBERS = [1.0, 2.0, 3.0, 4.0, 5.0]
EPSILON = 0.1

DEFF = "a definition: the variance of n independent units is p(1 − p)/(n − 1) in R, p(1 − p)/n in ours"
NEVER_BELOW_ONE = (
    "by design: a design effect below 1 counts as 1, so that no share carries more than the units there are"
)
LINEARISED = "by design: R linearises and takes t of G − 1; ours leaves out one item at a time and counts the effective ones"
UNEVEN = "by design: traces of unequal length add to the variance of a share (`limits.UNEQUAL_SHARE`)"
WORKING = "by design: clubSandwich's default takes units of a trace for independent, ours for alike (working variance ∝ m²)"
SKEWED = (
    "by design: where few traces are lost by far more than the others, ours adds Johnson's term for skewness"
)


class Row(NamedTuple):
    """``key``: of R's number; ``why``: what a difference beyond rounding comes from."""

    what: str
    key: str
    ours: float | None
    why: str = ""


def main() -> int:
    """Print the table."""
    if why := missing():
        print(why)
        return 0
    tables = {"codes": codes(), "shares": shares(), "replace": replacing(), "corrected": correcting()}
    with tempfile.TemporaryDirectory() as folder:
        for name, table in tables.items():
            table.to_csv(Path(folder) / f"{name}.csv", index=False)
        script = Path(__file__).with_suffix(".R")
        ran = subprocess.run(["Rscript", str(script), folder], capture_output=True, text=True)
        if ran.returncode:
            print(ran.stderr)
            return 1
        theirs = pd.read_csv(Path(folder) / "r.csv", index_col="quantity")["value"].to_dict()
    rows = [
        *agreement(tables["codes"]),
        *of_shares(tables["shares"]),
        *of_contrasts(tables["shares"]),
        *replacement(tables["replace"]),
        *corrected(tables["corrected"]),
    ]
    print(ran.stdout.strip(), "\n")
    return printed(rows, theirs)


def missing() -> str:
    """What to install, in one sentence; empty where all is there."""
    install = "apt-get install " + " ".join(f"r-cran-{name.lower()}" for name in PACKAGES)
    if shutil.which("Rscript") is None:
        return f"No Rscript is on the path, so there is nothing to compare with: {install}"
    asked = f"cat(Filter(function(p) !nzchar(system.file(package = p)), c{PACKAGES!r}))"
    lacks = subprocess.run(["Rscript", "-e", asked], capture_output=True, text=True).stdout.split()
    return f"R lacks {', '.join(lacks)}, so there is nothing to compare with: {install}" if lacks else ""


def printed(rows: list[Row], theirs: dict[str, float]) -> int:
    """The table, the reasons under it; 1 if a difference has none."""
    reasons: list[str] = []
    bare = 0
    print("| quantity | ours | R | difference |\n|---|---|---|---|")
    for row in rows:
        theirs_here = theirs.pop(row.key)
        assert row.ours is not None, row
        gap = row.ours - theirs_here
        note = "0" if gap == 0 else f"{gap:+.0e}".replace("e-0", "e-").replace("-", "−")
        if not abs(gap) <= ROUNDING * abs(theirs_here):
            bare += not row.why
            if row.why and row.why not in reasons:
                reasons.append(row.why)
            note += f" ({reasons.index(row.why) + 1})" if row.why else ", not explained"
        print(f"| {row.what} | {row.ours:.6f} | {theirs_here:.6f} | {note} |")
    print()
    for number, why in enumerate(reasons, 1):
        print(f"({number}) {why}.")
    assert not theirs, f"R said what nothing of ours stands beside: {sorted(theirs)}"
    print(f"{bare} of {len(rows)} differ beyond rounding without a reason.")
    return int(bare > 0)


def codes() -> pd.DataFrame:
    """Three coders of 14 traces, 4 to 28 units each, five ordered codes; one unit in eight lacks a coding."""
    rng = np.random.default_rng(3)
    trace = np.repeat(np.arange(14), rng.integers(4, 29, 14))
    true = np.clip(np.round(rng.normal(2.7, 1.0, len(trace)) + 0.5 * rng.normal(size=14)[trace]), 1, 5)
    table = pd.DataFrame({"trace": trace})
    for coder in CODERS:
        said = np.clip(true + rng.choice([-1, 0, 0, 0, 1], len(true)), 1, 5)
        table[coder] = pd.array(np.where(rng.random(len(true)) < 0.125, np.nan, said), dtype="Int64")
    return table


def agreement(table: pd.DataFrame) -> Iterator[Row]:
    """κ by psych and vcd; Gwet's and Krippendorff's by the papers, which no Debian package has."""
    values = np.array([table[c].fillna(0).to_numpy() for c in CODERS], dtype=np.int64) - 1
    values[values < 0] = MISSING
    cluster = table["trace"].to_numpy()
    for weighting in ("identity", "linear", "quadratic", "ordinal"):
        ours = cohen_kappa(values[:2], cluster, NUMBERS, weighting=weighting).value
        yield Row(f"Cohen's κ, {weighting} weights (`psych::cohen.kappa`)", f"kappa {weighting}", ours)
        if weighting in ("linear", "quadratic"):
            yield Row(f"the same (`vcd::Kappa`), {weighting}", f"vcd {weighting}", ours)
    chances = {"ac": "gwet", "fleiss": "fleiss", "bp": "brennan-prediger", "conger": "conger"}
    for weighting in ("identity", "quadratic", "ordinal"):
        for name, chance in chances.items():
            found = chance_corrected(values, cluster, NUMBERS, chance, weighting=weighting)
            yield Row(f"{found.name} (written out)", f"gwet {name} {weighting}", found.value)
        share = percent_agreement(values, cluster, NUMBERS, weighting=weighting)
        yield Row(f"{share.name}, {weighting} weights (written out)", f"gwet pa {weighting}", share.value)
    for level in ("nominal", "ordinal", "interval", "ratio"):
        alpha = krippendorff_alpha(values, cluster, NUMBERS, level=level)
        yield Row(f"Krippendorff's α, {level} (written out)", f"alpha {level}", alpha.value)
        yield Row(f"its jackknife over traces, {level}: low", f"alpha low {level}", alpha.low)
        yield Row(f"its jackknife over traces, {level}: high", f"alpha high {level}", alpha.high)


def shares() -> pd.DataFrame:
    """A code of about 20 % in traces of 20 items under two conditions, 4 to 30 units each."""
    rng = np.random.default_rng(7)
    rows = []
    for item in range(20):
        own = 0.7 * rng.normal()
        for condition, more in (("cop", 0.4), ("generic", 0.0)):
            share = 1 / (1 + np.exp(1.5 - own - more - 0.4 * rng.normal()))
            rows += [(item, condition, int(rng.random() < share)) for _ in range(rng.integers(4, 31))]
    return pd.DataFrame(rows, columns=["item", "condition", "y"])


def coded(table: pd.DataFrame) -> pd.DataFrame:
    """The same as a table of codes."""
    return code_frame(
        {
            "trace_id": f"{item}{condition}",
            "item": f"i{item}",
            "condition": condition,
            "codes": ("A",) if y else (),
        }
        for item, condition, y in table.itertuples(index=False)
    )


def of_shares(table: pd.DataFrame) -> Iterator[Row]:
    """Under cop."""
    frame = coded(table)
    frame = frame[frame["condition"] == "cop"]
    of = {
        kind: frequency(frame, codes=["A"], interval=kind)[0].share
        for kind in ("linear", "korn-graubard", "jackknife")
    }
    line, beta, ours = of.values()
    assert line.low is not None
    assert line.high is not None
    yield Row("share (`svymean`)", "share", line.value)
    t = stats.t.isf(0.025, line.clusters - 1)
    yield Row("its standard error", "share se", (line.high - line.low) / 2 / t)
    yield Row("design effect", "deff", line.design_effect, DEFF)
    yield Row("linear interval (`svyciprop`, mean): low", "low mean", line.low)
    yield Row("linear interval: high", "high mean", line.high)
    yield Row("Korn–Graubard (`svyciprop`, beta): low", "low beta", beta.low)
    yield Row("Korn–Graubard: high", "high beta", beta.high)
    yield Row("our default beside `svyciprop`, logit: low", "low logit", ours.low, LINEARISED)
    yield Row("our default beside logit: high", "high logit", ours.high, LINEARISED)
    cop = table[table["condition"] == "cop"].groupby("item")["y"].agg(["sum", "size"]).to_numpy(float)
    rest = cop.sum(axis=0) - cop
    share = rest[:, 0] / rest[:, 1]
    yield Row(
        "jackknife of the logit (`svrepdesign`, JK1): standard error",
        "logit se",
        jackknife_spread(np.log(share / (1 - share)), cop[:, 1])[0],
    )
    yield Row("our default, by JK1 and our degrees of freedom: low", "jk low", ours.low, UNEVEN)
    yield Row("our default, by JK1: high", "jk high", ours.high, UNEVEN)
    z = float(stats.norm.isf(0.025))
    for word, test, limits in (("Wilson", "prop", wilson), ("Clopper–Pearson", "binom", clopper_pearson)):
        low, high = limits(31 / 240, 240, z)
        yield Row(f"{word}, 31 of 240 (`{test}.test`): low", f"{test} low", low)
        yield Row(f"{word}: high", f"{test} high", high)
    steady = [
        {"trace_id": f"t{n}", "codes": ("A",) if u % 3 == 0 else ()} for n in range(9) for u in range(9)
    ]
    even = frequency(code_frame(steady[:-1]), codes=["A"], interval="korn-graubard")[0].share
    yield Row("Korn–Graubard, traces more even than chance: low", "even low", even.low, NEVER_BELOW_ONE)
    yield Row("Korn–Graubard, traces more even than chance: high", "even high", even.high, NEVER_BELOW_ONE)


def of_contrasts(table: pd.DataFrame) -> Iterator[Row]:
    """cop against generic."""
    one = contrast(coded(table), "condition", "cop", "generic", family=["A"], codes=["A"]).contrasts[0]
    yield Row("odds ratio (JK1 over items)", "or", one.odds_ratio.value)
    yield Row("odds ratio, by JK1 and our degrees of freedom: low", "or low", one.odds_ratio.low)
    yield Row("odds ratio, by JK1: high", "or high", one.odds_ratio.high)
    yield Row("its p", "or p", one.p_single)
    item, y = table["item"].to_numpy(), table["y"].to_numpy(float)
    x = (table["condition"] == "cop").to_numpy(float)
    a, b = (Sums(np.bincount(item, y * on), np.bincount(item, on), int(on.sum()), 20) for on in (x, 1 - x))
    yield Row("standard error of its log", "or se", left_out_odds(a, b))
    ones, design = np.ones(len(y)), np.column_stack([np.ones(len(y)), x])
    plain = binomial_glm(y, ones, design, item)
    yield Row("clustered logistic regression (`glm`): coefficient", "glm coef", plain.coef[1])
    yield Row("its standard error (`sandwich::vcovCL`, HC1)", "cl hc1", plain.se[1])
    surveyed = survey_tests(Sides(a, b))
    yield Row("its standard error (`svyglm`)", "svyglm se", surveyed.fit.se[1])
    yield Row("its p (`svyglm`)", "svyglm p", surveyed.p_glm)
    yield Row("Rao–Scott F (`svychisq`): p", "chisq F", surveyed.p_chisq)
    yield Row("Wald (`svychisq`): p", "chisq Wald", surveyed.p_score)
    chi = stats.chi2_contingency(pd.crosstab(x, y), correction=False).statistic
    first = stats.chi2.sf(chi / (surveyed.design_effect or 1.0), 1)
    yield Row("Rao–Scott χ², first order (`svychisq`): p", "chisq Chisq", first)
    for working in ("independence", "exchangeable"):
        gee = binomial_glm(y, ones, design, item, working=working, correction="none", pair_correction=False)
        yield Row(f"GEE, {working} (`geepack`): coefficient", f"gee coef {working}", gee.coef[1])
        yield Row(f"GEE, {working}: standard error", f"gee se {working}", gee.se[1])


def left_out_odds(a: Sums, b: Sums) -> float:
    """The jackknife's standard error of the log odds ratio."""
    sums = np.column_stack([a.coded, a.total - a.coded, b.coded, b.total - b.coded])
    logs = np.log(sums.sum(axis=0) - sums)
    return jackknife_spread(logs @ np.array([1, -1, -1, 1]), a.total + b.total)[0]


def replacing() -> pd.DataFrame:
    """Three people and a machine on 16 traces of 3 to 25 units; it is worse in some traces."""
    rng = np.random.default_rng(11)
    trace = np.repeat(np.arange(16), rng.integers(3, 26, 16))
    true = rng.integers(0, 4, len(trace))
    table = pd.DataFrame({"trace": trace})
    for coder, errors in (*((c, 0.2) for c in CODERS), ("machine", 0.22)):
        rate = np.clip(errors + 0.15 * rng.normal(size=16), 0, 1)[trace]
        table[coder] = np.where(rng.random(len(true)) < rate, rng.integers(0, 4, len(true)), true)
    return table


def replacement(table: pd.DataFrame) -> Iterator[Row]:
    """Each coder left out."""
    said = {name: dict(enumerate(table[name])) for name in (*CODERS, "machine", "trace")}
    report = alternative_annotator_test(
        {c: said[c] for c in CODERS}, said["machine"], epsilon=EPSILON, traces=said["trace"]
    )
    for coder in report.coders:
        name, unit, trace = coder.coder, coder.published, coder.clustered
        assert trace is not None
        yield Row(f"coder {name}, published (`t.test`): t", f"t {name}", unit.t)
        yield Row(f"coder {name}, published: p", f"p {name}", unit.p)
        yield Row(
            f"coder {name}, over traces (`clubSandwich`, CR2, our working variance): standard error",
            f"cr2 se {name}",
            trace.se,
        )
        yield Row(f"coder {name}: Satterthwaite's degrees of freedom", f"cr2 df {name}", trace.df)
        yield Row(f"coder {name}: p", f"cr2 p {name}", trace.p, SKEWED)
        yield Row(
            f"coder {name}, clubSandwich's default: standard error", f"default se {name}", trace.se, WORKING
        )
        yield Row(
            f"coder {name}, clubSandwich's default: degrees of freedom",
            f"default df {name}",
            trace.df,
            WORKING,
        )
    adjusted, _ = benjamini_yekutieli([0.001, 0.012, 0.04, 0.3], 0.05)
    for i, p in enumerate(adjusted, 1):
        yield Row(f"Benjamini–Yekutieli (`p.adjust`): {i}", f"by {i}", p)


def correcting() -> pd.DataFrame:
    """A machine that errs on 40 traces; people coded some units, more often where the machine saw the code."""
    rng = np.random.default_rng(13)
    trace = np.repeat(np.arange(40), rng.integers(8, 30, 40))
    x = (trace % 2).astype(float)
    true = rng.random(len(trace)) < 1 / (1 + np.exp(1.2 - 0.5 * x - 0.5 * rng.normal(size=40)[trace]))
    f = np.where(true, rng.random(len(true)) < 0.8, rng.random(len(true)) < 0.1).astype(float)
    pi = np.where(f > 0, 0.5, 0.25)
    y = np.where(rng.random(len(true)) < pi, true.astype(float), np.nan)
    return pd.DataFrame({"trace": trace, "x": x, "f": f, "pi": pi, "y": y})


def corrected(table: pd.DataFrame) -> Iterator[Row]:
    """DSL is a mean of corrected codes, people alone a weighted mean: survey's and clubSandwich's errors hold for both."""
    y, f, pi, x = (table[name].to_numpy(float) for name in ("y", "f", "pi", "x"))
    units = sampled(y, f, pi, table["trace"])
    ones = np.ones((units.n, 1))
    for errors, how in (
        ("published", "`svymean`, without G/(G − 1)"),
        ("jackknife", "JK1 about the estimate"),
    ):
        found = dsl(units, ones, link="identity", learner="machine", errors=errors)
        if errors == "published":
            yield Row("DSL, g the machine's code (`svymean` of the corrected codes)", "dsl", found.coef[0])
        yield Row(f"its standard error, {errors} ({how})", f"dsl se {errors}", found.se[0])
    for errors, how in (("published", "CR0"), ("jackknife", "CR3, times (G − 1)/G")):
        people = fit(
            units.weight * units.y, units.weight, ones, units.cluster, link="identity", errors=errors
        )
        if errors == "published":
            yield Row("people alone, weighted by 1/π (`lm`)", "human", people.coef[0])
        yield Row(f"its standard error, {errors} (`clubSandwich`, {how})", f"human se {errors}", people.se[0])
    yield Row("its degrees of freedom (`clubSandwich`, Satterthwaite)", "human df", people.df[0])
    design = np.column_stack([ones, x])
    odds = fit(units.weight * units.y, units.weight, design, units.cluster, link="logit", errors="published")
    yield Row("log odds ratio of people alone (`svyglm`)", "human log odds", odds.coef[1])
    yield Row("its standard error, published (without G/(G − 1))", "human log odds se", odds.se[1])


if __name__ == "__main__":
    sys.exit(main())
