"""The table of codes, from runs on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pedagogy_r1.errors import CodebookError, InputError, RunError
from pedagogy_r1.runs.codings_table import COLUMNS
from pedagogy_r1.stats import code_table, of_coder

from ..make_runs import BOOK, book, make_run, of_an_earlier_version, without_sizes


def test_a_row_for_every_unit_and_coder(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"A": ["A", ("B", "C"), (), None, "C"], "m": ["B"] * 5}, machines=["m"])
    table = code_table([run])
    assert tuple(table.columns) == COLUMNS
    human = of_coder(table, "A")
    assert human["codes"].tolist() == [("A",), ("B", "C"), (), None, ("C",)]
    assert human["primary"].tolist()[:3] == ["A", "B", "none"]
    assert human["primary"].isna().tolist() == [False, False, False, True, False]
    assert human["trace_id"].tolist() == ["t0"] * 4 + ["t1"]
    assert human["position"].tolist() == [0.125, 0.375, 0.625, 0.875, 0.5]
    assert human["tokens"].tolist() == [3] * 5
    assert set(human["kind"]) == {"human"}
    assert set(of_coder(table, "m")["kind"]) == {"machine"}


def test_it_equals_what_the_run_yields(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"A": ["A", ("B", "C"), (), None] * 5, "B": [None, "A", "A", ()] * 5})
    table = code_table([run])
    expected = [(c.unit_id, c.coder, c.codes) for c in run.codings()]
    assert list(zip(table["unit_id"], table["coder"], table["codes"], strict=True)) == expected


def test_a_code_that_nobody_used_is_a_category(tmp_path: Path) -> None:
    table = code_table([make_run(tmp_path / "r", {"A": ["A"] * 4})])
    assert list(table["primary"].cat.categories) == ["A", "B", "C", "none"]


def test_a_coder_in_two_runs(tmp_path: Path) -> None:
    one = make_run(tmp_path / "one", {"A": ["A"] * 4})
    other_units = make_run(tmp_path / "two", {"A": ["B"] * 4}, offset=4)
    same_units = make_run(tmp_path / "three", {"A": ["B"] * 4})
    assert set(code_table([one, other_units])["coder"]) == {"A"}
    assert set(code_table([one, same_units])["coder"]) == {"A@one", "A@three"}


def test_lone_surrogates_are_read_line_by_line(tmp_path: Path) -> None:
    run = without_sizes(make_run(tmp_path / "r", {"A": ["A"] * 4}).folder)
    path = run.folder / "units.jsonl"
    path.write_text(path.read_text().replace("Sentence 0.", "Sentence \\ud83d."))
    assert len(code_table([run])) == 4


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    run = without_sizes(make_run(tmp_path / "r", {"A": ["A"] * 4}).folder)
    path = run.folder / "codings.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:-9], *lines[2:]]) + "\n")
    with pytest.raises(InputError, match=r"codings\.jsonl:2"):
        code_table([run])
    path.write_text("\n".join([*lines[:2], json.dumps({"coder": "A", "codes": []}), *lines[3:]]) + "\n")
    with pytest.raises(InputError, match=r"codings\.jsonl:3: no 'unit_id'"):
        code_table([run])


@pytest.mark.parametrize(
    ("change", "says"),
    [({"unit_id": "u0"}, "u0"), ({"coder": "Z"}, "Z"), ({"codes": ["Q"]}, "Q")],
)
def test_strangers_are_refused(tmp_path: Path, change: dict[str, object], says: str) -> None:
    run = without_sizes(make_run(tmp_path / "r", {"A": ["A"] * 4}).folder)
    path = run.folder / "codings.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(lines[0]) | change), *lines[1:]]) + "\n")
    with pytest.raises((RunError, CodebookError), match=f"'{says}'"):
        code_table([run])


def test_runs_that_do_not_go_together(tmp_path: Path) -> None:
    one = make_run(tmp_path / "one", {"A": ["A"] * 4})
    other = make_run(tmp_path / "two", {"B": ["A"] * 4}, codebook=book(BOOK.replace("1.0.0", "1.1.0")))
    with pytest.raises(CodebookError, match="migrate"):
        code_table([one, other])
    with pytest.raises(RunError, match="no run"):
        code_table([])
    with pytest.raises(RunError, match="one is given 2 times"):
        code_table([one, one])
    again = make_run(tmp_path / "again/one", {"A": ["B"] * 4})
    assert set(code_table([one, again])["coder"]) == {f"A@{tmp_path.name}/one", "A@again/one"}


def test_which_coder_must_be_said(tmp_path: Path) -> None:
    table = code_table([make_run(tmp_path / "r", {"Ann": ["A"] * 4, "Bob": ["B"] * 4})])
    with pytest.raises(RunError, match="Ann, Bob"):
        of_coder(table)
    with pytest.raises(RunError, match="did you mean Ann"):
        of_coder(table, "An")


def test_another_text_under_the_same_ids_is_refused(tmp_path: Path) -> None:
    """A unit's id is made of trace id and offsets: as many letters, and every id is the same."""
    run = make_run(tmp_path / "one", {"p": ["A", "B", "A", "C"]}).folder
    other = make_run(tmp_path / "other", {"q": ["A", "B", "A", "C"]}).folder
    same = code_table([run, other])
    assert set(same["coder"]) == {"p", "q"}
    assert len(set(same["unit_id"])) == 4
    lines = (other / "traces.jsonl").read_text().splitlines()
    traces = [json.loads(line) for line in lines]
    traces[0]["reasoning"] = traces[0]["reasoning"].swapcase()
    (other / "traces.jsonl").write_text("".join(json.dumps(trace) + "\n" for trace in traces))
    of_an_earlier_version(other)
    with pytest.raises(InputError, match="other coded another text under the trace id"):
        code_table([run, other])
