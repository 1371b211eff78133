"""The split and the search for leaks."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.wbeb.build import BuildRecord, BuildSettings, SourceFiles, build
from pedagogy_r1.wbeb.item import Item, read_items
from pedagogy_r1.wbeb.leak import LeakError, LeakPair, Nearness, across, leak_text, near, words
from pedagogy_r1.wbeb.split import merge_groups, split_digest, split_items

Pcode = Callable[..., Result]


def sk(name: str, stem: str, group: str = "", split: str | None = None, **more: object) -> Item:
    return Item.model_validate(
        {"id": name, "domain": "SK", "source": "s", "parts": {"stem": stem}, "answer": "A"}
        | {"group": group or name, "split": split}
        | more
    )


grouped = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["SK", "PK", "DM"]), st.sampled_from(["a", "b"])),
    min_size=1,
    max_size=80,
).map(
    lambda rows: [
        sk(str(nth), f"text {nth}", f"g{group}", domain=domain, source=source)
        for nth, (group, domain, source) in enumerate(rows)
    ]
)


@given(grouped, st.integers(0, 5), st.floats(0.1, 0.5))
def test_no_group_is_on_both_sides_and_none_is_lost(items: list[Item], seed: int, fraction: float) -> None:
    done, record = split_items(items, seed=seed, test_fraction=fraction)
    sides = defaultdict(set)
    for item in done:
        sides[item.group].add(item.split)
    assert all(len(side) == 1 and None not in side for side in sides.values())
    assert [item.id for item in done] == [item.id for item in items]
    assert sum(part.train + part.test for part in record.strata) == len(items)


@given(grouped, st.randoms())
def test_the_order_of_the_items_does_not_matter(items: list[Item], chance: random.Random) -> None:
    mixed = items[:]
    chance.shuffle(mixed)
    assert split_items(items)[1].digest == split_items(mixed)[1].digest


def test_every_stratum_gets_its_fifth() -> None:
    items = [
        sk(f"{source}{nth}", f"t {nth}", f"{source}{nth // 4}", source=source)
        for source, count in (("big", 4000), ("small", 100))
        for nth in range(count)
    ]
    _, record = split_items(items, seed=3)
    for part in record.strata:
        assert abs(part.test / (part.train + part.test) - 0.2) <= 2 / (part.train + part.test)


def test_a_source_added_later_moves_nobody() -> None:
    first = [sk(f"a{nth}", f"t {nth}") for nth in range(200)]
    more = [sk(f"b{nth}", f"u {nth}", source="other") for nth in range(100)]
    alone = {item.id: item.split for item in split_items(first)[0]}
    together = {item.id: item.split for item in split_items(first + more)[0]}
    assert alone.items() <= together.items()


def test_another_seed_is_another_split() -> None:
    items = [sk(f"a{nth}", f"t {nth}") for nth in range(100)]
    digests = {split_items(items, seed=seed)[1].digest for seed in range(5)}
    assert len(digests) == 5
    assert split_items(items, seed=1)[1].digest == split_digest(split_items(items, seed=1)[0])


def test_a_stratum_of_one_group_is_said() -> None:
    _, record = split_items([sk(str(nth), f"t {nth}", "one prompt") for nth in range(10)])
    assert "nothing is in test (1 groups, 10 items)" in record.notes[0]


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 1.5])
def test_a_fraction_is_between(fraction: float) -> None:
    with pytest.raises(ValueError, match="test fraction"):
        split_items([sk("a", "b")], test_fraction=fraction)


LONG = "A student planted soybean seeds in two identical pots and watered only one of them every day"
OTHER = (
    "The printing press made books cheaper and within a few decades people all over Europe could read news"
)


def test_same_and_nearly_same_texts_are_found_and_others_are_not() -> None:
    items = [
        sk("plain", LONG),
        sk("shouted", f"{LONG.upper()} !!"),
        sk("changed", LONG.replace("soybean", "tomato")),
        sk(
            "inside",
            f"Look at this. {LONG}. What was found out, and how would you go on from there next week?",
        ),
        sk("other", OTHER),
    ]
    found = near(map(leak_text, items))
    assert {frozenset(pair[:2]) for pair in found.pairs} == {
        frozenset(pair)
        for pair in [
            ("plain", "shouted"),
            ("plain", "changed"),
            ("plain", "inside"),
            ("shouted", "changed"),
            ("shouted", "inside"),
            ("changed", "inside"),
        ]
    }
    assert found.pairs[0].overlap == 1


def test_short_exchanges_are_the_same_by_chance_and_short_questions_are_not() -> None:
    exchanges = [
        sk(name, "", domain="DM", task="move", parts={"student": "Seven.", "teacher": "Seven."})
        for name in "ab"
    ]
    assert near(map(leak_text, exchanges)) == ((), 2)
    assert [
        pair.overlap
        for pair in near(map(leak_text, [sk("a", "What is 2 + 2?"), sk("b", "what is 2+2")])).pairs
    ] == [1]


def test_a_history_is_no_text() -> None:
    items = [Item(id=name, domain="KT", source="s", answer="right", group=name) for name in "ab"]
    assert leak_text(items[0]).text == ""
    assert near(map(leak_text, items)) == ((), 0)


def test_words_of_several_scripts() -> None:
    assert words("ＦＵＬＬ width ½") == ["full", "width", "1", "2"]
    assert words("植物の根 and 뿌리") == ["植", "物", "の", "根", "and", "뿌", "리"]
    assert words(" … ") == []


vocabulary = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=14).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(vocabulary, min_size=2, max_size=12), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_the_filter_finds_what_comparing_every_pair_finds(stems: list[str], overlap: float) -> None:
    how = Nearness(overlap=overlap, n=2, least=3)
    items = [sk(f"{nth:02}", stem) for nth, stem in enumerate(stems)]
    expected = set()
    for nth, a in enumerate(items):
        for b in items[nth + 1 :]:
            left, right = (leak_text(item).text.split() for item in (a, b))
            grams = [{tuple(said[at : at + 2]) for at in range(len(said) - 1)} for said in (left, right)]
            if left == right or (
                min(len(left), len(right)) >= 3
                and len(grams[0] & grams[1]) >= overlap * min(len(grams[0]), len(grams[1]))
            ):
                expected.add((a.id, b.id))
    assert {tuple(sorted(pair[:2])) for pair in near(map(leak_text, items), how).pairs} == expected


def test_ten_thousand_texts_take_seconds() -> None:
    chance = random.Random(1)
    dictionary = [f"word{nth}" for nth in range(3000)]
    items = [sk(f"{nth:05}", " ".join(chance.choices(dictionary, k=60))) for nth in range(10_000)]
    items += [
        sk(f"copy {nth}", f"{items[nth].parts['stem']} and a little more of it") for nth in range(0, 1000, 10)
    ]
    found = near(map(leak_text, items))
    assert len(found.pairs) == 100


def test_merging_joins_whole_groups_and_remembers_their_names() -> None:
    items = [sk("a", "1", "g1"), sk("b", "2", "g1"), sk("c", "3", "g2"), sk("d", "4", "g3")]
    merged, gone = merge_groups(items, [LeakPair("b", "c", 1.0)])
    assert [item.group for item in merged] == ["g1", "g1", "g1", "g3"]
    assert [item.metadata.get("family") for item in merged] == [None, None, "g2", None]
    assert gone == 1


@pytest.fixture
def leaking(write_jsonl: Callable[..., Path]) -> Path:
    """Forty questions, of which each of the first ten stands there twice, once with a word changed."""
    chance = random.Random(4)
    stems = [" ".join(f"w{chance.randrange(5000)}" for _ in range(30)) for _ in range(30)]
    stems += [f"{stem} changed" for stem in stems[:10]]
    return write_jsonl(
        "leaking.jsonl",
        *(
            {"item_id": f"q{nth}", "question": stem, "options": ["x", "y"], "answer": "A", "metadata": {}}
            for nth, stem in enumerate(stems)
        ),
    )


def test_a_leak_is_an_error_that_lists_the_pairs(leaking: Path) -> None:
    with pytest.raises(LeakError) as caught:
        build([SourceFiles("chile", (leaking,))])
    pairs = caught.value.pairs
    assert pairs
    assert all(abs(int(a[1:]) - int(b[1:])) == 30 for a, b, _ in pairs)
    for a, b, _ in pairs:
        assert f" {a}: " in caught.value.message
        assert f" {b}: " in caught.value.message


@pytest.mark.parametrize("action", ["merge", "drop", "keep"])
def test_what_can_be_done_about_leaks(leaking: Path, action: str) -> None:
    built = build([SourceFiles("chile", (leaking,))], BuildSettings(on_leak=action))  # type: ignore[arg-type]
    left = across(built.items, near(map(leak_text, built.items)).pairs)
    record = built.record
    assert bool(left) == (action == "keep")
    assert record.leaks.pairs == 10
    assert record.items + record.dropped_as_leaks == 40
    assert bool(record.dropped_as_leaks) == (action == "drop")
    assert record.split is not None
    assert record.split.merged == (10 if action == "merge" else 0)
    assert record.split.digest == split_digest(built.items)
    if action == "drop":
        whole = {
            i.id: i.split
            for i in build([SourceFiles("chile", (leaking,))], BuildSettings(on_leak="keep")).items
        }
        assert all(whole[item.id] == item.split for item in built.items), "nobody changes sides"
        assert sum(item.split == "test" for item in built.items) == sum(s == "test" for s in whole.values())


def test_build_on_the_command_line(tmp_path: Path, pcode: Pcode, leaking: Path) -> None:
    out = tmp_path / "items.jsonl"
    result = pcode("wbeb", "build", "chile", leaking, "-o", out)
    assert result.exit_code == 2
    assert "--leaks merge" in result.stderr
    assert not out.exists()
    result = pcode("wbeb", "build", "chile", leaking, "-o", out, "--leaks", "merge", "--dry-run")
    assert result.exit_code == 0, result.output
    assert not out.exists()
    result = pcode("wbeb", "build", "chile", leaking, "-o", out, "--leaks", "merge", "--json")
    assert result.exit_code == 0, result.output
    record = BuildRecord.model_validate_json((tmp_path / "items.build.json").read_text())
    assert record == BuildRecord.model_validate_json(result.stdout)
    items = list(read_items(out))
    assert len(items) == record.items == 40
    before = {path.name: path.read_bytes() for path in tmp_path.glob("items*")}
    assert set(before) == {"items.jsonl", "items.build.json", "items.skipped.jsonl"}
    assert pcode("wbeb", "build", "chile", leaking, "-o", out, "--leaks", "merge").exit_code == 0
    assert {path.name: path.read_bytes() for path in tmp_path.glob("items*")} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no source and no file"),
        (["chili", "{file}"], "did you mean chile"),
        (["chile", "nowhere.jsonl"], "no such file"),
        (["chile"], "no files for source chile"),
        (["chile", "{file}", "--set", "othres=true"], "did you mean others"),
        (["chile", "{file}", "--set", "others=perhaps"], "true or false"),
        (["chile", "{file}", "--set", "asap.score=half"], "SOURCE being one of those given"),
        (["chile", "{file}", "--keep-repeats"], "no source has an option 'keep_repeats'"),
        (["chile", "{file}", "{file}"], "a file is given twice"),
        (["chile", "{file}", "--test-fraction", "1"], "test fraction"),
        (["chile", "{file}", "--overlap", "0"], "overlap"),
        (["asap", "{file}"], "no column|cannot tell the format|no record became an item"),
    ],
)
def test_what_a_user_can_mend_is_said(
    tmp_path: Path, pcode: Pcode, leaking: Path, words: list[str], said: str
) -> None:
    import re

    out = tmp_path / "items.jsonl"
    result = pcode("wbeb", "build", *(word.format(file=leaking) for word in words), "-o", out)
    assert result.exit_code == 2, result.output
    assert re.search(said, result.stderr), result.stderr
    assert not out.exists()


def test_no_split_and_a_limit(tmp_path: Path, pcode: Pcode, leaking: Path) -> None:
    out = tmp_path / "items.jsonl"
    result = pcode("wbeb", "build", "chile", leaking, "-o", out, "--no-split", "--limit", 5)
    assert result.exit_code == 0, result.output
    items = list(read_items(out))
    assert len(items) == 5
    assert {item.split for item in items} == {None}
    more = build([SourceFiles("chile", (leaking,))], BuildSettings(split=False, limit=9)).items
    assert {item.id for item in items} <= {item.id for item in more}
