"""Scores and their intervals: against scikit-learn, against known coverage, and where they are undefined."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from pedagogy_r1.estimate import Clusters, Resampling, all_alike, cluster_draws
from pedagogy_r1.wbeb.domain import Answered, Parsed, Score, domain_of
from pedagogy_r1.wbeb.item import Item, domain_names
from pedagogy_r1.wbeb.score import OVER, Beside, Scorer, most_frequent
from pedagogy_r1.wbeb.weighted_scores import auc, auc_of_levels, macro_f1, tally, weighted_kappa

HOW = Resampling(replicates=300, seed=1)


# ------------------------------------------------------------------------------- against scikit-learn


def test_auc_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(2, 60))
        y, score = rng.integers(0, 2, n), np.round(rng.random(n), int(rng.integers(0, 4)))
        found = auc(y, score)
        if len(set(y)) < 2:
            assert found is None
        else:
            assert found == pytest.approx(metrics.roc_auc_score(y, score), abs=1e-12)


def test_auc_under_weights_is_scikit_learns_on_the_repeated_scores() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    y, score = rng.integers(0, 2, 40).astype(bool), np.round(rng.random(40), 1)
    weight = rng.integers(0, 4, (25, 40)).astype(float)
    found = auc_of_levels(np.unique(score, return_inverse=True)[1], y, weight)
    for row, area in zip(weight.astype(int), found, strict=True):
        assert area == pytest.approx(metrics.roc_auc_score(np.repeat(y, row), np.repeat(score, row)))


def test_kappa_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(2)
    for _ in range(100):
        truth, said = rng.integers(0, 6, 30), rng.integers(0, 6, 30)
        table = np.zeros((6, 6))
        np.add.at(table, (truth, said), 1)
        wanted = metrics.cohen_kappa_score(truth, said, weights="quadratic", labels=list(range(6)))
        assert weighted_kappa(table) == pytest.approx(wanted, abs=1e-12)


def test_macro_f1_is_scikit_learns_where_all_could_be_read() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    for classes in (2, 3, 7):
        truth, said = rng.integers(0, classes, 40), rng.integers(0, classes, 40)
        table = np.zeros((classes, classes + 1))
        np.add.at(table, (truth, said), 1)
        assert macro_f1(table) == pytest.approx(metrics.f1_score(truth, said, average="macro"), abs=1e-12)


def test_macro_f1_holds_unread_answers_against_their_class_only() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, said = [0, 0, 1, 1, 1, 2], [0, 3, 1, 3, 0, 2]  # 3: unread
    table = np.zeros((3, 4))
    np.add.at(table, (truth, said), 1)
    wanted = metrics.f1_score(truth, said, average="macro", labels=[0, 1, 2], zero_division=0)
    assert macro_f1(table) == pytest.approx(wanted)
    assert macro_f1(table) == pytest.approx((2 / 4 + 2 / 4 + 1) / 3)


# ------------------------------------------------------------------------------------------- by hand


def test_kappa_by_hand_and_undefined() -> None:
    assert weighted_kappa(np.eye(6) * 3) == 1.0
    one_score = np.zeros((6, 6))
    one_score[3, 3] = 9
    assert np.isnan(weighted_kappa(one_score))
    constant = np.zeros((6, 6))
    constant[:, 2] = 4
    assert weighted_kappa(constant) == 0


def test_auc_refuses_what_it_cannot_order() -> None:
    assert auc([], []) is None
    assert auc([1, 1], [0.1, 0.2]) is None
    assert auc([True, False], [0.5, 0.5]) == 0.5
    with pytest.raises(ValueError, match="one score for every answer"):
        auc([1, 0], [0.5])
    with pytest.raises(ValueError, match="0 or 1"):
        auc([1, 2], [0.5, 0.6])
    with pytest.raises(ValueError, match="1 of 2 scores"):
        auc([1, 0], [0.5, float("nan")])


def test_tally_is_a_sum_by_value() -> None:
    weight, value = np.arange(12.0).reshape(2, 6), np.array([3, 0, 3, 1, 0, 3])
    wanted = np.stack([np.bincount(value, row, minlength=5) for row in weight])
    assert (tally(weight, value, 5) == wanted).all()
    assert tally(np.zeros((2, 0)), np.zeros(0, dtype=int), 3).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_ties_of_the_most_frequent_are_broken_by_name() -> None:
    assert most_frequent(["b", "a", "b", "a", "c"]) == "a"


# ----------------------------------------------------------------------------------------- intervals


def test_weights_hold_as_many_groups_as_there_are_in_any_blocks() -> None:
    groups = Clusters.by_name([f"s{k % 7}" for k in range(30)])
    whole = np.concatenate(list(cluster_draws(groups.count, 50, 3)))
    assert whole.shape == (50, 7)
    assert (whole.sum(axis=1) == 7).all()
    blocks = np.concatenate(list(cluster_draws(groups.count, 50, 3, 1_000_000)))
    assert (blocks == whole).all()
    assert not (np.concatenate(list(cluster_draws(groups.count, 50, 4))) == whole).all()


def test_the_interval_does_not_depend_on_the_order_of_items() -> None:
    rng = random.Random(5)
    rows = [(f"s{k % 12}", float(rng.random() < 0.6)) for k in range(90)]
    shuffled = rng.sample(rows, len(rows))
    first, second = (
        Scorer.of([g for g, _ in some], HOW).share("accuracy", [h for _, h in some], Beside())
        for some in (rows, shuffled)
    )
    assert first == second


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """Accuracy of .6 that differs between 60 students of 5 items each; an interval over items would cover far less."""
    rng = np.random.default_rng(7)
    students, covered, narrow = 60, 0, 0
    names, rounds = [f"s{k // 5}" for k in range(5 * students)], 200
    for turn in range(rounds):
        ability = rng.beta(1.2, 0.8, students)
        hit = rng.random(5 * students) < np.repeat(ability, 5)
        how = Resampling(replicates=200, seed=turn)
        score = Scorer.of(names, how).share("accuracy", hit, Beside())
        alone = Scorer.of([str(k) for k in range(len(names))], how).share("accuracy", hit, Beside())
        assert score.estimate.low is not None
        assert score.estimate.high is not None
        assert alone.estimate.low is not None
        assert alone.estimate.high is not None
        covered += score.estimate.low <= 0.6 <= score.estimate.high
        narrow += alone.estimate.low <= 0.6 <= alone.estimate.high
    assert 0.90 <= covered / rounds <= 0.99
    assert narrow / rounds < covered / rounds - 0.05


def test_fewer_than_two_groups_give_no_interval_and_say_why() -> None:
    for hits in ([1, 0, 1], [1, 1, 1]):
        score = Scorer.of(["s1"] * 3, HOW).share("accuracy", hits, Beside(0.25))
        assert score.estimate.value == sum(hits) / 3
        assert (score.estimate.low, score.estimate.high) == (None, None)
        assert score.remarks == "no interval: all items are of one group"


def test_all_alike_gives_an_exact_interval_instead_of_one_without_width() -> None:
    groups = Clusters.by_name([f"s{k}" for k in range(20)])
    none, every = (all_alike(share, 20, groups, HOW, over=OVER) for share in (0.0, 1.0))
    assert none.low == 0
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 20))
    assert (every.low, every.high) == (pytest.approx(0.025 ** (1 / 20)), 1)
    score = Scorer(groups, HOW).share("accuracy", [0] * 20, Beside())
    assert score.estimate.method == "95% Clopper–Pearson over groups"
    assert "no two of them differ" in score.remarks
    assert score.estimate.high == none.high


def test_few_groups_and_undefined_replicates_are_said() -> None:
    scorer = Scorer.of(list("aaabb"), HOW)
    found = scorer.resampled("", 0.5, 5, lambda w: np.where(w[:, 0] > 0, 0.5, np.nan), Beside())
    assert found.estimate.low == found.estimate.high == 0.5
    assert "undefined in" in found.estimate.warnings[0]
    assert "2 groups only" in found.estimate.warnings[1]
    none = scorer.resampled("", 0.5, 5, lambda w: np.full(len(w), np.nan), Beside()).estimate
    assert none.interval is None
    assert none.warnings[0] == "no interval: undefined in most resamples"


# --------------------------------------------------------------------------------- scores of domains


def kt(truth: Sequence[int], p: Sequence[float | None], kind: str | None = "token") -> list[Answered]:
    return [
        Answered(
            Item(
                id=f"k{k}",
                domain="KT",
                source="t",
                answer="right" if y else "wrong",
                group=f"s{k // 2}",
                metadata={"steps": [{"skills": ["Mean"], "correct": y}]},
            ),
            Parsed(None if value is None else "right" if value >= 0.5 else "wrong"),
            None if value is None else (value >= 0.5) == bool(y),
            probability=value if kind else None,
            kind=kind if value is not None else None,
        )
        for k, (y, value) in enumerate(zip(truth, p, strict=True))
    ]


def named(scores: list[Score]) -> dict[str, Score]:
    return {score.name: score for score in scores}


def kt_scores(answers: list[Answered]) -> dict[str, Score]:
    return named(domain_of(answers[0].item).scores(answers, HOW))


def test_a_knower_gets_one_and_a_coin_one_half() -> None:
    rng = random.Random(3)
    truth = [int(rng.random() < 0.65) for _ in range(2000)]
    knower = kt_scores(kt(truth, [0.9 * y + 0.1 * rng.random() for y in truth]))["auc"]
    assert knower.estimate.value == 1.0
    coin = kt_scores(kt(truth, [rng.random() for _ in truth]))["auc"]
    assert coin.estimate.value == pytest.approx(0.5, abs=0.04)
    assert coin.estimate.low is not None
    assert coin.estimate.high is not None
    assert coin.estimate.low < 0.5 < coin.estimate.high
    assert (coin.chance, coin.majority, coin.estimate.n) == (0.5, 0.5, 2000)


def test_kt_says_where_the_probability_is_from() -> None:
    truth, p = [1, 0, 1, 0, 1, 0], [0.9, 0.2, 0.4, 0.6, 0.7, 0.1]
    assert (kt_scores(kt(truth, p))["auc"].note or "").startswith("from token probabilities")
    hard = kt_scores(kt(truth, p, None))["auc"]
    assert (hard.note or "").startswith("from hard answers: balanced accuracy")
    assert hard.estimate.value == pytest.approx((2 / 3 + 2 / 3) / 2)
    mixed = kt(truth[:4], p[:4]) + kt(truth[4:], p[4:], "verbalised")
    assert "mixed probabilities, not on one scale: token in 4, verbalised in 2" in (
        kt_scores(mixed)["auc"].note or ""
    )


def test_kt_answers_without_a_probability_are_left_out_of_auc_and_wrong_in_accuracy() -> None:
    scores = kt_scores(kt([1, 0, 1, 0], [0.9, 0.2, None, 0.1]))
    assert scores["auc"].estimate.n == 3
    assert "1 answer without one left out" in (scores["auc"].note or "")
    assert (scores["accuracy"].estimate.value, scores["accuracy"].estimate.n) == (0.75, 4)
    assert (scores["accuracy"].chance, scores["accuracy"].majority) == (0.5, 0.5)


def test_kt_says_how_many_probabilities_are_from_answers_that_could_not_be_read() -> None:
    answered = kt([1, 0, 1, 0], [0.9, 0.2, None, 0.1])
    answered[1] = replace(answered[1], parsed=Parsed(None, why="unread"))
    note = kt_scores(answered)["auc"].note
    assert note == (
        "from token probabilities; 1 of 3 from answers that could not be read; 1 answer without one left out"
    )


def test_kt_auc_is_undefined_where_all_answers_are_alike() -> None:
    auc_score = kt_scores(kt([1, 1, 1], [0.9, 0.2, 0.5]))["auc"]
    assert auc_score.estimate.value is None
    assert auc_score.estimate.why_undefined == "all answers are alike: there is no pair to order"


def essays(truth: Sequence[int], said: Sequence[int | None], group: str = "e{}") -> list[Answered]:
    return [
        Answered(
            Item(
                id=f"e{k}",
                domain="AES",
                source="t",
                answer=str(t),
                group=group.format(k),
                metadata={"scale": [1, 6]},
            ),
            Parsed(None if s is None else str(s)),
            None if s is None else s == t,
        )
        for k, (t, s) in enumerate(zip(truth, said, strict=True))
    ]


def test_essay_scores_by_hand_and_by_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, said = [1, 2, 3, 4, 5, 6, 4, 4], [1, 3, 3, 6, 4, 6, 4, None]
    scores = named(domain_of(essays(truth, said)[0].item).scores(essays(truth, said), HOW))
    read = [(t, s) for t, s in zip(truth, said, strict=True) if s is not None]
    wanted = metrics.cohen_kappa_score(
        *zip(*read, strict=True), weights="quadratic", labels=[1, 2, 3, 4, 5, 6]
    )
    assert scores["qwk"].estimate.value == pytest.approx(wanted)
    assert (scores["qwk"].estimate.n, scores["qwk"].chance, scores["qwk"].majority) == (7, 0, 0)
    assert "1 of 8 could not be read" in (scores["qwk"].note or "")
    assert scores["exact"].estimate.value == 4 / 8
    assert scores["adjacent"].estimate.value == 6 / 8
    assert scores["mae"].estimate.value == pytest.approx(4 / 7)
    assert scores["exact"].chance == pytest.approx(1 / 6)
    assert scores["exact"].majority == 3 / 8
    assert scores["adjacent"].chance == pytest.approx((2 + 3 + 3 + 3 + 3 + 2 + 3 + 3) / 8 / 6)
    assert scores["adjacent"].majority == 5 / 8
    assert scores["mae"].majority == pytest.approx((3 + 2 + 1 + 0 + 1 + 2 + 0 + 0) / 8)


def test_essay_scores_where_nothing_could_be_read() -> None:
    answers = essays([3, 4], [None, None])
    scores = named(domain_of(answers[0].item).scores(answers, HOW))
    assert scores["qwk"].estimate.value is scores["mae"].estimate.value is None
    assert scores["qwk"].estimate.why_undefined == "no answer could be read"
    assert scores["exact"].estimate.value == 0


def test_kappa_is_undefined_where_nothing_varies() -> None:
    answers = essays([4, 4, 4], [4, 4, 4])
    qwk = named(domain_of(answers[0].item).scores(answers, HOW))["qwk"]
    assert qwk.estimate.value is None
    assert qwk.estimate.why_undefined == "people or the model always give one and the same score"


MOVES = ("none", "together", "relating", "restating", "revoicing", "accuracy", "reasoning")


def moves(truth: Sequence[str], said: Sequence[str | None], task: str = "move") -> list[Answered]:
    options = MOVES if task == "move" else ("low", "mid", "high")
    return [
        Answered(
            Item(
                id=f"{task}{k}",
                domain="DM",
                source="t",
                task=task,
                answer=t,
                options=options,
                group=f"l{k % 5}",
            ),
            Parsed(s),
            None if s is None else s == t,
        )
        for k, (t, s) in enumerate(zip(truth, said, strict=True))
    ]


def test_move_scores_by_scikit_learn_and_baselines_by_counting() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = random.Random(4)
    truth = rng.choices(MOVES, [60, 12, 3, 3, 4, 14, 4], k=400)
    said: list[str | None] = [t if rng.random() < 0.5 else rng.choice(MOVES) for t in truth]
    answers = moves(truth, said)
    scores = named(domain_of(answers[0].item).scores(answers, HOW))
    assert list(scores) == ["accuracy", "macro_f1"]
    assert scores["accuracy"].estimate.value == pytest.approx(metrics.accuracy_score(truth, said))
    assert scores["macro_f1"].estimate.value == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    constant = ["none"] * len(truth)
    assert scores["accuracy"].majority == metrics.accuracy_score(truth, constant)
    assert scores["macro_f1"].majority == pytest.approx(
        metrics.f1_score(truth, constant, average="macro", zero_division=0)
    )
    guesses = [
        metrics.f1_score(truth * 20, rng.choices(MOVES, k=20 * len(truth)), average="macro") for _ in range(5)
    ]
    assert scores["macro_f1"].chance == pytest.approx(sum(guesses) / 5, abs=0.01)
    assert scores["accuracy"].chance == pytest.approx(1 / 7)


def test_two_tasks_are_scored_apart() -> None:
    answers = moves(["none", "none"], ["none", "accuracy"]) + moves(["low", "high"], ["low", None], "uptake")
    scores = named(domain_of(answers[0].item).scores(answers, HOW))
    assert list(scores) == ["move accuracy", "move macro_f1", "uptake accuracy", "uptake macro_f1"]
    assert scores["uptake accuracy"].estimate.value == 0.5
    assert scores["uptake accuracy"].estimate.n == 2


def test_choice_scores_weigh_chance_by_the_number_of_options() -> None:
    answers = [
        Answered(
            Item(id=f"q{k}", domain="SK", source="t", answer=a, options=tuple("xyzwv"[:n]), group=f"g{k}"),
            Parsed(s),
            None if s is None else s == a,
        )
        for k, (n, a, s) in enumerate([(4, "A", "A"), (4, "B", "C"), (5, "B", None), (3, "C", "C")])
    ]
    (score,) = domain_of(answers[0].item).scores(answers, HOW)
    assert (score.name, score.estimate.value, score.estimate.n) == ("accuracy", 0.5, 4)
    assert score.chance == pytest.approx((1 / 4 + 1 / 4 + 1 / 5 + 1 / 3) / 4)
    assert score.majority == 0.5


@pytest.mark.parametrize("domain", domain_names())
def test_no_answers_give_no_score_and_no_error(domain: str) -> None:
    item = Item(id="x", domain=domain, source="t", answer="A", group="g")
    scores = domain_of(item).scores([], HOW)
    assert scores
    assert {(score.estimate.value, score.estimate.why_undefined) for score in scores} == {
        (None, "no answers")
    }
