"""Which of the teacher's traces the student learns from: policies, one after the other, and a record of what they dropped.

    filter_traces("distill/traces.jsonl", "filter", ["correct|rich:k=2", "balanced:cap=400"], codings=["runs/cues"])

    filter/kept.jsonl      the traces that stay, as they were, in their order
    filter/dropped.jsonl   the others, each with metadata.filter = {"policy", "step", "reason", "detail"}
    filter/funnel.csv      step, policy, domain, outcome, reason, traces
    filter/funnel.json     the same, with the digests of all that was read; written last

Both files of traces are traces files: ``pcode annotate dropped.jsonl`` codes what was thrown away. Every trace is in one of
them, once. All traces are held in memory: some 20 KB each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, RunError
from ..files.records import atomic, write_jsonl
from ..intake import read_traces
from ..provenance import digest, file_digest
from ..runs.run import CoderRun
from ..trace import Trace
from ..wbeb.item import read_items
from .funnel import Funnel, Stage, write_funnel
from .policies import Drop, Given
from .policy import Step, read_step

KEPT, DROPPED, TABLE, MANIFEST = "kept.jsonl", "dropped.jsonl", "funnel.csv", "funnel.json"


def filter_traces(
    traces: str | Path,
    out: str | Path,
    policies: Sequence[str] = ("correct",),
    *,
    codings: Sequence[str | Path] = (),
    items: str | Path | None = None,
) -> Funnel:
    """Apply ``policies`` in order and write the folder ``out``; the same call writes the same bytes.

    ``codings``: run directories for policies that read codes. ``items``: the items file, for
    ``decontaminate``. Raises `InputError`, `PluginError`, `RunError`; `RunError` also where ``out`` holds the
    outcome of another filter.
    """
    traces, out = Path(traces), Path(out)
    steps = [read_step(text) for text in policies]
    if not steps:
        raise InputError("no policy is given", "give at least one, e.g. --policy correct")
    source = {
        "traces": file_digest(traces) if traces.is_file() else None,
        "codings": [_run_digest(Path(folder)) for folder in codings],
        "items": file_digest(items) if items else None,
    }
    settings = {"policies": [step.text for step in steps], "source": source}
    _refuse_another(out, digest(settings))
    given = Given(tuple(map(Path, codings)), tuple(read_items(items)) if items else ())
    kept, dropped, funnel = apply(list(read_traces(traces)), steps, given)
    out.mkdir(parents=True, exist_ok=True)
    write_jsonl(out / KEPT, map(_line, kept))
    write_jsonl(out / DROPPED, (_line(_marked(*fallen)) for fallen in dropped))
    write_funnel(funnel, out / TABLE)
    with atomic(out / MANIFEST) as file:
        whole = {"fingerprint": digest(settings), **settings, **funnel.as_json()}
        file.write(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    return funnel


def apply(
    traces: Sequence[Trace], steps: Sequence[Step], given: Given
) -> tuple[list[Trace], list[tuple[Trace, int, Step, Drop]], Funnel]:
    """What stays and what falls (in the order of ``traces``), and the funnel."""
    left, fallen, stages = list(traces), dict[str, tuple[Trace, int, Step, Drop]](), []
    for number, step in enumerate(steps, 1):
        stage, still = Stage(step.text), []
        for trace, drop in zip(left, step(left, given), strict=True):
            stage.count(trace, drop)
            if drop is None:
                still.append(trace)
            else:
                fallen[trace.id] = (trace, number, step, drop)
        left = still
        stages.append(stage)
    return left, [fallen[trace.id] for trace in traces if trace.id in fallen], Funnel(tuple(stages))


def _marked(trace: Trace, number: int, step: Step, drop: Drop) -> Trace:
    said = {"step": number, "policy": step.text, "reason": drop.reason}
    said |= {"detail": drop.detail} if drop.detail else {}
    return trace.model_copy(update={"metadata": {**trace.metadata, "filter": said}})


def _line(trace: Trace) -> dict[str, Any]:
    return trace.model_dump(mode="json", exclude_defaults=True)


def _run_digest(folder: Path) -> list[str]:
    run = CoderRun(folder)
    names = ("traces.jsonl", "units.jsonl", "codings.jsonl")
    return [
        run.manifest.codebook["digest"],
        *(file_digest(folder / n) for n in names if (folder / n).is_file()),
    ]


def _refuse_another(out: Path, fingerprint: str) -> None:
    path = out / MANIFEST
    if not path.is_file():
        return
    try:
        there = json.loads(path.read_bytes())
        same = there["fingerprint"] == fingerprint
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{path} was not written by pcode filter", "choose another folder with -o") from None
    if not same:
        said = ", ".join(there.get("policies", ()))
        raise RunError(
            f"{out} holds the outcome of another filter ({said}), or of other inputs",
            "choose another folder with -o, or delete this one",
        )
