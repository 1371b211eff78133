"""How well answers are read: precision and recall of the reader, against what a person reads in the same answers.

    python -m benchmarks.answers                          the table of tests/wbeb and the traces of ../shared
    python -m benchmarks.answers --answers FILE.jsonl     and a model's answers, read by hand

A line of FILE: ``{"domain": "SK", "task": null, "raw": "…", "options": […], "scale": [1, 6], "cut": false, "truth": "B"}``; ``truth`` is
``null`` where a person would not say what is answered. *Precision*: of the values read, those that a person reads too; *recall*: of the
answers in which a person reads a value, those in which the reader reads the same. Every error is printed. What was cut off counts only
if a strict rule read it, as `wbeb.generate` has it. ``shared``: letters, words and scores of 36 answers of a large model (teaching) are what
stands behind the last "Answer:"; those of 38 (SAT) and 45 (AIME; 15 more never answer) are what stands in the last box or was read by hand, and
those of 48 (ArgKP: agree or disagree) were read by hand. ``tests/wbeb/real_answers.jsonl`` and ``large_model_answers.jsonl`` hold theirs.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pedagogy_r1.intake.think_tags import split_response
from pedagogy_r1.shipped import folder
from pedagogy_r1.wbeb.answers.chosen_option import read_choice
from pedagogy_r1.wbeb.answers.given_word import read_word
from pedagogy_r1.wbeb.answers.parsed import READER, Parsed
from pedagogy_r1.wbeb.answers.stated_value import kind_of, read_answer, same_answer
from pedagogy_r1.wbeb.domain import domain_named, domain_of
from pedagogy_r1.wbeb.item import Item, read_items
from pedagogy_r1.wbeb.questions import read_reply

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared/data"
SOIL = ("Air", "Moisture", "Temperature", "Sunlight")
BY_HAND = {"1ea09200": "B", "aa43b41f": "B", "c88e0663": "A"}
"""SAT answers that stand in no box, as read by hand."""
STANCES = {"DeepSeek-R1": "ddadadadaddaaadaaadddaaa", "QwQ-32B": "ddadadadaadaaadaaaaddaaa"}
"""What is answered to the 24 statements of ArgKP, read by hand: agree or disagree."""
AGREE = {"agree": ("agree", "agreement"), "disagree": ("disagree", "disagreement")}
AGREE_SAID = {value: (rf"\bI\s+{value}\b", rf"\b{value}(?:ing)? (?:with|that)\b") for value in AGREE}


class Reading(NamedTuple):
    """One answer: what the reader and a person read in it."""

    source: str
    text: str
    said: Parsed
    truth: str | None

    @property
    def same(self) -> bool:
        if self.said.value is None or self.truth is None:
            return self.said.value == self.truth
        return self.said.value == self.truth or same_answer(self.said.value, self.truth) is True


def table() -> Iterator[Reading]:
    for line in (ROOT / "tests/wbeb/answers.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            _, _, answer, value, *_ = line.split("\t")
            text = answer.replace("⏎", "\n")
            yield Reading("table", text, read_choice(text, SOIL), None if value == "–" else value)


def teaching() -> Iterator[Reading]:
    for line in (SHARED / "schoen_coded/teaching/traces.jsonl").read_text(encoding="utf-8").splitlines():
        trace = json.loads(line)
        truth = re.findall(r"^Answer: (\w+)", trace["answer"], re.M)[-1]
        options = ["low", "mid", "high"] if trace["domain"] == "DM" else ["1", "2", "3", "4"]
        about = {"domain": trace["domain"], "task": "uptake", "options": options}
        yield Reading("teaching", trace["answer"], _read(about | {"raw": trace["answer"]}), truth)


def sat() -> Iterator[Reading]:
    for row in json.loads((SHARED / "schoenfeld_original.json").read_text(encoding="utf-8")):
        answer = row["deepseek-reasoner (response)"].split("</think>")[-1]
        options = re.findall(r"^[A-D]\) (.*)$", row["Instruction"], re.M)
        reference = row["Correct Answer"]
        said = read_choice(answer, options) if options else read_answer(answer, kind_of(reference))
        yield Reading("SAT", answer, said, BY_HAND.get(row["Question ID"]) or _last_box(answer))


def aime() -> Iterator[Reading]:
    for path in sorted((SHARED / "reasoningflow/traces").glob("*aime*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            _, closed, answer = row["response"].partition("</think>")
            if closed:
                said = read_answer(answer, kind_of(str(row["correct_answer"])))
                yield Reading("AIME", answer, said, _last_box(answer))


def _last_box(text: str) -> str | None:
    *_, last = ["", *text.split("boxed{")]
    return re.sub(r"\}[^}]*$", "", last.split("\n")[0]) or None


def argkp() -> Iterator[Reading]:
    for model, said in STANCES.items():
        lines = (
            (SHARED / f"reasoningflow/traces/{model}_argkp.jsonl").read_text(encoding="utf-8").splitlines()
        )
        for line, stance in zip(lines, said, strict=True):
            answer = json.loads(line)["response"].partition("</think>")[2]
            truth = {"a": "agree", "d": "disagree"}[stance]
            yield Reading(
                "ArgKP",
                answer,
                read_word(answer, AGREE, AGREE_SAID, ("answer", "position", "decision", "stance")),
                truth,
            )


def large_model() -> Iterator[Reading]:
    for line in (ROOT / "tests/wbeb/large_model_answers.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Reading("large model, own items", row["raw"], _read(row), row["reading"])


def small_model() -> Iterator[Reading]:
    items = {item.id: item for item in read_items(folder("recipes") / "sample" / "items.jsonl")}
    for line in (ROOT / "tests/wbeb/real_answers.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        item = items[row["item"]]
        said = read_reply(domain_of(item), item, split_response(row["raw"]), row["cut"])
        yield Reading("small model", row["raw"], said, row["reading"])


def model(path: Path) -> Iterator[Reading]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        said = _read(row)
        if row.get("cut") and not said.strict:
            said = Parsed(None, why="cut off before an answer")
        yield Reading("model", row["raw"], said, row["truth"])


def _read(row: dict[str, Any]) -> Parsed:
    steps = {"steps": [{"problem": "p", "skills": ["s"], "correct": 1}] * 2}
    about = {"AES": {"scale": row.get("scale") or [1, 6]}, "KT": steps}.get(row["domain"], {})
    item = Item(
        id="x", domain=row["domain"], source="x", options=tuple(row.get("options") or ()), answer="x", group="x",
        task=row.get("task"), metadata=about,
    )  # fmt: skip
    return domain_named(row["domain"]).parse(row["raw"], item)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--answers", type=Path, help="a model's answers, read by hand (JSONL)")
    given = parser.parse_args().answers
    read = [
        *table(),
        *teaching(),
        *sat(),
        *aime(),
        *argkp(),
        *large_model(),
        *small_model(),
        *(model(given) if given else ()),
    ]
    print(
        f"{READER}\n\n| answers | n | answered | precision | recall | rightly unread |\n|---|---|---|---|---|---|"
    )
    for source in dict.fromkeys(r.source for r in read):
        print(_row(source, [r for r in read if r.source == source]))
    print(_row("all real ones", [r for r in read if r.source != "table"]))
    for wrong in (r for r in read if not r.same):
        print(
            f"\n{wrong.source}: a person reads {wrong.truth}, the reader {wrong.said.value} ({wrong.said.rule or wrong.said.why})"
        )
        print("   ", " ".join(wrong.text.split())[-160:])


def _row(source: str, read: list[Reading]) -> str:
    said, there = [r for r in read if r.said.value], [r for r in read if r.truth]
    right = sum(r.same for r in said)
    empty = [r for r in read if r.truth is None]
    kept = sum(r.said.value is None for r in empty)
    precision = f"{right / len(said):.3f} ({right}/{len(said)})" if said else "–"
    return f"| {source} | {len(read)} | {len(there)} | {precision} | {right / len(there):.3f} ({right}/{len(there)}) | {kept}/{len(empty)} |"


if __name__ == "__main__":
    main()
