"""Archives by whoever knows all digests: nothing but what is in one is read, and what is wrong is said in words."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.files.seal import sealed
from pedagogy_r1.supplement.archive_check import verify_archive
from pedagogy_r1.supplement.archive_record import RECORD
from pedagogy_r1.supplement.study_archive import write_archive

from .studies import make_study, sealed_anew, zipped_anew

Pcode = Callable[..., Result]
REPORT = "study/report/report.json"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("home") / "study")


@pytest.fixture(scope="module")
def members(study: Path) -> dict[str, bytes]:
    path = write_archive(study, study.parent / "study.zip").path
    with zipfile.ZipFile(path) as archive:
        return {
            name: archive.read(name) for name in archive.namelist() if not name.endswith((".png", ".svg"))
        }


def forged(members: dict[str, bytes], place: Path, name: str, **changed: Any) -> Path:
    """An archive in which the record ``name`` says something else."""
    record = json.loads(members[name])
    settings = record.get("settings", {}) | changed.pop("settings", {})
    record |= changed | ({"settings": settings} if "settings" in record else {})
    return zipped_anew(place / "a.zip", sealed_anew(members | {name: sealed(record)}, place / "x.json"))


@pytest.mark.parametrize("there", ["{study}/report", "../{up}{study}/report"])
def test_a_report_outside_of_the_archive_is_none_of_it(
    there: str, members: dict[str, bytes], study: Path, tmp_path: Path
) -> None:
    name = there.format(study=study, up="../" * 10)
    (found,) = verify_archive(forged(members, tmp_path, RECORD, reports=[name])).reports
    assert found.failed == f"{name}/report.json is not in the archive"


def test_runs_and_other_files_outside_of_the_archive_are_not_read(
    members: dict[str, bytes], study: Path, tmp_path: Path
) -> None:
    runs = [one | {"path": str(study / one["path"][3:])} for one in json.loads(members[REPORT])["runs"]]
    (found,) = verify_archive(forged(members, tmp_path, REPORT, runs=runs)).reports
    assert found.failed == f"{REPORT} was made from {study}/runs/people, which is not in the archive"
    other = {"path": "/etc/hostname", "sha256": "0" * 64}
    (found,) = verify_archive(forged(members, tmp_path, REPORT, registered=other)).reports
    assert "/etc/hostname, which is not in the archive" in found.failed


def test_traces_at_an_address_are_not_fetched(members: dict[str, bytes], tmp_path: Path) -> None:
    name = "study/runs/people/run.json"
    source = json.loads(members[name])["source"] | {"traces": "s3://nowhere/corpus", "traces_digest": "x"}
    (found,) = verify_archive(forged(members, tmp_path, name, shards=3, source=source)).reports
    assert found.failed == "study/runs/people is a run over a corpus, which is in no archive"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"settings": {"replicates": 10**10}}, "settings.replicates: Input should be less than"),
        ({"settings": {"replicates": "many"}}, "settings.replicates: Input should be a valid integer"),
        ({"settings": {"seed": -1}}, "settings.seed"),
        ({"settings": {"contrasts": 5}}, "settings.contrasts: Input should be a valid"),
        ({"settings": {"unheard_of": 1}}, "settings.unheard_of: Extra inputs"),
        ({"methods": [{"x": "y"}]}, "methods.0.head: Field required"),
    ],
)
def test_a_report_with_settings_that_no_report_has(
    changed: dict[str, Any], said: str, members: dict[str, bytes], tmp_path: Path
) -> None:
    (found,) = verify_archive(forged(members, tmp_path, REPORT, **changed)).reports
    assert said in found.failed


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["zz", "zz/y"], "'zz' is a file and a folder"),
        (["study//x"], "'study//x' is no name of a file"),
        (["./x"], "'./x' is no name of a file"),
        (["."], "'.' is no name of a file"),
        (["x" * 300], "xxx' is no name of a file"),
        (["d/" * 3000 + "x"], "/' is no name of a file"),
    ],
)
def test_names_that_no_file_can_have(
    names: list[str], said: str, members: dict[str, bytes], tmp_path: Path, pcode: Pcode
) -> None:
    more = members | dict.fromkeys(names, b"x")
    done = pcode("archive", "verify", zipped_anew(tmp_path / "a.zip", sealed_anew(more, tmp_path / "x.json")))
    assert done.exit_code == 2
    assert said in done.stderr
    assert "pcode-verify" not in done.stderr


def test_no_seed_below_zero(study: Path, tmp_path: Path, pcode: Pcode) -> None:
    done = pcode("report", study / "runs/people", "-o", tmp_path / "r", "--seed", "-1")
    assert done.exit_code == 2
    assert "-1 is not in the range x>=0" in done.stderr
