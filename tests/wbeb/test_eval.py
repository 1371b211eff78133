"""``pcode wbeb eval``: scores, what stands beside them, and traces that `annotate` and `report` take as they are."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.errors import InputError
from pedagogy_r1.estimate import Resampling
from pedagogy_r1.wbeb.compare import compare
from pedagogy_r1.wbeb.evaluation import evaluate
from pedagogy_r1.wbeb.generate import generate
from pedagogy_r1.wbeb.generation import Generation
from pedagogy_r1.wbeb.item import select, write_items

from ..fake_openai import Call, FakeOpenAI, Said
from ..wbeb_items import all_domains, choice, step, thinker

Pcode = Callable[..., Result]


def words(items: Path, run: Path, server: FakeOpenAI, *more: object) -> list[object]:
    command = ["wbeb", "eval", "openai:fake", items, "-o", run, "--base-url", server.url, "--backoff", 0.01]
    return [*command, "--replicates", 200, *more]


def row_of(scores: dict[str, Any], domain: str) -> dict[str, Any]:
    (row,) = [row for row in scores["rows"] if row["domain"] == domain]
    return row


def test_every_domain_is_scored_with_what_explains_scores_away(tmp_path: Path, pcode: Pcode) -> None:
    items, run = tmp_path / "items.jsonl", tmp_path / "run"
    write_items(items, [*all_domains(20), *all_domains(5, split="train")])
    with FakeOpenAI(answer=thinker) as server:
        result = pcode(*words(items, run, server))
        assert result.exit_code == 0, result.output + str(result.exception)
        assert server.number == 100  # the test split
    scores = json.loads((run / "scores.json").read_text())
    assert [row["domain"] for row in scores["rows"]] == ["SK", "PK", "KT", "AES", "DM"]
    checked = pcode("verify", run)
    assert checked.exit_code == 0, checked.output  # scores.json and timings.csv too
    for row in scores["rows"]:
        assert (row["n"], row["missing"], row["parse_failures"], row["truncated"]) == (20, 0, 0, 0)
    sk = row_of(scores, "SK")["scores"][0]
    right = sum(t.correct is True for t in Generation(run).traces() if t.domain == "SK")
    assert (sk["name"], sk["n"], sk["chance"], sk["majority"]) == ("accuracy", 20, 0.25, 1.0)
    assert sk["value"] == right / 20
    assert sk["low"] < sk["value"] < sk["high"]
    kt = row_of(scores, "KT")
    assert kt["probabilities"] == {"token": 20}
    assert "token" in next(s for s in kt["scores"] if s["name"] == "auc")["note"]
    with (run / "scores.csv").open() as file:
        table = list(csv.DictReader(file))
    assert {(r["domain"], r["score"]) for r in table} >= {
        ("SK", "accuracy"),
        ("KT", "auc"),
        ("AES", "qwk"),
        ("DM", "macro_f1"),
    }
    assert all((r["model"], r["condition"], r["parse_failures"]) == ("fake", "generic", "0.0") for r in table)
    for shown in ("fake", "generic", "macro_f1", "from token probabilities", "pcode annotate"):
        assert shown in result.output


def test_what_could_not_be_read_was_cut_off_or_never_came_is_said(tmp_path: Path, pcode: Pcode) -> None:
    items, run = tmp_path / "items.jsonl", tmp_path / "run"
    asked = [choice(n) for n in range(8)]
    write_items(items, asked)
    said = {0: Said("<think>Hm, hm", finish="length"), 1: Said("<think>.</think>I do not know.")}

    def mumble(call: Call) -> Said:
        found = [s for n, s in said.items() if asked[n].parts["stem"] in call.user]
        return found[0] if found else Said("<think>.</think>Answer: B")

    with FakeOpenAI(
        answer=mumble, fault=lambda call: "refusal" if asked[2].parts["stem"] in call.user else None
    ) as server:
        result = pcode(*words(items, run, server, "--retries", 0))
    assert result.exit_code == 1
    (row,) = json.loads((run / "scores.json").read_text())["rows"]
    assert (row["n"], row["missing"], row["parse_failures"], row["truncated"]) == (7, 1, 2 / 7, 1 / 7)
    assert row["scores"][0]["value"] == 5 / 7  # unread is wrong; what never came is in no score
    assert "no answer to sk-test-2" in result.stderr
    assert "2 of 7 answers could not be read" in result.stderr
    assert "--retry-missing" in result.stderr


def test_splits_domains_limits_and_what_is_left(tmp_path: Path) -> None:
    items = [*all_domains(4), *all_domains(3, split="train")]
    assert len(select(items)) == 20
    assert {i.split for i in select(items, split="train")} == {"train"}
    assert len(select(items, split="all")) == 35
    many = [choice(n) for n in range(50)]
    few = select(many, limit=8)
    assert [i.id for i in few] == [i.id for i in many if i in few]  # in their order
    assert max(int(i.id.rpartition("-")[2]) for i in few) > 20  # drawn, not the first ones
    assert {i.id for i in few} < {i.id for i in select(many, limit=9)}
    assert select(many, limit=8, seed=1) != few
    assert len(select(items, limit=2)) == 10
    with pytest.raises(InputError) as caught:
        select(items, domains=["kt"])
    assert "KT" in caught.value.hint
    with pytest.raises(InputError, match="no item is SK of test; there are 1 SK of no split"):
        select([choice(1).model_copy(update={"split": None})], domains=["SK"])


def test_baselines_stand_in_the_same_table(tmp_path: Path, pcode: Pcode) -> None:
    items, run = tmp_path / "items.jsonl", tmp_path / "run"
    write_items(items, [*(step(n) for n in range(20)), *(step(n, split="train") for n in range(40))])
    with FakeOpenAI(answer=thinker) as server:
        result = pcode(*words(items, run, server, "--baselines"))
    assert result.exit_code == 0, result.output + str(result.exception)
    found = json.loads((run / "scores.json").read_text())["baselines"]
    assert {"majority", "PFA", "BKT"} <= {row["who"] for row in found}
    pfa = next(row for row in found if row["who"] == "PFA")
    assert {s["name"]: s["n"] for s in pfa["scores"]} == {"auc": 20, "accuracy": 20}
    assert "PFA" in result.output
    with FakeOpenAI(answer=thinker) as server:
        write_items(items, [step(n) for n in range(3)])
        alone = pcode(*words(items, tmp_path / "alone", server, "--baselines"))
        assert server.number == 0
    assert alone.exit_code == 2
    assert "no KT items of train" in alone.stderr


def test_hard_answers_make_an_auc_that_says_so(tmp_path: Path) -> None:
    with FakeOpenAI(answer=lambda call: Said("<think>.</think>Answer: right")) as server:
        found = generate(
            [step(n) for n in range(10)],
            tmp_path / "run",
            model="openai:m",
            condition="none",
            base_url=server.url,
        )
    (row,) = evaluate(found, Resampling(100)).rows
    auc, accuracy = row.scores
    assert row.probabilities == {"hard": 10}
    assert (auc.estimate.value, accuracy.estimate.value) == (0.5, 0.5)
    assert "balanced accuracy" in (auc.note or "")


def test_dry_run_and_json(tmp_path: Path, pcode: Pcode) -> None:
    items, run = tmp_path / "items.jsonl", tmp_path / "run"
    write_items(items, all_domains(3))
    with FakeOpenAI(answer=thinker) as server:
        dry = pcode(*words(items, run, server, "--dry-run", "--json"))
        assert json.loads(dry.stdout)["requests"] == 15
        assert server.number == 0
        assert not run.exists()
        done = pcode(*words(items, run, server, "--json"))
        assert json.loads(done.stdout) == json.loads((run / "scores.json").read_text())
        refused = pcode(*words(items, run, server, "--backend-option", "schema=ask"))
    assert refused.exit_code == 2
    assert "holds another run: backend" in refused.stderr


def test_few_shot_from_the_items_own_train_split(tmp_path: Path, pcode: Pcode) -> None:
    items, run = tmp_path / "items.jsonl", tmp_path / "run"
    write_items(items, [*all_domains(3), *all_domains(12, split="train")])
    with FakeOpenAI(answer=thinker) as server:
        result = pcode(*words(items, run, server, "--shots", 5, "--domain", "SK", "--domain", "AES"))
        assert result.exit_code == 0, result.output + str(result.exception)
        assert {call.user.count("Example ") for call in server.calls} == {5}
        assert "as train asks" in server.calls[0].user
        many = pcode(*words(items, tmp_path / "many", server, "--shots", 13))
    assert many.exit_code == 2
    assert "train has 12 of SK" in many.stderr
    traces = list(Generation(run).traces())
    assert all(t.metadata["shots"] == 5 and "Example" not in t.question for t in traces)


def test_the_loop_closes(tmp_path: Path, pcode: Pcode) -> None:
    """eval under two conditions → annotate each as it is → the report's contrast of code frequencies."""
    items = tmp_path / "items.jsonl"
    write_items(items, all_domains(8))
    coded = []
    with FakeOpenAI(answer=thinker) as server:
        for condition in ("generic", "cop"):
            run = tmp_path / condition
            assert pcode(*words(items, run, server, "--condition", condition)).exit_code == 0
            coded.append(tmp_path / f"{condition}-coded")
            result = pcode("annotate", run / "traces.jsonl", "-o", coded[-1], "--codebook", "schoen@1.0.0")
            assert result.exit_code == 0, result.output
    result = pcode("report", *coded, "-o", tmp_path / "report", "--contrast", "condition:cop:generic", "--permutations", 199, "--replicates", 50)  # fmt: skip
    assert result.exit_code == 0, result.output + str(result.exception)
    tables = {p.name: p for p in (tmp_path / "report").rglob("*.csv")}
    name = next(n for n in tables if "contrast" in n)
    with tables[name].open() as file:
        rows = list(csv.DictReader(file))
    page = (tmp_path / "report" / "report.html").read_text()
    assert "cop" in page
    assert "generic" in page
    questioning = next(row for row in rows if row["code"] == "IA-SQ")
    assert float(questioning["a_value"]) > 0.2  # the model asks itself questions under cop only
    assert float(questioning["b_value"]) == 0.0


@pytest.mark.slow
def test_a_model_in_this_process_is_evaluated_and_loses_no_item(tmp_path: Path, pcode: Pcode) -> None:
    """A tiny model with random weights knows nothing: every item has a trace, and nearly nothing can be read."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from pedagogy_r1.train.tiny_model import build_tiny

    items = tmp_path / "items.jsonl"
    write_items(items, all_domains(4))
    model = build_tiny(tmp_path / "tiny")
    command = ["wbeb", "eval", f"hf:{model}", items, "--max-tokens", 12, "--name", "tiny", "--replicates", 50]
    command += ["--backend-option", "dtype=float32", "--backend-option", "batch_size=8"]
    result = pcode(*command, "-o", tmp_path / "a")
    assert result.exit_code == 0, result.output + str(result.exception)
    again = pcode(*command, "-o", tmp_path / "b", "--concurrency", 3)
    assert again.exit_code == 0, again.output
    for name in ("traces.jsonl", "scores.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    traces = list(Generation(tmp_path / "a").traces())
    assert len(traces) == 20
    assert all(t.model == "tiny" and t.metadata["tokens"]["completion"] <= 12 for t in traces)
    refused = pcode(*command, "-o", tmp_path / "c", "--backend-option", "colour=red")
    assert refused.exit_code == 2
    assert "colour" in refused.stderr


def as_first_reader_left_it(run: Path, *, status: str = "complete") -> None:
    """The folder as version 1 of the reader wrote it: "Answer: Option B" unread, and no reader named."""
    rows = [json.loads(line) for line in (run / "traces.jsonl").read_text().splitlines()]
    why = "answer line: 'Option B' is none of the options"
    for row in rows:
        del row["metadata"]["reader"], row["correct"]
        row["metadata"]["parsed"] = {"value": None, "rule": None, "strict": False, "why": why}
    (run / "traces.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    record = json.loads((run / "run.json").read_text())
    del record["reader"], record["reread_from"], record["seal"], record["sha256"]
    record |= {"status": status, "bytes": {"traces.jsonl": (run / "traces.jsonl").stat().st_size}}
    (run / "run.json").write_text(json.dumps(record))


def option_b(call: Call) -> Said:
    return Said("<think>.</think>Answer: Option B")


def test_an_old_run_keeps_what_its_reader_read_and_says_so(tmp_path: Path, pcode: Pcode) -> None:
    items, run = tmp_path / "items.jsonl", tmp_path / "run"
    write_items(items, [choice(n) for n in range(8)])
    with FakeOpenAI(answer=option_b) as server:
        assert pcode(*words(items, run, server)).exit_code == 0
        new = json.loads((run / "scores.json").read_text())
        assert (new["reader"], new["notes"], new["rows"][0]["scores"][0]["value"]) == ("answers@4", [], 1)
        as_first_reader_left_it(run)
        again = pcode(*words(items, run, server))
        assert server.number == 8
    old = json.loads((run / "scores.json").read_text())
    assert (old["reader"], old["rows"][0]["scores"][0]["value"]) == ("answers@1", 0)
    said = "answers were read by answers@1 and are not read again; this version reads by answers@4"
    assert old["notes"] == [said]
    assert said in " ".join(again.stderr.split())


def test_an_old_run_taken_up_again_says_that_it_was_read_anew(tmp_path: Path) -> None:
    run = tmp_path / "run"
    given: dict[str, Any] = {"model": "openai:fake", "condition": "generic"}
    with FakeOpenAI(answer=option_b) as server:
        generate([choice(n) for n in range(4)], run, base_url=server.url, **given)
        as_first_reader_left_it(run, status="interrupted")
        done = generate([choice(n) for n in range(4)], run, base_url=server.url, **given)
        assert server.number == 4
    assert (done.manifest.reader, done.manifest.reread_from) == ("answers@4", "answers@1")
    found = evaluate(done, Resampling(0))
    assert found.rows[0].scores[0].estimate.value == 1
    assert "read by answers@1 before the run was taken up again" in found.notes[0]


def test_runs_of_two_readers_are_compared_with_a_warning(tmp_path: Path) -> None:
    folders = [tmp_path / "old", tmp_path / "new"]
    with FakeOpenAI(answer=option_b) as server:
        for folder in folders:
            items = [choice(n) for n in range(4)]
            generate(items, folder, model=f"openai:{folder.name}", condition="generic", base_url=server.url)
    assert not [note for note in compare(folders, how=Resampling(0)).notes if "reader" in note]
    as_first_reader_left_it(folders[0])
    (note,) = [note for note in compare(folders, how=Resampling(0)).notes if "reader" in note]
    assert "answers@1" in note
    assert "answers@4" in note


def test_tolerant_readings_and_contradictions_are_counted(tmp_path: Path) -> None:
    """Two statements of one form that differ: the last counts, tolerantly, and a note says how many there are."""
    said = ["Answer: C\nAnswer: B", "Answer: probably B", "Answer: B", "Answer: B"]

    def answer(call: Call) -> Said:
        return Said("<think>.</think>" + said[int(call.user.split("What is ")[1].split(" ")[0])])

    with FakeOpenAI(answer=answer) as server:
        run = generate(
            [choice(n) for n in range(4)], tmp_path / "run", model="openai:fake", condition="generic", base_url=server.url,
        )  # fmt: skip
    (row,) = evaluate(run, Resampling(0)).rows
    assert (row.scores[0].estimate.value, row.tolerant, row.parse_failures) == (1, 0.5, 0)
    assert "1 of 4 answers contradict themselves in one form; the last statement counts" in row.notes
