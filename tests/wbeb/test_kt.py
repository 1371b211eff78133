"""Knowledge tracing: the four-line layout, repeats, and classical models against what they must find in made-up students."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.errors import InputError
from pedagogy_r1.estimate import Resampling
from pedagogy_r1.files.records import BadRow
from pedagogy_r1.wbeb.item import Item
from pedagogy_r1.wbeb.kt import bkt
from pedagogy_r1.wbeb.kt.baselines import (
    EVERY,
    TARGETS,
    TRACERS,
    ForetoldSteps,
    Tracer,
    baselines,
    foretold_steps,
    scores,
)
from pedagogy_r1.wbeb.kt.bkt import Bkt, thread
from pedagogy_r1.wbeb.kt.regressions import Irt, Pfa, counts_so_far, fit_logistic, sigmoid
from pedagogy_r1.wbeb.kt.steps import Sequence, Step, asked, flatten, merge_repeats, students, vocabulary
from pedagogy_r1.wbeb.sources.assist2009 import read_four_line, read_skill_names
from pedagogy_r1.wbeb.weighted_scores import auc

HOW = Resampling(200, 0)
CLASSICAL = ["majority", "IRT", "PFA", "BKT"]
ASSISTMENTS = """1274,82295
1366,1366,1424,1424,1413,1413,2985
7,9,7,9,7,9,15
1,1,0,0,1,1,0
"""


# ---- reading


def test_four_lines_a_student(tmp_path: Path) -> None:
    path = tmp_path / "kt.csv"
    path.write_text(ASSISTMENTS + "\n2,3\r\n5,\r\n1,\r\n0,\r\n\n", encoding="utf-8")
    (_, first), (_, second) = read_four_line(path)
    assert isinstance(first, Sequence)
    assert first.student == "1274,82295"
    assert first.steps[:2] == (Step("1366", (7,), 1), Step("1366", (9,), 1))
    assert second == Sequence("2,3", (Step("5", (1,), 0),))
    assert merge_repeats(first.steps) == (
        Step("1366", (7, 9), 1),
        Step("1424", (7, 9), 0),
        Step("1413", (7, 9), 1),
        Step("2985", (15,), 0),
    )


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("9,9\n1,2\n1\n0,1\n", "2 problems, 1 skills, 2 answers"),
        ("9,9\n1,2\n1,1\n0,2\n", "an answer is 0 or 1, not '2'"),
        ("9,9\n1,\n", "2 lines short"),
        ("9,9\n1,,2\n1,1,1\n0,0,1\n", "empty cell"),
    ],
)
def test_a_bad_student_is_reported_and_the_next_is_read(tmp_path: Path, block: str, why: str) -> None:
    path = tmp_path / "kt.csv"
    path.write_text(ASSISTMENTS + block, encoding="utf-8")
    (_, good), (_, bad) = read_four_line(path)
    assert isinstance(good, Sequence)
    assert isinstance(bad, BadRow)
    assert bad.line == 5
    assert why in bad.why


def test_no_such_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        list(read_four_line(tmp_path / "none.csv"))
    (tmp_path / "b.csv").write_bytes(b"1,2\n\xff\xfe\n")
    with pytest.raises(InputError, match="not UTF-8"):
        list(read_four_line(tmp_path / "b.csv"))
    (tmp_path / "skill.json").write_text("[1]")
    with pytest.raises(InputError, match="not an object of skill names"):
        read_skill_names(tmp_path / "skill.json")


def test_another_attempt_is_another_step() -> None:
    steps = [
        Step("5", (1,), 0),
        Step("5", (2,), 0),
        Step("5", (1,), 0),
        Step("5", (2,), 1),
        Step("6", (3,), 1),
    ]
    assert merge_repeats(steps) == (
        Step("5", (1, 2), 0),
        Step("5", (1,), 0),
        Step("5", (2,), 1),
        Step("6", (3,), 1),
    )


STEP = st.builds(
    Step, st.sampled_from(["p", "q"]), st.tuples(st.sampled_from([1, 2, 10, "x"])), st.integers(0, 1)
)


@given(st.lists(STEP, max_size=30))
def test_merging_loses_no_row_and_is_done_after_once(steps: list[Step]) -> None:
    merged = merge_repeats(steps)
    rows = [(s.problem, s.correct, k) for s in merged for k in s.skills]
    assert sorted(rows, key=str) == sorted(((s.problem, s.correct, s.skills[0]) for s in steps), key=str)
    assert all(len(set(s.skills)) == len(s.skills) for s in merged)
    again = [(a, b) for a, b in itertools.pairwise(merged) if a[::2] == b[::2]]
    assert all(set(a.skills) & set(b.skills) for a, b in again)


# ---- the models' parts


def test_logistic_regression_is_scikit_learns() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    from scipy import sparse

    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5)) * [1, 1, 30, 0.1, 1]
    y = (rng.random(400) < sigmoid(x @ np.array([1, -1, 0.05, 2, 0]))).astype(float)
    level, ours = fit_logistic(sparse.csr_matrix(x), y, 2.0)
    theirs = linear.LogisticRegression(C=0.5, tol=1e-9, max_iter=5000).fit(x, y)
    assert level == pytest.approx(theirs.intercept_[0], abs=2e-4)
    assert ours == pytest.approx(theirs.coef_[0], abs=2e-4)


@given(
    st.lists(
        st.lists(st.tuples(st.sets(st.integers(0, 3), min_size=1), st.booleans()), max_size=8), max_size=4
    )
)
def test_counts_so_far(drawn: list[list[tuple[set[int], bool]]]) -> None:
    sequences = [
        Sequence(f"s{n}", tuple(Step("p", tuple(sorted(k)), int(c)) for k, c in steps))
        for n, steps in enumerate(drawn)
    ]
    flat = flatten(sequences, vocabulary(sequences))
    right, wrong = counts_so_far(flat)
    expected = [
        tuple(sum(b.correct == want for b in s.steps[:at] if k in b.skills) for want in (1, 0))
        for s in sequences
        for at, step in enumerate(s.steps)
        for k in step.skills
    ]
    assert list(zip(right.tolist(), wrong.tolist(), strict=True)) == expected


def brute_force(y: list[int], p0: float, t: float, g: float, s: float) -> dict[str, Any]:
    """Every path of known/not known: the likelihood, P(right) before each step, and what EM expects."""
    total, told, learned, chances, known = 0.0, [], 0.0, 0.0, np.zeros(len(y))
    for n in range(len(y)):
        both = [0.0, 0.0]
        for path in itertools.product((0, 1), repeat=n + 1):
            for c in (0, 1):
                both[c] += path_probability(path, [*y[:n], c], p0, t, g, s)
        told.append(both[1] / sum(both))
    for path in itertools.product((0, 1), repeat=len(y)):
        p = path_probability(path, y, p0, t, g, s)
        total += p
        known += p * np.array(path)
        learned += p * sum(a == 0 and b == 1 for a, b in itertools.pairwise(path))
        chances += p * sum(a == 0 for a in path[:-1])
    return {
        "total": total,
        "told": told,
        "known": known / total,
        "learned": learned / total,
        "chances": chances / total,
    }


def path_probability(path: tuple[int, ...], y: list[int], p0: float, t: float, g: float, s: float) -> float:
    p = p0 if path[0] else 1 - p0
    for a, b in itertools.pairwise(path):
        p *= (1.0 if b else 0.0) if a else (t if b else 1 - t)
    for k, c in zip(path, y, strict=True):
        right = 1 - s if k else g
        p *= right if c else 1 - right
    return p


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=6), min_size=1, max_size=4),
    st.tuples(*(st.floats(0.05, 0.9) for _ in range(2)), *(st.floats(0.05, 0.45) for _ in range(2))),
)
def test_bkt_expectations_are_those_of_every_path(answers: list[list[int]], theta: tuple[float, ...]) -> None:
    sequences = [Sequence(f"s{n}", tuple(Step("p", ("k",), c) for c in y)) for n, y in enumerate(answers)]
    flat = flatten(sequences, vocabulary(sequences))
    hits, chances, value = bkt._expect(thread(flat), flat.y[flat.pair_step], np.array(theta)[:, None])
    paths = [brute_force(y, *theta) for y in answers]
    assert value == pytest.approx(sum(math.log(p["total"]) for p in paths))
    wrong = sum((p["known"] * (1 - np.array(y))).sum() for p, y in zip(paths, answers, strict=True))
    guessed = sum(((1 - p["known"]) * np.array(y)).sum() for p, y in zip(paths, answers, strict=True))
    expected = [sum(p["known"][0] for p in paths), sum(p["learned"] for p in paths), guessed, wrong]
    assert hits[:, 0] == pytest.approx(expected)
    assert chances[:2, 0] == pytest.approx([len(answers), sum(p["chances"] for p in paths)])

    model = Bkt()
    model.words, model.parameters = vocabulary(sequences), np.array([theta, theta]).T
    for found, path in zip(model.predict(sequences), paths, strict=True):
        assert found == pytest.approx(path["told"])


def traced_by_bkt(
    theta: tuple[float, ...], count: int, length: int, skill: str, rng: Any
) -> list[list[Step]]:
    p0, t, g, s = theta
    found = []
    for _ in range(count):
        known, steps = rng.random() < p0, []
        for _ in range(length):
            steps.append(Step(skill, (skill,), int(rng.random() < (1 - s if known else g))))
            known = known or rng.random() < t
        found.append(steps)
    return found


def test_em_climbs_and_finds_the_parameters() -> None:
    rng = np.random.default_rng(1)
    truth = {"a": (0.2, 0.15, 0.15, 0.05), "b": (0.6, 0.3, 0.25, 0.1)}
    parts = {skill: traced_by_bkt(theta, 1500, 15, skill, rng) for skill, theta in truth.items()}
    sequences = [Sequence(f"s{n}", (*a, *b)) for n, (a, b) in enumerate(zip(*parts.values(), strict=True))]
    model = Bkt(iterations=200)
    model.fit(sequences)
    found = model.parameters[:, :2].T
    assert found == pytest.approx(np.array(list(truth.values())), abs=0.06)
    flat = flatten(sequences, model.words)
    start = np.repeat(np.array(bkt.START)[:, None], 2, axis=1)
    _, trail = Bkt(iterations=30)._em(thread(flat), flat.y[flat.pair_step], start, np.zeros((4, 2)), 0.0)
    assert np.diff(trail).min() > -1e-9


def rasch(
    count: int, rng: Any, problems: int = 40, length: int = 40
) -> tuple[list[Sequence], np.ndarray[Any, Any]]:
    """Students of one ability each; the probability that was drawn from, step after step."""
    hard, sequences, truth = rng.normal(size=problems) * 1.5, [], []
    for n in range(count):
        order, ability = rng.permutation(problems)[:length], rng.normal()
        p = sigmoid(ability - hard[order])
        steps = [Step(f"p{i}", (f"k{i % 4}",), int(rng.random() < q)) for i, q in zip(order, p, strict=True)]
        sequences.append(Sequence(f"s{n}", tuple(steps)))
        truth.append(p[1:])
    return sequences, np.concatenate(truth)


def test_irt_comes_near_the_drawn_probability_and_beats_those_that_do_not_see_problems() -> None:
    rng = np.random.default_rng(0)
    sequences, truth = rasch(600, rng)
    train, test = sequences[:450], sequences[450:]
    ideal = auc(foretold_steps(test, [np.zeros(40)] * 150, every=True)[0], truth[450 * 39 :])
    found = {}
    for name, tracer in (("irt", Irt()), ("pfa", Pfa())):
        tracer.fit(train)
        y, p, _ = foretold_steps(test, tracer.predict(test), every=True)
        found[name] = auc(y, p)
    assert ideal is not None
    assert found["irt"] > ideal - 0.03
    assert found["irt"] > found["pfa"] + 0.05


def test_pfa_finds_the_weights_it_is_made_of() -> None:
    rng = np.random.default_rng(3)
    sequences = []
    for n in range(1500):
        right = wrong = 0
        steps = []
        for _ in range(12):
            y = int(rng.random() < sigmoid(np.array(-0.5 + 0.3 * right - 0.1 * wrong)))
            steps.append(Step("p", ("k",), y))
            right, wrong = right + y, wrong + 1 - y
        sequences.append(Sequence(f"s{n}", tuple(steps)))
    model = Pfa()
    model.fit(sequences)
    level, (base, success, failure) = model.level, model.weight
    assert [level + base, success, failure] == pytest.approx([-0.5, 0.3, -0.1], abs=0.04)


def of(name: str) -> Tracer:
    if name == "DKT":
        pytest.importorskip("torch")
        from pedagogy_r1.wbeb.kt.dkt import Dkt

        return Dkt(width=8, epochs=2, window=7)
    return TRACERS[name]()


@pytest.mark.parametrize("name", TRACERS)
def test_no_model_looks_at_the_step_it_foretells_or_behind(name: str) -> None:
    rng = np.random.default_rng(5)
    sequences, _ = rasch(30, rng, problems=12, length=12)
    model = of(name)
    model.fit(sequences, 0)
    whole = model.predict(sequences[:5])
    assert all(((p >= 0) & (p <= 1)).all() for p in whole)
    for at in (0, 3, 11):
        turned = [
            s._replace(
                steps=(*s.steps[:at], *(step._replace(correct=1 - step.correct) for step in s.steps[at:]))
            )
            for s in sequences[:5]
        ]
        alone = [s._replace(steps=s.steps[: at + 1]) for s in sequences[:5]]
        for full, other, short in zip(whole, model.predict(turned), model.predict(alone), strict=True):
            assert other[: at + 1] == pytest.approx(full[: at + 1], abs=1e-6)
            assert short == pytest.approx(full[: at + 1], abs=1e-6)


@pytest.mark.parametrize("name", TRACERS)
def test_what_training_did_not_meet_is_foretold_all_the_same(name: str) -> None:
    sequences, _ = rasch(20, np.random.default_rng(5), problems=12, length=12)
    model = of(name)
    model.fit([*sequences, Sequence("short", (Step("p1", ("k1",), 1),)), Sequence("empty", ())], 0)
    strange = [Sequence("x", (Step("new", ("none", "k1"), 1), Step("new", ("none",), 0))), Sequence("y", ())]
    told = model.predict(strange)
    assert [len(p) for p in told] == [2, 0]
    assert np.isfinite(told[0]).all()
    assert model.predict([]) == []


def test_dkt_is_seeded_learns_and_leaves_the_seed_of_others_alone() -> None:
    torch = pytest.importorskip("torch")
    from pedagogy_r1.wbeb.kt.dkt import Dkt

    rng = np.random.default_rng(0)
    sequences = [
        # Whoever gets a right gets b wrong: only the order of steps tells.
        Sequence(
            f"s{n}",
            tuple(itertools.chain(*((Step("a", ("a",), c), Step("b", ("b",), 1 - c)) for c in draws))),
        )
        for n, draws in enumerate(rng.integers(0, 2, (120, 6)).tolist())
    ]
    before = torch.random.get_rng_state()
    models = [Dkt(width=16, epochs=15) for _ in range(2)]
    for model in models:
        model.fit(sequences[:100], 7)
    assert torch.equal(before, torch.random.get_rng_state())
    first, second = (np.concatenate(model.predict(sequences[100:])) for model in models)
    assert (first == second).all()
    y = np.array([step.correct for s in sequences[100:] for step in s.steps])
    assert auc(y[1::2], first[1::2]) > 0.99
    assert abs(auc(y[::2], first[::2]) - 0.5) < 0.2


# ---- scores and items


def test_scores_are_scikit_learns_and_intervals_resample_students() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300).astype(float)
    p = np.round(np.clip(rng.normal(0.5 + 0.1 * (y - 0.5), 0.2), 0, 1), 2)
    area, accuracy = scores(ForetoldSteps(y, p, [f"s{n // 10}" for n in range(300)]), HOW, "made up")
    assert area.estimate.value == pytest.approx(metrics.roc_auc_score(y, p))
    assert accuracy.estimate.value == pytest.approx(np.mean((p >= 0.5) == y))
    assert area.estimate.low < area.estimate.value < area.estimate.high
    alone = scores(ForetoldSteps(y, p, ["one"] * 300), HOW, "")[0]
    assert (alone.estimate.low, alone.estimate.high) == (None, None)
    undefined = scores(ForetoldSteps(np.ones(4), p[:4], list("abcd")), HOW, "")
    assert (undefined[0].estimate.value, undefined[0].estimate.why_undefined) == (
        None,
        "all answers are alike: there is no pair to order",
    )
    assert undefined[1].estimate.value is not None


def kt_item(student: str, first: int | None, steps: list[Step], split: str) -> Item:
    plain = [{"problem": s.problem, "skills": list(s.skills), "correct": s.correct} for s in steps]
    metadata: dict[str, Any] = {"steps": plain} | ({} if first is None else {"first": first})
    return Item(
        id=f"{student}-{first}", domain="KT", source="made", answer="right" if steps[-1].correct else "wrong",
        group=student, split=split, metadata=metadata,
    )  # fmt: skip


def test_windows_are_put_together_again() -> None:
    steps = [Step(f"p{n}", ("k",), n % 2) for n in range(10)]
    windows = [(0, 4), (2, 5), (7, 10)]
    items = [kt_item("s", a + 1, steps[a:b], "train") for a, b in windows] + [
        kt_item("t", None, steps[:3], "train")
    ]
    assert [len(s.steps) for s in asked(items)] == [4, 3, 3, 3]
    assert students(items) == [
        Sequence("s", tuple(steps[:5])),
        Sequence("s", tuple(steps[7:])),
        Sequence("t", tuple(steps[:3])),
    ]
    with pytest.raises(InputError, match="step 1 of s"):
        students([items[0], kt_item("s", 1, steps[5:7], "train")])
    with pytest.raises(InputError, match="no steps"):
        asked([Item(id="x", domain="SK", source="m", answer="A", group="g")])
    bad = {"steps": [{"problem": "1", "skills": [], "correct": 1}]}
    with pytest.raises(InputError, match="a step is not"):
        asked([items[0].model_copy(update={"metadata": bad})])


def halves(count: int = 80) -> tuple[list[Item], list[Item]]:
    sequences, _ = rasch(count, np.random.default_rng(2), problems=20, length=20)
    items = [
        kt_item(s.student, first, list(s.steps[first - 1 : first + 9]), "train" if n % 4 else "test")
        for n, s in enumerate(sequences)
        for first in (1, 11)
    ]
    return [i for i in items if i.split == "train"], [i for i in items if i.split == "test"]


def test_baselines_give_both_ways_of_scoring() -> None:
    train, test = halves()
    rows = baselines(test, students(train), students(test), models=CLASSICAL, how=HOW)
    assert [(row.model, row.on) for row in rows] == [(m, on) for m in CLASSICAL for on in (EVERY, TARGETS)]
    by = {(row.model, row.on): {s.name: s for s in row.scores} for row in rows}
    assert by["majority", EVERY]["auc"].estimate.value == 0.5
    assert by["IRT", EVERY]["auc"].estimate.value > 0.65
    assert {by[m, TARGETS]["auc"].estimate.n for m in CLASSICAL} == {len(test)}
    assert {by[m, EVERY]["auc"].estimate.n for m in CLASSICAL} == {20 * 19}
    with pytest.raises(InputError, match="students are in train and test"):
        baselines(test, students([*train, test[0]]), models=["majority"])
    with pytest.raises(ValueError, match="no baseline is named 'ipfa'"):
        baselines(test, students(train), models=["ipfa"])
    with pytest.raises(ValueError, match="no steps to train on"):
        baselines(test, [])


def test_repeats_give_the_answer_away() -> None:
    """Coins, each written down twice: with the repeats kept, half of the answers are known."""
    pytest.importorskip("torch")
    from pedagogy_r1.wbeb.kt.dkt import Dkt

    rng = np.random.default_rng(4)
    kept = [
        Sequence(f"s{n}", tuple(Step(f"p{at}", (k,), c) for at, c in enumerate(row) for k in (7, 9)))
        for n, row in enumerate(rng.integers(0, 2, (150, 10)).tolist())
    ]
    merged = [s._replace(steps=merge_repeats(s.steps)) for s in kept]
    found = []
    for sequences in (kept, merged):
        model = Dkt(width=16, epochs=15)
        model.fit(sequences[:110], 0)
        y, p, _ = foretold_steps(sequences[110:], model.predict(sequences[110:]), every=True)
        found.append(auc(y, p))
    assert found[0] > 0.7
    assert abs(found[1] - 0.5) < 0.1


def test_real_assistments_reads_whole_and_merges(shared: Path) -> None:
    folder = shared / "data" / "wbeb" / "kt"
    rows = [row for _, row in read_four_line(folder / "assist2009_pid_test1.csv")]
    sequences = [row for row in rows if isinstance(row, Sequence)]
    assert len(rows) == len(sequences) == 830
    merged = [merge_repeats(s.steps) for s in sequences]
    assert sum(len(s.steps) for s in sequences) == 60_915
    assert sum(len(steps) for steps in merged) == 52_003
    assert sum(len(step.skills) for steps in merged for step in steps) == 60_915
    names = read_skill_names(folder / "skill.json")
    assert {k for steps in merged for step in steps for k in step.skills} <= set(names)


# ---- command line


def test_command_prints_writes_and_repeats_itself(
    tmp_path: Path, pcode: Callable[..., Result], write_jsonl: Callable[..., Path]
) -> None:
    train, test = halves(40)
    path = write_jsonl(
        "items.jsonl", *(i.model_dump(mode="json", exclude_none=True) for i in (*train, *test))
    )
    common = ["wbeb", "baselines", path, "--model", "irt", "--model", "majority", "--replicates", 50]
    first = pcode(*common, "-o", tmp_path / "t.csv", "--json", tmp_path / "a.json")
    assert first.exit_code == 0, first.output
    assert "IRT" in first.stdout
    assert "30 students to train on, 10 to foretell" in first.stdout
    assert (tmp_path / "t.csv").read_text().splitlines()[0].startswith("model,on,name,value,low,high,level,n")
    assert pcode(*common, "--json", tmp_path / "b.json").exit_code == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    out = json.loads(pcode(*common, "--json", "-").stdout)
    assert [(row["model"], row["on"]) for row in out["rows"]] == [
        (m, on) for m in ("IRT", "majority") for on in (EVERY, TARGETS)
    ]


def test_command_says_what_is_missing(pcode: Callable[..., Result], write_jsonl: Callable[..., Path]) -> None:
    train, _ = halves(8)
    plain = [i.model_dump(mode="json", exclude_none=True) for i in train]
    unsplit = pcode("wbeb", "baselines", write_jsonl("a.jsonl", *plain))
    assert unsplit.exit_code == 2
    assert "no KT items in the split test" in unsplit.stderr
    other = {"id": "x", "domain": "SK", "source": "m", "answer": "A", "group": "g", "options": ["a", "b"]}
    none = pcode("wbeb", "baselines", write_jsonl("b.jsonl", other))
    assert none.exit_code == 2
    assert "no KT items" in none.stderr


def test_without_torch_dkt_says_so(tmp_path: Path) -> None:
    """A process in which torch cannot be found."""
    import subprocess
    import sys

    code = """
import sys
sys.modules["torch"] = None
from pedagogy_r1.wbeb.kt.baselines import baselines
from pedagogy_r1.wbeb.kt.steps import Sequence, Step
def student(n):
    return Sequence(f"s{n}", tuple(Step("p", ("k",), (n + k) % 2) for k in range(4)))
rows = baselines([], [student(n) for n in range(6)], [student(9)], models=["DKT", "majority"])
print(rows[0].why_missing, len(rows[1].scores))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "DKT needs torch" in done.stdout
    assert "pip install 'pedagogy_r1[train]' 2" in done.stdout
