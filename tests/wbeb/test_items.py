"""Items on disk, and the sample that ships."""

from __future__ import annotations

import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedagogy_r1.errors import InputError
from pedagogy_r1.shipped import folder
from pedagogy_r1.wbeb.item import Item, domain_names, read_items, write_items
from pedagogy_r1.wbeb.leak import leak_text, near
from pedagogy_r1.wbeb.split import split_digest, split_items

from ..conftest import ROOT

SAMPLE = folder("recipes") / "sample/items.jsonl"
Write = Callable[..., Path]
GOOD = {"id": "a", "domain": "SK", "source": "s", "answer": "A", "group": "g"}

texts = st.text(st.characters(codec="utf-8"), max_size=20)
items = st.builds(
    Item,
    id=texts.filter(bool),
    domain=st.sampled_from(domain_names()),
    source=texts,
    parts=st.dictionaries(texts, texts, max_size=3),
    options=st.lists(texts, max_size=4).map(tuple),
    answer=texts,
    group=texts,
    task=st.none() | texts,
    split=st.sampled_from([None, "train", "test"]),
    metadata=st.dictionaries(texts, texts | st.integers() | st.lists(texts), max_size=3),
)


@given(st.lists(items, max_size=5, unique_by=lambda item: item.id))
def test_items_come_back_as_they_were(written: list[Item]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "items.jsonl"
        assert write_items(path, written) == len(written)
        assert list(read_items(path)) == written


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([GOOD, GOOD], ":2: item 'a' for the second time"),
        ([{**GOOD, "domain": "XX"}], ":1: domain"),
        ([{**GOOD, "surprise": 1}], ":1: surprise"),
        ([{name: GOOD[name] for name in GOOD if name != "answer"}], ":1: answer"),
    ],
)
def test_a_line_that_is_no_item_is_named(
    write_jsonl: Write, values: list[dict[str, object]], said: str
) -> None:
    path = write_jsonl("items.jsonl", *values)
    with pytest.raises(InputError, match=said):
        list(read_items(path))


@pytest.fixture(scope="module")
def sample() -> list[Item]:
    return list(read_items(SAMPLE))


def test_the_item_of_the_docs_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs/wbeb.md").read_text(encoding="utf-8")
    path = tmp_path / "items.jsonl"
    path.write_text(
        page.split("## Items of your own")[1].split("```json\n")[1].split("```")[0], encoding="utf-8"
    )
    assert [item.split for item in read_items(path)] == ["test"]


def test_the_sample_holds_two_dozen_items_of_each_domain(sample: list[Item]) -> None:
    count = Counter(item.domain for item in sample)
    assert set(count) == set(domain_names())
    assert min(count.values()) >= 24
    assert {item.task for item in sample if item.domain == "DM"} == {"uptake", "move"}


def test_the_sample_is_split_as_the_build_would_split_it(sample: list[Item]) -> None:
    again, record = split_items([item.model_copy(update={"split": None}) for item in sample], seed=0)
    assert split_digest(again) == split_digest(sample) == record.digest
    assert not record.notes
    sides = defaultdict(set)
    for item in sample:
        sides[item.group].add(item.split)
    assert all(len(split) == 1 for split in sides.values())


def test_no_two_of_the_sample_are_nearly_the_same(sample: list[Item]) -> None:
    assert near(map(leak_text, sample)).pairs == ()


def test_the_samples_answers_can_be_given(sample: list[Item]) -> None:
    for item in sample:
        if item.domain in ("SK", "PK"):
            assert item.answer in "ABCD"[: len(item.options)], item.id
            assert len(set(item.options)) == len(item.options), item.id
        elif item.domain == "DM":
            assert item.answer in item.options
        elif item.domain == "AES":
            low, high = item.metadata["scale"]
            assert low <= int(item.answer) <= high
        else:
            assert item.answer == ("right" if item.metadata["steps"][-1]["correct"] else "wrong")
    letters = Counter(item.answer for item in sample if item.domain in ("SK", "PK"))
    assert max(letters.values()) - min(letters.values()) <= 2, "the right letter must not be guessable"


def test_the_wheel_holds_the_sample(tmp_path: Path) -> None:
    hatchling = pytest.importorskip("hatchling.builders.wheel")
    wheel = next(hatchling.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(wheel) as archive:
        shipped = archive.read("pedagogy_r1/_shipped/recipes/sample/items.jsonl")
    assert shipped == SAMPLE.read_bytes()


@pytest.mark.parametrize(("field", "half"), [("group", "g\ud800"), ("parts", {"stem": "g\ud800"})])
def test_half_a_character_in_an_item_is_named(field: str, half: object, tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps({**GOOD, field: half}) + "\n")
    with pytest.raises(InputError, match=rf":1: half a character \(lone surrogate\) in {field}"):
        list(read_items(path))
