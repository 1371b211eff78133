"""Prompt conditions: shipped ones pinned, the paper's exact words, and files that are none."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pedagogy_r1.errors import InputError
from pedagogy_r1.wbeb.condition import Condition, condition, conditions

from ..conftest import ROOT

PINNED = {
    "cop@1.0.0": "sha256:74af19f027f996cd32d23013d5725d64b9916bfe3d1f78ac4bfc88439ca313c8",
    "cop-audit@1.0.0": "sha256:e9a950ff2cb4697885974ac35ff579b0a547c583fcf5a78e8912a3d37b9e6b0b",
    "generic@1.0.0": "sha256:7c504fc89f9b454baa627fd50dc8dafe43da7e340c878d67a222cd245f5cedf2",
    "none@1.0.0": "sha256:e2433400d8dc9ac6b11bca9cac9e0cd377be14e5de2281ceb5c9b7d020c1d5e2",
}
"""A released condition never changes: results name its digest. Another wording is another version."""


def test_every_shipped_condition_is_pinned() -> None:
    shipped = [condition(name) for name in conditions()]
    assert {f"{one.id}@{one.version}": one.digest for one in shipped} == PINNED


def test_generic_and_cop_differ_in_the_paper_s_words_only() -> None:
    generic, cop = condition("generic").instruction, condition("cop").instruction
    assert "please reason step by step" in generic
    assert "consider the pedagogical step by step" in cop
    assert generic.replace("please reason step by step", "consider the pedagogical step by step") == cop
    assert cop in condition("cop-audit").instruction.replace("step. Then", "step.")[: len(cop)]


def test_messages() -> None:
    assert condition("none").messages("Why?") == ("", "Why?")
    system, user = condition("cop").messages("Why?")
    assert (system, user) == ("", "Why?\n\nBefore you answer, consider the pedagogical step by step.")
    own = Condition(id="x", version="1.0.0", system="You teach.", instruction="Think.")
    assert own.messages("{braces} stay") == ("You teach.", "{braces} stay\n\nThink.")


def test_a_condition_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "socratic.yaml"
    path.write_text("id: socratic\nversion: 0.1.0\ninstruction: Ask yourself first.\n")
    assert condition(path).messages("Why?").user == "Why?\n\nAsk yourself first."
    before = condition(path).digest
    path.write_text("id: socratic\nversion: 0.1.0\ninstruction: Ask yourself first!\n")
    assert condition(path).digest != before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id: x\nversion: 1.0.0\ninstrution: typo\n", "instrution"),
        ("id: x\nversion: 1\n", "version"),
        ("id: y\nversion: 1.0.0\n", "holds condition 'y'"),
        ("[", "no readable YAML"),
        ("just text\n", "valid dictionary"),
        ("", "valid dictionary"),
    ],
)
def test_what_is_no_condition(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x\.yaml") as caught:
        condition(path)
    assert why in caught.value.message


def test_unknown_names_are_suggested() -> None:
    with pytest.raises(InputError) as caught:
        condition("generics")
    assert "did you mean generic?" in caught.value.hint
    with pytest.raises(InputError, match="no such file"):
        condition("nowhere/cop.yaml")


@pytest.mark.slow
def test_conditions_are_in_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path), str(ROOT)]
    result = subprocess.run(build, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert {f"pedagogy_r1/_shipped/conditions/{name}.yaml" for name in conditions()} <= set(names)
