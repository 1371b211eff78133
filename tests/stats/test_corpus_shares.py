"""Shares from tallies of shards are shares from the codings themselves."""

from __future__ import annotations

from typing import Any

import pytest

from pedagogy_r1.codebook import parse_codebook
from pedagogy_r1.errors import RunError
from pedagogy_r1.runs.codings_table import frame_of
from pedagogy_r1.runs.tally import add_up, tally
from pedagogy_r1.stats import cooccurrence, frequency, position
from pedagogy_r1.stats.transition import transitions

from ..corpus_columns import random_columns, same, shards
from ..make_runs import BOOK

THREE = {"A": "human", "cues": "machine", "llm": "machine"}
COLUMNS = random_columns(parse_codebook(BOOK), THREE, traces=90, units=20, seed=4)
TABLE = frame_of(COLUMNS)
WHOLE = add_up(tally(one, f"shard {at}") for at, one in enumerate(shards(COLUMNS, [30, 30, 61])))


@pytest.mark.parametrize(
    ("by", "how"),
    [
        ((), {}),
        ((), {"basis": "tokens", "which": "any"}),
        (("condition", "correct"), {"cluster": "trace"}),
        (("domain",), {"basis": "tokens", "codes": ["C", "none"], "interval": "wilson"}),
    ],
)
def test_every_share(by: tuple[str, ...], how: dict[str, Any]) -> None:
    found, wanted = frequency(WHOLE, by, **how), frequency(TABLE, by, **how)
    assert len(found) == len(wanted) > 0
    same([one.as_row() for one in found], [one.as_row() for one in wanted])


def test_strangers() -> None:
    with pytest.raises(RunError, match="no code is named 'D'"):
        frequency(WHOLE, codes=["D"])
    with pytest.raises(RunError, match="no column is named 'grade'"):
        frequency(WHOLE, ["grade"])
    with pytest.raises(RunError, match="as many groups as items"):
        frequency(WHOLE, ["item"])


@pytest.mark.parametrize("self_transitions", [True, False])
def test_what_follows_what(self_transitions: bool) -> None:
    """Of so many units that shuffles are not to be had either way."""
    for coder in THREE:
        wanted = transitions(TABLE, coder=coder, self_transitions=self_transitions, permutations=0)
        found = transitions(WHOLE, coder=coder, self_transitions=self_transitions)
        assert found.n_pairs > 100
        assert found.method == wanted.method + "; the order of the units is not held"
        for name in ("codes", "coder", "n_pairs", "n_traces", "n_broken", "warnings"):
            assert getattr(found, name) == getattr(wanted, name)
        same(found.rows(), wanted.rows())
    with pytest.raises(RunError, match="known of all traces of a corpus together"):
        transitions(WHOLE.where("condition", "cop"), coder="A")


def test_what_needs_every_unit_says_so() -> None:
    for measure in (cooccurrence, position):
        with pytest.raises(RunError, match="needs every unit in its place"):
            measure(WHOLE, coder="A")
