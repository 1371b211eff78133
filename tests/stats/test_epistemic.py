"""Epistemic networks: connections counted by hand, pyena as the reference, and what is undefined."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from pedagogy_r1.errors import PedagogyError, RunError

from ..code_tables import code_frame, traces

MISSING = """
import sys
sys.modules["pyena"] = None  # what Python itself does for a module that must not be found
import pandas as pd
from pedagogy_r1.errors import PedagogyError
from pedagogy_r1.stats.epistemic import epistemic_network
try:
    epistemic_network(pd.DataFrame())
except PedagogyError as error:
    print(error)
"""


def test_a_missing_package_is_named_with_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=True)
    assert "epistemic networks need the optional package pyena" in done.stdout
    assert "hint: pip install 'pedagogy-r1[ena]'" in done.stdout


CODES = ("A", "B", "C", "D", "none")
TEXTS = ("AB-C", "ABA", "ABDA", "CDC", "CDA", "BDDC")
CONDITION = ["x", "x", "x", "y", "y", "y"]


def of(*texts: str, **how: Any) -> Any:
    pytest.importorskip("pyena")
    from pedagogy_r1.stats.epistemic import epistemic_network

    every = {name: how.pop(name) for name in ("condition", "item") if name in how}
    return epistemic_network(code_frame(traces(*texts, **every), CODES), **{"window": 2, **how})


def two_groups(pairs: int = 12, seed: int = 0, tilt: float = 0.0, length: int = 30, **how: Any) -> Any:
    """Each item under x and under y; ``tilt``: how often an x trace says A then B."""
    rng = np.random.default_rng(seed)
    texts, condition, item = [], [], []
    for number in range(pairs):
        for side in "xy":
            drawn = rng.choice(list("ABCD--"), length)
            said = [
                "AB" if side == "x" and rng.random() < tilt else "".join(two) for two in drawn.reshape(-1, 2)
            ]
            texts.append("".join(said))
            condition.append(side)
            item.append(f"i{number}")
    return of(*texts, condition=condition, item=item, **how)


def test_weights_are_the_mean_of_connections_scaled_to_length_one() -> None:
    found = of(*TEXTS, condition=CONDITION)
    # x: AB 1 | AB 2 | AB 1, BD 1, AD 1; y: CD 2 | CD 1, AD 1 | BD 1, CD 1
    assert found.weights["x"] == pytest.approx({
        ("A", "B"): (2 + 3**-0.5) / 3, ("A", "C"): 0, ("B", "C"): 0,
        ("A", "D"): 3**-0.5 / 3, ("B", "D"): 3**-0.5 / 3, ("C", "D"): 0,
    })  # fmt: skip
    assert found.weights["y"]["C", "D"] == pytest.approx((1 + 2**0.5) / 3)
    assert found.n_traces == {"x": 3, "y": 3}
    assert found.why_undefined is None
    assert set(found.versions) >= {"pedagogy_r1", "pyena", "numpy"}
    assert f"pyena {found.versions['pyena']}" in found.method


def test_the_plane_is_that_of_pyena_with_the_first_group_to_the_right() -> None:
    pyena = pytest.importorskip("pyena")
    table = code_frame(traces(*TEXTS, condition=CONDITION), CODES)
    for code in "ABCD":
        table[code] = [int(code in codes) for codes in table["codes"]]
    renamed = table.rename(columns={"trace_id": "unit", "condition": "group", "index": "turn"})
    renamed = renamed.astype({"unit": str, "group": str}).assign(conversation=renamed["unit"].astype(str))
    codes = list("ABCD")
    theirs = pyena.ENA(codes=codes, window_size=2, rotation="means", mr_groups=("x", "y")).fit(renamed)
    ours = of(*TEXTS, condition=CONDITION).placement
    assert ours.axes == ("MR1", "SVD2")
    points = np.array([ours.points[unit] for unit in theirs.unit_ids_])
    nodes = np.array([ours.nodes[code] for code in codes])
    assert np.abs(points) == pytest.approx(np.abs(theirs.coords_))
    assert np.abs(nodes) == pytest.approx(np.abs(theirs.nodes_))
    assert (points * nodes[0]) == pytest.approx(theirs.coords_ * theirs.nodes_[0])  # flipped together
    assert ours.centroids["x"][0] > 0 > ours.centroids["y"][0]
    apart = ours.centroids["x"][0] - ours.centroids["y"][0]
    found = of(*TEXTS, condition=CONDITION).weights
    assert apart == pytest.approx(np.linalg.norm([found["x"][p] - found["y"][p] for p in found["x"]]))
    assert of(*TEXTS, condition=CONDITION, groups=("y", "x")).placement.centroids["y"][0] > 0


def test_missing_and_absent_units_take_their_place_in_the_window() -> None:
    assert of("A?B", "AC", window=2).weights["cop"]["A", "B"] == 0
    assert of("A?B", "AC", window=3).weights["cop"]["A", "B"] == 0.5
    assert of("A?B", "AC").n_missing == 1
    from pedagogy_r1.stats.epistemic import epistemic_network

    table = code_frame(traces("A--B", "AC"), CODES)
    sparse = table[~table["index"].isin([2])].sample(frac=1, random_state=0)
    for window, weight in ((3, 0), (4, 0.5)):
        assert epistemic_network(sparse, window=window).weights["cop"]["A", "B"] == weight


def test_the_whole_trace_as_a_window() -> None:
    assert of("A---------B", "CD", window="trace").weights["cop"]["A", "B"] == 0.5


def test_a_trace_without_connections_is_counted_and_moves_nothing() -> None:
    with_empty = of(*TEXTS, "A--", condition=[*CONDITION, "y"])
    plain = of(*TEXTS, condition=CONDITION)
    assert with_empty.n_unconnected == {"x": 0, "y": 1}
    assert with_empty.warning == "1 of 7 traces connect no codes and are left out"
    assert with_empty.weights == plain.weights
    assert with_empty.placement.points == plain.placement.points


def test_a_real_difference_is_found_and_its_connection_named() -> None:
    found = two_groups(tilt=0.5, permutations=2000).difference
    by_pair = {c.pair: c for c in found.connections}
    strongest = by_pair["A", "B"]
    assert (found.a, found.b, found.cluster) == ("x", "y", "item")
    assert strongest.p_family == found.p < 0.01
    assert strongest.difference.low > 0.1
    assert strongest.difference.clusters == 12
    assert strongest.difference.n == 24


def test_a_true_null_is_rejected_as_rarely_as_promised_and_intervals_cover() -> None:
    """Pyena's own test along MR1 rejects more than half of such data."""
    families, covered = [], []
    for seed in range(120):
        found = two_groups(12, seed, permutations=199).difference
        families.append(found.p)
        covered += [c.difference.low <= 0 <= c.difference.high for c in found.connections]
    assert 0 < np.mean(np.array(families) <= 0.05) < 0.11  # 5 % and three standard errors
    assert 0.925 < np.mean(covered) < 0.975


def test_items_seen_under_both_conditions_are_the_clusters() -> None:
    alone = of(*TEXTS, condition=CONDITION).difference
    paired = of(*TEXTS, condition=CONDITION, item=list("pqrpqr")).difference
    assert (alone.cluster, paired.cluster) == ("trace", "item")
    assert paired.exact
    assert paired.permutations == 8
    by_pair = {c.pair: c for c in paired.connections}
    gap = np.array([[1, 1, 3**-0.5], [0, 0, 0]])
    sd = (gap[0] - gap[1]).std(ddof=1) / 3**0.5
    ab = by_pair["A", "B"].difference
    assert ab.high - ab.estimate == pytest.approx(
        4.302653 * sd
    )  # the paired t interval, two degrees of freedom
    assert "only 3 clusters" in ab.warning


def test_what_cannot_be_said_is_explained() -> None:
    assert of("A-B-C").why_undefined == "no trace has two codes within a moving window of 2 units"
    assert of("A-B-C").weights == {"cop": {}}
    assert of("??").why_undefined == "no unit is coded"
    assert of("AB", codes=["A"]).why_undefined == "a connection needs two codes"
    same = of("ABC", "ABC", "ABC", "ABC", condition=["x", "y", "x", "y"])
    assert same.why_no_placement == "the traces' networks differ along fewer than two dimensions"
    assert same.difference.p == 1
    for connection in same.difference.connections:
        estimate = connection.difference
        assert (estimate.estimate is None) == (estimate.why_undefined is not None)
        assert estimate.estimate is None or estimate.low is not None or estimate.warning
    three = of(*TEXTS, condition=["x", "y", "z", "x", "y", "z"])
    assert three.difference is None
    assert three.why_no_difference == "condition has 3 values: name two with groups=(a, b)"
    assert three.placement.axes == ("SVD1", "SVD2")
    empty = of("ABC", "BCA", "A-B", condition=["x", "x", "y"])
    assert empty.why_no_difference == "no trace of y connects two codes"
    crossed = of("AC-BD", "AD-BC", "AB-CD")  # three networks whose nodes all weigh the same
    assert crossed.placement.fit == (None, None)
    assert "too few different networks" in crossed.placement.warning
    few = of("AB", "BC", "CA", "ABC", codes=["A", "B", "C", "D"])
    assert few.placement.nodes["D"] is None


def test_groups_that_do_not_differ_have_no_mr1() -> None:
    texts = ["ABC", "BCD", "CDA", "DAB"]
    found = of(*texts, *texts, condition=["x"] * 4 + ["y"] * 4)
    assert found.placement.axes == ("SVD1", "SVD2")
    assert found.difference.p == 1


def test_traces_without_a_group_are_left_out() -> None:
    assert of(*TEXTS, condition=["x", "x", "x", "y", "y", None]).n_left_out == 1


def test_faults_say_what_to_do() -> None:
    with pytest.raises(PedagogyError, match="window of 0"):
        of("AB", window=0)
    with pytest.raises(RunError, match="no trace has condition 'cup'"):
        of(*TEXTS, condition=CONDITION, groups=("cup", "x"))
    with pytest.raises(RunError, match="compared with itself"):
        of(*TEXTS, condition=CONDITION, groups=("x", "x"))
    with pytest.raises(RunError, match="'position' changes within a trace"):
        of("AB", by="position")
    with pytest.raises(RunError, match="no column is named 'condtion'"):
        of("AB", by="condtion")
