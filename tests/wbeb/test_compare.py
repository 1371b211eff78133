"""``pcode wbeb compare``: paired differences over shared items, thought tokens, conditions, the published numbers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from pedagogy_r1.errors import InputError, RunError
from pedagogy_r1.estimate import Estimate, Resampling
from pedagogy_r1.wbeb.compare import compare, thinking
from pedagogy_r1.wbeb.comparison_table import PUBLISHED, commands, markdown, scores_table
from pedagogy_r1.wbeb.domain import Answered, Parsed
from pedagogy_r1.wbeb.evaluation import answered
from pedagogy_r1.wbeb.generate import generate
from pedagogy_r1.wbeb.generation import Generation
from pedagogy_r1.wbeb.item import Item

from ..fake_openai import Call, FakeOpenAI, Said
from ..wbeb_items import all_domains, choice, number_of, step, thinker

HOW = Resampling(400, 1)


def run(
    folder: Path, items: Sequence[Item], answer: Callable[[Call], Said] = thinker, **options: Any
) -> Path:
    given = {"model": "openai:fake", "condition": "cop", "backoff": 0.01, "retries": 0} | options
    with FakeOpenAI(answer=answer) as server:
        generate(items, folder, base_url=server.url, **given)
    return folder


def says(correct: Callable[[int], bool]) -> Callable[[Call], Said]:
    """Right where ``correct`` of the number in the question says so."""

    def answer(call: Call) -> Said:
        number = int(call.user.split("What is ")[1].split(" ")[0])
        return Said(
            f"Answer: {'B' if correct(number) else 'C'}", "thinking " * (10 if correct(number) else 30)
        )

    return answer


def test_a_difference_is_that_of_the_scores_and_its_interval_is_paired(tmp_path: Path) -> None:
    items = [choice(n) for n in range(80)]
    base = run(tmp_path / "base", items, says(lambda n: n % 2 == 0), model="openai:base")
    better = run(tmp_path / "better", items, says(lambda n: n % 2 == 0 or n % 10 == 1), model="openai:better")
    found = compare([base, better], how=HOW)
    (d,) = found.differences
    assert (d.run, d.base, d.domain, d.score, d.estimate.n) == (
        "better · cop",
        "base · cop",
        "SK",
        "accuracy",
        80,
    )
    assert d.estimate.value == pytest.approx(0.1)
    assert d.estimate.low is not None
    assert d.estimate.high is not None
    # By hand: resample the groups of the items' own differences.
    ours, theirs = (answered(Generation(f))["SK", None] for f in (better, base))
    by_group: dict[str, list[float]] = {}
    for a, b in zip(ours, theirs, strict=True):
        by_group.setdefault(a.item.group, []).append(float(bool(a.correct)) - float(bool(b.correct)))
    sums, sizes = np.array([sum(v) for v in by_group.values()]), np.array([len(v) for v in by_group.values()])
    weight = np.random.default_rng(5).multinomial(len(sums), [1 / len(sums)] * len(sums), 4000)
    low, high = np.quantile((weight @ sums) / (weight @ sizes), (0.025, 0.975))
    assert (d.estimate.low, d.estimate.high) == (
        pytest.approx(low, abs=0.015),
        pytest.approx(high, abs=0.015),
    )
    assert d.estimate.clusters == len(by_group) < 80
    # Two independent samples would have given a far wider one.
    assert d.estimate.high - d.estimate.low < 0.7 * 2 * 1.96 * np.sqrt(0.25 / 80 * 2)


def test_a_run_against_itself_differs_by_nothing_in_every_domain(tmp_path: Path) -> None:
    items = all_domains(24)
    a = run(tmp_path / "a", items, probabilities=True)
    b = run(tmp_path / "b", items, probabilities=True, name="twin")
    found = compare([a, b], how=HOW)
    assert {(d.domain, d.score) for d in found.differences} >= {
        ("SK", "accuracy"), ("KT", "auc"), ("KT", "accuracy"), ("AES", "qwk"), ("AES", "mae"), ("DM", "macro_f1"),
    }  # fmt: skip
    assert all(
        (d.estimate.value, d.estimate.low, d.estimate.high) == (0.0, 0.0, 0.0) for d in found.differences
    )


def test_all_scores_have_paired_intervals(tmp_path: Path) -> None:
    items = all_domains(30)
    a = run(tmp_path / "a", items, condition="generic", probabilities=True)
    b = run(tmp_path / "b", items, condition="cop", probabilities=True)
    found = compare([a, b], how=HOW)
    for d in found.differences:
        assert d.estimate.value is not None, d
        assert d.estimate.low is not None, d
        assert d.estimate.high is not None, d
        assert d.estimate.low <= d.estimate.value <= d.estimate.high, d
    estimates = {(c.run, c.domain, s.name): s.estimate.value for c in found.cells for s in c.scores}
    for d in found.differences:
        ours, theirs = (estimates[name, d.domain, d.score] for name in (d.run, d.base))
        assert d.estimate.value == pytest.approx(ours - theirs)


def test_conditions_of_one_model_are_contrasted_cop_first(tmp_path: Path) -> None:
    items = [choice(n) for n in range(60)]
    folders = [
        run(tmp_path / f"{model}-{condition}", items, model=f"openai:{model}", condition=condition)
        for model, condition in (("m", "generic"), ("m", "cop"), ("other", "generic"))
    ]
    found = compare(folders, how=HOW)
    assert [(d.run, d.base) for d in found.conditions] == [("m · cop", "m · generic")]
    assert [(d.run, d.base) for d in found.differences] == [
        ("m · cop", "m · generic"),
        ("other · generic", "m · generic"),
    ]
    against_cop = compare(folders, base=str(folders[1]), how=HOW)
    assert {d.base for d in against_cop.differences} == {"m · cop"}
    lines = commands(found)
    assert lines[0] == f"pcode annotate {folders[1]}/traces.jsonl -o {folders[1]}/coded"
    assert lines[2].endswith("-o report --contrast condition:cop:generic")


def test_only_shared_items_are_compared_and_it_is_said(tmp_path: Path) -> None:
    some, more = [choice(n) for n in range(10, 40)], [choice(n) for n in range(30)]
    a = run(tmp_path / "a", some, says(lambda n: n >= 30), model="openai:a")
    b = run(
        tmp_path / "b", [*more, *(step(n) for n in range(5))], _both(says(lambda n: n < 20)), model="openai:b"
    )
    found = compare([a, b], how=HOW)
    sk, kt = found.shared
    assert (sk.items, sk.answered) == (20, {"a · cop": 30, "b · cop": 30})
    (d,) = found.differences  # 0 of 20 against 10 of 20
    assert (d.estimate.value, d.estimate.n) == (0.5, 20)
    assert "SK: 20 items are shared" in found.notes[0]
    assert (kt.items, list(kt.answered)) == (5, ["b · cop"])
    assert any("only b · cop has answers" in note for note in found.notes)


def _both(letters: Callable[[Call], Said]) -> Callable[[Call], Said]:
    return lambda call: thinker(call) if "right or wrong" in call.user else letters(call)


def test_runs_that_share_nothing_or_disagree_about_items(tmp_path: Path) -> None:
    a = run(tmp_path / "a", [choice(1), choice(2)], says(lambda n: True))
    b = run(tmp_path / "b", [choice(8)], says(lambda n: True), name="b")
    found = compare([a, b], how=HOW)
    assert found.shared[0].items == 0
    assert (found.cells, found.differences) == ((), ())
    other = choice(1).model_copy(update={"answer": "A"})
    c = run(tmp_path / "c", [other], says(lambda n: True), name="c")
    with pytest.raises(InputError, match="'sk-test-1' is another one"):
        compare([a, c])
    with pytest.raises(RunError, match="twice"):
        compare([a, tmp_path / "b" / ".." / "a"])
    with pytest.raises(RunError, match="holds no answers"):
        compare([tmp_path])
    with pytest.raises(ValueError, match="no run is named 'nobody'"):
        compare([a], base="nobody")


def test_an_undefined_score_makes_an_undefined_difference(tmp_path: Path) -> None:
    items = [step(1), step(3)]  # both right: there is no pair to order
    a = run(tmp_path / "a", items)
    b = run(tmp_path / "b", items, name="b")
    auc = next(d for d in compare([a, b], how=HOW).differences if d.score == "auc")
    assert (auc.estimate.value, auc.estimate.low, auc.estimate.high) == (None, None, None)
    assert "alike" in (auc.estimate.why_undefined or "")


def test_wrong_answers_cost_more_thought(tmp_path: Path) -> None:
    folder = run(tmp_path / "a", [choice(n) for n in range(60)], says(lambda n: n % 3 > 0))
    (t,) = compare([folder], how=HOW).thinking
    assert (t.n_right, t.n_wrong, t.cut) == (40, 20, 0)
    assert t.estimate.value is not None
    assert 2 < t.estimate.value < 4
    assert t.estimate.interval is None, (
        "every wrong answer took the same thought: nothing varies between groups"
    )
    assert "it stays the same" in t.estimate.warnings[0]
    assert t.whole_ratio == t.estimate.value


def test_thought_ratio_by_hand() -> None:
    def one(n: int, tokens: int, right: bool | None, cut: bool = False) -> Answered:
        return Answered(choice(4 * n), Parsed("B" if right else None), right, cut, tokens + 5, thought=tokens)

    some = [one(0, 120, True), one(1, 160, True), one(2, 200, False), one(3, 1000, None, True)]
    t = thinking("m", "SK", some, HOW)
    assert (t.right, t.wrong, t.estimate.value) == (140, 600, pytest.approx(600 / 140))
    assert (t.n_right, t.n_wrong, t.cut) == (2, 2, 1)
    assert t.whole_ratio == pytest.approx(200 / 140)
    assert thinking("m", None, some[:2], HOW).estimate.why_undefined == "every answer is right"
    assert thinking("m", None, some[2:], HOW).estimate.why_undefined == "no answer is right"


def test_published_numbers_are_the_paper_s() -> None:
    assert {(p.model, p.domain): (p.low, p.high, p.derived) for p in PUBLISHED} == {
        ("Pedagogy-R1-7B", "SK"): (0.2720, 0.2720, False),
        ("Pedagogy-R1-7B", "PK"): (0.3167, 0.3167, False),
        ("Pedagogy-R1-7B", "KT"): (0.5499, 0.5499, False),
        ("Pedagogy-R1-7B", "AES"): (0.1583, 0.1583, False),
        ("Pedagogy-R1-7B", "DM"): (0.5476, 0.5476, False),
        ("Pedagogy-R1-1.5B", "SK"): (0.24, 0.27, False),
        ("Pedagogy-R1-1.5B", "PK"): (0.3060, 0.3060, False),
        ("Pedagogy-R1-1.5B", "KT"): (0.5257, 0.5257, False),
        ("Qwen2.5-7B-Instruct", "SK"): (0.2969, 0.2969, False),
        ("Qwen2.5-7B-Instruct", "PK"): (0.2518, 0.2518, True),
        ("Qwen2.5-7B-Instruct", "AES"): (0.0708, 0.0708, True),
        ("Qwen2.5-7B-Instruct", "DM"): (0.2342, 0.2342, True),
        ("o4-mini", "SK"): (0.4596, 0.4596, False),
        ("DKT", "KT"): (0.7755, 0.7755, False),
        ("AKT", "KT"): (0.7931, 0.7931, False),
    }
    shown = {(p.model, p.domain): str(p) for p in PUBLISHED}
    assert shown["Pedagogy-R1-1.5B", "SK"] == ".24–.27"
    assert shown["Qwen2.5-7B-Instruct", "PK"] == ".2518*"
    assert shown["Pedagogy-R1-7B", "AES"] == ".1583?"


def test_the_command_writes_tables_and_says_what_is_published(
    tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    items = all_domains(12)
    folders = [run(tmp_path / c, items, condition=c) for c in ("generic", "cop")]
    result = pcode("wbeb", "compare", *folders, "-o", tmp_path / "out", "--replicates", 100)
    assert result.exit_code == 0, result.output + str(result.exception)
    for shown in (
        "fake · cop",
        "published: Pedagogy-R1-7B",
        "arXiv 2505.18467",
        "wrong / right",
        "pcode report",
    ):
        assert shown in result.output
    table = scores_table(compare(folders, how=Resampling(100)))
    titles = [line for line in result.output.splitlines() if "paired over the same items" in line]
    assert len(titles) == 1  # the only difference is that of conditions
    labelled = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert labelled["published: Pedagogy-R1-7B"]["KT auc"] == ".5499"
    assert labelled["published: Pedagogy-R1-7B"]["KT accuracy"] == ""
    text = (tmp_path / "out" / "compare.md").read_text()
    assert text == markdown(compare(folders, how=Resampling(100)))
    with (tmp_path / "out" / "differences.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["of"] for row in rows} == {"base", "condition"}
    assert set(rows[0]) == {"of", "domain", "task", "score", "run", "base", *Estimate.__dataclass_fields__}
    as_json = json.loads(pcode("wbeb", "compare", *folders, "--json", "--replicates", 100).stdout)
    assert as_json == json.loads((tmp_path / "out" / "compare.json").read_text())
    assert len(as_json["published"]["numbers"]) == 15


def test_an_unfinished_run_is_not_compared(tmp_path: Path) -> None:
    with FakeOpenAI(answer=lambda call: Said("Answer: B", tokens=number_of(call) % 5 + 400)) as server:
        found = generate(
            [choice(n) for n in range(20)], tmp_path / "a", model="openai:m", condition="cop", base_url=server.url,
            max_tokens=10, max_tokens_total=2000, concurrency=1,
        )  # fmt: skip
    assert found.manifest.status == "stopped"
    with pytest.raises(RunError, match="is not finished"):
        compare([tmp_path / "a"])
