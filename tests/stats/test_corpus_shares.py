"""Shares from tallies of shards are shares from the codings themselves."""

from __future__ import annotations

from typing import Any

import pytest

from pedagogy_r1.codebook import parse_codebook
from pedagogy_r1.errors import RunError
from pedagogy_r1.runs.run_columns import frame_of
from pedagogy_r1.runs.tally import add_up, tally
from pedagogy_r1.stats.code_shares import frequency
from pedagogy_r1.stats.corpus_shares import code_shares_of

from ..corpus_columns import random_columns, shards
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
    found, wanted = code_shares_of(WHOLE, by, **how), frequency(TABLE, by, **how)
    assert len(found) == len(wanted) > 0
    for one, other in zip((s.as_row() for s in found), (s.as_row() for s in wanted), strict=True):
        assert list(one) == list(other)
        for name, value in other.items():
            same = pytest.approx(value, rel=1e-12, abs=1e-12) if isinstance(value, float) else value
            assert one[name] == same, (name, other)


def test_strangers() -> None:
    with pytest.raises(RunError, match="no code is named 'D'"):
        code_shares_of(WHOLE, codes=["D"])
    with pytest.raises(RunError, match="no column is named 'grade'"):
        code_shares_of(WHOLE, ["grade"])
    with pytest.raises(RunError, match="as many groups as items"):
        code_shares_of(WHOLE, ["item"])
