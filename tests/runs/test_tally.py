"""Tallies of shards: their files, their sum, and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.codebook import parse_codebook
from pedagogy_r1.errors import CodebookError, InputError, PedagogyError, RunError
from pedagogy_r1.runs.run_columns import read_columns
from pedagogy_r1.runs.tally import Tally, add_up, tally
from pedagogy_r1.runs.tally_file import read_tally, write_tally

from ..corpus_columns import random_columns, shards
from ..make_runs import BOOK, Value, make_run

ABC = parse_codebook(BOOK)
COLUMNS = random_columns(ABC, {"A": "human", "cues": "machine"}, traces=20, units=6)
WHOLE = tally(COLUMNS, "whole")


def rows(one: Tally) -> list[Any]:
    """By trace, how often who said what, and the tokens; answers in words, in no order."""
    found = []
    said = [tuple(None if a < 0 else one.answers[a] for a in column) for column in one.patterns.T.tolist()]
    for at, trace in enumerate(one.traces.to_pylist()):
        here = slice(*one.units.starts[at : at + 2].tolist())
        counts = zip(one.units.count[here].tolist(), one.tokens.count[here].tolist(), strict=True)
        found.append((trace, dict(zip((said[p] for p in one.units.pattern[here]), counts, strict=True))))
    return found


def test_what_it_holds(tmp_path: Path) -> None:
    values: dict[str, Sequence[Value]] = {
        "A": ["A", "A", ("A", "B"), None, "A", ()],
        "m": ["B", "B", ("A", "B"), "C", "B", "B"],
    }
    one = tally(read_columns([make_run(tmp_path / "run", values, machines=["m"])]))
    assert [coder.name for coder in one.coders] == ["A", "m"]
    first, second = rows(one)
    assert first[0]["id"] == "t0"
    assert first[1] == {
        (("A",), ("B",)): (2, 6),
        (("A", "B"), ("A", "B")): (1, 3),
        ("not sure", ("C",)): (1, 3),
    }
    assert second[1] == {(("A",), ("B",)): (1, 3), ((), ("B",)): (1, 3)}
    assert one.categories == ("A", "B", "C", "none")


def test_the_second_codes_have_no_order(tmp_path: Path) -> None:
    one = tally(
        read_columns([make_run(tmp_path / "run", {"A": [("A", "C", "B"), ("A", "B", "C"), ("B", "A")]})])
    )
    assert rows(one)[0][1] == {(("A", "B", "C"),): (2, 6), (("B", "A"),): (1, 3)}


def test_shards_add_up(tmp_path: Path) -> None:
    parts = [tally(part, f"shard {at}") for at, part in enumerate(shards(COLUMNS, [7, 7, 15]))]
    assert rows(parts[1]) == []
    whole = add_up(parts)
    assert rows(whole) == rows(WHOLE)
    for at, part in enumerate(parts):
        sha256 = write_tally(tmp_path / f"{at}.parquet", part)
        assert sha256 == hashlib.sha256((tmp_path / f"{at}.parquet").read_bytes()).hexdigest()
        again = read_tally(tmp_path / f"{at}.parquet", ABC, sha256)
        assert (rows(again), again.coders, again.answers) == (rows(part), part.coders, part.answers)
    assert rows(add_up(read_tally(tmp_path / f"{at}.parquet", ABC) for at in range(4))) == rows(WHOLE)


def test_only_some_traces() -> None:
    assert rows(WHOLE.where("condition", "cop")) == [
        row for row in rows(WHOLE) if row[0]["condition"] == "cop"
    ]
    assert rows(WHOLE.where("correct", None)) == [row for row in rows(WHOLE) if row[0]["correct"] is None]
    assert rows(WHOLE.where("correct", "false")) == [row for row in rows(WHOLE) if row[0]["correct"] is False]
    assert rows(WHOLE.where("domain", "PE")) == []
    assert WHOLE.values_of("correct") == ["false", "true", None]


def test_shards_that_do_not_belong_together() -> None:
    others = random_columns(ABC, {"A": "human", "llm": "machine"}, traces=3)
    with pytest.raises(
        RunError, match=r"whole was coded by A \(human\), cues \(machine\), and other by A \(human\), llm"
    ):
        add_up([WHOLE, tally(others, "other")])
    other = dataclasses.replace(WHOLE, book=parse_codebook(BOOK.replace("1.0.0", "1.1.0")), name="other")
    with pytest.raises(
        CodebookError, match=r"whole was coded under abc@1\.0\.0#\w+ and other under abc@1\.1\.0"
    ):
        add_up([WHOLE, other])
    one, two = (tally(part, f"shard {at}") for at, part in enumerate(shards(COLUMNS, [7])))
    again = dataclasses.replace(
        two, traces=pa.concat_tables([two.traces.slice(0, 12), WHOLE.traces.slice(3, 1)])
    )
    with pytest.raises(RunError, match="shard 0 and shard 1 both hold trace 't3'"):
        add_up([one, again])
    with pytest.raises(RunError, match="no tally to add up"):
        add_up([])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("tally") / "tally.parquet"
    return path, write_tally(path, WHOLE)


def test_another_file_than_was_recorded(written: tuple[Path, str]) -> None:
    with pytest.raises(RunError, match="holds other bytes than were recorded"):
        read_tally(written[0], ABC, "0" * 64)
    with pytest.raises(
        CodebookError, match=r"tally.parquet was coded under abc@1\.0\.0#\w+, and the corpus under abc@2"
    ):
        read_tally(written[0], parse_codebook(BOOK.replace("1.0.0", "2.0.0")))
    with pytest.raises(InputError, match="no such file"):
        read_tally(written[0].with_name("gone"), ABC)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_refused(written: tuple[Path, str], data: st.DataObject) -> None:
    """With the digest always; without it a damaged file is refused in words, or read as what it says."""
    path, sha256 = written
    sound = path.read_bytes()
    at = data.draw(st.integers(0, len(sound) - 1))
    cut, change = data.draw(st.booleans()), data.draw(st.integers(1, 255))
    broken = path.with_name("broken.parquet")
    broken.write_bytes(sound[:at] if cut else sound[:at] + bytes([sound[at] ^ change]) + sound[at + 1 :])
    with pytest.raises(RunError, match="has changed"):
        read_tally(broken, ABC, sha256)
    found = read_or_why(broken)
    assert "broken.parquet" in (found if isinstance(found, str) else found.name)


def read_or_why(path: Path) -> Tally | str:
    try:
        return read_tally(path, ABC)
    except PedagogyError as error:
        return error.message


Changed = dict[str, Any]
FOUR = [[0] * 4] * 4
FOLLOWED = {"observed": FOUR, "mean": FOUR, "variance": FOUR, "coded": 0, "traces": 0, "broken": 0}


@pytest.mark.parametrize(
    ("columns", "head", "why"),
    [
        ({"pattern": [[0, 0]]}, {}, "a pattern twice in one trace"),
        ({"pattern": [[0, 9]]}, {}, "a pattern that is not there"),
        ({"units": [[0, 1]]}, {}, "fewer units or tokens than none"),
        ({"tokens": [[-1, 1]]}, {}, "fewer units or tokens than none"),
        ({"tokens": [[1]]}, {}, "as many patterns as units and tokens"),
        ({"units": [[1, None]]}, {}, "units that are not there"),
        ({"id": [None]}, {}, "a trace without an id"),
        ({}, {"patterns": [[0, 1]]}, "patterns that do not fit"),
        ({}, {"patterns": [[0, 1], [0]]}, "patterns that do not fit"),
        ({}, {"patterns": [[0, 7], [0, 0]]}, "patterns that do not fit"),
        ({}, {"patterns": [[0, -2], [0, 0]]}, "patterns"),
        ({}, {"answers": [["A"], ["D"]]}, "answers with 'D'"),
        ({}, {"answers": [["A"], ["A"]]}, "an answer twice"),
        ({}, {"more": 1}, "more"),
        ({}, {"follows": []}, "what follows what"),
        ({}, {"follows": [FOLLOWED, FOLLOWED | {"mean": [[0.0]]}]}, "what follows what"),
        ({}, {"follows": [FOLLOWED, FOLLOWED | {"coded": -1}]}, "coded"),
    ],
)  # fmt: skip
def test_a_file_that_contradicts_itself(tmp_path: Path, columns: Changed, head: Changed, why: str) -> None:
    path = tmp_path / "tally.parquet"
    write(path, {}, {})
    assert rows(read_tally(path, ABC))[0][1] == {(("A",), ("A",)): (1, 1), ("late", ("A",)): (1, 1)}
    write(path, columns, head)
    with pytest.raises(InputError, match=why):
        read_tally(path, ABC)


def write(path: Path, columns: Changed, head: Changed) -> None:
    """A tally of one trace with two units, changed."""
    counted = {"pattern": [[0, 1]], "units": [[1, 1]], "tokens": [[1, 1]]}
    texts = {
        name: pa.array(columns.get(name, ["t"]), pa.string())
        for name in ("id", "item", "domain", "condition", "model")
    }
    lists = {
        name: pa.array(columns.get(name, values), pa.list_(pa.int32() if name == "pattern" else pa.int64()))
        for name, values in counted.items()
    }
    coders = [{"name": name, "kind": "machine"} for name in ("cues", "llm")]
    whole = {
        "codebook": ABC.stamp,
        "digest": ABC.digest,
        "coders": coders,
        "answers": [["A"], "late"],
        "patterns": [[0, 1], [0, 0]],
        "follows": None,
    }
    table = pa.table(texts | {"correct": pa.array([True])} | lists)
    pq.write_table(table.replace_schema_metadata({"pcode tally": json.dumps(whole | head)}), path)


def test_not_a_tally_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"id": ["a"]}), path)
    with pytest.raises(InputError, match="no tally of a shard"):
        read_tally(path, ABC)


def test_numbers_too_large_for_a_byte() -> None:
    one = dataclasses.replace(
        WHOLE, tokens=dataclasses.replace(WHOLE.tokens, count=WHOLE.tokens.count.astype(np.int64) + 70_000)
    )
    both = add_up([one, dataclasses.replace(WHOLE.where("domain", "PE"), name="empty")])
    assert both.tokens.count.min() >= 70_000
