"""What comes back of a packet: whose it is, where spans lie, what is odd, and that nothing crashes on nonsense."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import Result
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pedagogy_r1.errors import ArgumentError, InputError, PedagogyError
from pedagogy_r1.files.records import write_jsonl
from pedagogy_r1.human.coding_log import CodingLog, LogHeader
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.human.locate_rows import where_they_part
from pedagogy_r1.human.packet import Packet, blind_id
from pedagogy_r1.human.packet_return import NOT_RETURNED
from pedagogy_r1.human.raw_coding import read_codings_file
from pedagogy_r1.human.read_codings import CodingsReport
from pedagogy_r1.human.tools import choose, write_formats
from pedagogy_r1.runs.run import CoderRun

from ..packets import HARD, fill, load, make_packet, opinions, save

Pcode = Callable[..., Result]
TOOLS = ["label_studio", "doccano", "prodigy"]


def take(packet: Packet, file: Path, **how: Any) -> CodingsReport:
    out = file.with_name(f"{file.name}.run")
    return import_codings([file], None, out, packet=packet.folder, **how)


def sent_back(format: str, packet: Packet, place: Path, coder: str = "A") -> Path:
    write_formats(packet, [format])
    return fill(format, packet, coder, opinions(packet, coder), place)


def spans(
    tool: str, packet: Packet, marks: list[tuple[str, object, object, str | None, str]], place: Path
) -> Path:
    """A tool's export of one trace with marks: (trace, start, end, quote, code), offsets as the tool counts them."""
    trace = packet.traces[marks[0][0]]
    ours = {"document": blind_id(trace.id), "coder": "A", "text": trace.reasoning}
    if tool == "label_studio":
        regions = [
            {
                "id": f"r{i}",
                "from_name": "spans",
                "to_name": "text",
                "type": "labels",
                "value": {"start": a, "end": b, "labels": [code]} | ({"text": quote} if quote else {}),
            }
            for i, (_, a, b, quote, code) in enumerate(marks)
        ]
        return save(place / "ls.json", [{"id": 1, "data": ours, "annotations": [{"result": regions}]}])
    if tool == "doccano":
        made = {"id": 1, **ours, "label": [[a, b, code] for _, a, b, _, code in marks], "Comments": []}
        return save(place / "d.jsonl", [made])
    regions = [
        {"start": a, "end": b, "label": code} | ({"text": quote} if quote else {})
        for _, a, b, quote, code in marks
    ]
    return save(place / "p.jsonl", [{**ours, "spans": regions, "answer": "accept", "_input_hash": 1}])


def utf16(text: str, at: int) -> int:
    return len(text[:at].encode("utf-16-le")) // 2


@pytest.mark.parametrize("trace", HARD, ids=lambda trace: trace.lang)
@pytest.mark.parametrize("tool", TOOLS)
def test_spans_are_anchored_as_each_tool_counts(tool: str, trace: Any, tmp_path: Path) -> None:
    """JavaScript counts UTF-16 code units (Label Studio, doccano), spaCy code points (Prodigy)."""
    packet = make_packet(tmp_path / "packet")
    units = packet.units[trace.id]
    count = (lambda n: n) if tool == "prodigy" else (lambda n: utf16(trace.reasoning, n))
    marks = [(trace.id, count(unit.start), count(unit.end), None, "ABC"[unit.index % 3]) for unit in units]
    report = take(packet, spans(tool, packet, marks, tmp_path))
    assert not report.problems
    codings = {c.unit_id: c.codes for c in report.run.codings() if c.codes is not None}
    assert codings == {unit.id: ("ABC"[unit.index % 3],) for unit in units}


@pytest.mark.parametrize("tool", ["label_studio", "prodigy"])
@pytest.mark.parametrize("how", ["lf", "trimmed", "wide", "code points", "utf-16"])
def test_a_quote_puts_shifted_offsets_right(tool: str, how: str, tmp_path: Path) -> None:
    """The text went through CRLF → LF, lost its outer white space, or was counted otherwise: the quote decides."""
    packet = make_packet(tmp_path / "packet")
    trace = HARD[0]
    unit = next(unit for unit in packet.units[trace.id] if unit.text.startswith("@home"))
    text, quote = trace.reasoning, unit.text
    a, b = unit.start, unit.end
    if how == "lf":
        a, b = (utf16(text[:at].replace("\r\n", "\n"), 10**6) for at in (a, b))
    elif how == "wide":  # the mark took in the line end before and a space behind
        a, b, quote = a - 2, b + 1, text[a - 2 : b + 1]
    elif how == "trimmed":
        a, quote = a - 2, text[a - 2 : b].strip()
    elif how == "utf-16":
        a, b = utf16(text, a), utf16(text, b)
    report = take(packet, spans(tool, packet, [(trace.id, a, b, quote, "B")], tmp_path))
    assert not report.problems
    assert {c.unit_id: c.codes for c in report.run.codings() if c.codes} == {unit.id: ("B",)}


@pytest.mark.parametrize("tool", TOOLS)
def test_spans_that_are_no_units_are_laid_on_them(tool: str, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    trace = HARD[1]
    first, second = packet.units[trace.id][:2]
    count = (lambda n: n) if tool == "prodigy" else (lambda n: utf16(trace.reasoning, n))
    mark = (trace.id, count(first.start + 3), count(second.end - 2), None, "C")
    report = take(packet, spans(tool, packet, [mark], tmp_path))
    found = {c.unit_id: c for c in report.run.codings() if c.codes}
    assert {unit: coding.codes for unit, coding in found.items()} == {first.id: ("C",), second.id: ("C",)}
    assert 0 < (found[first.id].overlap or 0) < 1


@pytest.mark.parametrize("tool", TOOLS)
def test_spans_without_a_place_are_listed_and_the_rest_is_taken(tool: str, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    trace = HARD[2]
    unit = packet.units[trace.id][0]
    marks = [(trace.id, unit.start, unit.end, None, "A"), (trace.id, 5000, 5009, "not there", "B")]
    file = spans(tool, packet, marks, tmp_path)
    with pytest.raises(InputError, match="1 of 2 codings cannot be imported"):
        take(packet, file)
    report = take(packet, file, on_error="skip")
    assert [(p.row, p.coder) for p in report.problems] == [(1, "A")]
    assert {c.unit_id: c.codes for c in report.run.codings() if c.codes} == {unit.id: ("A",)}


@pytest.mark.parametrize("tool", [*TOOLS, "csv", "xlsx"])
def test_a_bad_row_is_named_and_the_rest_is_imported(tool: str, tmp_path: Path, pcode: Pcode) -> None:
    packet = make_packet(tmp_path / "packet")
    said = opinions(packet, "A")
    third = [task.unit.id for task in packet.tasks("A")][2]
    said[third] = (("Q",), None)
    write_formats(packet, [tool])
    file = fill(tool, packet, "A", said, tmp_path)
    out = tmp_path / "run"
    result = pcode("import", file, "--packet", packet.folder, "-o", out, "--on-error", "skip")
    assert result.exit_code == 1, result.stderr
    row = {"csv": r"\d+", "xlsx": "4"}.get(tool, "3")  # a CSV file is counted in lines, as an editor does
    assert re.search(rf"{re.escape(str(file))}:{row} \(A\): unknown code 'Q'", result.stderr)
    codings = {c.unit_id: c for c in CoderRun(out).codings()}
    assert codings.pop(third).missing_reason == NOT_RETURNED
    assert {unit: c.codes for unit, c in codings.items()} == {
        u: one[0] for u, one in said.items() if u != third
    }


def test_texts_that_were_changed_are_refused(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    file = sent_back("csv", packet, tmp_path)
    file.write_text(file.read_text(encoding="utf-8").replace("Wait, 👩", "Halt, 👩"), encoding="utf-8")
    with pytest.raises(InputError, match=r"the text was changed: the unit has .Wait, .* the row .Halt, "):
        take(packet, file)


def test_where_long_texts_part_is_shown() -> None:
    same = "So the current is the same in both resistors, whatever they are, "
    assert where_they_part(same + "and 3 A.", same + "and 4 A.") == (
        "'…tever they are, and 3 A.'",
        "'…tever they are, and 4 A.'",
    )


def test_what_all_rows_have_in_common_is_said_once(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    file = sent_back("csv", packet, tmp_path)
    with pytest.raises(
        InputError, match=r"\n  \d+ × coded by A, and --coder says B: [^\n]*csv:2, [^\n]*, …\n"
    ) as error:
        take(packet, file, coder="B")
    assert "--on-error" not in error.value.hint


def test_a_copy_of_a_file_is_one_problem(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    file = sent_back("csv", packet, tmp_path)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(file.read_bytes())
    with pytest.raises(
        InputError, match=r"rows like .*copy\.csv:\d+ \(A\): A coded this unit in .*:\d+ already"
    ) as error:
        import_codings([file, copy], None, tmp_path / "run", packet=packet.folder)
    assert error.value.message.count("already") == 1


def test_a_file_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    file = sent_back("csv", packet, tmp_path)
    with pytest.raises(ArgumentError, match="is named twice"):
        import_codings([file, file], None, tmp_path / "run", packet=packet.folder)


@pytest.mark.parametrize("tool", [*TOOLS, "csv", "xlsx"])
def test_whose_file_it_is(tool: str, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    file = sent_back(tool, packet, tmp_path)
    with pytest.raises(InputError, match="coded by A, and --coder says B"):
        take(packet, file, coder="B")
    with pytest.raises(InputError, match="no coder is named 'C'"):
        take(packet, file, coder="C")
    assert take(packet, file).coders == ["A"]


def test_another_name_needs_the_command_and_two_names_are_two_people(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    rows = [
        {"unit_id": task.unit.id, "coder": "anna@home", "primary_code": "B", "unit": task.unit.text}
        for task in packet.tasks("A")
    ]
    file = save(tmp_path / "rows.jsonl", rows)
    with pytest.raises(InputError, match="'anna@home' is not one of the packet"):
        take(packet, file)
    assert take(packet, file, coder="A").coders == ["A"]
    rows[3]["coder"] = "bernd@home"
    with pytest.raises(InputError, match="import one person's at a time"):
        take(packet, save(tmp_path / "two.jsonl", rows), coder="A")


def test_the_sheets_of_two_people_are_no_packet_of_one(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    book, tasks = openpyxl.Workbook(), list(packet.tasks("A"))
    book.active.title = "anna"
    book.create_sheet("bert")
    for name, part in (("anna", tasks[:2]), ("bert", tasks[2:])):
        for row in (["unit_id", "code", "unit"], *([t.unit.id, "B", t.unit.text] for t in part)):
            book[name].append(row)
    book.save(tmp_path / "two.xlsx")
    with pytest.raises(InputError, match="import one person's at a time"):
        take(packet, tmp_path / "two.xlsx", coder="A")


def test_units_of_others_practice_and_what_did_not_come_back(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet", every=2, practice=1)
    order = [task.unit.id for task in packet.tasks("A")]
    others = next(u.id for units in packet.units.values() for u in units if u.id not in order)
    rows = [{"unit_id": unit, "coder": "A", "primary_code": "B"} for unit in [*order[:3], others]]
    report = take(packet, save(tmp_path / "rows.jsonl", rows), on_error="skip")
    assert [problem.why for problem in report.problems] == [f"unit {others} was not drawn for A"]
    assert report.counts["practice, left out"] == report.practice == 1
    assert report.rows == report.kept + report.practice + len(report.problems)
    found = {c.unit_id: (c.codes, c.missing_reason) for c in report.run.codings()}
    assert found == dict.fromkeys(order[1:3], (("B",), None)) | dict.fromkeys(order[3:], (None, NOT_RETURNED))
    assert report.counts[NOT_RETURNED] == len(order) - 3


def test_a_trace_for_practice_alone_is_none_of_the_run(tmp_path: Path, pcode: Pcode) -> None:
    """Its units are not among those that were coded, nor among those that somebody was not asked about."""
    packet = make_packet(tmp_path / "packet")
    first = next(packet.tasks("A")).trace.id
    mine = {unit.id for unit in packet.units[first]}
    for coder in ("A", "B"):
        order = [{"unit_id": task.unit.id, "practice": task.unit.id in mine} for task in packet.tasks(coder)]
        write_jsonl(packet.folder / coder / "order.jsonl", order)
    packet = Packet(packet.folder)
    rows = [
        {"unit_id": task.unit.id, "coder": coder, "primary_code": "B"}
        for coder in ("A", "B")
        for task in packet.tasks(coder)
    ]
    file = save(tmp_path / "rows.jsonl", rows)
    said = pcode("import", file, "--packet", packet.folder, "-o", tmp_path / "run")
    units = sum(len(units) for units in packet.units.values()) - len(mine)
    assert "1 trace that nobody coded, or only for practice, is left out" in " ".join(said.stderr.split())
    assert f"on {units} units of 2 traces" in " ".join(said.stdout.split())
    assert CoderRun(tmp_path / "run").manifest.counts["units"] == units
    told = pcode("agreement", tmp_path / "run").stdout
    assert f"{units} units of 2 traces" in told
    assert "not asked" not in told


def test_what_the_packet_knows_is_not_to_be_said(tmp_path: Path, pcode: Pcode) -> None:
    packet = make_packet(tmp_path / "packet")
    file = sent_back("csv", packet, tmp_path)
    result = pcode("import", file, "--packet", packet.folder, "--codebook", "schoen", "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert "--codebook is known from the packet" in result.stderr
    result = pcode("import", file, "--traces", file, "-o", tmp_path / "run")
    assert "no codebook is given" in result.stderr


def test_flags_and_skipped_tasks_are_said(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    write_formats(packet, ["label_studio", "xlsx"], ["A"])
    tasks: list[Any] = load(packet.folder / "A/A.label_studio.json")
    done = [
        {**task, "id": i, "annotations": [{"result": [], "was_cancelled": True}]}
        for i, task in enumerate(tasks)
    ]
    flagged = {"from_name": "flag", "type": "choices", "value": {"choices": ["flag"]}}
    done[1]["annotations"] = [{"result": [flagged], "was_cancelled": False}]
    report = take(packet, save(tmp_path / "ls.json", done))
    assert {c.missing_reason for c in report.run.codings()} == {"skipped", "empty cell"}
    assert report.places["flagged by the coder"] == [f"{tmp_path / 'ls.json'}:2"]
    book = openpyxl.load_workbook(packet.folder / "A/A.xlsx")
    sheet: Any = book["coding"]
    names = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(4, names["flag"]).value = "yes"
    sheet.cell(4, names["primary_code"]).value = "A"
    book.save(tmp_path / "flag.xlsx")
    report = take(packet, tmp_path / "flag.xlsx")
    assert report.places["flagged by the coder"] == [f"{tmp_path / 'flag.xlsx'}:4"]


def unit_task(packet: Packet) -> dict[str, Any]:
    task = next(iter(packet.tasks("A")))
    return {"unit_id": task.unit.id, "unit": task.unit.text, "coder": "A"}


ODD: list[tuple[str, Callable[[dict[str, Any]], dict[str, Any]], str]] = [
    ("label_studio", lambda d: {"data": d, "annotations": [{"result": []}] * 2}, "2 annotations of one task"),
    ("label_studio", lambda d: {"data": [], "annotations": []}, "the task has no data"),
    ("label_studio", lambda d: {"data": {}, "annotations": []}, "neither unit_id nor document"),
    (
        "label_studio",
        lambda d: {"data": d, "annotations": {"result": []}},
        "annotations is no list of objects",
    ),
    (
        "label_studio",
        lambda d: {"data": d, "annotations": [{"result": [_choice("primary_code", 7)]}]},
        "no list of texts",
    ),
    (
        "label_studio",
        lambda d: {"data": d, "annotations": [{"result": [_choice("second_code", ["A"])]}]},
        "primary_code is empty",
    ),
    (
        "label_studio",
        lambda d: {"data": d, "annotations": [{"result": [_choice("primary_code", ["A", "B"])]}]},
        "A and B",
    ),
    ("doccano", lambda d: {**d, "id": 1, "text": "t", "label": ["A", "B"]}, "two first codes"),
    ("doccano", lambda d: {**d, "id": 1, "text": "t", "label": ["2nd B"]}, "no code at place 1"),
    ("doccano", lambda d: {**d, "id": 1, "text": "t", "label": [[0, 1, "A"]]}, "label is no list of texts"),
    (
        "doccano",
        lambda d: {"document": "x", "coder": "A", "id": 1, "text": "t", "label": ["A"]},
        "not [start, end, code]",
    ),
    (
        "doccano",
        lambda d: {"document": "x", "coder": "A", "id": 1, "text": "t", "label": [[True, 1, "A"]]},
        "no offset",
    ),
    ("prodigy", lambda d: {**d, "answer": "yes", "_input_hash": 1}, "answer is str"),
    (
        "prodigy",
        lambda d: {**d, "answer": "accept", "accept": [1], "_input_hash": 1},
        "accept is no list of texts",
    ),
    ("sheet", lambda d: {**d, "primary_code": None, "second_code": "A"}, "primary_code is empty"),
    ("sheet", lambda d: {**d, "primary_code": {"choices": ["A"]}}, "primary_code is no text"),
]


def _choice(name: str, codes: Any) -> dict[str, Any]:
    return {"from_name": name, "type": "choices", "value": {"choices": codes}}


@pytest.mark.parametrize(("format", "make", "why"), ODD)
def test_what_a_tool_never_writes_is_named(
    format: str, make: Callable[[dict[str, Any]], dict[str, Any]], why: str, tmp_path: Path
) -> None:
    packet = make_packet(tmp_path / "packet")
    file = save(tmp_path / "odd.jsonl", [make(unit_task(packet))])
    (table,) = read_codings_file(file)
    assert choose(table, None if format in ("sheet", "label_studio") else format)[0] == format
    with pytest.raises(InputError) as caught:
        take(packet, file, format=format)
    assert f"{file}:1" in caught.value.message
    assert why in caught.value.message


def test_sniffing_by_content(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    for format, name in (*((tool, tool) for tool in TOOLS), ("csv", "sheet"), ("xlsx", "sheet")):
        file = sent_back(format, packet, tmp_path / format)
        assert choose(read_codings_file(file)[0])[0] == name
    strange = tmp_path / "x.zip"
    strange.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"cannot tell the format from the suffix '\.zip'"):
        choose(read_codings_file(strange)[0])


def test_huge_and_deep_json(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    deep = tmp_path / "deep.json"
    deep.write_text('[{"data": ' + "[" * 100_000 + "]" * 100_000 + ', "annotations": []}]')
    with pytest.raises(InputError, match="nested too deeply"):
        take(packet, deep, format="label_studio")
    number = tmp_path / "number.jsonl"
    number.write_text('{"id": 1, "text": "t", "document": "d", "coder": "A", "label": [[0, 1e999, "A"]]}\n')
    with pytest.raises(InputError, match="end is no offset"):
        take(packet, number)
    save(tmp_path / "many.json", [{"data": unit_task(packet), "annotations": []}] * 20_000)
    with pytest.raises(InputError, match="no coding to import"):
        take(packet, tmp_path / "many.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FIELDS = {
    "label_studio": ["data", "annotations", "id"],
    "doccano": ["id", "text", "label", "entities", "unit_id", "document", "Comments", "coder", "unit"],
    "prodigy": [
        "answer",
        "_input_hash",
        "accept",
        "spans",
        "unit_id",
        "document",
        "text",
        "memo",
        "coder",
        "flagged",
    ],
    "sheet": ["unit_id", "primary_code", "second_code", "memo", "flag", "coder", "unit", "codebook"],
}
LIKELY = st.sampled_from(
    [
        *("A", "B", "2nd A", "accept", "reject", ["A"], ["2nd B", "A"], [[0, 4, "A"]]),
        *(blind_id(HARD[0].id), HARD[0].reasoning, [{"start_offset": 1, "end_offset": 5, "label": "B"}]),
        [{"start": 0, "end": 3, "label": "A"}],
        [{"result": [{"from_name": "primary_code", "type": "choices", "value": {"choices": ["A"]}}]}],
        [{"result": [{"type": "labels", "value": {"start": 0, "end": 4, "labels": ["A"], "text": "Okay"}}]}],
        {"unit_id": "u1", "coder": "A"},
        {"document": blind_id(HARD[0].id), "text": HARD[0].reasoning, "coder": "A"},
    ]
)


@pytest.fixture(scope="module")
def one_packet(tmp_path_factory: pytest.TempPathFactory) -> Packet:
    return make_packet(tmp_path_factory.mktemp("fuzz") / "packet")


@pytest.mark.parametrize("format", FIELDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_row_is_taken_or_named(
    format: str, data: st.DataObject, one_packet: Packet, tmp_path: Path
) -> None:
    """Whatever stands in the file: a clear error, or each row is in exactly one of kept, outside and problems."""
    home = unit_task(one_packet)
    sound = {
        "label_studio": {"data": home, "annotations": [{"result": [_choice("primary_code", ["A"])]}]},
        "doccano": {**home, "id": 1, "text": HARD[0].reasoning, "label": ["2nd B", "A"]},
        "prodigy": {**home, "answer": "accept", "accept": ["A"], "_input_hash": 1},
        "sheet": {**home, "primary_code": "A", "memo": "m"},
    }[format]
    changes = st.dictionaries(st.sampled_from(FIELDS[format]), LIKELY | JSON, max_size=3)
    rows = data.draw(st.lists(st.builds(lambda change: {**sound, **change}, changes), min_size=1, max_size=3))
    file = save(tmp_path / "fuzz.jsonl", rows)
    with tempfile.TemporaryDirectory(dir=tmp_path) as place:
        how: dict[str, Any] = {
            "packet": one_packet.folder,
            "format": format,
            "coder": "A",
            "on_error": "skip",
        }
        try:
            report = import_codings([file], None, Path(place) / "run", **how)
        except PedagogyError:
            event("refused")
            return
    event("imported")
    assert report.kept + report.outside + len(report.problems) == report.rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    junk=st.binary(max_size=200),
    suffix=st.sampled_from([".json", ".jsonl", ".csv", ".xlsx", ".zip", ".qdpx"]),
)
def test_any_bytes_are_an_error_at_worst(
    junk: bytes, suffix: str, one_packet: Packet, tmp_path: Path
) -> None:
    file = tmp_path / f"junk{suffix}"
    file.write_bytes(junk)
    with pytest.raises(PedagogyError):
        import_codings([file], None, tmp_path / "run", packet=one_packet.folder, coder="A", on_error="skip")


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("whole", [False, True])
def test_the_task_file_itself_is_known(tmp_path: Path, tool: str, whole: bool) -> None:
    packet = make_packet(tmp_path / "packet")
    files = write_formats(packet, [tool], ["A"], spans=whole)
    suffix = ".json" if tool == "label_studio" else ".jsonl"
    (tasks,) = (file for file in files if file.suffix == suffix)
    with pytest.raises(InputError) as caught:
        import_codings([tasks], None, tmp_path / "run", packet=packet.folder)
    assert caught.value.hint == "this is the task file that was sent; give the tool's export"


def test_before_anybody_coded_in_the_browser(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    file = packet.folder / "A/web.jsonl"
    about = LogHeader(desk=1, packet=packet.manifest.packet_id, coder="A", codebook=packet.codebook.stamp)
    CodingLog(file, about, packet.codebook).close()
    with pytest.raises(InputError) as caught:
        import_codings([file], None, tmp_path / "run", packet=packet.folder)
    assert caught.value.hint == "nobody has coded anything in them yet"
