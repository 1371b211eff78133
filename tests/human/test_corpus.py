"""The corpus that comes with the package: whole, in parts that share no item, and made anew from what its coders returned."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from pedagogy_r1.cli.main import cli
from pedagogy_r1.errors import InputError, RunError
from pedagogy_r1.human.adjudication import adjudicated_run
from pedagogy_r1.human.adjudication_material import from_runs
from pedagogy_r1.human.corpus import PARTS, copy_corpus, corpora, corpus_traces, find_corpus
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.unit import unitize
from pedagogy_r1.wbeb.item import read_items

NAME = "teaching"


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the development part."""
    out = tmp_path_factory.mktemp("corpus") / "dev"
    copy_corpus(NAME, out, "dev")
    return out


def test_the_record_counts_what_is_there() -> None:
    corpus = next(one for one in corpora() if one.id == NAME)
    items = list(read_items(find_corpus(NAME)[0] / "items.jsonl"))
    traces = list(corpus_traces(NAME))
    assert (corpus.items, corpus.traces) == (len(items), len(traces))
    assert len(items) >= 60
    assert len(traces) >= 240
    assert corpus.units == sum(len(unitize(trace, "sentence@1")) for trace in traces) >= 3500
    assert Counter(item.domain for item in items).keys() == {"SK", "PK", "KT", "AES", "DM"}
    assert {trace.item for trace in traces} == {item.id for item in items}


def test_what_comes_with_the_package_can_be_made_anew_and_is_counted_right(tmp_path: Path) -> None:
    for corpus in corpora():
        traces = list(corpus_traces(corpus.id))
        assert corpus.traces == len(traces)
        assert corpus.items == len({trace.item for trace in traces})
        assert corpus.units == sum(len(unitize(trace, "sentence@1")) for trace in traces)
        if corpus.id != NAME:  # its parts are made elsewhere here
            copy_corpus(corpus.id, tmp_path / corpus.id)
            run = CoderRun(tmp_path / corpus.id / "coders")
            assert sum(1 for _ in run.codings()) == corpus.units * len(corpus.coders)


def test_no_two_corpora_share_an_item() -> None:
    """What a coder learns from in the one is not what it is measured on in the other."""
    of = {corpus.id: {trace.item for trace in corpus_traces(corpus.id)} for corpus in corpora()}
    texts = {name: {trace.question for trace in corpus_traces(name)} for name in of}
    assert len(of) >= 2
    for a in of:
        for b in of:
            assert a == b or not (of[a] & of[b] or texts[a] & texts[b])


def test_each_item_has_a_trace_of_every_condition_and_every_writer() -> None:
    seen: dict[str, list[tuple[str | None, str | None]]] = {}
    for trace in corpus_traces(NAME):
        seen.setdefault(trace.item or "", []).append((trace.condition, trace.model))
    for pairs in seen.values():
        assert sorted(str(c) for c, _ in pairs) == ["cop", "cop-audit", "generic", "none"]
        assert len({writer for _, writer in pairs}) == 4


def test_no_item_is_in_two_parts() -> None:
    part = {part: {trace.item for trace in corpus_traces(NAME, part)} for part in PARTS}
    assert all(part[a] and not part[a] & part[b] for a in PARTS for b in PARTS if a < b)


def test_a_part_is_made_anew_from_what_was_returned(dev: Path) -> None:
    coders, decided = CoderRun(dev / "coders"), CoderRun(dev / "adjudicated")
    wanted = {trace.id for trace in corpus_traces(NAME, "dev")}
    assert {trace.id for trace, _, _ in coders.by_trace()} == wanted
    assert [coder.kind for coder in coders.manifest.coders] == ["machine"] * 3
    assert [coder.kind for coder in decided.manifest.coders] == ["machine"]
    assert not coders.manifest.counts["missing"]
    assert not decided.manifest.counts["missing"]
    said: dict[str, list[tuple[str, ...]]] = {}
    for coding in coders.codings():
        said.setdefault(coding.unit_id, []).append(coding.codes or ())
    final = {coding.unit_id: coding for coding in decided.codings()}
    agreed = [unit for unit, codes in said.items() if len(set(codes)) == 1]
    assert 0 < len(agreed) < len(said)
    assert all(final[unit].codes == said[unit][0] for unit in agreed)
    assert all(final[unit].rationale for unit in said.keys() - set(agreed))


def test_the_same_copy_twice_changes_nothing_and_another_part_is_refused(dev: Path) -> None:
    before = (dev / "copy.json").read_bytes()
    copy_corpus(NAME, dev, "dev")
    assert (dev / "copy.json").read_bytes() == before
    with pytest.raises(RunError, match="part: 'dev' there, 'test' now"):
        copy_corpus(NAME, dev, "test")


def test_a_copy_holds_the_items_of_its_part_alone(dev: Path) -> None:
    assert {item.id for item in read_items(dev / "items.jsonl")} == {
        t.item for t in corpus_traces(NAME, "dev")
    }


def test_what_people_did_in_a_copy_is_not_lost(tmp_path: Path) -> None:
    out = tmp_path / "copy"
    copy_corpus(NAME, out, "dev")
    mine = out / "packet/C1/web.jsonl"
    mine.write_text("{}\n")
    (out / "traces.jsonl").unlink()
    with pytest.raises(RunError, match=r"web\.jsonl was changed or added since the copy was made"):
        copy_corpus(NAME, out, "dev")
    assert mine.read_text() == "{}\n"
    mine.unlink()
    (out / "adjudicated/log.md").unlink()
    copy_corpus(NAME, out, "dev")
    assert (out / "adjudicated/log.md").is_file()
    with (out / "coders/codings.jsonl").open("a") as file:
        file.write("\n")
    (out / "traces.jsonl").unlink()
    with pytest.raises(RunError, match=r"codings\.jsonl was changed"):
        copy_corpus(NAME, out, "dev")


def test_notes_in_the_card_of_a_copy_are_not_lost(tmp_path: Path) -> None:
    copy_corpus(NAME, tmp_path, "dev")
    card = tmp_path / "README.md"
    noted = card.read_text() + "seen by two students\n"
    card.write_text(noted)
    with pytest.raises(RunError, match=r"README\.md was changed or added since the copy was made"):
        copy_corpus(NAME, tmp_path, "dev")
    assert card.read_text() == noted


@pytest.mark.parametrize("name", ["traces.jsonl", "decisions.jsonl", "returned/C1.csv", "corpus.json"])
def test_a_damaged_corpus_is_not_copied(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = find_corpus(NAME)[0]
    shutil.copytree(source, tmp_path / "corpus" / NAME)
    monkeypatch.setattr("pedagogy_r1.human.corpus.shipped", lambda name: tmp_path / name)
    damaged = tmp_path / "corpus" / NAME / name
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    with pytest.raises((RunError, InputError), match=str(damaged.name)):
        copy_corpus(NAME, tmp_path / "copy")
    assert not (tmp_path / "copy/coders").exists()


def other_corpus(place: Path, name: str, **changed: object) -> Path:
    """A corpus that a user put beside ours: a copy of it under another name, with other fields in its record."""
    for folder in (NAME, name):
        shutil.copytree(find_corpus(NAME)[0], place / "corpus" / folder)
    record = json.loads((place / "corpus" / name / "corpus.json").read_text())
    (place / "corpus" / name / "corpus.json").write_text(json.dumps({**record, "id": name, **changed}))
    return place / "corpus" / name


def test_another_corpus_stands_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = other_corpus(tmp_path, "mine")
    monkeypatch.setattr("pedagogy_r1.human.corpus.shipped", lambda name: tmp_path / name)
    assert [one.id for one in corpora()] == ["mine", NAME]
    assert copy_corpus("mine", tmp_path / "copy", "dev").corpus == "mine 1.0.0"
    (mine / "LICENSE").unlink()
    with pytest.raises(RunError, match="LICENSE is missing"):
        copy_corpus("mine", tmp_path / "other", "dev")
    (mine / "corpus.json").write_text("{")
    with pytest.raises(InputError, match=r"mine/corpus\.json"):
        corpora()
    assert find_corpus(NAME)[1].id == NAME


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"id": "yours"}, "its folder is called otherwise"), ({"sha256": {}}, "sha256 lacks traces.jsonl")],
)
def test_a_record_that_does_not_hold_is_refused(
    changed: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_corpus(tmp_path, "mine", **changed)
    monkeypatch.setattr("pedagogy_r1.human.corpus.shipped", lambda name: tmp_path / name)
    with pytest.raises(InputError, match=said):
        copy_corpus("mine", tmp_path / "copy", "dev")


def test_a_person_does_not_adjudicate_over_the_machine(dev: Path) -> None:
    material = from_runs([CoderRun(dev / "coders")])
    fingerprints = {adjudicated_run(material, kind=kind).fingerprint for kind in ("human", "machine")}
    assert len(fingerprints) == 2
    assert CoderRun(dev / "adjudicated").manifest.fingerprint in fingerprints - {
        adjudicated_run(material).fingerprint
    }


def test_a_killed_copy_is_made_by_the_same_command(dev: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pedagogy_r1", "corpus", "copy", NAME, "--part", "dev", "-o", "copy"]
    with subprocess.Popen(words, cwd=tmp_path) as process:
        for _ in range(600):
            if (tmp_path / "copy/packet").exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert json.loads((tmp_path / "copy/copy.json").read_text())["status"] == "running"
    copy_corpus(NAME, tmp_path / "copy", "dev")
    for name in ("coders", "adjudicated"):
        codes = [(c.unit_id, c.coder, c.codes) for c in CoderRun(tmp_path / "copy" / name).codings()]
        assert codes == [(c.unit_id, c.coder, c.codes) for c in CoderRun(dev / name).codings()]


def test_an_unknown_corpus_or_part_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no corpus is called 'lessons'"):
        copy_corpus("lessons", tmp_path / "a")
    with pytest.raises(InputError, match="no part is called 'half'"):
        corpus_traces(NAME, "half")


def test_an_empty_name_of_a_folder_is_not_the_current_one() -> None:
    said = CliRunner().invoke(cli, ["corpus", "copy", NAME, "-o", ""])
    assert said.exit_code == 2
    assert "it is empty; the current folder is ." in said.output


def test_list_and_copy_from_the_command_line(tmp_path: Path) -> None:
    listed = CliRunner().invoke(cli, ["corpus", "list", "--json"])
    assert json.loads(listed.output)[0]["id"] == NAME
    assert "CC BY 4.0" in CliRunner().invoke(cli, ["corpus", "list"]).output
    out = tmp_path / "copy"
    said = CliRunner().invoke(cli, ["corpus", "copy", NAME, "--part", "dev", "-o", str(out)])
    assert said.exit_code == 0, said.output
    assert f"pcode agreement {out / 'coders'}" in said.output.replace("\n", "")
    shutil.rmtree(out)
