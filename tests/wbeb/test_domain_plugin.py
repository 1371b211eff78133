"""A domain is one file, and so is a source: both are dropped into a folder of plugins, and the whole pipeline takes them."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from pedagogy_r1.wbeb.item import domain_names, read_items

from ..fake_openai import Call, FakeOpenAI, Said
from ..plugin_site import installed

ROOT = Path(__file__).parents[2]
Pcode = Callable[..., Result]

DOMAIN = '''
"""CT, counting: how many letters a word has."""

from pedagogy_r1.wbeb.answers.given_score import read_number
from pedagogy_r1.wbeb.domain import DomainTask, form
from pedagogy_r1.wbeb.item import Item
from pedagogy_r1.wbeb.score import Beside, scorer_of


class Counting(DomainTask):
    work = "I will count the letters on my fingers."
    cost_share = 5.0

    def example(self):
        return Item(id="ct-1", domain="CT", source="example", parts={"word": "fern"}, answer="4", group="fern")

    def show(self, item):
        return f"How many letters has the word {item.parts['word']}?"

    def ask(self, item):
        return form("Answer: <a number>")

    def parse(self, answer, item):
        return read_number(answer, 1, 50)

    def scores(self, answered, how):
        return [scorer_of(answered, how).share("accuracy", [bool(a.correct) for a in answered], Beside(0.02))]


def domain():
    return Counting()
'''
SOURCE = '''
"""Words, one a line."""

from pedagogy_r1.wbeb.item import Item
from pedagogy_r1.wbeb.source_result import Gathering


def source(files, *, least: int = 1):
    found = Gathering()
    for path in files:
        for line, word in enumerate(path.read_text().splitlines(), 1):
            last = word.split()[-1]
            if len(last) < least:
                found.leave(path, line, "too short")
                continue
            name = f"words-{line}"
            parts, answer = {"word": word}, str(len(last))
            found.keep(path, line, Item(id=name, domain="CT", source="words", parts=parts, answer=answer, group=name))
    return found.done()
'''
ENTRIES = """[pedagogy_r1.wbeb.domains]
ct = counting_domain
[pedagogy_r1.wbeb.sources]
words = words_source
"""


@pytest.fixture(autouse=True)
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution of two files."""
    files = {"counting_domain": DOMAIN, "words_source": SOURCE}
    with installed(tmp_path / "site", monkeypatch, "counting", "1.0", files, ENTRIES):
        yield


def said(call: Call) -> Said:
    word = call.user.split("the word ")[1].split("?")[0]
    return Said(f"Answer: {len(word.split()[-1])}")


def ok(result: Result) -> Result:
    assert result.exit_code == 0, result.output + str(result.exception)
    return result


def test_a_new_domain_runs_from_files_to_scores(tmp_path: Path, pcode: Pcode) -> None:
    assert domain_names() == ("SK", "PK", "KT", "AES", "DM", "CT")
    words, items = tmp_path / "words.txt", tmp_path / "items.jsonl"
    twin = "a b c d e f g h i j k l m fern"
    words.write_text("\n".join([*(f"word{'o' * n}" for n in range(40)), "an", twin, f"{twin}s"]))
    ok(pcode("wbeb", "build", "words", words, "-o", items, "--set", "least=3", "--leaks", "merge"))
    found = list(read_items(items))
    assert {item.domain for item in found} == {"CT"}
    assert len(found) == 42
    # the twins are nearly the same, and the domain says which text that is
    assert len({item.group for item in found}) == 41
    record = json.loads((tmp_path / "items.build.json").read_text())
    assert (record["leaks"]["pairs"], record["sources"][0]["left_out"]) == (1, {"too short": 1})

    worked, kept = tmp_path / "worked.jsonl", tmp_path / "kept"
    ok(pcode("pipeline", "teach", items, "-o", worked))
    traces = [json.loads(line) for line in worked.read_text().splitlines()]
    assert all("on my fingers" in trace["reasoning"] and trace["correct"] for trace in traces)
    clean = ("--items", items, "--policy", "decontaminate")
    ok(pcode("filter", worked, "-o", kept, "--policy", "balanced:cap=9,ct=5", *clean))
    assert len((kept / "kept.jsonl").read_text().splitlines()) == 5
    refused = pcode("filter", worked, "-o", tmp_path / "no.jsonl", "--policy", "balanced:xy=5")
    assert "kt, aes, dm, ct" in refused.stderr

    run = tmp_path / "run"
    with FakeOpenAI(answer=said) as server:
        ok(pcode("wbeb", "eval", "openai:fake", items, "-o", run, "--base-url", server.url, "--domain", "CT"))
    (row,) = json.loads((run / "scores.json").read_text())["rows"]
    assert (row["domain"], row["scores"][0]["name"], row["scores"][0]["value"]) == ("CT", "accuracy", 1.0)
    (cell,) = json.loads(ok(pcode("wbeb", "compare", run, "--json")).stdout)["cells"]
    assert (cell["domain"], cell["scores"][0]["value"]) == ("CT", 1.0)


def test_a_new_domain_has_its_share_of_costs_and_stands_in_the_documentation() -> None:
    from pedagogy_r1.train.cost import share_of_domains

    assert share_of_domains(["sft", "--domain", "CT"]) == 0.5
    assert share_of_domains(["sft", "--domain", "SK"]) == 0.1
    assert share_of_domains(["sft"]) == 1.0
    page = runpy.run_path(str(ROOT / "docs" / "generate.py"))["formats_page"]()
    assert '"parts": {"word": "fern"}' in page


def test_without_the_plugin_its_items_are_refused_by_name(tmp_path: Path) -> None:
    assert "XY" not in domain_names()
    path = tmp_path / "items.jsonl"
    path.write_text('{"id": "1", "domain": "XY", "source": "s", "answer": "1", "group": "g"}\n')
    with pytest.raises(Exception, match="no domain is named 'XY'"):
        list(read_items(path))
