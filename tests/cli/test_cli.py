"""The command line itself: suggestions, statuses, and no traceback for what a user can mend."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from pedagogy_r1.formatting import UNSEEN

from ..conftest import ROOT

Pcode = Callable[..., Result]
DEMO = ROOT / "demo/traces.jsonl"


def test_a_mistyped_command_is_suggested(pcode: Pcode) -> None:
    result = pcode("anotate")
    assert result.exit_code == 2
    assert "did you mean annotate?" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("traces", "import", DEMO, "-o", "{file}/x.jsonl"),
        ("annotate", DEMO, "-o", "{file}"),
        ("demo", "-o", "{file}"),
        ("codebook", "manual", "schoen", "-o", "{folder}"),
        ("export", "{folder}", "-o", "{file}/x.csv"),
    ],
    ids=lambda words: str(words[0]),
)
def test_a_place_that_cannot_be_written_is_said(
    tmp_path: Path, pcode: Pcode, words: tuple[object, ...]
) -> None:
    (tmp_path / "file").write_text("here")
    (tmp_path / "folder").mkdir()
    places = {"file": tmp_path / "file", "folder": tmp_path / "folder"}
    result = pcode(*(str(word).format(**places) for word in words))
    assert result.exit_code == 2, result.output
    assert "error:" in result.stderr.lower()
    assert "Traceback" not in result.stderr
    assert (tmp_path / "file").read_text() == "here"


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m pedagogy_r1 codebook manual schoen | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.stdout.startswith("# ")
    assert result.stderr == ""


@pytest.mark.parametrize(
    "words",
    [
        ("traces", "check", "FILE"),
        ("traces", "show", "FILE"),
        ("tokens", "FILE"),
        ("annotate", "FILE", "-o", "OUT"),
        ("filter", "FILE", "-o", "OUT"),
    ],
    ids=" ".join,
)
def test_a_traces_file_without_a_trace_is_refused(
    tmp_path: Path, pcode: Pcode, words: tuple[str, ...]
) -> None:
    (tmp_path / "none.jsonl").touch()
    places = {"FILE": tmp_path / "none.jsonl", "OUT": tmp_path / "out"}
    result = pcode(*(places.get(word, word) for word in words))
    assert result.exit_code == 2
    assert "none.jsonl holds no trace" in result.stderr
    assert "pcode traces import" in result.stderr
    assert not (tmp_path / "out").exists()


TURNED = "t\u202e\u2066gnp\u2069.exe\x1b[2J\x9b\ry"
"""A name that turns round what stands beside it, moves the cursor and clears the screen."""


def test_no_name_of_a_file_turns_round_what_is_read(
    pcode: Pcode, write_jsonl: Callable[..., Path], tmp_path: Path
) -> None:
    """Ids, questions, fields of traces and coders, on the terminal, the pages and in LaTeX; the JSON holds them as they are."""
    said = "So it is. Wait, is it? I am done."
    names = [f"{n}{TURNED}" for n in range(3)]
    more = {"question": TURNED, "answer": TURNED, "domain": TURNED, "model": TURNED}
    traces = write_jsonl("traces.jsonl", *({"id": n, "reasoning": said, **more} for n in names))
    spans = [
        {"trace_id": n, "start": 0, "end": 9, "quote": said[:9], "coder": who, "code": code, "memo": TURNED}
        for who, code in (("A\u202e", "KA-RO"), ("B", "IA-SQ"))
        for n in (*names, f"no {TURNED}")
    ]
    people, page = tmp_path / "people", tmp_path / "report"
    how = ("--traces", traces, "-o", people, "--codebook", "schoen", "--units", "own", "--on-error", "skip")
    results = [
        pcode("import", write_jsonl("spans.jsonl", *spans), *how),
        pcode("traces", "show", traces),
        pcode("agreement", people, "--replicates", 0),
        pcode("disagreements", people),
        pcode("disagreements", people, "-o", tmp_path / "sheets"),
        pcode("quotes", people, "--code", "IA-SQ", "-o", tmp_path / "q.html"),
        pcode(
            "report", people, "-o", page, "--where", f"domain={TURNED}", "--by", "domain", "--replicates", 0
        ),
        pcode("agreement", people, "--coders", TURNED),
        as_json := pcode("agreement", people, "--by", "domain", "--replicates", 0, "--json"),
    ]
    assert [result.exit_code for result in results] == [1, 0, 0, 0, 0, 0, 0, 2, 0]
    texts = [result.output for result in results]
    texts += [p.read_text() for p in tmp_path.rglob("*") if p.suffix in (".html", ".md", ".tex", ".svg")]
    assert len(texts) > 20
    assert [text[:300] for text in texts if UNSEEN.search(text)] == []
    assert "‹U+202E›" in texts[1]
    assert any(TURNED in text for text in _texts(json.loads(as_json.stdout)))


def test_commands_print_by_way_of_what_makes_text_visible() -> None:
    """What is no constant may hold something of a file: `console.say`, `console.notice` and `console.put` show it by its number."""
    loose = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "pedagogy_r1/cli").glob("*.py")
        if path.name != "console.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("click.echo", "click.secho", "print")
        if not all(isinstance(word, ast.Constant) for word in node.args)
        if not re.search(r"visible\(|get_help\(", ast.unparse(node))
    ]
    assert loose == []


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value
