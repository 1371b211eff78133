"""Runs over a corpus that are too large to gather: every command adds up their tallies, and says what it says of the codings themselves.

The limit is lowered, so that one small corpus is read both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.agreement import agree
from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.coding.annotate_corpus import annotate_corpus
from pedagogy_r1.errors import RunError
from pedagogy_r1.intake import import_traces
from pedagogy_r1.runs import gathering
from pedagogy_r1.runs.run import CoderRun, restricted
from pedagogy_r1.runs.tally import Tally
from pedagogy_r1.runs.where import Where
from pedagogy_r1.stats import code_table, frequency, table_or_tally, transitions

from .conftest import ROOT
from .corpus_columns import same

Pcode = Callable[..., Result]
DEMO = ROOT / "demo" / "traces.jsonl"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's traces in four shards, coded by two coders."""
    folder = tmp_path_factory.mktemp("study")
    import_traces([DEMO], folder / "corpus", shards=4)
    annotate_corpus(folder / "corpus", folder / "cues", coder="cues")
    annotate_corpus(folder / "corpus", folder / "learned", coder="learned", path="schoen")
    return folder


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, a hundred codings are too many."""
    return lambda: monkeypatch.setattr(gathering, "MOST_GATHERED", 100)


def test_frequencies_and_transitions(study: Path, few: Callable[[], None]) -> None:
    runs = [study / "cues", study / "learned"]
    table = table_or_tally(runs)
    few()
    tally = table_or_tally(runs)
    assert isinstance(tally, Tally) and not isinstance(table, Tally)
    kinds: list[dict[str, Any]] = [
        {},
        {"by": ["condition"], "basis": "tokens"},
        {"by": ["domain", "correct"], "which": "any"},
    ]
    for how in kinds:
        same([s.as_row() for s in frequency(tally, **how)], [s.as_row() for s in frequency(table, **how)])
    for coder in ("cues", "learned"):
        found, wanted = (transitions(one, coder=coder, permutations=0) for one in (tally, table))
        same(found.rows(), wanted.rows())


def test_the_study_of_frequencies_prints_the_same(study: Path, pcode: Pcode, few: Callable[[], None]) -> None:
    command = ("analysis", "run", "code_frequency", str(study / "cues"), "--by", "condition")
    gathered = pcode(*command).output
    few()
    assert pcode(*command).output == gathered
    assert "IA-SQ" in gathered


def test_too_many_codings_are_never_gathered_by_the_way(
    study: Path, tmp_path: Path, few: Callable[[], None]
) -> None:
    flat = annotate(DEMO, tmp_path / "flat", coder="cues")
    few()
    run = CoderRun(study / "cues")
    with pytest.raises(RunError, match="A table of all codings needs all codings in memory"):
        code_table([run])
    with pytest.raises(RunError, match="flat is not over the corpus"):
        agree([run, flat])
    part = restricted([run], Where.parse(["condition=cop"]))
    with pytest.raises(RunError, match="only some of its traces are asked for"):
        table_or_tally(part)
    assert len(code_table([flat])) > 100
    one = run.of_shard(0)
    assert gathering.codings_of_corpora([one]) < gathering.codings_of_corpora([run])
