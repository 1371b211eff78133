"""Noise from tallies of shards is noise from the codings themselves."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from pedagogy_r1.codebook import Codebook, load_codebook, parse_codebook
from pedagogy_r1.estimate import Resampling
from pedagogy_r1.runs.run_columns import RunColumns
from pedagogy_r1.runs.tally import add_up, tally
from pedagogy_r1.tokens.corpus_noise import corpus_noise
from pedagogy_r1.tokens.noise import Codes, NoiseTokens, noise_families, noise_share, noise_tokens

from ..corpus_columns import deep, random_columns, same, shards
from ..make_runs import BOOK

HOW = Resampling(seed=2)


def one_by_one(columns: RunColumns, coder: int) -> list[NoiseTokens]:
    units, codings = columns.units.to_pylist(), columns.codings.to_pylist()
    tokens, codes = defaultdict[str, list[int]](list), defaultdict[str, list[Codes]](list)
    for coding in (coding for coding in codings if coding["coder"] == coder):
        unit = units[coding["unit"]]
        trace = columns.traces["id"][unit["trace"]].as_py()
        tokens[trace].append(unit["tokens"])
        codes[trace].append(columns.patterns[coding["pattern"]] if coding["pattern"] >= 0 else None)
    families = noise_families(columns.book)
    return [noise_tokens(t, tokens[t], codes[t], families, tokens=sum(tokens[t])) for t in tokens]


@pytest.mark.parametrize("book", [load_codebook("schoen"), parse_codebook(BOOK)])
@pytest.mark.parametrize("per", [1, 3])
def test_every_share(book: Codebook, per: int) -> None:
    columns = random_columns(book, {"A": "human", "cues": "machine"}, traces=60, units=15)
    whole, families = add_up(map(tally, shards(columns, [20, 20]))), noise_families(book)
    clusters = np.arange(60) // per
    for coder, name in enumerate(("A", "cues")):
        rows = one_by_one(columns, coder)
        names = [str(clusters[int(row.trace_id[1:])]) for row in rows]
        wanted = noise_share(rows, families, HOW, clusters=names, over="items")
        found = corpus_noise(whole, name, families, HOW, clusters=clusters, over="items")
        assert (found.strict.value is None) == (book.id == "abc")
        assert found.traces == len(rows) == wanted.traces
        same(deep(found), deep(wanted))
