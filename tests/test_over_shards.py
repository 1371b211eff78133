"""Runs over a corpus that are too large to gather: every command adds up their tallies, and says what it says of the codings themselves.

The limit is lowered, so that one small corpus is read both ways.
"""

from __future__ import annotations

import csv
import html
import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.agreement import agree
from pedagogy_r1.agreement.corpus_agreement import reliability_of_tally
from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.coding.annotate_corpus import annotate_corpus
from pedagogy_r1.errors import RunError
from pedagogy_r1.intake import import_traces
from pedagogy_r1.report import ReportSettings, make_report, open_study
from pedagogy_r1.report.report_record import plain, record_of
from pedagogy_r1.report.sections.coder_agreement import agreement_section
from pedagogy_r1.report.sections.corrections import measure_corrections
from pedagogy_r1.report.sections.frequencies import frequency_section, measure_frequency
from pedagogy_r1.report.sections.noise_share import measure_noise, noise_section
from pedagogy_r1.report.study_agreement import agreement_tables, measure_agreement
from pedagogy_r1.runs import gathering
from pedagogy_r1.runs.run import CoderRun, restricted
from pedagogy_r1.runs.run_columns import read_columns
from pedagogy_r1.runs.tally import Tally, tally
from pedagogy_r1.runs.where import Where
from pedagogy_r1.stats import code_table, frequency, table_or_tally, transitions
from pedagogy_r1.supplement.rebuilt import compare, make_again

from .conftest import ROOT
from .corpus_columns import same
from .make_runs import make_run

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
    added = table_or_tally(runs)
    assert isinstance(added, Tally)
    assert not isinstance(table, Tally)
    kinds: list[dict[str, Any]] = [
        {},
        {"by": ["condition"], "basis": "tokens"},
        {"by": ["domain", "correct"], "which": "any"},
    ]
    for how in kinds:
        same([s.as_row() for s in frequency(added, **how)], [s.as_row() for s in frequency(table, **how)])
    for coder in ("cues", "learned"):
        found, wanted = (transitions(one, coder=coder, permutations=0) for one in (added, table))
        same(found.rows(), wanted.rows())


@pytest.mark.parametrize("command", [("code_frequency", "--by", "condition"), ("noise",)])
def test_studies_print_the_same(
    command: tuple[str, ...], study: Path, pcode: Pcode, few: Callable[[], None]
) -> None:
    name, *more = command
    gathered = pcode("analysis", "run", name, str(study / "cues"), *more)
    few()
    assert pcode("analysis", "run", name, str(study / "cues"), *more).output == gathered.output
    assert gathered.exit_code == 0
    assert "cues" in gathered.output


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
        assert len(got) > 14
        assert got == rows(tmp_path / "file" / f"{name}.csv")


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
    assert "is not the corpus that" in told.stderr
    told = pcode("tokens", study / "corpus", study / "cues", "--tokenizer", "some.json")
    assert "spaCy's" in told.stderr
    told = pcode("tokens", study / "corpus", study / "cues", "--where", "domain=SK")
    assert "only some of its traces are asked for" in told.stderr


def report(folder: Path, *runs: Path) -> dict[str, Any]:
    """What is recorded of a report: its sentences, and the numbers of all its tables."""
    found = make_report(runs, ReportSettings(by="domain", replicates=40))
    return record_of(found, folder).model_dump(mode="json")


LEFT_OUT = "codings over a corpus, and are added up shard by shard. What is made from single units or texts is left out: quotes, co-occurrence and position of codes, comparisons with their permutations, corrected shares, chosen traces, and tests of putting a machine in a person's place."
WHY = "made from single units, which of so many codings over a corpus are not gathered: these are added up shard by shard"
SINGLE_UNITS = ("cooccurrence", "position", "contrast_", "multiverse_")
"""What tables are called that no tally gives."""


def test_a_report_of_too_many_codings_has_the_same_tables(
    study: Path, tmp_path: Path, few: Callable[[], None]
) -> None:
    runs = (study / "cues", study / "learned")
    wanted = report(tmp_path, *runs)
    few()
    found = report(tmp_path, *runs)
    assert (wanted["added_up"], found["added_up"]) == (False, True)
    left = wanted["tables"].keys() - found["tables"].keys()
    assert left == {name for name in wanted["tables"] if name.startswith(SINGLE_UNITS)}
    moves = (one["tables"]["transitions"] for one in (found, wanted))
    for table in moves:  # of which p is normal, not shuffled
        del table["note"]
        for row in table["rows"]:
            del row["p"], row["p_family"]
    for name, table in found["tables"].items():
        same(table, wanted["tables"][name], name)
    for name, caption in found["figures"].items():
        assert caption == wanted["figures"][name]
    same(found["answers"][:2], wanted["answers"][:2])
    assert found["answers"][2]["short"] == f"Not known: comparisons are {WHY}."
    gaps = {gap["what"]: gap["why"] for section in found["sections"] for gap in section["gaps"]}
    for what in (
        "Differences between conditions, models, and right and wrong answers",
        "Co-occurrence and position of the codes",
        "Disagreements, quoted",
    ):
        assert gaps[what] == WHY


def test_what_a_report_of_too_many_codings_cannot_have(
    study: Path, pcode: Pcode, tmp_path: Path, few: Callable[[], None]
) -> None:
    few()
    command = ("report", str(study / "cues"), "-o", str(tmp_path / "out"))
    for more, why in (
        (("--contrast", "condition:cop:generic"), "--contrast cannot be had"),
        (("--by", "metadata.grade"), "has no field 'metadata.grade'"),
        (("--where", "domain=SK"), "A report needs all codings in memory"),
    ):
        told = pcode(*command, *more)
        assert told.exit_code == 2
        assert why in " ".join(told.stderr.split())
    whole = tmp_path / "study"
    shutil.copytree(study, whole)
    assert pcode("report", str(whole / "cues"), "-o", str(whole / "report")).exit_code == 0
    page = html.unescape((whole / "report" / "report.html").read_text(encoding="utf-8"))
    assert f"These runs hold 261 {LEFT_OUT}" in page
    assert {"frequency.svg", "transitions.svg", "noise.svg"} <= {
        p.name for p in (whole / "report/figures").iterdir()
    }
    record, again = make_again(whole / "report")
    assert compare(whole / "report", record, again).differences == ()
    told = pcode("archive", str(whole), "-o", str(tmp_path / "study.zip"))
    assert told.exit_code == 2
    assert "was added up from the shards" in " ".join(told.stderr.split())


def test_people_in_a_tally(tmp_path: Path) -> None:
    """People beside a machine: agreement by group, people's confusions and coverage are those of the units."""
    rng = random.Random(3)
    codes: list[Any] = ["A", "B", "C", (), ("A", "B"), None]
    values: dict[str, Sequence[Any]] = {
        name: rng.choices(codes, (8, 4, 2, 1, 2, 1), k=480) for name in ("Ann", "Bob", "Cy", "llm")
    }
    run = make_run(tmp_path / "run", values, machines=["llm"], per_trace=12)
    units = open_study([run], ReportSettings(replicates=0))
    whole = tally(read_columns([run]))
    added = replace(units, table=whole, data=reliability_of_tally(whole), _measured={})
    assert added.humans == units.humans
    for measure, show in (
        (measure_agreement, agreement_tables),
        (measure_frequency, lambda *both: frequency_section(*both).tables),
        (measure_noise, lambda *both: noise_section(*both).tables),
    ):
        wanted, found = ({t.name: t.rows for t in show(one, one.once(measure))} for one in (units, added))
        same(plain(found), plain(wanted))
        assert {
            "human_machine",
            "confusion_people",
            "fidelity",
        } <= wanted.keys() or show is not agreement_tables
    for name in added.data.names:
        for count in ("coded", "asked", "traces_coded"):
            assert getattr(added, count)(name) == getattr(units, count)(name)
    assert added.reference is not None
    assert units.reference is not None
    assert (added.reference.ties, added.tokens) == (units.reference.ties, units.tokens)
    why = [gap.why for gap in agreement_section(added, added.once(measure_agreement)).gaps]
    assert WHY in why
    assert measure_corrections(added).why == f"the correction is {WHY}"
