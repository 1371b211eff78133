"""Traces in: every layout, every complaint with file and line, and no row lost."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.errors import InputError, PedagogyError
from pedagogy_r1.intake import import_traces, read_traces
from pedagogy_r1.trace import Trace

Pcode = Callable[..., Result]
WriteJsonl = Callable[..., Path]

ROWS = [
    {"qid": "q1", "Prompt": "2+2?", "output": "<think>Two and two.</think>4", "note": "a"},
    {"qid": "q2", "Prompt": "3-1?", "output": "Three, less one.</think>2", "note": "b"},
]


def _one(path: Path, out: Path, **how: Any) -> Trace:
    import_traces([path], out, **how)
    (trace,) = read_traces(out)
    return trace


def _write_csv(path: Path, delimiter: str = ",") -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(ROWS[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(ROWS)


def _write_xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in [list(ROWS[0]), *(list(row.values()) for row in ROWS)]:
        book.active.append(row)
    book.save(path)


WRITE: dict[str, Callable[[Path], object]] = {
    ".jsonl": lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in ROWS)),
    ".json": lambda path: path.write_text(json.dumps(ROWS)),
    ".csv": _write_csv,
    ".tsv": lambda path: _write_csv(path, "\t"),
    ".xlsx": _write_xlsx,
    ".parquet": lambda path: pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path),
}


@pytest.mark.parametrize("suffix", WRITE)
def test_one_table_in_every_format(suffix: str, tmp_path: Path) -> None:
    path, out = tmp_path / f"in{suffix}", tmp_path / "traces.jsonl"
    WRITE[suffix](path)
    report = import_traces([path], out, mapping={"item": "qid"}, constants={"model": "R1", "domain": None})
    first, second = read_traces(out)
    line = 2 if suffix in (".csv", ".tsv", ".xlsx") else 1
    assert first == Trace(
        id=f"in:{line}",
        item="q1",
        question="2+2?",
        reasoning="Two and two.",
        answer="4",
        model="R1",
        think="closed",
        metadata={"note": "a"},
    )
    assert (second.reasoning, second.answer, second.think) == ("Three, less one.", "2", "unopened")
    assert report.mapped == {("item", "qid"): 2, ("question", "Prompt"): 2, ("response", "output"): 2}
    assert (report.rows, report.traces, report.skipped, report.aside) == (2, 2, 0, None)


def test_our_own_file_comes_back_as_it_was(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    trace = Trace(
        id="a", item="i", question="Q?", reasoning="R\r\n\u2028 🙂", answer="A", reference="A", correct=False, domain="SK",
        condition="cop", model="M", lang="ko", think="unclosed", metadata={"response": "x", "n": [1, None]},
    )  # fmt: skip
    path = write_jsonl("own.jsonl", trace.model_dump(mode="json"))
    assert _one(path, tmp_path / "traces.jsonl") == trace


def test_dotted_fields_and_fields_with_spaces(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    row = {
        "a b (c)": "What?",
        "message": {"content": "x</think>y", "role": "assistant"},
        "xs": [{"v": 7}],
        "d.e": "lit",
    }
    path = write_jsonl("in.jsonl", row)
    mapping = {"question": "a b (c)", "response": "message.content", "reference": "xs.0.v", "domain": "d.e"}
    trace = _one(path, tmp_path / "out.jsonl", mapping=mapping)
    assert (trace.question, trace.reasoning, trace.answer, trace.reference, trace.domain) == (
        "What?",
        "x",
        "y",
        "7",
        "lit",
    )
    assert trace.metadata == {"message": {"role": "assistant"}, "xs": [{}]} or trace.metadata == {
        "message": {"role": "assistant"}
    }


USER = {"role": "user", "content": "2+2?"}


@pytest.mark.parametrize(
    ("row", "expected", "metadata"),
    [
        ({"messages": [USER, {"role": "assistant", "content": "<think>Hm.</think>4"}]}, ("2+2?", "Hm.", "4", "closed"), {}),
        (
            {"messages": [{"role": "system", "content": "Teach."}, USER, {"role": "assistant", "reasoning_content": "Hm.", "content": "4"}]},
            ("2+2?", "Hm.", "4", "field"),
            {"system": "Teach."},
        ),
        ({"messages": [USER, {"role": "assistant", "reasoning": "Hm.", "content": "4"}], "n": 1}, ("2+2?", "Hm.", "4", "field"), {"n": 1}),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "2+"}, {"type": "text", "text": "2?"}]},
                          {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "4"}]}]},
            ("2+2?", "Hm.", "4", "field"),
            {},
        ),
        ({"conversations": [{"from": "human", "value": "2+2?"}, {"from": "gpt", "value": "Hm.</think>4"}]}, ("2+2?", "Hm.", "4", "unopened"), {}),
        ({"prompt": [USER], "completion": [{"role": "assistant", "content": "<think>Hm.</think>4"}]}, ("2+2?", "Hm.", "4", "closed"), {}),
        ({"prompt": [USER], "completion": "<think>Hm.</think>4"}, ("2+2?", "Hm.", "4", "closed"), {}),
        (
            {"messages": [USER], "model": "m", "choices": [{"finish_reason": "stop", "message": {"reasoning_content": "Hm.", "content": "4"}}]},
            ("2+2?", "Hm.", "4", "field"),
            {"choices": [{"finish_reason": "stop"}]},
        ),
        ({"question": "2+2?", "response": {"status": 200, "body": {"choices": [{"message": {"content": "Hm.</think>4"}}]}}},
         ("2+2?", "Hm.", "4", "unopened"), {"response": {"status": 200}}),
    ],
)  # fmt: skip
def test_chats(
    row: dict[str, Any],
    expected: tuple[str, ...],
    metadata: dict[str, Any],
    write_jsonl: WriteJsonl,
    tmp_path: Path,
) -> None:
    trace = _one(write_jsonl("chat.jsonl", row), tmp_path / "out.jsonl")
    assert (trace.question, trace.reasoning, trace.answer, trace.think) == expected
    assert trace.metadata == metadata


def test_earlier_turns_are_kept(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one"},
        USER,
        {"role": "assistant", "content": "R</think>4"},
    ]
    trace = _one(write_jsonl("chat.jsonl", {"messages": turns}), tmp_path / "out.jsonl")
    assert (trace.question, trace.reasoning) == ("2+2?", "R")
    assert trace.metadata["messages"][:3] == turns[:3]


def test_more_than_one_choice_is_said_and_kept(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    row = {
        "question": "Q",
        "choices": [{"message": {"content": "a</think>1"}}, {"message": {"content": "b</think>2"}}],
    }
    report = import_traces([write_jsonl("c.jsonl", row)], tmp_path / "out.jsonl")
    assert any("2 choices" in note for note in report.notes)
    (trace,) = read_traces(tmp_path / "out.jsonl")
    assert trace.metadata["choices"][1] == {"message": {"content": "b</think>2"}}


def test_reasoning_field_beside_a_response_that_repeats_it(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    row = {"reasoning_content": "Hm.", "response": "<think>\nHm.\n</think>4", "question": "Q"}
    trace = _one(write_jsonl("r.jsonl", row), tmp_path / "out.jsonl")
    assert (trace.reasoning, trace.answer, trace.think) == ("Hm.", "4", "field")
    other = _one(write_jsonl("r.jsonl", row | {"response": "<think>Else.</think>4"}), tmp_path / "out.jsonl")
    assert (other.reasoning, other.answer) == ("Hm.", "<think>Else.</think>4"), "nothing is dropped"


def test_a_gold_answer_beside_the_response_is_not_taken_for_the_models(
    write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    path = write_jsonl("g.jsonl", {"question": "Q", "answer": "4", "response": "Hm.</think>5"})
    report = import_traces([path], tmp_path / "out.jsonl")
    (trace,) = read_traces(tmp_path / "out.jsonl")
    assert (trace.answer, trace.metadata) == ("5", {"answer": "4"})
    assert any("--map reference=answer" in note for note in report.notes)


def test_a_mapped_answer_keeps_what_it_displaces(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    path = write_jsonl("g.jsonl", {"response": "Hm.</think>It is 5.", "parsed": 5})
    trace = _one(path, tmp_path / "out.jsonl", mapping={"answer": "parsed"})
    assert (trace.answer, trace.metadata) == ("5", {"after_think": "It is 5."})


@pytest.mark.parametrize(
    ("response", "think", "reasoning", "words"),
    [
        ("<think>cut off", "unclosed", "cut off", "never closed"),
        ("no tags", "absent", "no tags", "no <think> at all"),
        ("<think></think>4", "closed", "", "nothing to code"),
        ("<think>a</think>mid<think>b</think>c", "repeated", "a", "more than one pair"),
        ("<think>a <think>b</think>c</think>d", "repeated", "a <think>b", "more than one pair"),
        ("<think>a <think>b</think>c", "repeated", "a <think>b", "more than one pair"),
        ("a</think>b</think>c", "repeated", "a", "more than one pair"),
        ("<thinking>a</thinking>b", "closed", "a", "reasoning in <thinking> … </thinking>"),
        ("<Think>a</THINK>b</think>", "repeated", "a", "more than one pair"),
        ("a <thought> b", "absent", "a <thought> b", "<thought> stays in the text"),
        ("Q<think>a</think>b", "closed", "a", "text before <think>"),
    ],
)
def test_odd_thinking_is_counted_and_named(
    response: str, think: str, reasoning: str, words: str, write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    path = write_jsonl("t.jsonl", {"response": "a</think>b"}, *[{"response": response}] * 5)
    report = import_traces([path], tmp_path / "out.jsonl")
    (note,) = (note for text, note in report.notes.items() if words in text)
    assert (note.count, note.first) == (5, [f"{path}:{n}" for n in (2, 3, 4)])
    trace = list(read_traces(tmp_path / "out.jsonl"))[1]
    assert (trace.think, trace.reasoning) == (think, reasoning)


def test_a_tag_of_the_users_own_comes_before_those_that_are_known(
    write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    path = write_jsonl("t.jsonl", {"response": "((hm))<think>a</think>b"}, {"response": "plain <thought>"})
    report = import_traces(
        [path], tmp_path / "out.jsonl", think_tags=[("((", "))")], no_think="error", on_error="skip"
    )
    (trace,) = read_traces(tmp_path / "out.jsonl")
    assert (trace.reasoning, trace.answer) == ("hm", "<think>a</think>b")
    assert any("<think> stays in the text" in note for note in report.notes)
    assert "<thought> is taken as text" in report.problems[0].why, "named where a known one is demanded"


@pytest.mark.parametrize(
    ("no_think", "reasoning", "answer"), [("reasoning", "plain", ""), ("answer", "", "plain")]
)
def test_what_a_response_without_think_is_can_be_said(
    no_think: Any, reasoning: str, answer: str, write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    path = write_jsonl("t.jsonl", {"response": "plain"})
    trace = _one(path, tmp_path / "out.jsonl", no_think=no_think)
    assert (trace.reasoning, trace.answer) == (reasoning, answer)
    with pytest.raises(InputError, match=r"t\.jsonl:1: no <think>"):
        import_traces([path], tmp_path / "out.jsonl", no_think="error")


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [("true", True), ("No", False), (1, True), (0.0, False), ("", None), (None, None), ("YES", True)],
)
def test_correct(given_value: object, expected: bool | None, write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    path = write_jsonl("c.jsonl", {"reasoning": "r", "correct": given_value})
    assert _one(path, tmp_path / "out.jsonl").correct is expected


BAD = [
    ('{"reasoning": "r"', "bad JSON"),
    ("[1]", "expected a JSON object"),
    ('{"question": "q"}', "neither reasoning nor answer"),
    ('{"response": "<think> </think>"}', "neither reasoning nor answer"),
    ('{"reasoning": "r", "correct": "B"}', "not true or false"),
    ('{"reasoning": "r", "id": "one"}', "was used in"),
    ('{"reasoning": ["r"]}', "should be text"),
    ('{"reasoning": "r", "lang": "English language"}', "language code"),
    ('{"messages": [{"role": "user", "content": "q"}]}', "no assistant message"),
    ('{"messages": [{"role": "assistant", "content": 5}]}', "is int, not text"),
]  # fmt: skip


def test_all_bad_rows_are_named_at_once_and_nothing_is_written(tmp_path: Path, pcode: Pcode) -> None:
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_text('{"reasoning": "r", "id": "one"}\n' + "".join(line + "\n" for line, _ in BAD))
    done = pcode("traces", "import", path, "-o", out)
    assert done.exit_code == 2
    assert f"{len(BAD)} of {len(BAD) + 1} rows cannot be imported" in done.stderr
    assert "import the other 1 with --on-error skip" in done.stderr
    for number, (_, words) in enumerate(BAD, 2):
        (line,) = (line for line in done.stderr.splitlines() if f"{path}:{number}:" in line)
        assert words in line
    assert [p.name for p in tmp_path.iterdir()] == ["in.jsonl"]


def test_skip_imports_the_good_rows_and_writes_the_bad_ones_aside(tmp_path: Path, pcode: Pcode) -> None:
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_text(
        '{"reasoning": "r", "id": "one"}\n' + "".join(line + "\n" for line, _ in BAD) + '{"reasoning": "s"}\n'
    )
    done = pcode("traces", "import", path, "-o", out, "--on-error", "skip", "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert (report["rows"], report["traces"], report["skipped"]) == (len(BAD) + 2, 2, len(BAD))
    assert [trace.id for trace in read_traces(out)] == ["one", f"in:{len(BAD) + 2}"]
    aside = [json.loads(line) for line in (tmp_path / "out.jsonl.skipped.jsonl").read_text().splitlines()]
    assert [row["line"] for row in aside] == list(range(2, len(BAD) + 2))
    assert aside[0]["raw"] == BAD[0][0]
    assert json.loads(aside[4]["raw"]) == json.loads(BAD[4][0])
    path.write_text('{"reasoning": "r"}\n')
    assert pcode("traces", "import", path, "-o", out, "--on-error", "skip").exit_code == 0
    assert not (tmp_path / "out.jsonl.skipped.jsonl").exists(), "the list of an earlier import must not stay"


def test_good_elements_before_an_error_in_an_array(tmp_path: Path, pcode: Pcode) -> None:
    path, out = tmp_path / "in.json", tmp_path / "out.jsonl"
    path.write_text(
        '[\n{"reasoning": "r"}, {"reasoning": "s"}, {"reasoning": 7},\n{"reasoning": "t",\n}\n]\n'
    )
    done = pcode("traces", "import", path, "-o", out, "--on-error", "skip")
    assert done.exit_code == 1
    assert "2 traces of 4 rows" in done.stdout
    assert f"skipped {path}:2: element 3: 'reasoning' should be text" in done.stderr
    assert [trace.id for trace in read_traces(out)] == ["in:1", "in:2"]
    aside = [json.loads(line) for line in (tmp_path / "out.jsonl.skipped.jsonl").read_text().splitlines()]
    comma = (
        3 if sys.version_info >= (3, 13) else 4
    )  # Python says where the comma is, before 3.13 what stands behind it
    assert [row["line"] for row in aside] == [2, comma]
    assert aside[1]["raw"] == '{"reasoning": "t",\n}\n]'


def test_directories_and_files_without_rows(tmp_path: Path, pcode: Pcode) -> None:
    done = pcode("traces", "import", tmp_path, "-o", tmp_path / "out.jsonl")
    assert (done.exit_code, "is a directory" in done.stderr) == (2, True)
    (tmp_path / "traces.jsonl").write_text("")
    assert f"it holds {tmp_path / 'traces.jsonl'}" in pcode("traces", "check", tmp_path).stderr
    (tmp_path / "head.csv").write_text("id,reasoning\n")
    done = pcode("traces", "import", tmp_path / "head.csv", "-o", tmp_path / "out.jsonl")
    assert (done.exit_code, "head.csv: no rows" in done.stderr) == (2, True)


def test_a_repeated_id_names_both_places(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    a = write_jsonl("a.jsonl", {"id": "x", "reasoning": "r"})
    b = write_jsonl("b.jsonl", {"id": "y", "reasoning": "r"}, {"id": "x", "reasoning": "r"})
    with pytest.raises(InputError) as error:
        import_traces([a, b], tmp_path / "out.jsonl")
    assert f"{b}:2: id 'x' was used in {a}:1" in error.value.message


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--map", "respons=output"], "no target 'respons'", "did you mean response?"),
        (["--map", "response=outptu"], "no row has a field 'outptu'", "did you mean output?"),
        (["--map", "response"], "is not TARGET=FIELD", "e.g."),
        (["--map", "item=qid", "--map", "item=note"], "given twice", "two commands"),
        (["--map", "model=note", "--model", "R1"], "both a value", "drop one"),
        (["--map", "id=1.2.3.4.5"], "no row has a field", "known: qid"),
    ],
)
def test_wrong_maps_are_refused_before_anything_is_written(
    words: list[str], message: str, hint: str, tmp_path: Path, pcode: Pcode
) -> None:
    path = tmp_path / "in.jsonl"
    WRITE[".jsonl"](path)
    done = pcode("traces", "import", path, "-o", tmp_path / "out.jsonl", *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert hint in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_a_mapped_field_that_some_rows_lack_is_said(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    path = write_jsonl("in.jsonl", {"reasoning": "r", "who": "m"}, {"reasoning": "r"})
    report = import_traces([path], tmp_path / "out.jsonl", mapping={"model": "who"})
    assert report.notes["no field 'who' (model)"].first == [f"{path}:2"]


def test_inputs_are_never_overwritten(write_jsonl: WriteJsonl) -> None:
    path = write_jsonl("in.jsonl", {"reasoning": "r"})
    with pytest.raises(InputError, match="would be overwritten"):
        import_traces([path], path)


def test_show_and_check(write_jsonl: WriteJsonl, pcode: Pcode) -> None:
    path = write_jsonl("t.jsonl", {"id": "x1", "reasoning": "Because.", "answer": "4", "domain": "SK"})
    assert "x1  SK" in pcode("traces", "show", path).stdout
    assert "Because." in pcode("traces", "show", path, "x1").stdout
    assert "did you mean x1?" in pcode("traces", "show", path, "x2").stderr
    assert "1 trace (" in pcode("traces", "check", path).stdout


def test_real_traces_are_all_imported(shared: Path, tmp_path: Path, pcode: Pcode) -> None:
    files = sorted((shared / "data/reasoningflow/traces").glob("*.jsonl"))
    assert len(files) == 4
    done = pcode(
        "traces",
        "import",
        *files,
        "-o",
        tmp_path / "out.jsonl",
        "--map",
        "item=question_id",
        "--map",
        "reference=correct_answer",
        "--json",
    )
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert report["traces"] == report["rows"] == len(rows) == 108
    assert report["think"] == {"closed": 50, "unclosed": 4, "unopened": 45, "absent": 9}
    traces = list(read_traces(tmp_path / "out.jsonl"))
    for trace, row in zip(traces, rows, strict=True):
        tags = {
            "closed": "<think>{}</think>{}",
            "unclosed": "<think>{}{}",
            "unopened": "{}</think>{}",
            "absent": "{}{}",
        }
        assert tags[trace.think or ""].format(trace.reasoning, trace.answer) == row["response"]
        assert (trace.item, trace.reference or "") == (row["question_id"], row["correct_answer"])
    assert traces[0].id == "DeepSeek-R1_aime2024:1"


# ── fuzz: whatever is in a file, no crash and no silent loss ──────────────────────────────────────────

FUZZ = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SUFFIXES = [".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".xlsx", ".parquet", ".txt"]

leaf = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=12)
)
leaf |= st.sampled_from(["<think>a</think>b", "</think>", "<think>", "true", "en", "user", "assistant", "😀"])
key = st.sampled_from(
    ["id", "question", "response", "reasoning", "answer", "correct", "lang", "metadata", "think", "messages", "choices", "content", "role",
     "from", "value", "message", "prompt", "completion", "output", "body", "model", "text", "type", "thinking", "a.b", ""]
)  # fmt: skip
value = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(key, inner, max_size=4), max_leaves=12
)


def _survive(path: Path, out: Path, **how: Any) -> None:
    try:
        report = import_traces([path], out, on_error="skip", **how)
    except PedagogyError:
        return
    traces = list(read_traces(out))
    aside = Path(f"{out}.skipped.jsonl")
    skipped = aside.read_text().splitlines() if aside.exists() else []
    assert report.rows == len(traces) + len(skipped) == report.traces + report.skipped


@FUZZ
@given(data=st.binary(max_size=400), suffix=st.sampled_from(SUFFIXES))
def test_random_bytes(data: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"in{suffix}"
    path.write_bytes(data)
    _survive(path, tmp_path / "out.jsonl")


@FUZZ
@given(rows=st.lists(st.dictionaries(key, value, max_size=6), max_size=5), mapped=st.booleans())
def test_random_objects(rows: list[dict[str, Any]], mapped: bool, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _survive(
        path,
        tmp_path / "out.jsonl",
        mapping={"response": "a.b", "item": "message.content"} if mapped else None,
    )


@FUZZ
@given(
    suffix=st.sampled_from(list(WRITE)),
    at=st.floats(0, 1),
    junk=st.binary(min_size=1, max_size=8),
    cut=st.integers(0, 40),
)
def test_good_files_damaged(suffix: str, at: float, junk: bytes, cut: int, tmp_path: Path) -> None:
    path = tmp_path / f"in{suffix}"
    WRITE[suffix](path)
    data = path.read_bytes()
    place = int(at * len(data))
    path.write_bytes(data[:place] + junk + data[place + cut :])
    _survive(path, tmp_path / "out.jsonl")


@FUZZ
@given(
    table=st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=10), max_size=5), max_size=6),
    delimiter=st.sampled_from([",", "\t"]),
)
def test_random_tables(table: list[list[str]], delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / ("in.csv" if delimiter == "," else "in.tsv")
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter).writerows([["reasoning", "id", "x"], *table])
    path.write_text(buffer.getvalue(), newline="")
    _survive(path, tmp_path / "out.jsonl")


@pytest.mark.parametrize(
    "field",
    [
        "reasoning",
        "question",
        "answer",
        "item",
        "reference",
        "domain",
        "condition",
        "model",
        "lang",
        "metadata",
    ],
)
def test_half_a_character_in_any_field_is_said_and_the_hint_mends_it(tmp_path: Path, field: str) -> None:
    half: Any = {"k": ["m\ud800"]} if field == "metadata" else "m\ud800"
    row = {"id": "a", "reasoning": "Is it so? Yes.", "answer": "x"} | {field: half}
    path, out = tmp_path / "halves.jsonl", tmp_path / "whole.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=rf"halves.jsonl:1: half a character \(lone surrogate\) in {field}"):
        list(read_traces(path))
    if field == "lang":
        return  # it is no language, whole or half
    import_traces([path], out)
    (trace,) = read_traces(out)
    assert "m\ufffd" in trace.model_dump_json()
    pair = tmp_path / "pair.jsonl"
    pair.write_text(
        json.dumps(row | {field: "m\U0001f600" if field != "metadata" else {"k": "\U0001f600"}}) + "\n"
    )
    assert "\\ud83d" in pair.read_text()
    assert "\U0001f600" in next(iter(read_traces(pair))).model_dump_json()
