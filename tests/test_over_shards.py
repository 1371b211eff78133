"""Runs over a corpus that are too large to gather: every command adds up their tallies, and says what it says of the codings themselves.

The limit is lowered, so that one small corpus is read both ways.
"""

from __future__ import annotations

import csv
import json
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


def tokens(pcode: Pcode, *arguments: object) -> dict[str, Any]:
    """What `pcode tokens` finds, without when and by what."""
    result = pcode("tokens", *map(str, arguments), "--json", "-")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return {name: value for name, value in found.items() if name not in ("made", "versions")}


def rows(path: Path) -> list[list[str]]:
    """Sorted, as a corpus has its traces in another order."""
    with path.open(encoding="utf-8", newline="") as file:
        return sorted(csv.reader(file))


def test_tokens_of_a_corpus_are_those_of_the_file(study: Path, pcode: Pcode, tmp_path: Path) -> None:
    more = ("--by", "condition", "--cluster", "item")
    wanted = tokens(pcode, DEMO, study / "cues", *more, "-o", tmp_path / "file")
    found = tokens(pcode, study / "corpus", study / "cues", *more, "-o", tmp_path / "corpus")
    same(found, {name: wanted[name] for name in found})
    for name in ("traces", "thoughts", "noise", "units"):
        got = rows(tmp_path / "corpus" / f"{name}.csv")
        assert len(got) > 14 and got == rows(tmp_path / "file" / f"{name}.csv")


def test_noise_of_too_many_codings_is_added_up(
    study: Path, pcode: Pcode, tmp_path: Path, few: Callable[[], None]
) -> None:
    given = (study / "corpus", study / "cues", study / "learned", "--by", "domain", "-o")
    wanted = tokens(pcode, *given, tmp_path / "gathered")
    few()
    found = tokens(pcode, *given, tmp_path / "added")
    assert "tallies of the shards" in found["method"].pop("noise_from")
    for report, by_units in ((wanted, True), (found, False)):
        noise = [noise for group in report["groups"] for noise in group["noise"]]
        assert [bool(one.pop("correlation")) for one in noise] == [by_units] * len(noise)
    same(found, wanted)
    assert rows(tmp_path / "added/noise.csv") == rows(tmp_path / "gathered/noise.csv")
    assert not (tmp_path / "added/units.csv").exists()
    printed = pcode("tokens", study / "corpus", study / "cues")
    assert "not held against noise" in " ".join(printed.output.split())
    told = pcode("tokens", DEMO, study / "cues")
    assert told.exit_code == 2 and "is not the corpus that" in told.stderr
    told = pcode("tokens", study / "corpus", study / "cues", "--tokenizer", "some.json")
    assert told.exit_code == 2
    told = pcode("tokens", study / "corpus", study / "cues", "--where", "domain=SK")
    assert told.exit_code == 2 and "only some of its traces are asked for" in told.stderr
