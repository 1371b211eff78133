"""Real human codings of real traces, turned into the span files that ``pcode import`` takes.

Used by the tests and by the benchmarks; reads ``../shared/data``, writes only where it is told to.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NINE = """
id: flow
version: 0.1.0
title: Nine kinds of step in a model's reasoning
about: For tests. The names are those of the reasoningflow annotation; the wording is ours.
unit: sentence@1
max_codes: 1
families: [{id: steps, name: steps}]
codes:
- {id: context, name: context, family: steps, short: what was given, definition: Repeats what the task supplies before any reasoning begins.}
- {id: planning, name: planning, family: steps, short: what comes next, definition: Announces a step or a direction without taking it.}
- {id: fact, name: fact, family: steps, short: recalled knowledge, definition: States knowledge that was not derived here.}
- {id: reasoning, name: reasoning, family: steps, short: a derived statement, definition: Derives something from what was said before.}
- {id: restatement, name: restatement, family: steps, short: said again, definition: Repeats an earlier step or part of the task in other words.}
- {id: assumption, name: assumption, family: steps, short: taken for granted, definition: Supposes something in order to go on from it.}
- {id: example, name: example, family: steps, short: an instance, definition: Works through a single case or instance.}
- {id: reflection, name: reflection, family: steps, short: doubt or stance, definition: Voices doubt or confidence or comments on the thinking itself.}
- {id: conclusion, name: conclusion, family: steps, short: the result, definition: States the answer to the task.}
"""

CODERS = {"A": "human_A", "D": "human_D", "Gemini": "llm_gemini"}
SPAN_COLUMNS = ["trace_id", "start", "end", "quote", "coder", "code"]


def flow_files(data: Path, folder: Path) -> None:
    """Write raw.jsonl (id, question, response), nine.yaml, and one span file a coder of reasoningflow."""
    (folder / "nine.yaml").write_text(NINE)
    for coder, source in CODERS.items():
        docs = [
            json.loads(file.read_text()) for file in sorted((data / "reasoningflow" / source).glob("*.json"))
        ]
        nodes = ((doc["doc_id"], node) for doc in docs for node in doc["nodes"])
        rows = (
            [t, n["start"], n["end"], n["text"], coder, n["label"]]
            for t, n in nodes
            if n["source"] == "response"
        )
        write_spans(folder / f"{coder}.csv", rows)
    texts = [{"id": doc["doc_id"], **doc["raw_text"]} for doc in docs]
    (folder / "raw.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts))


def write_spans(path: Path, rows: Iterable[list[Any]]) -> None:
    """A CSV file of the contract's span columns."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([SPAN_COLUMNS, *rows])


def schoenfeld_rows(data: Path) -> list[list[Any]]:
    """A row for each of the 1,204 coded sentences, with offsets into the whole response."""
    responses = {
        row["Question ID"]: row["deepseek-reasoner (response)"]
        for row in json.loads((data / "schoenfeld_original.json").read_text())
    }
    files = sorted((data / "schoenfeld").glob("*.json"))
    return [row for file in files for row in _sentences(json.loads(file.read_text()), responses)]


def _sentences(labelled: dict[str, Any], responses: dict[str, str]) -> Iterable[list[Any]]:
    """Each sentence, looked for behind the one before it."""
    response, at = responses[labelled["Question ID"]], 0
    for sentence in labelled["data"]:
        start = response.index(sentence["text"], at)
        at = start + len(sentence["text"])
        yield [labelled["Question ID"], start, at, sentence["text"], "human", sentence["gt-class-2"]]
