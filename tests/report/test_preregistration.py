"""What was registered before, sealed; and what the report says of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.errors import RunError
from pedagogy_r1.report import ReportSettings, open_study, parse_comparison
from pedagogy_r1.report.preregistration import (
    Preregistration,
    Registered,
    find_registered,
    read_registered,
    write_registered,
)
from pedagogy_r1.report.report_record import read_report
from pedagogy_r1.report.sections.registered import measure_registered, registered_section
from pedagogy_r1.report.study_folder import read_study

from ..make_runs import BOOK, make_run, with_fields
from ..packets import make_packet

Pcode = Callable[..., Result]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """People's codings under two conditions, from two models; a codebook."""
    make_run(tmp_path / "runs/people", {"h": ("A", "B", "A", "C") * 8, "k": ("A", "A", "B", "C") * 8})
    with_fields(
        tmp_path / "runs/people",
        lambda n: {"condition": "cop" if n % 2 else "generic", "model": "r1" if n < 4 else "qwq"},
    )
    (tmp_path / "book.yaml").write_text(BOOK)
    return tmp_path


def register(pcode: Pcode, study: Path, *more: object) -> Path:
    words = ("--contrast", "condition:cop:generic", "--contrast", "correct:right:wrong", "--family", "A,B")
    done = pcode("preregister", "-o", study, "--codebook", study / "book.yaml", *words, *more)
    assert done.exit_code == 0, done.output
    return study / "preregistration.json"


def test_the_digest_is_that_of_the_file_and_a_changed_one_is_refused(study: Path, pcode: Pcode) -> None:
    path = register(pcode, study, "--n-units", "400", "--coders", "A,B")
    found = read_registered(path)
    own = b"".join(line for line in path.read_bytes().splitlines(True) if not line.startswith(b' "seal"'))
    assert found.digest == "sha256:" + hashlib.sha256(own).hexdigest()
    text = path.with_suffix(".md").read_text()
    for words in (found.digest, "`condition:cop:generic`", "A, B", "400 units", "*Open:"):
        assert words in text
    before = path.read_bytes()
    again = pcode("preregister", "-o", study, "--codebook", study / "book.yaml", "--contrast", "model:r1:qwq")
    assert again.exit_code == 2
    assert "is there already: what was registered is not written anew" in again.stderr
    assert path.read_bytes() == before
    for changed in (before.replace(b"400", b"300"), re.sub(rb' "seal".*\n', b"", before)):
        path.write_bytes(changed)
        with pytest.raises(RunError, match=r"was changed|no seal"):
            read_registered(path)
        refused = pcode("report", study / "runs/people", "-o", study / "report", "--replicates", "0")
        assert refused.exit_code == 2
        assert "preregistration.json" in refused.stderr
        assert not (study / "report").exists()


def test_the_report_says_what_was_registered_and_what_was_not(study: Path, pcode: Pcode) -> None:
    path = register(pcode, study, "--level", ".9", "--n-units", "400", "--coders", "h,zed")
    settings = ReportSettings(
        replicates=0, permutations=99, family=("A", "B"), registered=read_registered(path)
    )
    opened = open_study([study / "runs/people"], settings)
    found = measure_registered(opened)
    assert found is not None
    assert list(found.comparisons) == [
        {"comparison": "condition:cop:generic", "registered": "yes", "made": "yes"},
        {"comparison": "correct:right:wrong", "registered": "yes", "made": "no"},
        {"comparison": "model:qwq:r1", "registered": "no", "made": "yes"},
    ]
    assert {row["what"]: (row["as registered"], row["as done"]) for row in found.deviations} == {
        "level": ("90 %", "95 %"),
        "units coded by people": ("400 units", "32 units"),
        "people": ("h, zed", "h, k"),
    }
    said = " ".join(registered_section(opened, found).lead)
    assert "Made and not registered, and so exploratory: model:qwq:r1." in said
    assert "Registered and not made: correct:right:wrong." in said
    other = ReportSettings(
        replicates=0,
        permutations=99,
        level=0.9,
        contrasts=(parse_comparison("condition:generic:cop"),),
        registered=settings.registered,
    )
    turned = measure_registered(open_study([study / "runs/people"], other))
    assert turned is not None
    assert turned.named(registered=True, made=True) == ["condition:cop:generic"], (
        "which side is first is no matter"
    )
    assert "confirmatory codes" in {row["what"] for row in turned.deviations}


def report_of(study: Path) -> tuple[str | Path, ...]:
    """The command that reports what people coded, with little computing."""
    out = ("-o", study / "report", "--replicates", "0", "--permutations", "99")
    return ("report", study / "runs/people", *out)


def test_the_report_finds_it_above_the_runs(study: Path, pcode: Pcode) -> None:
    path = register(pcode, study)
    assert find_registered(study / "runs/people") == path
    assert find_registered(study / "a/b/c/d/e/people") is None
    words = report_of(study)
    done = pcode(*words, "--family", "A,B")
    assert done.exit_code == 0, done.output
    page, record = (study / "report/report.html").read_text(), read_report(study / "report")
    assert "What was registered before" in page
    assert record.registered is not None
    assert record.registered.path == "../preregistration.json"
    assert [row["registered"] for row in record.tables["registered"]["rows"]] == ["yes", "yes", "no"]
    assert "deviations" not in record.tables
    assert "1 comparison" not in {part.what for part in read_study(study).of("registered")}
    assert read_study(study).of("registered")[0].what.startswith("2 comparisons, registered ")


def test_it_is_filled_in_from_the_packet_that_was_drawn(tmp_path: Path, pcode: Pcode) -> None:
    packet = make_packet(tmp_path / "packet")
    (tmp_path / "why.md").write_text("More surprise under **cop**.\n")
    words = (
        "preregister",
        "-o",
        tmp_path / "p",
        "--contrast",
        "condition:cop:free",
        "--packet",
        packet.folder,
    )
    (tmp_path / "plan.csv").write_text("n_units,alpha_half\n50,0.2\n6,0.4\n")
    done = pcode(
        *words,
        "--hypotheses",
        tmp_path / "why.md",
        "--sample-plan",
        tmp_path / "plan.csv",
        "--n-units",
        "9",
        "--json",
    )
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["codebook"]["digest"] == packet.codebook.digest
    assert record["coders"] == ["A", "B"]
    assert (
        record["sample"]["packet"]
        == "sha256:" + hashlib.sha256((packet.folder / "packet.json").read_bytes()).hexdigest()
    )
    assert record["plan"]["n_units"] == "6"
    assert "More surprise under **cop**." in (tmp_path / "p/preregistration.md").read_text()
    other = pcode(*words[:2], tmp_path / "q", *words[3:], "--codebook", "schoen")
    assert "was drawn for abc@1.0.0" in other.stderr


def test_what_is_given_again_is_registered_and_reported_once(study: Path, pcode: Pcode) -> None:
    again = (
        "--contrast",
        "condition:generic:cop",
        "--contrast",
        "condition:cop:generic",
        "--family",
        "B,A,B",
    )
    record = read_registered(register(pcode, study, *again, "--coders", "h,k,h")).record
    assert record.contrasts == ("condition:cop:generic", "correct:right:wrong")
    assert (record.family, record.coders) == (("A", "B"), ("h", "k"))
    words = report_of(study)
    done = pcode(*words, *again)
    assert done.exit_code == 0, done.output
    made = read_report(study / "report")
    assert made.settings.contrasts == ("condition:generic:cop",)
    assert [row["made"] for row in made.tables["registered"]["rows"]] == ["yes", "no"]


def test_whoever_was_killed_before_the_text_has_it_written_by_the_next_call(
    study: Path, pcode: Pcode
) -> None:
    path = register(pcode, study)
    record, text = path.read_bytes(), path.with_suffix(".md").read_text()
    path.with_suffix(".md").unlink()
    assert register(pcode, study).read_bytes() == record
    assert path.with_suffix(".md").read_text() == text

    path.with_suffix(".md").unlink()
    record_of = read_registered(path).record
    turned = record_of.model_copy(
        update={"contrasts": tuple(_turned(one) for one in reversed(record_of.contrasts))}
    )
    assert write_registered(turned, study).record == record_of

    path.with_suffix(".md").unlink()
    other = pcode("preregister", "-o", study, "--codebook", study / "book.yaml", "--contrast", "model:r1:qwq")
    assert other.exit_code == 2
    assert "says something else: what was registered is not written anew" in other.stderr
    assert (path.read_bytes(), path.with_suffix(".md").read_text()) == (record, text)


def test_of_many_at_once_one_registers(study: Path, pcode_process: Callable[..., Any]) -> None:
    words = ("preregister", "-o", study, "--codebook", study / "book.yaml")
    at_once = [
        pcode_process(*words, "--contrast", "condition:cop:generic", "--title", f"T{n}") for n in range(4)
    ]
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in at_once]
    assert sorted(code for _, code in ended) == [0, 2, 2, 2], ended
    assert all("is in use by process" in said or "is there already" in said for said, code in ended if code)
    found = read_registered(study / "preregistration.json")
    text = (study / "preregistration.md").read_text()
    assert found.digest in text
    assert found.record.title == f"T{[code for _, code in ended].index(0)}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--contrast", "grade:5:6"), "is no comparison"),
        (("--contrast", "condition:a:b", "--family", "XY"), "has no code 'XY'"),
        (("--contrast", "condition:a:b", "--sample-plan", "none.csv"), "none.csv"),
    ],
)
def test_what_cannot_be_registered_is_said(
    words: tuple[str, ...], said: str, tmp_path: Path, pcode: Pcode
) -> None:
    done = pcode("preregister", "-o", tmp_path / "p", *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "p").exists()


def test_a_plan_or_text_that_cannot_be_read_is_said(tmp_path: Path, pcode: Pcode) -> None:
    (tmp_path / "plan.csv").write_text("n_units,a\nmany,2\n")
    (tmp_path / "why.md").write_bytes(b"\xff\xfe")
    for option, file in (("--sample-plan", "plan.csv"), ("--hypotheses", "why.md")):
        words = ("--contrast", "condition:a:b", option, tmp_path / file)
        done = pcode("preregister", "-o", tmp_path / "p", *words)
        assert done.exit_code == 2
        assert f"{file}: no" in done.stderr


def test_another_text_of_the_codebook_and_another_packet_are_deviations(study: Path) -> None:
    record = Preregistration(
        registered="2026-11-01",
        title="x",
        codebook={"id": "abc", "version": "1.0.0", "digest": "sha256:other"},
        contrasts=("condition:cop:generic",),
        sample={"packet": "sha256:77ab"},
    )
    settings = ReportSettings(
        replicates=0, permutations=99, registered=Registered(record, study / "p.json", "sha256:4be1")
    )
    found = measure_registered(open_study([study / "runs/people"], settings))
    assert found is not None
    done = {row["what"]: row["as done"] for row in found.deviations}
    assert set(done) == {"codebook, digest", "sample"}
    assert done["sample"] == "no packet is named by the runs"


def test_a_text_without_its_record_is_said(study: Path, pcode: Pcode) -> None:
    path = register(pcode, study)
    path.unlink()
    again = pcode("preregister", "-o", study, "--codebook", study / "book.yaml", "--contrast", "model:r1:qwq")
    assert "preregistration.json, which it tells of, is not" in " ".join(again.stderr.split())
    assert not path.exists()


def test_right_is_not_compared_with_true(tmp_path: Path, pcode: Pcode) -> None:
    same = pcode("preregister", "-o", tmp_path / "p", "--contrast", "correct:true:right")
    assert "correct is right or wrong" in same.stderr
    assert not (tmp_path / "p").exists()


def _turned(comparison: str) -> str:
    one = parse_comparison(comparison)
    return one._replace(a=one.b, b=one.a).given
