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

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError, RunError
from ..files.json_text import parse_json
from ..files.records import write_csv, write_jsonl
from ..files.seal import read_sealed, sha256_of, write_sealed
from ..formatting import aligned
from ..intake import some_traces, traces_digest
from ..provenance import digest, file_digest
from ..runs.run import FILES, CoderRun
from ..trace import Trace
from ..wbeb.item import domain_names, read_items
from .policies import Drop, FilterStep, Given, read_step

KEPT, DROPPED, TABLE, MANIFEST = "kept.jsonl", "dropped.jsonl", "funnel.csv", "funnel.json"

UNKNOWN = "unknown"
"""The domain of a trace that names none."""


@dataclass
class FunnelStep:
    """One step: its policy as written; traces it was asked about, and what became of them, by domain."""

    policy: str
    asked: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    """reason → domain → traces."""

    def count(self, trace: Trace, drop: Drop | None) -> None:
        """Add one trace."""
        domain = trace.domain or UNKNOWN
        self.asked[domain] += 1
        if drop is None:
            self.kept[domain] += 1
        else:
            self.dropped.setdefault(drop.reason, Counter())[domain] += 1

    @property
    def reasons(self) -> list[str]:
        """Why traces were dropped, the most frequent reason first."""
        return sorted(self.dropped, key=lambda reason: (-self.dropped[reason].total(), reason))

    def as_json(self) -> dict[str, Any]:
        """Plain values; reasons by their frequency."""
        return {
            "policy": self.policy,
            "asked": self.asked.total(),
            "kept": self.kept.total(),
            "asked_by_domain": dict(sorted(self.asked.items())),
            "kept_by_domain": dict(sorted(self.kept.items())),
            "dropped": {reason: dict(sorted(self.dropped[reason].items())) for reason in self.reasons},
        }


@dataclass(frozen=True)
class Funnel:
    """All steps, first to last. ``kept``: what the last one left."""

    stages: tuple[FunnelStep, ...]

    @property
    def traces(self) -> int:
        """How many there were at first."""
        return self.stages[0].asked.total()

    @property
    def kept(self) -> int:
        """How many are left."""
        return self.stages[-1].kept.total()

    @property
    def domains(self) -> list[str]:
        """All domains met, the benchmark's order first."""
        order = [*domain_names(), UNKNOWN]
        met = self.stages[0].asked
        return sorted(met, key=lambda name: (order.index(name) if name in order else len(order), name))

    def as_json(self) -> dict[str, Any]:
        """Plain values, for ``funnel.json``."""
        return {"traces": self.traces, "kept": self.kept, "steps": [stage.as_json() for stage in self.stages]}


def funnel_rows(funnel: Funnel) -> Iterator[tuple[Any, ...]]:
    """``funnel.csv``, its header first; every step's outcomes add up to what it was asked about."""
    yield "step", "policy", "domain", "outcome", "reason", "traces"
    for number, stage in enumerate(funnel.stages, 1):
        for domain in funnel.domains:
            yield number, stage.policy, domain, "kept", "", stage.kept[domain]
            for reason in stage.reasons:
                if count := stage.dropped[reason][domain]:
                    yield number, stage.policy, domain, "dropped", reason, count


def funnel_text(funnel: Funnel) -> str:
    """Aligned columns: all, then each domain."""
    rows = [("read", funnel.stages[0].asked)]
    for stage in funnel.stages:
        rows.append((stage.policy, stage.kept))
        rows += [(f"  - {reason}", stage.dropped[reason]) for reason in stage.reasons]
    lines = [["", "all", *funnel.domains]]
    for head, by in rows:
        lines.append([head, f"{by.total():,}", *(f"{by[domain]:,}" for domain in funnel.domains)])
    return aligned(lines)


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
        "traces": traces_digest(traces),
        "codings": [_run_digest(Path(folder)) for folder in codings],
        "items": file_digest(items) if items else None,
    }
    settings = {"policies": [step.text for step in steps], "source": source}
    _refuse_another(out, digest(settings))
    given = Given(tuple(map(Path, codings)), tuple(read_items(items)) if items else ())
    kept, dropped, funnel = apply(list(some_traces(traces)), steps, given)
    out.mkdir(parents=True, exist_ok=True)
    write_jsonl(out / KEPT, map(_line, kept))
    write_jsonl(out / DROPPED, map(_line, dropped))
    write_csv(out / TABLE, funnel_rows(funnel))
    sums = {name: sha256_of(out / name) for name in (KEPT, DROPPED, TABLE)}
    write_sealed(
        out / MANIFEST, {"sha256": sums, "fingerprint": digest(settings), **settings, **funnel.as_json()}
    )
    return funnel


def apply(
    traces: Sequence[Trace], steps: Sequence[FilterStep], given: Given
) -> tuple[list[Trace], list[Trace], Funnel]:
    """What stays; what falls, with why in its metadata; and the funnel. Both in the order of ``traces``."""
    left, fallen, stages = list(traces), dict[str, Trace](), []
    for number, step in enumerate(steps, 1):
        stage = FunnelStep(step.text)
        for trace, drop in zip(left, step(left, given), strict=True):
            stage.count(trace, drop)
            if drop is not None:
                said = {"step": number, "policy": step.text, "reason": drop.reason}
                said |= {"detail": drop.detail} if drop.detail else {}
                fallen[trace.id] = trace.model_copy(update={"metadata": {**trace.metadata, "filter": said}})
        left = [trace for trace in left if trace.id not in fallen]
        stages.append(stage)
    return left, [fallen[trace.id] for trace in traces if trace.id in fallen], Funnel(tuple(stages))


def _line(trace: Trace) -> dict[str, Any]:
    return trace.model_dump(mode="json", exclude_defaults=True)


def _run_digest(folder: Path) -> list[str]:
    run = CoderRun(folder)
    digests = [file_digest(run.sound(name)) for name in FILES if (folder / name).is_file()]
    return [run.manifest.codebook["digest"], *digests]


def _refuse_another(out: Path, fingerprint: str) -> None:
    path = out / MANIFEST
    if not path.is_file():
        return
    try:
        there = parse_json(read_sealed(path))
        same = there["fingerprint"] == fingerprint
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{path} was not written by pcode filter", "choose another folder with -o") from None
    if not same:
        said = ", ".join(there.get("policies", ()))
        raise RunError(
            f"{out} holds the outcome of another filter ({said}), or of other inputs",
            "choose another folder with -o, or delete this one",
        )
