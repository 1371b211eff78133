"""The reflective diaries of ../shared/data/reflection as a run of human codings, for `benchmarks/encoder.py`.

    python -m benchmarks.reflection OUT [--rows 1500]
    python -m benchmarks.encoder OUT/humans --folds 10 --no-fine-tune --encoder models/minilm

A row is a trace of at most three units: what stands before the coded sentence in its context, the sentence, what stands behind.
Rows whose contexts hold each other's sentences come from one diary: they are one item, so that no fold learns from what stands
around a sentence that it is tested on. There are no cues for these nine codes.
"""

from __future__ import annotations

import argparse
import csv
import random
from itertools import pairwise
from pathlib import Path

import pedagogy_r1 as pr
from pedagogy_r1.files.records import write_jsonl

DATA = Path(__file__).resolve().parents[2] / "shared/data/reflection"


def rows_of(most: int) -> list[dict[str, str]]:
    """So many rows at random, of those whose sentence stands in its context."""
    found = []
    for name in ("en_train.tsv", "en_val.tsv"):
        with (DATA / name).open(encoding="utf-8", newline="") as file:
            found += list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    kept = [row for row in found if row["sentence"].strip() and row["sentence"].strip() in row["context"]]
    return random.Random(0).sample(kept, min(most, len(kept)))


def items(rows: list[dict[str, str]]) -> list[int]:
    """The number of each row's diary, as far as contexts show it: the first row that it hangs together with."""
    first = list(range(len(rows)))

    def root(i: int) -> int:
        while first[i] != i:
            i = first[i]
        return i

    for i, row in enumerate(rows):
        for j, other in enumerate(rows[:i]):
            if row["sentence"] in other["context"] or other["sentence"] in row["context"]:
                first[root(i)] = root(j)
    return [root(i) for i in range(len(rows))]


def main() -> None:
    """Write traces, codebook and codings, and import them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=1500)
    given = parser.parse_args()
    out: Path = given.out
    out.mkdir(parents=True, exist_ok=True)
    rows = rows_of(given.rows)
    traces, codings = [], []
    for number, (row, item) in enumerate(zip(rows, items(rows), strict=True)):
        text, sentence = row["context"].strip(), row["sentence"].strip()
        start = text.index(sentence)
        ends = [0, start, start + len(sentence), len(text)]
        name = f"r{number}"
        traces.append({"id": name, "item": f"d{item}", "question": "", "reasoning": text})
        for which, (low, high) in enumerate(pairwise(ends)):
            part = text[low:high]
            low, high = low + len(part) - len(part.lstrip()), high - len(part) + len(part.rstrip())
            if low < high:
                code = row["y"] if which == 1 else ""
                codings.append([name, low, high, text[low:high], "diary", code])
    write_jsonl(out / "traces.jsonl", traces)
    with (out / "codings.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["trace_id", "start", "end", "quote", "coder", "code"], *codings])
    codes = sorted({row["y"] for row in rows})
    book = [
        "id: diary",
        "version: 1.0.0",
        "title: Diary sentences",
        "families: [{id: all, name: all}]",
        "codes:",
    ]
    book += [
        f"- {{id: {code}, name: {code}, family: all, short: {code}, definition: a sentence of {code}}}"
        for code in codes
    ]
    (out / "book.yaml").write_text("\n".join(book) + "\n", encoding="utf-8")
    found = pr.import_codings(
        [out / "codings.csv"],
        out / "traces.jsonl",
        out / "humans",
        codebook=str(out / "book.yaml"),
        units="own",
    )
    print(
        f"{len(rows)} sentences, {len({trace['item'] for trace in traces})} items, written to {found.run.folder}"
    )


if __name__ == "__main__":
    main()
