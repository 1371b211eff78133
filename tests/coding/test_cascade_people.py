"""What a coder leaves open goes to people, comes back, and completes the run; and what may then be said of shares."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.agreement import agree, panel
from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.errors import ArgumentError, CodebookError, InputError, PedagogyError, RunError
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.report import ReportSettings, measure_corrections
from pedagogy_r1.report.sections.frequencies import frequency_section, measure_frequency
from pedagogy_r1.report.sections.methods import methods_text
from pedagogy_r1.report.study import Study, open_study
from pedagogy_r1.runs.cascade_stages import PEOPLE, stages_of
from pedagogy_r1.runs.export import export_runs
from pedagogy_r1.runs.run import DEFERRED, CoderRun
from pedagogy_r1.sampling.assignment import Design
from pedagogy_r1.sampling.draw_sample import draw_sample
from pedagogy_r1.sampling.inclusion import read_inclusion

from .cascades import Taught, make_taught
from .test_learned import SAID


def opinion(text: str, coder: str) -> str:
    """What a person says: what the words say, and where they say nothing, B or C; A and B differ on long ones."""
    for code, sayings in SAID.items():
        if any(text.startswith(saying.split("{}")[0]) for saying in sayings):
            return code
    return "C" if coder == "A" and "topic1" in text else "B"


def coded_by_people(packet: Path, run: Path, coders: str = "AB") -> Path:
    """Everybody codes what they were sent."""
    texts = {row["id"]: row["text"] for row in map(json.loads, (packet / "key/units.jsonl").open())}
    rows = [("unit_id", "coder", "code")]
    for coder in coders:
        order = map(json.loads, (packet / coder / "order.jsonl").open())
        rows += [(line["unit_id"], coder, opinion(texts[line["unit_id"]], coder)) for line in order]
    with (packet.parent / f"{run.name}.csv").open("w") as file:
        csv.writer(file).writerows(rows)
    import_codings([packet.parent / f"{run.name}.csv"], None, run, packet=packet)
    return run


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return make_taught(tmp_path_factory.mktemp("cascade"))


@pytest.fixture(scope="module")
def first(taught: Taught, tmp_path_factory: pytest.TempPathFactory) -> CoderRun:
    return annotate(taught.traces, tmp_path_factory.mktemp("first") / "run", **taught.how)


def deferred(run: CoderRun) -> set[str]:
    return {one.unit_id for one in run.codings() if one.missing_reason == DEFERRED}


def sampled(pcode: Callable[..., Any], taught: Taught, first: CoderRun, out: Path, *more: object) -> str:
    found = pcode("sample", taught.traces, "-o", out, "--deferred", first.folder, "--coders", "A,B", *more)
    assert found.exit_code == 0, found.output
    return str(found.output)


def test_all_deferred_units_go_to_people_and_their_codes_complete_the_run(
    taught: Taught, first: CoderRun, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    said = sampled(pcode, taught, first, tmp_path / "packet")
    assert "nobody checks the units that the coder did code" in said
    rows = list(csv.DictReader((tmp_path / "packet/key/sample.csv").open()))
    assert {row["unit_id"] for row in rows} == deferred(first)
    assert {(row["inclusion_probability"], row["drawn"]) for row in rows} == {("1.0", "1")}
    people = coded_by_people(tmp_path / "packet", tmp_path / "people", "A")

    whole = annotate(taught.traces, tmp_path / "whole", **taught.how, then=f"people:{people}")
    before, codes = (
        {c.unit_id: c for c in first.codings()},
        {c.unit_id: c for c in CoderRun(people).codings()},
    )
    for one in whole.codings():
        own = codes[one.unit_id] if one.unit_id in deferred(first) else before[one.unit_id]
        assert one.codes == own.codes
        assert one.stage == (PEOPLE if one.unit_id in deferred(first) else "learned")
    assert whole.manifest.failed == {}
    assert whole.manifest.deferred == 0


def test_where_people_disagree_or_have_not_coded_the_unit_stays_open(
    taught: Taught, first: CoderRun, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    sampled(pcode, taught, first, tmp_path / "packet", "--n", 20)
    people = coded_by_people(tmp_path / "packet", tmp_path / "people")
    words = ["annotate", taught.traces, "-o", tmp_path / "whole", "--coder", f"learned:{taught.coder}"]
    words += ["--error", ".1", "--confidence", ".8", "--then", f"people:{people}"]
    planned = json.loads(pcode(*words, "--dry-run", "--json").stdout)
    found = pcode(*words)
    manifest = CoderRun(tmp_path / "whole").manifest
    differ = manifest.failed["people disagree"]
    assert found.exit_code == 1
    assert "people disagree (adjudicate them" in found.stderr
    assert manifest.deferred == len(deferred(first)) - 20
    assert manifest.stages[PEOPLE] == 20 - differ > 0
    assert f"{manifest.deferred} units are deferred still" in found.output
    assert (planned["coded_by_people"], planned["people_disagree"]) == (20 - differ, differ)
    assert (planned["open_still"], planned["requests"]) == (manifest.deferred, 0)
    for one in CoderRun(tmp_path / "whole").codings():
        if one.missing_reason == "people disagree":
            assert (one.rationale or "").startswith("A: ")


def test_the_others_are_drawn_with_the_probability_that_is_recorded(
    taught: Taught, first: CoderRun, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    assert "nobody checks" not in sampled(pcode, taught, first, tmp_path / "p", "--others", ".1", "--n", 40)
    rows = list(csv.DictReader((tmp_path / "p/key/sample.csv").open()))
    own = [row for row in rows if row["unit_id"] in deferred(first)]
    rest = [row for row in rows if row["unit_id"] not in deferred(first)]
    assert sum(row["drawn"] == "1" for row in own) == 40
    assert {float(row["inclusion_probability"]) for row in own} == {40 / len(own)}
    drawn = sum(row["drawn"] == "1" for row in rest)
    assert drawn == round(0.1 * len(rest))
    assert {float(row["inclusion_probability"]) for row in rest} == {drawn / len(rest)}


def test_whoever_codes_the_units_of_a_run_codes_under_its_codebook(taught: Taught, first: CoderRun) -> None:
    sample = draw_sample(taught.traces, Design(("A",), "units", n=5), units=first.folder)
    assert sample.book.digest == first.codebook.digest


def study_of(runs: list[Path], inclusion: Path | None = None) -> Study:
    given = None if inclusion is None else read_inclusion(inclusion)
    return open_study(runs, ReportSettings(replicates=20, permutations=50, inclusion=given, coder="cascade"))


def test_shares_are_corrected_only_where_all_units_could_be_drawn(
    taught: Taught, first: CoderRun, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    sampled(pcode, taught, first, tmp_path / "packet", "--others", ".3")
    people = coded_by_people(tmp_path / "packet", tmp_path / "people", "A")
    whole = annotate(taught.traces, tmp_path / "whole", **taught.how, then=f"people:{people}")
    runs = [whole.folder, people]
    why = measure_corrections(study_of(runs)).why
    assert why is not None
    assert "codes of cascade are people's own" in why
    found = measure_corrections(study_of(runs, tmp_path / "packet/key/sample.csv"))
    assert found.why is None
    assert found.plan is not None
    assert found.plan.recorded
    truth: dict[str, int] = {}
    for unit in whole.units():
        code = opinion(unit.text, "A")
        truth[code] = truth.get(code, 0) + 1
    for code, corrected in found.prevalence.items():
        low, high = corrected.dsl.interval or (0, 1)
        assert low - 1e-9 <= truth.get(code, 0) / whole.manifest.counts["units"] <= high + 1e-9

    alone = measure_corrections(
        open_study([first.folder, people], ReportSettings(replicates=20, coder="learned"))
    )
    assert alone.why is not None
    assert "open, which are no random part of all" in alone.why


def test_a_draw_of_deferred_units_corrects_nothing_of_what_it_decided(
    taught: Taught, first: CoderRun, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    sampled(pcode, taught, first, tmp_path / "packet", "--others", ".3", "--n", 30)
    people = coded_by_people(tmp_path / "packet", tmp_path / "people", "A")
    whole = annotate(taught.traces, tmp_path / "whole", **taught.how, then=f"people:{people}")
    why = measure_corrections(study_of([whole.folder, people], tmp_path / "packet/key/sample.csv")).why
    assert why is not None
    assert "open, which are no random part" in why


def test_agreement_takes_a_cascade_apart_and_nobody_agrees_with_their_own_code(
    taught: Taught, first: CoderRun, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    sampled(pcode, taught, first, tmp_path / "packet", "--others", ".3")
    people = coded_by_people(tmp_path / "packet", tmp_path / "people")
    whole = annotate(taught.traces, tmp_path / "whole", **taught.how, then=f"people:{people}")
    report = agree([people, whole.folder], by="stage", replicates=20)
    own = whole.manifest.stages[PEOPLE]
    pair = next(c for c in report.comparisons if c.coders == ("A", "cascade"))
    assert pair.missing["cascade"]["people's own code"] == own
    assert [group.name for group in report.groups] == ["stage learned", "stage people"]
    by_stage = {group.value: group for group in report.groups}
    assert sum(group.n_units for group in report.groups) == whole.manifest.counts["units"]
    learned = next(c for c in by_stage["learned"].comparisons if c.coders == ("A", "cascade"))
    assert learned.result.n == pair.result.n > 0
    shown = pcode("agreement", people, whole.folder, "--by", "stage", "--replicates", 20)
    assert "stage people" in shown.output
    assert stages_of([CoderRun(people)]) == {}
    with pytest.raises(PedagogyError):
        agree([people], by="stage", replicates=20)
    with pytest.raises(RunError, match=f"{own} codes of its cascade are people's own"):
        panel([whole, first], tmp_path / "panel", people=[people], method="majority")


def test_the_report_says_who_gave_how_many(
    taught: Taught, first: CoderRun, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    sampled(pcode, taught, first, tmp_path / "packet")
    people = coded_by_people(tmp_path / "packet", tmp_path / "people", "A")
    whole = annotate(taught.traces, tmp_path / "whole", **taught.how, then=f"people:{people}")
    study = study_of([whole.folder])
    own = whole.manifest.stages
    methods = " ".join(text for _, text in methods_text(study, *_none(study)))
    assert f"Of its codes learned gave {own['learned']} codes and people gave {own[PEOPLE]} codes." in methods
    assert f"{own[PEOPLE]} codes of cascade are people's; the others are a machine's" in " ".join(
        frequency_section(study, measure_frequency(study)).cautions
    )
    alone = open_study([first.folder], ReportSettings(replicates=20))
    left = frequency_section(alone, measure_frequency(alone)).cautions
    assert f"{len(deferred(first))} units that learned left open are in none of its shares" in " ".join(left)
    export_runs([whole.folder], tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert {row["stage"] for row in rows} == {"learned", PEOPLE}


def _none(study: Study) -> tuple[Any, Any]:
    from pedagogy_r1.report import measure_contrasts

    return study.once(measure_contrasts), study.once(measure_corrections)


def test_what_cannot_be_sampled_or_completed_is_refused(
    taught: Taught, first: CoderRun, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    how = ("--coders", "A")
    every = annotate(taught.traces, tmp_path / "all", coder="cues", codebook=taught.coder / "codebook.yaml")
    none = pcode("sample", taught.traces, "-o", tmp_path / "p", "--deferred", every.folder, *how)
    assert none.exit_code == 2
    assert "no unit was deferred" in none.stderr
    few = tmp_path / "few.jsonl"
    few.write_text("".join(taught.traces.read_text().splitlines(keepends=True)[:3]))
    lost = pcode("sample", few, "-o", tmp_path / "p", "--deferred", first.folder, *how)
    assert "of traces that are not in this file" in lost.stderr
    more = pcode("sample", taught.traces, "-o", tmp_path / "p", "--others", ".1", "--n", 5, *how)
    assert "--deferred RUN" in more.stderr
    planned = pcode("sample", "--plan", "--deferred", first.folder)
    assert "--deferred draws, and --plan reckons without it" in " ".join(planned.stderr.split())
    with pytest.raises(RunError, match="no coder of the run is a person"):
        annotate(taught.traces, tmp_path / "a", **taught.how, then=f"people:{every.folder}")
    other = annotate(taught.traces, tmp_path / "schoen", coder="cues")
    with pytest.raises((RunError, CodebookError)):
        annotate(taught.traces, tmp_path / "b", **taught.how, then=f"people:{other.folder}")
    with pytest.raises(ArgumentError, match="takes no option 'window'"):
        annotate(taught.traces, tmp_path / "c", **taught.how, then=f"people:{every.folder}", window=3)


def test_a_run_of_other_texts_under_the_same_ids_is_refused(
    taught: Taught, first: CoderRun, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    """A unit's id is made of its trace's id and offsets, and letters exchanged for others of the same length leave it as it was."""
    sampled(pcode, taught, first, tmp_path / "packet")
    people = coded_by_people(tmp_path / "packet", tmp_path / "people")
    other = tmp_path / "other.jsonl"
    rows = [json.loads(line) for line in taught.traces.read_text().splitlines()]
    for row in rows:
        row["reasoning"] = row["reasoning"].replace("topic", "cipot")
    other.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match="coded another text under the trace id"):
        annotate(other, tmp_path / "whole", **taught.how, then=f"people:{people}")
    drawn = ("sample", other, "-o", tmp_path / "p", "--what", "units", "--n", 9, "--coders", "A")
    shown = pcode(*drawn, "--active", first.folder)
    assert shown.exit_code == 2
    assert "coded another text" in " ".join(shown.stderr.split())
