"""Real traces: import, unitize and annotate with cues; nothing may be lost, every unit must be its slice.

python -m benchmarks.real_traces            # from the checkout, with ../shared beside it
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pedagogy_r1 as pr
from pedagogy_r1.files.records import read_rows

DATA = Path(__file__).resolve().parents[2] / "shared/data"
FLOW = {"item": "question_id", "reference": "correct_answer"}
SCHOENFELD = {
    "id": "Question ID",
    "question": "Instruction",
    "reference": "Correct Answer",
    "response": "deepseek-reasoner (response)",
}


def measure(name: str, files: list[Path], mapping: dict[str, str], folder: Path) -> None:
    """One import and one run, checked and printed."""
    rows = sum(1 for file in files for _ in read_rows(file))
    pr.import_traces(files, folder / f"{name}.jsonl", mapping=mapping)
    start = time.perf_counter()
    run = pr.annotate(folder / f"{name}.jsonl", folder / name)
    seconds = time.perf_counter() - start
    texts = {trace.id: trace.reasoning for trace in run.traces()}
    units, wrong, covered = 0, 0, dict.fromkeys(texts, 0)
    for unit in run.units():
        units += 1
        wrong += unit.text != texts[unit.trace_id][unit.start : unit.end]
        covered[unit.trace_id] += sum(not c.isspace() for c in unit.text)
    lost = sum(covered[t] != sum(not c.isspace() for c in text) for t, text in texts.items())
    codings = sum(1 for _ in run.codings())
    print(
        f"{name}: {rows} rows, {len(texts)} traces ({rows - len(texts)} lost), {units} units, {wrong} differ from their slice,"
    )
    print(
        f"  {lost} traces with text outside units, {codings} codings, {run.manifest.counts['tokens']} tokens, annotate {seconds:.1f} s"
    )


def main() -> None:
    """Both sources."""
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not here: this benchmark needs the real traces beside the checkout")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure("reasoningflow", sorted((DATA / "reasoningflow/traces").glob("*.jsonl")), FLOW, folder)
        measure("schoenfeld", [DATA / "schoenfeld_original.json"], SCHOENFELD, folder)


if __name__ == "__main__":
    main()
