"""Tables for network analysis, and that readers of this kind of table take them as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

from pedagogy_r1 import export_runs
from pedagogy_r1.errors import CodebookError, InputError
from pedagogy_r1.runs.run import CoderRun

from ..make_runs import BOOK, book, make_run

Pcode = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> CoderRun:
    return make_run(
        tmp_path / "run",
        {"X": ["A", ("B", "C"), None, "A", "C", ()], "Y": ["A", "B", "B", "A", "C", "C"]},
    )


def test_ena_has_a_row_a_coded_unit_and_a_column_a_code(run: CoderRun, tmp_path: Path) -> None:
    assert export_runs([run.folder], tmp_path / "ena.csv", for_="ena") == 11
    table = pd.read_csv(tmp_path / "ena.csv")
    own = table[table["coder"] == "X"]
    assert own[["A", "B", "C"]].to_numpy().tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]]
    # The third unit is missing: the conversation ends there, so that no window reaches across.
    assert own["conversation"].tolist() == ["X t0 1", "X t0 1", "X t0 2", "X t1 1", "X t1 1"]
    assert own["unit_index"].tolist() == [0, 1, 3, 0, 1]
    assert set(table["condition"]) == {"cop"}


def test_tna_has_a_row_a_sequence(run: CoderRun, tmp_path: Path) -> None:
    assert export_runs([run.folder], tmp_path / "tna.csv", for_="tna") == 4
    table = pd.read_csv(tmp_path / "tna.csv", keep_default_na=False, na_values=[""])
    states = table[table["coder"] == "X"][["T1", "T2", "T3", "T4"]].astype(object)
    assert states.where(states.notna(), None).to_numpy().tolist() == [
        ["A", "B", None, "A"],
        ["C", "none", None, None],
    ]
    assert [name for name in table if name.startswith("T")] == ["T1", "T2", "T3", "T4"]


def test_a_coder_of_one_name_in_two_runs_is_two_where_they_coded_the_same_units(tmp_path: Path) -> None:
    codes = {"a": ["A", None, "B", "A"], "b": ["B", "B", "C", "A"]}
    runs = [make_run(tmp_path / name, {"X": said}).folder for name, said in codes.items()]
    export_runs(runs, tmp_path / "ena.csv", for_="ena")
    table = pd.read_csv(tmp_path / "ena.csv")
    assert set(table["coder"]) == {"X@a", "X@b"}
    own = table[table["coder"] == "X@b"]
    assert own["conversation"].tolist() == ["X@b t0 1"] * 4
    assert not set(own["conversation"]) & set(table[table["coder"] == "X@a"]["conversation"])
    export_runs(runs, tmp_path / "tna.csv", for_="tna")
    assert pd.read_csv(tmp_path / "tna.csv")["coder"].tolist() == ["X@a", "X@b"]


def test_a_coder_who_shared_a_trace_out_over_two_runs_is_one_with_two_conversations(tmp_path: Path) -> None:
    codes = {"a": ["A", "B", None, None], "b": [None, None, "C", "A"]}
    runs = [make_run(tmp_path / name, {"X": said}).folder for name, said in codes.items()]
    export_runs(runs, tmp_path / "ena.csv", for_="ena")
    table = pd.read_csv(tmp_path / "ena.csv")
    assert table["conversation"].tolist() == ["X t0 1", "X t0 1", "X t0 2", "X t0 2"]


def test_code_names_are_names_in_r(tmp_path: Path) -> None:
    text = BOOK.replace("id: A,", "id: A-1,").replace("id: B,", "id: text,")
    made = make_run(tmp_path / "r", {"X": ["A-1", "text"]}, codebook=book(text))
    export_runs([made.folder], tmp_path / "out.csv", for_="ena")
    table = pd.read_csv(tmp_path / "out.csv")
    assert table[["A_1", "text_", "C"]].to_numpy().tolist() == [[1, 0, 0], [0, 1, 0]]


def test_the_command_and_what_it_refuses(run: CoderRun, tmp_path: Path, pcode: Pcode) -> None:
    for suffix in (".jsonl", ".parquet", ".xlsx", ".csv"):
        done = pcode("export", run.folder, "--for", "tna", "-o", tmp_path / f"out{suffix}")
        assert done.exit_code == 0, done.stderr
    assert list(pd.read_parquet(tmp_path / "out.parquet")) == list(pd.read_csv(tmp_path / "out.csv"))
    other = make_run(
        tmp_path / "other", {"Z": ["A"] * 6}, codebook=book(BOOK.replace("id: abc", "id: other"))
    )
    with pytest.raises(CodebookError, match="was coded under"):
        export_runs([run.folder, other.folder], tmp_path / "two.csv", for_="ena")


def test_pyena_takes_it(run: CoderRun, tmp_path: Path) -> None:
    pyena = pytest.importorskip("pyena")
    export_runs([run.folder], tmp_path / "ena.csv", for_="ena")
    table = pd.read_csv(tmp_path / "ena.csv").rename(columns={"unit_index": "turn"})
    table["who"] = table["coder"] + " " + table["trace_id"]
    model = pyena.ENA(
        codes=["A", "B", "C"], unit_col="who", conversation_col="conversation", group_col="coder"
    ).fit(table)
    found = dict(zip(model.unit_ids_, model.av_.tolist(), strict=True))
    # A–B, A–C, B–C: the A behind the missing unit meets nobody.
    assert found == {"X t0": [1, 1, 1], "Y t0": [3, 0, 0], "X t1": [0, 0, 0], "Y t1": [0, 0, 0]}


def test_tnapy_takes_it(run: CoderRun, tmp_path: Path) -> None:
    tna = pytest.importorskip("tna")
    export_runs([run.folder], tmp_path / "tna.csv", for_="tna")
    table = pd.read_csv(tmp_path / "tna.csv", keep_default_na=False, na_values=[""])
    model = tna.tna(table, cols=[name for name in table if name.startswith("T")])
    weights = pd.DataFrame(model.weights, index=model.labels, columns=model.labels)
    # A→B three times (X t0, Y t0) and never across the missing unit; C→C once, C→none once.
    assert weights.loc["A", "B"] == 1
    assert weights.loc["C", "none"] == weights.loc["C", "C"] == 0.5


def test_a_code_named_where_has_a_column_of_its_own(tmp_path: Path, pcode: Pcode) -> None:
    """The column ``where`` says to which traces the table is restricted."""
    named = book(BOOK.replace("id: A,", "id: where,"))
    run = make_run(tmp_path / "run", {"X": ["where", "B"]}, codebook=named).folder
    out = tmp_path / "ena.csv"
    assert pcode("export", run, "--for", "ena", "--where", "domain=SK", "-o", out).exit_code == 0
    table = pd.read_csv(out)
    assert table["where_"].tolist() == [1, 0]
    assert set(table["where"]) == {"only the traces with domain=SK are taken: 1 of 1"}


def test_a_code_that_r_reads_as_missing_is_no_state_of_a_sheet(tmp_path: Path) -> None:
    named = book(BOOK.replace("id: A,", "id: NA,"))
    run = make_run(tmp_path / "run", {"X": ["NA", "B"]}, codebook=named)
    with pytest.raises(InputError, match="has a code NA, which R reads as missing"):
        export_runs([run], tmp_path / "tna.csv", for_="tna")
    export_runs([run], tmp_path / "tna.parquet", for_="tna")
    assert pd.read_parquet(tmp_path / "tna.parquet")["T1"].tolist() == ["NA"]
