"""A lock that was made after runs were, and what may still be done with them; and what exactly a look is counted for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pedagogy_r1.coding import Context
from pedagogy_r1.coding.annotate import prepare
from pedagogy_r1.coding.people_codings import PeopleCodings
from pedagogy_r1.human.adjudication import write_adjudicated
from pedagogy_r1.human.adjudication_material import from_runs
from pedagogy_r1.human.coding_log import LoggedChange, Work
from pedagogy_r1.runs.locked_part import LOCKED, locks_of
from pedagogy_r1.runs.run import CoderRun

from .test_locked import Place, made, place, traces, write_traces  # noqa: F401 - fixtures

BOOK = "schoen@1.0.0"


@pytest.fixture
def before(place: Place) -> Place:  # noqa: F811
    """People's codings, and the cues', that were there before the lock."""
    place.lock.rename(place.folder / "away")
    for run in (place.humans, place.cues):
        shutil.rmtree(run)
    files = [place.folder / "A.csv", place.folder / "B.csv"]
    how = ("--traces", place.traces, "--codebook", BOOK, "--scheme", "sentence@1")
    place.run("import", *files, *how, "-o", place.humans)
    place.run("annotate", place.traces, "-o", place.cues, "--codebook", BOOK)
    return place


def locked_again(place: Place) -> None:  # noqa: F811
    (place.folder / "away").rename(place.lock)


def test_a_coder_that_learned_before_says_of_locked_traces_what_it_said_out_of_fold(before: Place) -> None:
    mine = before.folder / "mine"
    before.run("coder", "fit", before.humans, "-o", mine)
    locked_again(before)
    words = ("annotate", before.traces, "--coder", f"learned:{mine}")
    before.run(*words, "-o", before.folder / "run")
    before.unlock(before.folder / "run")
    before.run(*words, "-o", before.folder / "later", "--locked")
    folds = {c.unit_id: c.codes for c in CoderRun(mine / "out_of_fold", locked="always").codings()}
    later = list(CoderRun(before.folder / "later", locked="always").codings())
    assert {
        unit.trace_id for unit in CoderRun(before.folder / "later", locked="always").units()
    } == before.ids
    assert all(one.codes == folds[one.unit_id] for one in later)


def test_a_cascade_gets_what_people_said_of_locked_traces(place: Place) -> None:  # noqa: F811
    people = PeopleCodings(Context(CoderRun(place.humans).codebook, "r", place.folder), place.humans)
    own = [trace for trace in traces() if trace.id in place.ids]
    of_trace: dict[str, list[object]] = {}
    for unit in CoderRun(place.humans, locked="always").units():
        of_trace.setdefault(unit.trace_id, []).append(unit)
    planned = people.plan(own, lambda trace: of_trace[trace.id])  # type: ignore[arg-type,return-value]
    assert planned["open_still"] == 0
    assert planned["coded_by_people"] > planned["people_disagree"]


def test_units_are_drawn_by_what_a_machine_said_of_locked_traces_too(before: Place) -> None:
    locked_again(before)
    words = ("sample", before.traces, "--what", "units", "--n", 60, "--coders", "A", "--active", before.cues)
    before.run(*words, "-o", before.folder / "packet")
    units = map(json.loads, (before.folder / "packet/key/units.jsonl").open())
    assert before.ids & {unit["trace_id"] for unit in units}


def test_where_the_machine_left_locked_traces_out_its_own_units_are_drawn_from(place: Place) -> None:  # noqa: F811
    words = ("sample", place.traces, "--what", "units", "--n", 60, "--coders", "A", "--active", place.cues)
    refused = place.run(*words, "-o", place.folder / "packet", status=2)
    assert f"take its units: --units {place.cues}" in " ".join(refused.stderr.split())
    place.run(*words, "-o", place.folder / "packet", "--units", place.cues)
    drawn = {json.loads(line)["trace_id"] for line in (place.folder / "packet/key/units.jsonl").open()}
    assert not place.ids & drawn


def decided(place: Place, out: Path, code: str) -> CoderRun:  # noqa: F811
    """What a third person decided of the first unit on which two differ."""
    material = from_runs([CoderRun(place.humans, locked="always")])
    dispute, work = next(iter(material.disputes())), Work()
    of = {
        "unit_id": dispute.task.unit.id,
        "codes": (code,),
        "memo": "so",
        "who": "kim",
        "said": dispute.codes,
    }
    work.take(LoggedChange(n=1, at="2026-11-29", **of), row=2)
    write_adjudicated(material, work, out, ["kim"])
    return CoderRun(out, locked="always")


def test_decisions_know_their_lock_elsewhere_and_a_look_is_for_exactly_these(
    place: Place,  # noqa: F811
    tmp_path: Path,
) -> None:
    one, other = (decided(place, tmp_path / code, code) for code in ("IA-SQ", "KA-RO"))
    assert [path.name for path in one.folder.glob(f"*{LOCKED}")] == [
        f"{locks_of(place.traces)[0].part.lock_id}{LOCKED}"
    ]
    assert one.manifest.fingerprint == other.manifest.fingerprint
    assert one.manifest.look_key != other.manifest.look_key
    assert decided(place, tmp_path / "again", "IA-SQ").manifest.look_key == one.manifest.look_key


def test_a_model_that_is_shown_other_examples_is_another_coder(place: Place) -> None:  # noqa: F811
    few = write_traces(place.folder / "few.jsonl", [t for t in traces() if t.id not in place.ids][:8])
    place.run("annotate", few, "-o", place.folder / "fewer", "--codebook", BOOK)

    def key(of: Path, examples: Path) -> str:
        how = {"model": "openai:fake", "api_key": "k", "base_url": "http://127.0.0.1:9/v1", "codebook": BOOK}
        return prepare(of, place.folder / "x", coder="llm", examples=examples, **how).manifest.look_key

    with pytest.warns(UserWarning, match="locked"):
        mine = key(place.traces, place.cues)
    assert key(few, place.cues) == mine
    assert key(few, place.folder / "fewer") != mine
