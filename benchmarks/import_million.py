"""How fast a million rows come in, and in how much memory; beside `datasets`, which reads the same file and does nothing with it.

    python benchmarks/import_million.py [ROWS] [FOLDER]        default: 1,000,000 rows in a temporary folder (about 1.3 GB)

Each measurement is a process of its own, one after the other; memory is its peak (ru_maxrss). Rows are counted by the processor second:
by the clock, what else the machine does would be counted too. `datasets` reads in streaming mode, and once into its cache, which it then maps. Without `datasets` the floor is pyarrow or the standard library.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

IMPORT = "from pedagogy_r1.intake import import_traces; import_traces([{file!r}], {out!r}, mapping={{'item': 'problem_id'}})"
STREAMED = """
from datasets import load_dataset
for row in load_dataset({kind!r}, data_files={file!r}, split="train", streaming=True): pass
"""
CACHED = """
from datasets import load_dataset
for row in load_dataset({kind!r}, data_files={file!r}, split="train", cache_dir={out!r}): pass
"""
FLOOR = {
    "json": "import json\nfor line in open({file!r}, 'rb'): json.loads(line)",
    "parquet": "import pyarrow.parquet as pq\nfor batch in pq.ParquetFile({file!r}).iter_batches(1024): batch.to_pylist()",
}


def rows(count: int) -> Iterator[dict[str, object]]:
    """Made up, of the length of short traces: 600 characters."""
    for n in range(count):
        thought = (
            f"The list has {n} numbers. Wait, let me order them. "
            + "The middle one is what I look for. " * 10
        )
        yield {
            "problem_id": f"p{n}",
            "question": f"What is the median of 3, 7, {n}?",
            "response": f"<think>\n{thought}\n</think>\n\nThe median is {n}.",
            "source": "made up",
            "level": n % 5,
        }


def files_in(folder: Path) -> dict[str, Path]:
    """Where the rows are, by what `datasets` calls the kind."""
    return {"json": folder / "rows.jsonl", "parquet": folder / "rows.parquet"}


def write(folder: Path, count: int) -> None:
    """The same rows as JSONL and as Parquet, in row groups of 100,000."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = files_in(folder)
    with files["json"].open("w") as file:
        for row in rows(count):
            file.write(json.dumps(row) + "\n")
    batch: list[dict[str, object]] = []
    writer = None
    for n, row in enumerate(rows(count), 1):
        batch.append(row)
        if len(batch) == 100_000 or n == count:
            table = pa.Table.from_pylist(batch)
            writer = writer or pq.ParquetWriter(files["parquet"], table.schema)
            writer.write_table(table)
            batch = []
    if writer:
        writer.close()


def measured(code: str) -> tuple[float, float] | None:
    """(seconds of processor time, MB at the peak) of a process that runs the code; ``None`` if it fails."""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    spent = usage.ru_utime + usage.ru_stime
    return None if status else (spent, usage.ru_maxrss / 1024)


def main() -> None:
    """Print a table."""
    if len(sys.argv) > 3:
        write(Path(sys.argv[2]), int(sys.argv[1]))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        folder = Path(name)
        # In another process: the peak of this one is where those that it starts begin.
        subprocess.run([sys.executable, __file__, str(count), name, "write"], check=True)
        for kind, file in files_in(folder).items():
            print(f"{file.name}: {count:,} rows, {file.stat().st_size / 1e6:,.0f} MB")
            ways = {
                "pcode traces import": IMPORT,
                "datasets, streaming": STREAMED,
                "datasets, cached": CACHED,
                "json or pyarrow alone": FLOOR[kind],
            }
            for way, code in ways.items():
                found = measured(code.format(file=str(file), out=str(folder / f"out-{kind}"), kind=kind))
                if found:
                    spent, peak = found
                    print(
                        f"  {way:24} {count / spent:>8,.0f} rows a processor second {peak:>6,.0f} MB",
                        flush=True,
                    )
                else:
                    print(f"  {way:24} does not run here", flush=True)


if __name__ == "__main__":
    main()
