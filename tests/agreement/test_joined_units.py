"""What joining fragments and value lines would change, on a run whose joins can be counted by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pedagogy_r1 as pr
from pedagogy_r1.agreement import MISSING, coarser_units, recoding_difference
from pedagogy_r1.agreement.joined_units import gives_a_value, joined, opens
from pedagogy_r1.errors import RunError
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.unit import unitize

REASONING = "Then,\nI add the two numbers first.\nn=5: L\nn=6: W\nSo the answer must be a W."


@pytest.fixture
def coded(tmp_path: Path) -> Path:
    """Two coders on eight traces of five units; B gives the opener another code than what it opens, and doubts it."""
    traces = [pr.Trace(id=f"t{n}", question="q", reasoning=REASONING) for n in range(8)]
    (tmp_path / "traces.jsonl").write_text(
        "".join(t.model_dump_json(exclude_defaults=True) + "\n" for t in traces)
    )
    rows = [["unit_id", "coder", "code", "memo"]]
    for trace in traces:
        for number, unit in enumerate(unitize(trace, "sentence@1")):
            own = ["KA-RO", "KA-RO", "KA-RO", "KA-RO", "KA-CL"][number]
            rows.append([unit.id, "A", own, ""])
            opener = number == 0 and trace.id != "t7"
            rows.append([unit.id, "B", "UT-NF" if opener else own, "UT-NF or KA-RO" if opener else ""])
    with (tmp_path / "codings.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    import_codings(
        [tmp_path / "codings.csv"], tmp_path / "traces.jsonl", tmp_path / "run", codebook="schoen@1.1.0"
    )
    return tmp_path / "run"


def test_what_is_joined_is_counted(coded: Path) -> None:
    found = coarser_units([coded])
    assert (found.units, found.joined, found.left) == (40, 16, 24)
    assert found.alike == {"A": (16, 16), "B": (9, 16)}
    assert found.doubts == pytest.approx((7 / 40, 0.0))
    assert found.doubt.value == pytest.approx(-7 / 40)
    assert found.alpha.second == 1.0
    assert found.alpha.value == pytest.approx(1.0 - (found.alpha.first or 0))
    assert found.shares["KA-CL"][:2] == pytest.approx((16 / 80, 16 / 48))
    tokens = {unit.text: unit.tokens for unit in CoderRun(coded).units()}
    last = tokens["So the answer must be a W."]
    assert found.shares["KA-CL"][2] == pytest.approx(last / sum(tokens.values()))


def test_units_that_are_no_sentences_are_refused(coded: Path, tmp_path: Path) -> None:
    pr.annotate(tmp_path / "traces.jsonl", tmp_path / "lines", codebook="schoen@1.1.0", scheme="paragraph@1")
    with pytest.raises(RunError, match="paragraph@1"):
        coarser_units([tmp_path / "lines"])


def test_each_alpha_is_of_its_own_units() -> None:
    before = np.array([[0, 1, 0, 1] * 4, [0, 1, 1, 1] * 4])
    after = np.where(np.arange(16) % 4 == 2, MISSING, before)
    cluster = np.arange(16) // 4
    merged = recoding_difference(before, after, cluster, 2, merged=True)
    assert merged.first == recoding_difference(before, before, cluster, 2).first
    assert merged.second == 1.0
    assert recoding_difference(before, after, cluster, 2).value == 0.0


@given(st.lists(st.text(max_size=30), max_size=12))
def test_every_unit_is_in_one_step(texts: list[str]) -> None:
    found = joined(texts)
    assert [number for step in found for number in step] == list(range(len(texts)))
    assert all(step for step in found)


@pytest.mark.parametrize("text", ["I add five.", "Yes.", "So it is 4.", "Why?"])
def test_whole_sentences_open_nothing(text: str) -> None:
    assert not opens(text)
    assert not gives_a_value(text)
