"""YAML and JSON from people and from elsewhere: refused in words where a reader would crash, or keep one value of two."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from pedagogy_r1.codebook import parse_codebook
from pedagogy_r1.codebook.check import check_codebook
from pedagogy_r1.errors import CodebookError, InputError, PedagogyError, RunError
from pedagogy_r1.files.json_text import TwiceError, parse_json
from pedagogy_r1.files.records import BadRow, Row, read_jsonl
from pedagogy_r1.files.yaml_text import BadYaml, RefusedYaml, parse_yaml
from pedagogy_r1.intake import read_traces
from pedagogy_r1.job import read_record
from pedagogy_r1.wbeb.answers.answer_language import read_language
from pedagogy_r1.wbeb.condition import condition
from pedagogy_r1.wbeb.item import read_items

from ..conftest import ROOT

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = [
    ("[" * 300_000, "nested more than 50 deep"),
    ("- " * 300_000, "nested more than 50 deep"),
    ("{a: " * 60, "nested more than 50 deep"),
    (BOMB, "line 6: more than 250,000 values, aliases counted out"),
    ("a: &a " + "x" * 900_000 + "\nb: [" + "*a, " * 9 + "]", "more than 8,000,000 characters"),
    ("x" * 8_000_001, "longer than 8,000,000 characters"),
    ("a: &a [*a]", "line 1: .a stands for what it is part of"),
    ("id: a\ntitle: b\nid: c\n", "line 3: the key 'id' is there twice"),
    ("codes:\n- {id: A, name: a, id: B}\n", "line 2: the key 'id' is there twice"),
    ('id: a\n"id": b\n', "line 2: the key 'id' is there twice"),
    ("&k id: a\n*k : b\n", "line 2: the key 'id' is there twice"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=[why for _, why in REFUSED])
@pytest.mark.parametrize("encode", [str, str.encode], ids=["text", "bytes"])
def test_yaml_that_would_crash_or_lose_a_value_is_refused(
    text: str, why: str, encode: Callable[[str], Any]
) -> None:
    with pytest.raises(RefusedYaml, match=why):
        parse_yaml(encode(text))


def test_a_codebook_of_300000_brackets_does_not_end_the_process() -> None:
    code = "from pedagogy_r1.codebook import parse_codebook; parse_codebook('[' * 300_000, 'deep.yaml')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "CodebookError: deep.yaml: not valid YAML: line 1: nested more than 50 deep" in done.stderr


@pytest.mark.parametrize("name", ["codebook", "check", "condition", "language"])
@pytest.mark.parametrize("text", [REFUSED[0][0], BOMB, "id: a\nid: b\n"], ids=["deep", "bomb", "twice"])
def test_every_reader_of_yaml_refuses(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_text(text)
    if name == "check":
        assert any(
            "nested" in found.what or "aliases" in found.what or "there twice" in found.what
            for found in check_codebook(text)
        )
        return
    read: dict[str, Callable[[], object]] = {
        "codebook": lambda: parse_codebook(text, str(path)),
        "condition": lambda: condition(path),
        "language": lambda: read_language(path),
    }
    with pytest.raises((CodebookError, InputError), match=r"hostile\.yaml: .*(nested|aliases|there twice)"):
        read[name]()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
        max_leaves=12,
    )
)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back(value: object) -> None:
    assert parse_yaml(yaml.safe_dump([value, value], allow_unicode=True)) == [value, value]


@given(st.text(alphabet="[]{}:,-&*a!<? \n\"'#|>", max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadYaml):
        parse_yaml(text)


TWICE = [
    '{"id": "a", "id": "b"}',
    '{"id" : "a", "question": "?", "id" : "b"}',
    '{"id": "a", "meta": {"n": 1, "n": 2}}',
    '{"id": "a", "list": [{"n": 1, "n": 2}]}',
    '{"id": "' + "x" * 5000 + '", "id": "b"}',
]


@pytest.mark.parametrize("text", TWICE, ids=["plain", "spaced", "inner", "in a list", "long"])
def test_a_name_that_stands_twice_in_json_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(TwiceError, match=r"'(id|n)' stands twice in one object"):
        parse_json(text)
    path = tmp_path / "some.jsonl"
    path.write_text('{"id": "first"}\n' + text + "\n")
    first, second = read_jsonl(path)
    assert isinstance(first, Row)
    assert isinstance(second, BadRow)
    assert second.line == 2
    assert "stands twice" in second.why


@given(
    st.dictionaries(
        st.text(max_size=5), st.text(max_size=9) | st.dictionaries(st.text(max_size=3), st.integers())
    )
)
@settings(max_examples=60, deadline=None)
def test_json_without_is_read_as_ever(value: dict[str, Any]) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        assert parse_json(text) == parse_json(text.encode("utf-8", "surrogatepass")) == value


class Made(BaseModel):
    id: str


@pytest.mark.parametrize("what", ["record", "traces", "items"])
def test_files_of_ours_with_a_name_twice_are_refused(what: str, tmp_path: Path) -> None:
    path = tmp_path / "ours"
    path.write_text(TWICE[0])
    read: dict[str, Callable[[], Iterator[object]]] = {
        "record": lambda: iter([read_record(path, Made, no_file=RunError("none"))]),
        "traces": lambda: iter(read_traces(path)),
        "items": lambda: read_items(path),
    }
    with pytest.raises(PedagogyError, match=r"ours(:1)?: .*'id' stands twice in one object"):
        list(read[what]())
