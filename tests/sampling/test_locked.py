"""A locked part: what may not read it, what may, and what is counted. Every command by its real call."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.errors import RunError
from pedagogy_r1.files.seal import write_sealed
from pedagogy_r1.human.adjudication_material import from_packet
from pedagogy_r1.human.coding_log import CodingLog, LogHeader
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.intake import read_traces
from pedagogy_r1.runs.locked_part import LOCKED, Lock, LockedPart, locks_of, open_lock, read_lock, read_looks
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.sampling.locked import draw_lock
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit.unitizer import Unitizer

from ..full_disk import pcode_with_room

Pcode = Callable[..., Result]
ITEMS, OF_EACH = 15, 2
SAID = {
    "IA-SQ": "What would a pupil of this class ask about case {n}?",
    "KA-RO": "The sum of {n} and {m} is computed by adding them.",
    "UT-NF": "The item says that there are {n} pupils in row {m}.",
}


def traces(prefix: str = "t") -> list[Trace]:
    """Two traces an item; what a sentence is can be told from its words, and every one has a number of its own."""
    draw, number = random.Random(4), iter(range(1000, 9999))
    found = []
    for item in range(ITEMS):
        for k in range(OF_EACH):
            codes = [draw.choice(list(SAID)) for _ in range(9)]
            text = " ".join(SAID[code].format(n=next(number), m=draw.randrange(900)) for code in codes)
            about = {"item": f"i{item}", "domain": "SK" if item % 3 else "PK", "condition": "ab"[k]}
            found.append(
                Trace(id=f"{prefix}{item}-{k}", question=f"Question {item}?", reasoning=text, **about)
            )
    return found


def write_traces(path: Path, rows: list[Trace]) -> Path:
    path.write_text("".join(t.model_dump_json(exclude_defaults=True) + "\n" for t in rows))
    return path


def write_codings(folder: Path, rows: list[Trace]) -> list[Path]:
    """Two people who see what a sentence is, and err in a tenth of all."""
    draw, paths = random.Random(7), []
    for coder in "AB":
        lines = ["trace_id,start,end,quote,coder,code"]
        for trace in rows:
            for unit in Unitizer("sentence@1", None)(trace):
                true = next(code for code, text in SAID.items() if unit.text[:8] == text[:8])
                code = true if draw.random() < 0.9 else draw.choice(list(SAID))
                lines.append(f'{trace.id},{unit.start},{unit.end},"{unit.text}",{coder},{code}')
        paths.append(folder / f"{coder}.csv")
        paths[-1].write_text("\n".join(lines) + "\n")
    return paths


class Place:
    """A project with traces that are locked in part, and what people said of all of them."""

    def __init__(self, folder: Path, pcode: Pcode) -> None:
        self.folder, self.pcode = folder, pcode
        folder.mkdir(exist_ok=True)
        self.traces = write_traces(folder / "traces.jsonl", traces())
        self.run("sample", self.traces, "--lock", ".3", "--seed", "1")
        self.lock = folder / "traces.locked.json"
        self.looks = folder / "traces.looks.jsonl"
        self.ids = set(read_lock(self.lock).locked)
        files = write_codings(folder, traces())
        self.humans, self.cues = folder / "humans", folder / "cues"
        how = ("--traces", self.traces, "--codebook", "schoen@1.0.0", "--scheme", "sentence@1")
        self.run("import", *files, *how, "-o", self.humans)
        self.run("annotate", self.traces, "-o", self.cues, "--codebook", "schoen@1.0.0")

    def run(self, *words: object, status: int = 0) -> Result:
        found = self.pcode(*words)
        assert found.exit_code == status, found.output + found.stderr
        return found

    def unlock(self, *words: object) -> Result:
        return self.run("unlock", self.traces, *words, "--why", "final test", "--who", "kim")

    def quoted(self, text: str) -> set[str]:
        """Which locked traces a text names."""
        return {one for one in self.ids if one in text.replace('"', " ").replace(",", " ").split()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from click.testing import CliRunner

    from pedagogy_r1.cli.main import cli

    folder = tmp_path_factory.mktemp("made")
    Place(folder / "project", lambda *words: CliRunner().invoke(cli, [str(word) for word in words]))
    return folder / "project"


@pytest.fixture
def place(made: Path, tmp_path: Path, pcode: Pcode) -> Place:
    """A copy of it, so that every test has its own."""
    found = Place.__new__(Place)
    found.folder, found.pcode = tmp_path / "project", pcode
    shutil.copytree(made, found.folder)
    found.traces, found.lock = found.folder / "traces.jsonl", found.folder / "traces.locked.json"
    found.looks = found.folder / "traces.looks.jsonl"
    found.humans, found.cues = found.folder / "humans", found.folder / "cues"
    found.ids = set(read_lock(found.lock).locked)
    return found


def test_whole_items_are_locked_spread_over_domains(place: Place) -> None:
    part = read_lock(place.lock)
    items = {t.item for t in traces() if t.id in part.locked}
    assert {t.id for t in traces() if t.item in items} == set(part.locked)
    assert part.counts == {"traces": 30, "items": 15, "locked": 10, "locked_items": 5}
    domains = {t.domain for t in traces() if t.id in part.locked}
    assert domains == {"SK", "PK"}


def test_the_same_lock_again_is_the_same_and_another_one_is_refused(place: Place) -> None:
    before = place.lock.read_bytes()
    assert "were locked already" in place.run("sample", place.traces, "--lock", ".3", "--seed", "1").stdout
    assert place.lock.read_bytes() == before
    refused = place.run("sample", place.traces, "--lock", ".3", "--seed", "2", status=2)
    assert "never drawn anew" in refused.stderr
    elsewhere = place.folder / "other.locked.json"
    place.run("sample", place.traces, "--lock", ".5", "-o", elsewhere, status=2)
    assert place.lock.read_bytes() == before
    assert not elsewhere.exists()


def test_a_plan_says_what_would_be_locked_and_json_lists_it(tmp_path: Path, pcode: Pcode) -> None:
    path = write_traces(tmp_path / "traces.jsonl", traces())
    found = pcode("sample", path, "--lock", ".2", "--dry-run", "--json")
    assert len(json.loads(found.stdout)["traces_locked"]) == 6
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "more",
    [
        ("--coders", "A,B"),
        ("--fraction", ".3"),
        ("--n", "4"),
        ("--plan",),
        ("--deferred", "RUN"),
        ("--active", "RUN"),
    ],
)
def test_lock_draws_nothing(tmp_path: Path, pcode: Pcode, more: tuple[str, ...]) -> None:
    path = write_traces(tmp_path / "traces.jsonl", traces())
    found = pcode("sample", path, "--lock", ".2", *more)
    assert (found.exit_code, "draws nothing" in found.stderr) == (2, True)


def test_traces_of_one_item_or_one_text_stay_together(tmp_path: Path) -> None:
    same = [
        Trace(id=f"t{n}", question=f"q{n}", reasoning=f"The text number {n // 2} of all.") for n in range(20)
    ]
    for seed in range(20):
        part = draw_lock(write_traces(tmp_path / "t.jsonl", same), 0.4, seed=seed).part
        assert all((f"t{n}" in part.locked) == (f"t{n + 1}" in part.locked) for n in range(0, 20, 2))
    one = [trace.model_copy(update={"item": "i"}) for trace in same]
    with pytest.raises(RunError, match="of one item"):
        draw_lock(write_traces(tmp_path / "t.jsonl", one), 0.4)


# --- who does not read it

REFUSED: dict[str, tuple[str, ...]] = {
    "annotate": ("annotate", "{traces}", "-o", "{out}"),
    "agreement": ("agreement", "{humans}", "{cues}", "--replicates", "0", "--json"),
    "by trace": ("agreement", "{humans}", "--by", "id", "--replicates", "0", "--json"),
    "before": ("agreement", "{humans}", "--before", "{humans}", "--replicates", "0", "--json"),
    "disagreements": ("disagreements", "{humans}", "--json"),
    "disagreements -o": ("disagreements", "{humans}", "-o", "{out}"),
    "coder fit": ("coder", "fit", "{humans}", "-o", "{out}"),
    "panel": ("panel", "{cues}", "{cues2}", "--people", "{humans}", "-o", "{out}", "--replicates", "0"),
    "stress": (
        "codebook",
        "stress",
        "schoen@1.0.0",
        "{traces}",
        "--coder",
        "cues",
        "-o",
        "{out}",
        "--replicates",
        "0",
    ),
    "quotes": ("quotes", "{humans}", "--code", "IA-SQ", "-o", "{out}.csv"),
    "export": ("export", "{humans}", "-o", "{out}.csv"),
    "report": ("report", "{humans}", "{cues}", "-o", "{out}", "--replicates", "0", "--permutations", "9"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.whole if name in ("coder fit", "report") else [])
        for name in REFUSED
    ],
)
def test_no_locked_trace_is_read_and_it_is_said(place: Place, name: str) -> None:
    out = place.folder / "out"
    cues2 = place.folder / "cues2"
    if name == "panel":
        place.run("annotate", place.traces, "-o", cues2, "--codebook", "schoen@1.0.0", "--seed", "3")
        text = (cues2 / "run.json").read_text()
        write_sealed(cues2 / "run.json", json.loads(text.replace('"name": "cues"', '"name": "cues2"')))
        renamed = (cues2 / "codings.jsonl").read_text().replace('"coder":"cues"', '"coder":"cues2"')
        (cues2 / "codings.jsonl").write_text(renamed)
        record = json.loads((cues2 / "run.json").read_bytes())
        record["sha256"].pop("codings.jsonl"), record["bytes"].pop("codings.jsonl")
        write_sealed(cues2 / "run.json", record)
    names = {"traces": place.traces, "humans": place.humans, "cues": place.cues, "cues2": cues2, "out": out}
    found = place.pcode(*(word.format(**names) for word in REFUSED[name]))
    assert found.exit_code in (0, 1), found.output + found.stderr  # 1: a stress test was failed
    assert "10 of the 30 traces of" in found.stderr
    assert "traces.locked.json" in found.stderr
    assert "pcode unlock" in found.stderr
    written = [p for p in (out.rglob("*") if out.is_dir() else place.folder.glob("out.*")) if p.is_file()]
    texts = [p.read_text(errors="replace") for p in written if not p.name.endswith((LOCKED, ".png", ".npz"))]
    for text in (found.stdout, *texts):
        assert not place.quoted(text)
        assert not any(f"/{one}" in text for one in place.ids)
    locked = [unit.text for t in traces() if t.id in place.ids for unit in Unitizer("sentence@1", None)(t)]
    assert not [unit for unit in locked if any(unit in text for text in (found.stdout, *texts))]


def test_a_coder_learns_from_the_rest_and_is_not_tested_on_the_locked_part(place: Place) -> None:
    place.run("coder", "fit", place.humans, "-o", place.folder / "mine")
    assert json.loads((place.folder / "mine" / "coder.json").read_bytes())["traces"] == 20
    rows = [t for t in traces() if t.id in place.ids]
    other = place.folder / "other"
    other.mkdir()
    files = write_codings(other, rows)
    how = ("--traces", place.traces, "--codebook", "schoen@1.0.0", "--scheme", "sentence@1")
    place.run("import", *files, *how, "-o", place.folder / "locked-only")
    words = ("coder", "fit", place.humans, "--test", place.folder / "locked-only", "-o", place.folder / "m2")
    assert "all traces of" in place.run(*words, status=2).stderr


def test_a_draft_takes_no_notes_of_locked_traces(place: Place) -> None:
    """The notes were written before the traces were locked."""
    place.lock.rename(place.folder / "away")
    shutil.rmtree(place.humans)
    files = [place.folder / "A.csv", place.folder / "B.csv"]
    how = ("--traces", place.traces, "--codebook", "schoen@1.0.0", "--scheme", "sentence@1")
    place.run("import", *files, *how, "-o", place.humans)
    notes = place.folder / "notes"
    place.run("disagreements", place.humans, "-o", notes)
    (place.folder / "away").rename(place.lock)
    words = ("codebook", "bump", "schoen@1.0.0", "--to", "9.0.0", "--from-disagreements", notes)
    refused = place.run(*words, "-o", place.folder / "9.0.0.yaml", status=2)
    assert "that traces.locked.json locks" in refused.stderr
    assert not (place.folder / "9.0.0.yaml").exists()
    shutil.rmtree(notes)
    place.run("disagreements", place.humans, "-o", notes)
    place.run(*words, "-o", place.folder / "9.0.0.yaml")


def test_all_traces_locked_is_an_error_not_an_empty_result(place: Place) -> None:
    rows = [t for t in traces() if t.id in place.ids]
    own = write_traces(place.folder / "own.jsonl", rows)
    found = place.run("annotate", own, "-o", place.folder / "x", status=2)
    assert "all traces of" in found.stderr
    assert not (place.folder / "x").exists()


# --- who does


def test_locked_traces_are_drawn_coded_and_imported_like_others(place: Place) -> None:
    packet = place.folder / "packet"
    place.run("sample", place.traces, "-o", packet, "--fraction", "1", "--coders", "A,B")
    assert {t.id for t in read_traces(packet / "key" / "traces.jsonl")} >= place.ids
    own = [p.name for p in (packet / "A").rglob("*")]
    assert own == ["order.jsonl"]  # nothing in it says which traces are locked
    assert [p.name for p in (packet / "key").glob("*.locked.json")]
    place.run("packet", "write", packet, "--format", "xlsx")
    held = {trace.id for trace in CoderRun(place.humans, locked="always").traces()}
    assert held == {trace.id for trace in traces()}


def test_codings_of_locked_traces_are_carried_to_a_later_codebook_unread(place: Place) -> None:
    place.run(
        "codebook", "migrate", place.humans, "--to", "schoen@1.1.0", "-o", place.folder / "later", status=1
    )
    assert {t.id for t in CoderRun(place.folder / "later", locked="always").traces()} >= place.ids
    with pytest.warns(UserWarning, match="10 of the 30"):
        assert not {t.id for t in CoderRun(place.folder / "later").traces()} & place.ids
    listed = (place.folder / "later/recode.csv").read_text()
    assert listed.count("\n") > 1
    assert not place.quoted(listed)


def test_what_a_look_opened_is_returned_to_be_read(place: Place) -> None:
    place.unlock(place.cues)
    run = annotate(place.traces, place.folder / "x", codebook="schoen@1.0.0", coder="cues", locked=True)
    assert {trace.id for trace in run.traces()} == place.ids


def test_who_adjudicates_a_packet_sees_no_locked_trace(place: Place) -> None:
    place.run("sample", place.traces, "-o", place.folder / "packet", "--fraction", "1", "--coders", "A,B")
    packet = Packet(place.folder / "packet")
    for who, code in (("A", "IA-SQ"), ("B", "KA-RO")):
        header = LogHeader(
            desk=1, packet=packet.manifest.packet_id, coder=who, codebook=packet.codebook.stamp
        )
        log = CodingLog(packet.folder / who / "web.jsonl", header, packet.codebook)
        for task in packet.tasks(who):
            log.change(task.unit.id, codes=(code,))
        log.close()
    with pytest.warns(UserWarning, match="10 of the 30"):
        material = from_packet(packet)
    shown = {dispute.task.trace.id for dispute in material.disputes()}
    assert len(shown) == 20
    assert not shown & place.ids


# --- copies of the traces


def copied(place: Place, name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    rows = [change(json.loads(line)) for line in place.traces.read_text().splitlines()]
    path = place.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda row: row, id="as it is", marks=pytest.mark.whole),
        pytest.param(lambda row: row | {"id": "new-" + row["id"]}, id="other ids", marks=pytest.mark.whole),
        pytest.param(
            lambda row: row | {"id": "x" + row["id"], "question": "", "item": None}, id="text alone"
        ),
        pytest.param(
            lambda row: row | {"reasoning": "  " + row["reasoning"].replace(" ", "\n ") + "\r\n"},
            id="other spaces",
            marks=pytest.mark.whole,
        ),
        pytest.param(
            lambda row: row | {"reasoning": row["reasoning"].replace("pupil", "student") + " More."},
            id="edited text",
        ),
    ],
)
def test_a_copy_is_locked_too(place: Place, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    copy = copied(place, "sub/copy.jsonl", change)
    found = place.run("annotate", copy, "-o", place.folder / "sub" / "run")
    assert "10 of the 30 traces" in found.stderr
    assert len((place.folder / "sub" / "run" / "traces.jsonl").read_text().splitlines()) == 20


def test_a_copy_in_another_format_and_place_carries_the_lock(place: Place, tmp_path: Path) -> None:
    table = place.folder / "traces.json"
    table.write_text(json.dumps([json.loads(line) for line in place.traces.read_text().splitlines()]))
    away = tmp_path / "elsewhere" / "mine.jsonl"
    away.parent.mkdir()
    said = place.run("traces", "import", table, "-o", away)
    assert "a copy of it lies beside" in said.stderr
    found = place.run("annotate", away, "-o", away.parent / "run")
    assert "10 of the 30 traces" in found.stderr


def test_other_traces_of_the_same_ids_are_not_locked(place: Place) -> None:
    rows = [
        Trace(id=one, reasoning=f"Something else altogether, number {n}.") for n, one in enumerate(place.ids)
    ]
    other = write_traces(place.folder / "other.jsonl", rows)
    found = place.run("annotate", other, "-o", place.folder / "other")
    assert "locked" not in found.stderr


def test_a_run_knows_its_lock_wherever_it_is_moved(place: Place, tmp_path: Path) -> None:
    away = tmp_path / "away"
    shutil.move(place.humans, away)
    assert "10 of the 30 traces" in place.run("disagreements", away).stderr
    copy = next(away.glob("*.locked.json"))
    copy.unlink()
    assert "made under this lock" in place.run("disagreements", away, status=2).stderr


# --- a look


def test_agreement_on_both_parts_after_a_look(place: Place) -> None:
    words = ("agreement", place.humans, place.cues, "--json")
    assert json.loads(place.run(*words).stdout)["locked"] == []
    place.unlock(place.humans, place.cues)
    later = place.folder / "cues-locked"
    place.run("annotate", place.traces, "-o", later, "--codebook", "schoen@1.0.0", "--locked")
    assert {t.id for t in read_traces(later / "traces.jsonl")} == place.ids
    found = json.loads(place.run(*words[:-1], later, "--json").stdout)
    assert found["n_traces"] == 30
    by = {tuple(one["coders"]): one for one in found["locked"]}
    assert set(by) == {("A", "B"), ("A", "cues"), ("B", "cues")}
    for one in by.values():
        assert (one["locked"]["clusters"], one["rest"]["clusters"]) == (10, 20)
        assert all(one[part]["low"] < one[part]["value"] < one[part]["high"] for part in ("locked", "rest"))
    out = place.folder / "report"
    quick = ("--replicates", "0", "--permutations", "9")
    place.run("report", place.humans, place.cues, later, "-o", out, *quick)
    page = (out / "report.html").read_text()
    assert "On the locked part (traces.locked.json), looked at once, on " in page
    assert "α on the locked part and on the rest." in page
    assert (
        "What was developed (codebook, prompts, coders) could be fitted to the rest, not to the locked part."
        in page
    )
    assert "on the locked part & " in (out / "tables" / "alpha_locked.tex").read_text()
    # those two are what agreement without a lock says of the same traces
    place.lock.unlink()
    for run in (place.humans, place.cues, later):
        record = json.loads((run / "run.json").read_bytes())
        record["sha256"] = {k: v for k, v in record["sha256"].items() if not k.endswith(LOCKED)}
        write_sealed(run / "run.json", record)
        next(run.glob("*.locked.json")).unlink()
    rest = json.loads(place.run("agreement", place.humans, place.cues, "--json").stdout)["comparisons"]
    alpha = next(c for c in rest if c["coders"] == ["A", "cues"])
    assert by["A", "cues"]["rest"]["value"] == pytest.approx(alpha["value"])


def test_what_was_not_looked_at_is_not_opened(place: Place) -> None:
    again = ("--codebook", "schoen@1.0.0")
    first = place.run("annotate", place.traces, "-o", place.folder / "x", *again, "--locked", status=2)
    assert "no look was counted for this coder" in first.stderr
    place.unlock(place.humans, place.cues)
    other = place.run(
        "annotate", place.traces, "-o", place.folder / "x", *again, "--locked", "--seed", "5", status=2
    )
    assert "another one than was looked at" in other.stderr
    # people's codings that were changed after the look are others
    files = [place.folder / "A.csv", place.folder / "B.csv"]
    files[0].write_text(files[0].read_text().replace("IA-SQ", "KA-RO", 1))
    how = ("--traces", place.traces, *again, "--scheme", "sentence@1")
    place.run("import", *files, *how, "-o", place.folder / "changed")
    assert "10 of the 30" in place.run("agreement", place.folder / "changed", "--replicates", "0").stderr
    # and no look opens anything for development
    assert "10 of the 30" in place.run("disagreements", place.humans).stderr
    assert "10 of the 30" in place.run("coder", "fit", place.humans, "-o", place.folder / "fit").stderr
    skipped = place.run("annotate", place.traces, "-o", place.folder / "y", "--seed", "5")
    assert "10 of the 30" in skipped.stderr


def test_a_second_look_is_counted_and_said(place: Place) -> None:
    place.unlock(place.humans, place.cues)
    same = place.unlock(place.humans, place.cues)
    assert "no look is counted" in same.stdout
    assert len(place.looks.read_text().splitlines()) == 1
    place.run("annotate", place.traces, "-o", place.folder / "x", "--codebook", "schoen@1.0.0", "--seed", "5")
    second = place.unlock(place.humans, place.folder / "x")
    assert "look 2 is counted" in second.stdout
    assert "no longer independent" in second.stderr
    looks = [json.loads(line) for line in place.looks.read_text().splitlines()]
    assert [[run["run"] for run in look["runs"]] for look in looks] == [
        [str(place.humans), str(place.cues)],
        [str(place.folder / "x")],
    ]
    assert all(look["who"] == "kim" and look["why"] == "final test" and look["when"] for look in looks)
    assert all(run["codebook_digest"].startswith("sha256:") for look in looks for run in look["runs"])
    said = place.run("agreement", place.humans, place.cues).stdout.replace("\n", " ")
    assert "looked at 2 times" in said
    assert "the second is no longer independent of what was changed after the first" in said


def test_a_dry_run_counts_nothing(place: Place) -> None:
    found = place.unlock(place.humans, "--dry-run", "--json")
    assert json.loads(found.stdout)["counted"] is False
    assert not place.looks.exists()
    assert "10 of the 30" in place.run("agreement", place.humans, "--replicates", "0").stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "say what is looked at"),
        (("{humans}", "--end"), "say what is looked at"),
        (("{folder}/nothing",), "not a run directory"),
    ],
)
def test_a_look_at_nothing_is_refused(place: Place, words: tuple[str, ...], why: str) -> None:
    names = {"humans": place.humans, "folder": place.folder}
    named = [word.format(**names) for word in words]
    found = place.run("unlock", place.traces, *named, "--why", "x", status=2)
    assert why in found.stderr
    assert not place.looks.exists()


def test_after_its_end_everything_is_read_and_the_looks_are_kept(place: Place) -> None:
    place.unlock(place.humans)
    place.unlock("--end")
    assert "locked" not in place.run("disagreements", place.humans).stderr
    place.run("annotate", place.traces, "-o", place.folder / "all")
    assert len(read_looks(place.lock, read_lock(place.lock))) == 2
    ended = place.run("unlock", place.lock, place.cues, "--why", "x", status=2)
    assert "ended on" in ended.stderr


# --- killed, full, changed


def test_a_look_is_on_the_disk_before_anything_is_opened(place: Place) -> None:
    """No file may grow beyond a size that the look fits in and the lock does not: it ends between the two."""
    many = [
        Trace(id=f"t{n}", question=f"q{n}", reasoning=f"The text number {n} of all.") for n in range(1200)
    ]
    big = place.folder / "big" / "traces.jsonl"
    big.parent.mkdir()
    write_traces(big, many)
    place.lock.rename(place.folder / "away")
    place.run("sample", big, "--lock", ".5")
    lock = big.with_name("traces.locked.json")
    assert lock.stat().st_size > 50_000
    words = ("unlock", big, place.humans, "--why", "x", "--who", "kim")
    done = pcode_with_room(45_000, *words)
    assert done.returncode == 2, done.stderr
    assert "is counted" not in done.stdout
    assert (len(read_looks(lock, read_lock(lock))), read_lock(lock).looks) == (1, 0)
    assert "no look is counted" in place.run(*words).stdout


@pytest.mark.slow
def test_killed_at_any_moment_a_look_is_counted_or_nothing_is_open(place: Place) -> None:
    words = ["unlock", str(place.traces), str(place.humans), "--why", "x", "--who", "kim"]
    command = [sys.executable, "-m", "pedagogy_r1", *words]
    for wait in (0.0, 0.0005, 0.002, 0.01):
        place.looks.unlink(missing_ok=True)
        write_sealed(
            place.lock, read_lock(place.lock).model_copy(update={"looks": 0}).model_dump(mode="json")
        )
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not (place.looks.exists() and place.looks.stat().st_size):
            time.sleep(0.0001)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate()
        looks = read_looks(place.lock, read_lock(place.lock))
        assert len(looks) == 1 or not said
        again = place.run(*words)
        assert ("no look is counted" in again.stdout) == bool(looks)
        assert len(read_looks(place.lock, read_lock(place.lock))) == 1


def test_half_a_line_of_a_kill_opens_nothing(place: Place) -> None:
    place.unlock(place.humans)
    whole = place.looks.read_bytes()
    part = read_lock(place.lock).model_copy(update={"looks": 0})
    write_sealed(place.lock, part.model_dump(mode="json"))
    place.looks.write_bytes(whole[:-30])
    assert "10 of the 30" in place.run("agreement", place.humans, "--replicates", "0").stderr
    assert "look 1 is counted" in place.unlock(place.humans).stdout


def test_looks_that_are_gone_are_missed(place: Place) -> None:
    place.unlock(place.humans)
    place.looks.unlink()
    assert "1 were counted" in place.run("agreement", place.humans, status=2).stderr
    assert "counted" in place.run("verify", place.humans, status=1).stdout


def test_a_look_that_was_edited_is_refused(place: Place) -> None:
    place.unlock(place.humans)
    place.looks.write_text(place.looks.read_text().replace("final test", "final"))
    assert "no look at" in place.run("agreement", place.humans, status=2).stderr


def test_verify_finds_a_lock_that_was_removed_or_changed(place: Place) -> None:
    place.run("verify", place.humans, place.cues)
    place.lock.rename(place.folder / "away")
    said = place.run("verify", place.cues, status=1)
    assert "the lock itself" in " ".join(said.stdout.split())
    # the run's own copy still locks
    assert "10 of the 30" in place.run("disagreements", place.humans).stderr
    (place.folder / "away").rename(place.lock)
    data = json.loads(place.lock.read_bytes())
    place.lock.write_text(json.dumps(data | {"share": 0.2}, indent=1))
    assert place.run("verify", place.cues, status=1)
    assert "its seal does not fit" in place.run("annotate", place.traces, "-o", place.cues, status=2).stderr


# --- the loader

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary(max_size=400))
def test_bytes_that_are_no_lock(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("lock") / "x.locked.json"
    path.write_bytes(data)
    with pytest.raises(RunError):
        locks_of(path.parent)


@given(st.sampled_from([*LockedPart.model_fields, "more"]), JSON)
def test_a_sealed_record_that_is_no_lock(made: Path, field: str, value: Any) -> None:
    good = read_lock(made / "traces.locked.json").model_dump(mode="json")
    path = made / "fuzzed" / "x.locked.json"
    path.parent.mkdir(exist_ok=True)
    write_sealed(path, good | {field: value})
    try:
        found = open_lock(path)
    except RunError:
        return
    assert isinstance(found, Lock)
    assert found.holds(traces()[0]) in (True, False)


@given(st.lists(JSON, min_size=1, max_size=3))
def test_lines_that_are_no_looks(made: Path, values: list[Any]) -> None:
    folder = made / "looks"
    folder.mkdir(exist_ok=True)
    shutil.copy(made / "traces.locked.json", folder)
    (folder / "traces.looks.jsonl").write_text("".join(json.dumps(value) + "\n" for value in values))
    with pytest.raises(RunError):
        open_lock(folder / "traces.locked.json")


@given(st.binary(min_size=1, max_size=300))
def test_bytes_that_are_no_looks(made: Path, data: bytes) -> None:
    """They are refused, or nobody was shown anything by them."""
    folder = made / "looks"
    folder.mkdir(exist_ok=True)
    shutil.copy(made / "traces.locked.json", folder)
    (folder / "traces.looks.jsonl").write_bytes(data)
    with suppress(RunError):
        assert not open_lock(folder / "traces.locked.json").looks
