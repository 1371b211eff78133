"""Traces out again, in the layouts that other programs read: ``pcode traces export``.

    inspect           logs.eval or logs.json: a sample a trace, traces of one item are its epochs    inspect view, inspect_scout
    hf                FOLDER: data/train.parquet and README.md, the data card                        load_dataset("FOLDER")
    openai-messages   messages.jsonl: system, user and assistant, with ``reasoning_content``          fine-tuning, chat templates

Each of them comes in again with the same question, reasoning and answer.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files.records import atomic, dump, write_jsonl, write_text
from ..files.written import write_folder
from ..provenance import now, versions
from ..trace import Trace
from .corpus import is_corpus
from .traces import some_traces

_FIELDS = tuple(name for name in Trace.model_fields if name != "metadata")
_ABOUT = ("item", "reference", "correct", "domain", "condition", "model", "lang")
BATCH = 1000
"""Traces of a row group, and so held at a time."""

CARD = """---
pretty_name: {name}
size_categories:
- {size}
language:
{langs}
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train.parquet
tags:
- reasoning
- pedagogy_r1
---

# {name}

{count} reasoning traces of {models}, written by pedagogy_r1 {version} (`pcode traces export --to hf`).

| column | what it holds |
|---|---|
| `id` | of the trace |
| `item` | what was asked: traces of one item answer the same question |
| `question`, `reasoning`, `answer` | the texts, exactly as they came |
| `reference`, `correct` | the right answer, and whether this one is right; null where unknown |
| `domain`, `condition`, `model`, `lang` | where known |
| `think` | how the reasoning was told from the answer |
| `metadata` | everything else of the record that the trace came from, as JSON in text |
"""


def export_traces(file: str | Path, out: str | Path, to: str) -> int:
    """Write the traces of ``file`` (or of a run directory, or a corpus, shard by shard) to ``out``, whole or not at all; returns how many.

    ``to``: ``inspect`` (``out`` ends in .eval or .json), ``hf`` (a folder, new or empty) or ``openai-messages`` (.jsonl).
    """
    file, out = Path(file), Path(out)
    if (inside := file / "traces.jsonl").is_file() and not is_corpus(file):
        file = inside
    if out.resolve() == file.resolve():
        raise InputError(f"{out} is the input and would be overwritten", "choose another file with -o")
    return WAYS[to](file, out)


def _suffix(out: Path, *known: str) -> None:
    if out.suffix.lower() not in known:
        raise InputError(f"{out}: what is its format?", f"let the name end in {' or '.join(known)}")


def _messages(trace: Trace) -> list[dict[str, Any]]:
    system = trace.metadata.get("system")
    asked = [{"role": "system", "content": system}] if isinstance(system, str) and system else []
    if trace.question:
        asked.append({"role": "user", "content": trace.question})
    return [*asked, {"role": "assistant", "reasoning_content": trace.reasoning, "content": trace.answer}]


def _about(trace: Trace) -> dict[str, Any]:
    about = {name: getattr(trace, name) for name in _ABOUT if getattr(trace, name) is not None}
    metadata = {
        name: value
        for name, value in trace.metadata.items()
        if name != "system" or not isinstance(value, str)
    }
    return about | ({"metadata": metadata} if metadata else {})


def _to_messages(file: Path, out: Path) -> int:
    _suffix(out, ".jsonl")
    return write_jsonl(out, ({"id": t.id, "messages": _messages(t)} | _about(t) for t in some_traces(file)))


def _to_hf(file: Path, out: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is there already", "name a new folder")
    kinds = [(name, pa.bool_() if name == "correct" else pa.string()) for name in _FIELDS]
    schema = pa.schema([*kinds, ("metadata", pa.string())])
    models, langs, counts = Counter[str](), Counter[str](), []

    def write(folder: Path) -> None:
        with (
            atomic(folder / "data/train.parquet", "wb") as target,
            pq.ParquetWriter(target, schema) as writer,
        ):
            for batch in _batches(file):
                rows = [{n: getattr(t, n) for n in _FIELDS} | {"metadata": dump(t.metadata)} for t in batch]
                writer.write_table(pa.Table.from_pylist(rows, schema))
                models.update(t.model or "models that are not named" for t in batch)
                langs.update(t.lang for t in batch)
                counts.append(len(batch))
        card = _card(out.resolve().name, sum(counts), sorted(models), sorted(langs))
        write_text(folder / "README.md", card)

    write_folder(out, write)
    return sum(counts)


def _batches(file: Path) -> Iterator[list[Trace]]:
    batch: list[Trace] = []
    for trace in some_traces(file):
        batch.append(trace)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _card(name: str, count: int, models: list[str], langs: list[str]) -> str:
    bounds = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6))
    size = next((size for size, bound in bounds if count < bound), "1M<n<10M")
    shown = ", ".join(models[:10]) + (f" and {len(models) - 10} more" if len(models) > 10 else "")
    codes = "\n".join(f"- {json.dumps(lang.split('-')[0].split('_')[0].lower())}" for lang in langs)
    return CARD.format(
        name=name, size=size, langs=codes, count=f"{count:,}", models=shown, version=versions()["pedagogy_r1"]
    )


def _to_inspect(file: Path, out: Path) -> int:
    """The header needs the samples' ids, and a log in JSON is one object: those are held, the texts of an archive are not."""
    _suffix(out, ".eval", ".json")
    epochs, models = Counter[str](), Counter[str]()
    if out.suffix.lower() == ".json":
        samples = [_sample(t, epochs, models) for t in some_traces(file)]
        write_text(out, dump(_log(file, epochs, models) | {"samples": samples}) + "\n")
        return len(samples)
    count, summaries = 0, []
    with atomic(out, "wb") as target, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for count, trace in enumerate(some_traces(file), 1):
            sample = _sample(trace, epochs, models)
            name = f"samples/{_file_name(sample['id'], count)}_epoch_{sample['epoch']}.json"
            archive.writestr(name, dump(sample))
            summaries.append(
                {k: sample[k] for k in ("id", "epoch", "input", "target", "scores")} | {"completed": True}
            )
        archive.writestr("header.json", dump(_log(file, epochs, models)))
        archive.writestr("summaries.json", dump(summaries))
    return count


def _file_name(item: str, nth: int) -> str:
    """The name by which inspect looks for a sample, if a file can have it."""
    return (
        item
        if "/" not in item and "\\" not in item and ".." not in item and len(item) < 200
        else f"trace-{nth}"
    )


def _sample(trace: Trace, epochs: Counter[str], models: Counter[str]) -> dict[str, Any]:
    item, model = trace.item or trace.id, trace.model or "none/unknown"
    epochs[item] += 1
    models[model] += 1
    parts = [{"type": "reasoning", "reasoning": trace.reasoning}, {"type": "text", "text": trace.answer}]
    spoken = {"role": "assistant", "content": parts, "source": "generate", "model": model}
    known = {"value": "C" if trace.correct else "I", "answer": trace.answer}
    about = {
        k: v
        for k, v in _about(trace).items()
        if k not in ("item", "reference", "correct", "model", "metadata")
    }
    return {
        "id": item,
        "epoch": epochs[item],
        "input": trace.question,
        "target": trace.reference or "",
        "messages": [*_messages(trace)[:-1], spoken],
        "output": {"model": model, "choices": [{"message": spoken, "stop_reason": "stop"}], "completion": trace.answer},
        "scores": {"correct": known} if trace.correct is not None else {},
        "metadata": {"trace_id": trace.id} | about | _about(trace).get("metadata", {}),
        "store": {}, "events": [], "model_usage": {}, "attachments": {},
    }  # fmt: skip


def _log(file: Path, epochs: Counter[str], models: Counter[str]) -> dict[str, Any]:
    made = now()
    spec = {
        "run_id": file.stem, "task_id": file.stem, "eval_id": file.stem, "created": made, "task": file.stem, "task_version": 0,
        "dataset": {"name": file.name, "samples": len(epochs), "sample_ids": list(epochs), "shuffled": False},
        "model": next(iter(models)) if len(models) == 1 else "none/several",
        "config": {"epochs": max(epochs.values(), default=1)}, "packages": versions(),
    }  # fmt: skip
    done = {"total_samples": epochs.total(), "completed_samples": epochs.total(), "scores": []}
    return {"version": 2, "status": "success", "eval": spec, "plan": {"name": "import", "steps": [], "config": {}},
            "results": done, "stats": {"started_at": made, "completed_at": made, "model_usage": {}}}  # fmt: skip


WAYS: dict[str, Callable[[Path, Path], int]] = {
    "inspect": _to_inspect,
    "hf": _to_hf,
    "openai-messages": _to_messages,
}
"""By the name of what is written."""
