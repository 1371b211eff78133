"""A folder of thoughts found and judged by language models, and how it came about.

DIR/thoughts.jsonl             what ``pcode tokens --thoughts`` reads (`thought.Thought`); written when all is asked
DIR/run.json                   models, prompts, parameters, counts, tokens spent (`ThoughtRun`)
DIR/segmenter/ledger.jsonl     every request and raw reply of the segmenter
DIR/judge-1/, DIR/judge-2/     and of each judge
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import RunError
from ..files.records import atomic
from ..provenance import file_digest
from .response_thoughts import TWO_JUDGES

THOUGHTS = "thoughts.jsonl"
RULE_SEGMENTER = "thought@1"


class Asked(BaseModel):
    """One model in its part. ``prompt``: version and digest; ``model``: ``BACKEND:NAME``, or ``thought@1``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    base_url: str | None = None
    prompt: str | None = None

    def __str__(self) -> str:
        return f"{self.model} (prompt {self.prompt[:16]})" if self.prompt else self.model


class ThoughtRun(BaseModel):
    """``run.json``. ``fingerprint``: digest of what determines the thoughts; ``digest``: of ``thoughts.jsonl``, once written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["thoughts"] = "thoughts"
    fingerprint: str
    status: Literal["running", "interrupted", "stopped", "complete"]
    stopped_why: str | None = None
    started: str
    finished: str | None = None
    traces: dict[str, Any]
    segmenter: Asked
    judges: list[Asked]
    parameters: dict[str, Any] = Field(default_factory=dict)
    counts: dict[str, Any] = Field(default_factory=dict)
    usage: dict[str, Any] = Field(default_factory=dict)
    """Requests, tokens and faults, by part."""
    versions: dict[str, str] = Field(default_factory=dict)
    digest: str | None = None

    @property
    def missing(self) -> int:
        """Traces without thoughts and thoughts without a judgement that were asked for and not had."""
        return sum(self.counts.get("missing", {}).values())

    def save(self, folder: Path) -> ThoughtRun:
        """Write ``run.json``."""
        with atomic(folder / "run.json") as file:
            file.write(json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")
        return self


def read_run(folder: Path) -> ThoughtRun | None:
    """The run in a folder; `RunError` if the folder holds something else; ``None`` if it holds nothing."""
    path = folder / "run.json"
    if not path.is_file():
        strangers = [p.name for p in folder.iterdir() if p.name[0] != "."] if folder.is_dir() else []
        if strangers:
            raise RunError(
                f"{folder} is not empty and holds no run ({strangers[0]} …)",
                "choose another directory with -o",
            )
        return None
    try:
        return ThoughtRun.model_validate_json(path.read_bytes())
    except ValidationError:
        raise RunError(
            f"{path} is not of a run of pcode thoughts", "choose another directory with -o"
        ) from None


def difference(old: ThoughtRun, new: ThoughtRun) -> str:
    """In what two runs differ, in words."""
    then, now = (_settings(run) for run in (old, new))
    changed = [
        f"{key}: {then.get(key)} there, {now.get(key)} now" for key in now if then.get(key) != now[key]
    ]
    if old.traces.get("digest") != new.traces.get("digest"):
        changed.append(f"{new.traces.get('path')} has other traces")
    return "; ".join(changed[:3]) or "made with other prompts"


def _settings(run: ThoughtRun) -> dict[str, str]:
    values = {"segmenter": str(run.segmenter), "judges": " and ".join(map(str, run.judges)) or "none"}
    urls = {f"base URL of {a.model}": str(a.base_url) for a in (run.segmenter, *run.judges)}
    return values | urls | {key: str(value) for key, value in run.parameters.items()}


def described(path: Path) -> tuple[str, str] | None:
    """(segmenter, judge) of a file of thoughts, as a report names them; ``None`` unless its own run says who made it.

    The digest must be the one recorded: a file changed by hand is nobody's.
    """
    if path.name != THOUGHTS or not (path.parent / "run.json").is_file():
        return None
    try:
        run = ThoughtRun.model_validate_json((path.parent / "run.json").read_bytes())
    except ValidationError:
        return None
    if run.digest != file_digest(path):
        return None
    judges = f"{TWO_JUDGES}: " + " and ".join(map(str, run.judges)) if run.judges else ""
    return str(run.segmenter), judges
