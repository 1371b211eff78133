"""Files that another program takes away while a job writes them: it ends, says so, and the same command makes them again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pedagogy_r1.coding.learned.learned_model import LearnedModel
from pedagogy_r1.coding.learned.unit_cues import UnitCues
from pedagogy_r1.errors import InputError, LedgerWarning, RunError
from pedagogy_r1.files.checkpointed import CheckpointedFiles
from pedagogy_r1.wbeb.sources.assist2009 import read_skill_names
from pedagogy_r1.web.keys import Passwords

NAMES = {"a": "a.jsonl", "b": "b.jsonl"}


@pytest.mark.parametrize("how", ["deleted", "replaced", "shortened", "added to"])
@pytest.mark.parametrize("name", NAMES.values())
def test_what_is_written_lies_where_it_is_said_to(tmp_path: Path, name: str, how: str) -> None:
    files = CheckpointedFiles(tmp_path, NAMES)
    files.append({"a": "1\n", "b": "one\n"})
    files.checkpoint()
    files.append({"a": "2\n", "b": "two\n"})
    path = tmp_path / name
    whole = path.read_bytes()
    if how == "deleted":
        path.unlink()
    elif how == "replaced":
        (tmp_path / "copy").write_bytes(whole)
        (tmp_path / "copy").replace(path)
    else:
        path.write_bytes(whole[:-1] if how == "shortened" else whole + b"mine")
    there = path.read_bytes() if path.exists() else None
    with pytest.raises(RunError, match=f"{name} was .* by another program"):
        files.checkpoint()
    assert files.done == 1
    assert (path.read_bytes() if path.exists() else None) == there
    files.close()  # the fault was said once
    assert (path.read_bytes() if path.exists() else None) == there
    if how in ("deleted", "shortened"):
        with pytest.warns(LedgerWarning, match="not what they were at the last checkpoint"):
            again = CheckpointedFiles(tmp_path, NAMES)
    else:
        again = CheckpointedFiles(tmp_path, NAMES)
    for number, word in list(enumerate(("one", "two"), 1))[again.done :]:
        again.append({"a": f"{number}\n", "b": f"{word}\n"})
    again.close()
    assert (tmp_path / "a.jsonl").read_text() == "1\n2\n"
    assert (tmp_path / "b.jsonl").read_text() == "one\ntwo\n"


@pytest.mark.parametrize(
    "data", [bytes(range(256)), b"A\xff:scrypt:16384:8:1:AAAA:AAAA\n", b"\0" * 9, b"[" * 100_000]
)
def test_a_password_file_of_any_bytes_is_no_traceback(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(InputError, match="not a line of a password file"):
        Passwords.read(tmp_path / "p")


@pytest.mark.parametrize(
    "data", [b"[" * 100_000, b'{"a":' * 100_000, b'{"T": 1, "T": 2}', b"\xff", b"[]", b"{", b'{"T": NaN}']
)
def test_a_list_of_skills_of_any_bytes_is_no_traceback(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "skill.json").write_bytes(data)
    with pytest.raises(InputError, match="not an object of skill names"):
        read_skill_names(tmp_path / "skill.json")


@pytest.mark.parametrize(
    ("words", "model"), [(b"", b"PK\x03\x04" + b"x" * 90), (b"[" * 100_000 + b"\n", b""), (b"", b"")]
)
def test_a_learned_coder_of_any_bytes_is_no_traceback(tmp_path: Path, words: bytes, model: bytes) -> None:
    (tmp_path / "vocabulary.txt").write_bytes(words)
    (tmp_path / "model.npz").write_bytes(model)
    with pytest.raises(InputError, match="no learned coder can be read there"):
        LearnedModel.load(tmp_path, ["A"], UnitCues(None))
