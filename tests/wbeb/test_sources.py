"""Every source: the real file where there is one, files made in its documented format, and anything at all."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.errors import InputError, PedagogyError
from pedagogy_r1.plugins import available, load
from pedagogy_r1.wbeb.build import PLUGINS, BuildSettings, SourceFiles, build, options_of
from pedagogy_r1.wbeb.item import Item
from pedagogy_r1.wbeb.source_result import SourceResult, decode
from pedagogy_r1.wbeb.sources.cjeval_original import split_options

Write = Callable[..., Path]
SOURCES = available(PLUGINS)
REAL = {
    "cj_eval": (("sk/cj_eval_train.jsonl",), 725),
    "chile": (("pk/chile_train.jsonl",), 916),
    "assist2009": (
        (*(f"kt/assist2009_pid_{part}1.csv" for part in ("train", "valid", "test")), "kt/skill.json"),
        4151,
    ),
    "asap": (("aes/asap_set1_sample.tsv",), 498),
    "uptake": (("dm/uptake_data.csv",), 2246),
    "talkmoves": (("dm/talkmoves_test_teacher.tsv",), 23250),
}


def read(source: str, *files: Path, **options: Any) -> SourceResult:
    """What a source makes of files."""
    found: SourceResult = load(PLUGINS, source)(list(files), **options)
    return found


def table(path: Path, *rows: Sequence[object], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """Write rows as a table."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


@pytest.fixture(scope="module")
def real(shared: Path) -> dict[str, SourceResult]:
    """All real files, read once."""
    home = shared / "data/wbeb"
    return {name: read(name, *(home / file for file in files)) for name, (files, _) in REAL.items()}


def test_no_real_record_is_lost_and_none_is_bad(real: dict[str, SourceResult]) -> None:
    for name, (_, records) in REAL.items():
        found = real[name]
        assert found.records == records, name
        assert found.bad == (), name
        assert found.used + sum(found.left_out.values()) == records
        assert len({item.id for item in found.items}) == len(found.items)
        if name != "assist2009":
            assert found.used == len(found.items)


def test_real_questions(real: dict[str, SourceResult]) -> None:
    cj_eval, chile = real["cj_eval"], real["chile"]
    assert len(cj_eval.items) == 638
    assert cj_eval.left_out == {"from gpqa, not from cj_eval": 87}
    assert len({item.metadata["subject"] for item in cj_eval.items}) == 8
    first = cj_eval.items[0]
    assert (first.id, first.domain, first.answer, first.options[1]) == ("cj_eval_0772", "SK", "B", "Moisture")
    assert len(chile.items) == 916
    assert {item.domain for item in chile.items} == {"PK"}


def test_graduate_questions_are_kept_on_request(shared: Path) -> None:
    found = read("cj_eval", shared / "data/wbeb/sk/cj_eval_train.jsonl", others=True)
    assert len(found.items) == 725
    assert sum(item.metadata.get("origin") == "gpqa" for item in found.items) == 87


def test_real_students(real: dict[str, SourceResult], shared: Path) -> None:
    found = real["assist2009"]
    assert found.left_out == {"fewer than 5 steps": 523}
    assert len({item.group for item in found.items}) == 3628
    assert max(len(item.metadata["steps"]) for item in found.items) == 51
    assert min(len(item.metadata["steps"]) for item in found.items) == 5
    for item in found.items:
        assert item.answer == ("right" if item.metadata["steps"][-1]["correct"] else "wrong")
    first = found.items[0].metadata["steps"]
    assert first[0] == {"problem": "1366", "skills": ["Table", "Mean"], "correct": 1}
    assert [step["problem"] for step in first] == ["1366", "1424", "1413", "2985", "2976", "2993", "2975"]
    names = {skill for item in found.items for step in item.metadata["steps"] for skill in step["skills"]}
    assert not [name for name in names if name.startswith("skill ")]
    assert not found.notes
    one = shared / "data/wbeb/kt/assist2009_pid_test1.csv"
    kept, merged = read("assist2009", one, keep_repeats=True), read("assist2009", one)
    rows = [sum(len(i.metadata["steps"]) for i in each.items) for each in (kept, merged)]
    assert rows[0] > 1.1 * rows[1]
    assert "skills are named by number" in merged.notes[0]


def test_real_essays(real: dict[str, SourceResult], shared: Path) -> None:
    found = real["asap"]
    assert "read as cp1252" in found.notes[0]
    assert "one prompt" in found.notes[1]
    assert Counter(item.answer for item in found.items) == {
        "4": 220,
        "5": 182,
        "6": 49,
        "3": 36,
        "2": 8,
        "1": 3,
    }
    text = " ".join(item.parts["essay"] for item in found.items)
    assert "don’t have my notes" in text
    assert "�" not in text
    for item in found.items:
        first, second = item.metadata["raters"]
        assert item.metadata["resolved"] == first + second
        assert abs(int(item.answer) - first) <= 1
        assert abs(int(item.answer) - second) <= 1
    whole = read("asap", shared / "data/wbeb/aes/asap_set1_sample.tsv", score="resolved")
    assert {item.metadata["scale"][1] for item in whole.items} == {12}


def test_real_exchanges(real: dict[str, SourceResult], shared: Path) -> None:
    found = real["uptake"]
    assert found.left_out == {"no two raters agree on the uptake": 303, "uptake was not rated": 248}
    assert Counter(item.answer for item in found.items) == {"high": 780, "mid": 744, "low": 171}
    mean = read("uptake", shared / "data/wbeb/dm/uptake_data.csv", answer="mean")
    assert len(mean.items) == 2246 - 248


def test_real_moves(real: dict[str, SourceResult], shared: Path) -> None:
    found = real["talkmoves"]
    assert found.left_out == {"the same two sentences again": 2836, "the teacher's sentence is empty": 42}
    assert len({(item.parts["student"], item.parts["teacher"]) for item in found.items}) == len(found.items)
    every = read("talkmoves", shared / "data/wbeb/dm/talkmoves_test_teacher.tsv", repeats=True)
    assert len(every.items) == 23250 - 42
    counts = Counter(item.answer for item in every.items)
    assert counts["accuracy"] == 3076
    assert counts["relating"] == 306


def test_all_real_files_build_into_one_split(shared: Path) -> None:
    home = shared / "data/wbeb"
    parts = [SourceFiles(name, tuple(home / file for file in files)) for name, (files, _) in REAL.items()]
    built = build(parts, BuildSettings(on_leak="drop", limit=600))
    assert built.record.split is not None
    for part in built.record.split.strata:
        assert abs(part.test / (part.train + part.test) - 0.2) < 0.05, part
    assert {item.domain for item in built.items} == {"SK", "PK", "KT", "AES", "DM"}


# Files made in the documented formats of what cannot be shipped.


def test_cdpk(tmp_path: Path) -> None:
    import pandas

    rows = [
        {"question_id": nth, "question": f"Which way of teaching {nth}?"}
        | {f"answer_{letter}": f"way {letter}" for letter in "abcd"}
        | {f"answer_{letter}": None for letter in "efg"}
        | {"correct_answer": "C", "category": "Maths", "year": 2019, "age_group": "Primary"}
        | {"pedagogical_subdomain": "Assessment", "secondary_category": None}
        for nth in range(3)
    ]
    rows.append({**rows[0], "question_id": 9, "correct_answer": "F"})
    path = tmp_path / "cdpk_send-train.parquet"
    pandas.DataFrame(rows).astype({f"answer_{letter}": float for letter in "efg"}).to_parquet(path)
    found = read("cdpk", path)
    assert [item.id for item in found.items] == ["send-0", "send-1", "send-2"]
    item = found.items[0]
    assert item.options == ("way a", "way b", "way c", "way d")
    assert (item.answer, item.domain, item.metadata["year"]) == ("C", "PK", 2019)
    assert [(bad.line, bad.why) for bad in found.bad] == [(4, "the answer 'F' is none of A to D")]


def test_cjeval_original(tmp_path: Path) -> None:
    common = {
        "subject": "初中物理",
        "ques_difficulty": "一般",
        "ques_analyze": "…",
        "ques_knowledges": ["声音"],
    }
    rows = [
        {
            "ques_type": "单选题",
            "ques_content": "题目内容: 声音在哪种介质中传播最快？（ ）\n选项: A. 空气 B. 水 C. 钢铁 D. 真空",
            "ques_answer": ["C"],
        },
        {"ques_type": "多选题", "ques_content": "选项: A. 一 B. 二", "ques_answer": ["AB"]},
        {"ques_type": "单选题", "ques_content": "没有可选的答案", "ques_answer": ["A"]},
        {"ques_type": "单选题", "ques_content": "哪个？选项：A．甲B．乙", "ques_answer": ["A", "B"]},
    ]
    path = tmp_path / "test_初中物理.json"
    path.write_text("".join(json.dumps(common | row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    found = read("cjeval_original", path)
    (item,) = found.items
    assert item.parts["stem"] == "声音在哪种介质中传播最快？（ ）"
    assert (item.options, item.answer, item.lang) == (("空气", "水", "钢铁", "真空"), "C", "zh")
    assert found.left_out == {"question type 多选题": 1}
    assert [bad.line for bad in found.bad] == [3, 4]


@pytest.mark.parametrize(
    ("listed", "options"),
    [
        ("A. 酵母菌 B. 肝炎病毒 C. 乳酸菌 D. 大肠杆菌", ["酵母菌", "肝炎病毒", "乳酸菌", "大肠杆菌"]),
        ("A．1.5cm B．2.5cm", ["1.5cm", "2.5cm"]),
        ("A、甲\nB、乙\nC、丙", ["甲", "乙", "丙"]),
        ("B. only", []),
        ("", []),
    ],
)
def test_options_are_taken_out_of_the_text(listed: str, options: list[str]) -> None:
    assert split_options(listed) == options


SIX_LINES = """50121,6
q1,q2,q2,q3,q4,q5
Table_Mean,Mean,Mode,a####b,c@@@@d,Mean
0,1,1,1,0,1
1647409594000,1,2,3,4,5
NA
7,2
NA
1,2
1,0
NA
NA
8,2
q1,q2
1,2
1,2
NA
NA
"""


def test_pykt_before_its_split(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text(SIX_LINES)
    found = read("pykt", path, name="assist2015")
    (item,) = found.items
    assert (item.id, item.source, item.group) == ("assist2015-50121-1", "assist2015", "assist2015-50121")
    steps = item.metadata["steps"]
    assert [step["problem"] for step in steps] == ["q1", "q2", "q3", "q4", "q5"], (
        "q2 twice in a row is one step"
    )
    assert [step["skills"] for step in steps][:4] == [["Mean", "Table"], ["Mean", "Mode"], ["a_b"], ["c,d"]]
    assert found.left_out == {"fewer than 5 steps": 1}
    assert [(bad.line, bad.why) for bad in found.bad] == [(13, "student 8: an answer is 0 or 1, not '2'")]
    assert len(read("pykt", path, least=2).items) == 2


def test_pykt_behind_its_split(tmp_path: Path) -> None:
    path = table(
        tmp_path / "train_valid_sequences.csv",
        ("fold", "uid", "questions", "concepts", "responses", "selectmasks", "is_repeat"),
        (0, 5, "10,10,11,12", "0,1,0,2", "1,1,0,1", "1,1,1,1", "0,1,0,0"),
        (0, 6, "10,11,-1,-1", "0,0,-1,-1", "1,0,-1,-1", "1,1,-1,-1", "0,0,-1,-1"),
        (0, 5, "13,14,-1,-1", "1,1,-1,-1", "0,1,-1,-1", "1,1,-1,-1", "0,0,-1,-1"),
        (0, 7, "13,14", "1", "0,1", "1,1", "0,0"),
    )
    names = tmp_path / "keyid2idx.json"
    names.write_text(json.dumps({"concepts": {"Table": 0, "Mean": 1, "a####b": 2}, "questions": {}}))
    found = read("pykt", path, names)
    (item,) = found.items
    assert [step["skills"] for step in item.metadata["steps"]] == [
        ["Mean", "Table"],
        ["Table"],
        ["a_b"],
        ["Mean"],
        ["Mean"],
    ]
    assert [step["correct"] for step in item.metadata["steps"]] == [1, 0, 1, 0, 1]
    assert found.left_out == {"fewer than 5 steps": 1}
    assert [(bad.line, bad.why) for bad in found.bad] == [(5, "student 7: 1 concepts, 2 responses")]
    assert len(read("pykt", path, keep_repeats=True).items[0].metadata["steps"]) == 6
    assert read("pykt", path).items[0].metadata["steps"][1]["skills"] == ["skill 0"]


def test_aes2(tmp_path: Path) -> None:
    path = table(
        tmp_path / "train.csv",
        ("essay_id", "full_text", "score"),
        ("000d118", "Many people have cars, and\nmany do not.", 3),
        ("000fe60", "I am a scientist at NASA.", 7),
        ("001ab80", "", 2),
        ("000d118", "Again.", 4),
    )
    found = read("aes2", path)
    (item,) = found.items
    assert (item.id, item.answer, item.metadata["scale"]) == ("aes2-000d118", "3", [1, 6])
    assert item.parts["essay"].endswith("many do not.")
    assert [bad.why.split(",")[0] for bad in found.bad] == [
        "score '7' is not in 1–6",
        "full_text is empty",
        "'aes2-000d118' for the second time",
    ]
    assert [bad.line for bad in found.bad] == [4, 5, 6]


def test_essays_are_grouped_by_prompt_where_there_are_enough(tmp_path: Path) -> None:
    rows = [(f"e{nth}", f"Essay {nth}.", 1 + nth % 6, f"Prompt {nth % 6}") for nth in range(60)]
    path = table(tmp_path / "train.csv", ("essay_id", "full_text", "score", "prompt_name"), *rows)
    assert len({item.group for item in read("aes2", path).items}) == 6
    assert len({item.group for item in read("aes2", path, group="essay").items}) == 60
    with pytest.raises(ValueError, match="group=pupil"):
        read("aes2", path, group="pupil")


def test_ncte_transcripts(tmp_path: Path) -> None:
    paired = table(
        tmp_path / "paired_annotations.csv",
        ("exchange_idx", "student_text", "teacher_text", "high_uptake", "focusing_question"),
        ("2024_119", "I added the tens.", "You added the tens. And then?", "1", "1"),
        ("2024_130", "Nine.", "Good.", "0", ""),
        ("31_7", "Me too.", "Hm.", "0.0", "0"),
        ("31_9", "", "Hm.", "0", "0"),
        ("x", "a", "b", "0", "0"),
        ("40_2", "a", "b", "2", "0"),
    )
    said = table(
        tmp_path / "single_utterances.csv",
        ("OBSID", "comb_idx", "turn_idx", "speaker", "text"),
        ("2024.0", "2024_117", 117, "teacher", "How did you do it?"),
        ("2024.0", "2024_118", 118, "student", "Wait."),
        ("2024.0", "2024_119", 119, "student", "I added the tens."),
    )
    issues = tmp_path / "transcript_issues.txt"
    issues.write_text("31\n")
    found = read("ncte", paired, said, issues)
    assert [(item.id, item.answer, item.group) for item in found.items] == [
        ("ncte-2024_119-uptake", "high", "ncte-2024"),
        ("ncte-2024_130-uptake", "low", "ncte-2024"),
    ]
    assert [turn["text"] for turn in found.items[0].metadata["before"]] == [
        "How did you do it?",
        "Wait.",
    ]
    assert found.left_out == {"a transcript with confused speakers": 1}
    assert [bad.line for bad in found.bad] == [5, 6, 7]
    focusing = read("ncte", paired, task="focusing")
    assert focusing.left_out == {"focusing_question was not rated": 1}
    assert focusing.items[0].answer == "focusing"
    with pytest.raises(InputError, match="nothing with exchange_idx"):
        read("ncte", said)


def test_asap_says_which_row_is_wrong(tmp_path: Path) -> None:
    columns = ("essay_id", "essay_set", "essay", "rater1_domain1", "rater2_domain1", "domain1_score")
    path = table(
        tmp_path / "asap.tsv",
        columns,
        (1, 1, "I don’t know", 4, 5, 9),
        (2, 1, "Too much", 4, 5, 13),
        (3, 9, "What set?", 4, 5, 9),
        (4, 3, "The rough road", 2, 1, 2),
        delimiter="\t",
        encoding="cp1252",
    )
    found = read("asap", path)
    assert [(item.id, item.answer, item.metadata["scale"]) for item in found.items] == [
        ("asap-1", "5", [1, 6]),
        ("asap-4", "2", [0, 3]),
    ]
    assert found.items[0].parts["essay"] == "I don’t know"
    assert [(bad.line, bad.why[:13]) for bad in found.bad] == [(3, "domain1_score"), (4, "essay_set '9'")]


def test_a_repeated_exchange_is_one_item_with_its_most_frequent_move(tmp_path: Path) -> None:
    rows = [("Seven", "Seven", 3.0), ("", "Okay", 0.0), ("Seven", "Seven", 4.0), ("Seven", "Seven", 4.0)]
    path = table(tmp_path / "moves.tsv", ("text_a", "text_b", "labels"), *rows, delimiter="\t")
    found = read("talkmoves", path, block=2)
    assert [(item.id, item.answer) for item in found.items] == [("moves-2", "revoicing"), ("moves-3", "none")]
    assert found.items[0].metadata == {"met": {"restating": 1, "revoicing": 2}}
    assert found.left_out == {"the same two sentences again": 2}
    assert [item.group for item in read("talkmoves", path, block=2, repeats=True).items][1:3] == [
        "moves-block-1",
        "moves-block-2",
    ]
    assert read("talkmoves", path, need_student=True).left_out["no student's sentence before it"] == 1


def test_questions_that_cannot_be_asked_are_bad(write_jsonl: Write) -> None:
    good = {"item_id": "a", "question": "Q?", "options": ["x", "y"], "answer": "A", "metadata": {}}
    bad = [
        ({"answer": "C"}, "the answer 'C' is none of A to B"),
        ({"answer": None}, "the answer None is none of A to B"),
        ({"options": ["x", "x"]}, "options A and B are the same, and the answer is one of them"),
        ({"options": ["x", " "]}, "option B is empty"),
        ({"options": ["x"]}, "1 options"),
        ({"options": "xy"}, "options is no list"),
        ({"question": " "}, "the question is empty"),
        ({"item_id": None}, "no item_id"),
        ({"metadata": 3}, "metadata is no object"),
        ({}, "'a' for the second time"),
    ]
    path = write_jsonl("chile.jsonl", good, *({**good, **change} for change, _ in bad))
    found = read("chile", path)
    assert [item.id for item in found.items] == ["a"]
    assert [(each.line, each.why.split(", first")[0]) for each in found.bad] == [
        (nth, why) for nth, (_, why) in enumerate(bad, 2)
    ]


@pytest.mark.parametrize(
    ("length", "windows"),
    [(5, [(1, 5)]), (11, [(1, 11)]), (13, [(1, 11), (9, 5)]), (22, [(1, 11), (12, 11)])],
)
def test_windows(tmp_path: Path, length: int, windows: list[tuple[int, int]]) -> None:
    rows = [",".join(str(nth) for nth in range(length)), ",".join("7" * length), ",".join("1" * length)]
    path = tmp_path / "four.csv"
    path.write_text("\n".join(["1,99", *rows]))
    items = read("assist2009", path, history=10).items
    assert [(item.metadata["first"], len(item.metadata["steps"])) for item in items] == windows
    assert items[-1].metadata["steps"][-1]["problem"] == str(length - 1)
    latest = read("assist2009", path, history=10, windows=1).items
    assert latest == items[-1:]


@pytest.mark.parametrize("options", [{"history": 0}, {"least": 1}, {"windows": -1}])
def test_windows_that_make_no_sense(tmp_path: Path, options: dict[str, int]) -> None:
    path = tmp_path / "four.csv"
    path.write_text("1\n1\n1\n1\n")
    with pytest.raises(ValueError, match="history"):
        read("assist2009", path, **options)


def test_a_student_met_twice_is_bad(tmp_path: Path) -> None:
    block = "1,99\n1,2,3,4,5\n7,7,7,7,7\n1,0,1,0,1\n"
    path = tmp_path / "four.csv"
    path.write_text(block + block)
    found = read("assist2009", path)
    assert len(found.items) == 1
    assert "for the second time" in found.bad[0].why
    assert found.bad[0].line == 5


# Anything at all: an error of ours or an account that adds up.

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12) | st.sampled_from(
    ["", "0", "1", "2.0", "A", "nan", "-1", "1e400", "inf", "1_2", "NA", "a,b"]
)
HEADERS = {
    "cdpk": ("question_id", "question", "answer_a", "answer_b", "correct_answer"),
    "asap": ("essay_id", "essay_set", "essay", "rater1_domain1", "rater2_domain1", "domain1_score"),
    "aes2": ("essay_id", "full_text", "score"),
    "uptake": ("obs_id", "exchange_idx", "student_text", "teacher_text", "uptake", "uptake_majority"),
    "talkmoves": ("text_a", "text_b", "labels"),
    "ncte": ("exchange_idx", "student_text", "teacher_text", "high_uptake"),
    "pykt": ("uid", "questions", "concepts", "responses", "is_repeat"),
}
SUFFIX = {"asap": ".tsv", "talkmoves": ".tsv"}
quiet = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(source: str, path: Path) -> None:
    """Reads ``path``; nothing but our own errors, and every record accounted for with a place and a reason."""
    try:
        found = read(source, path)
    except PedagogyError:
        return
    assert found.records == found.used + len(found.bad) + sum(found.left_out.values())
    assert all(each.why and each.line >= 1 for each in found.skipped)
    assert len({item.id for item in found.items}) == len(found.items)
    for item in found.items:
        assert Item.model_validate_json(item.model_dump_json()) == item


@pytest.mark.parametrize("source", SOURCES)
@quiet
@given(
    data=st.binary(max_size=300),
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".json", ".txt", ".parquet"]),
)
def test_any_bytes(tmp_path: Path, source: str, data: bytes, suffix: str) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(data)
    check(source, path)


@pytest.mark.parametrize("source", sorted(HEADERS))
@quiet
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=7), max_size=6))
def test_any_table(tmp_path: Path, source: str, rows: list[list[str]]) -> None:
    suffix = SUFFIX.get(source, ".csv")
    path = table(
        tmp_path / f"any{suffix}", HEADERS[source], *rows, delimiter="\t" if suffix == ".tsv" else ","
    )
    check(source, path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(CELLS, inner, max_size=3),
    max_leaves=6,
)


FIELDS = (
    *("item_id", "question", "options", "answer", "metadata", "question_id", "answer_a", "answer_b"),
    *("correct_answer", "ques_type", "ques_content", "ques_answer", "subject"),
)


@pytest.mark.parametrize("source", ["cj_eval", "chile", "cjeval_original", "cdpk"])
@quiet
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(FIELDS, VALUES)
            | {"ques_type": st.just("单选题") | VALUES, "options": st.lists(CELLS, max_size=5) | VALUES},
        ),
        max_size=4,
    )
)
def test_any_objects(tmp_path: Path, source: str, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / "any.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    check(source, path)


@pytest.mark.parametrize(("source", "lines"), [("assist2009", 4), ("pykt", 6)])
@quiet
@given(data=st.data())
def test_any_lines(tmp_path: Path, source: str, lines: int, data: st.DataObject) -> None:
    line = st.lists(CELLS | st.sampled_from("01"), max_size=7).map(",".join)
    text = "\n".join(data.draw(st.lists(line, max_size=3 * lines)))
    path = tmp_path / ("any.csv" if source == "assist2009" else "any.txt")
    path.write_text(text, encoding="utf-8")
    check(source, path)


def test_bytes_that_windows_1252_leaves_undefined() -> None:
    assert decode(b"don\x92t")[1] == "cp1252"
    assert decode("don’t".encode())[1] == "utf-8"
    assert decode(b"\x92\x81") == ("\x92\x81", "latin-1")


def test_options_have_types_that_the_command_line_can_read() -> None:
    for source in SOURCES:
        assert all(isinstance(value, (bool, int, float, str)) for value in options_of(source).values()), (
            source
        )
