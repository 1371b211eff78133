"""The record of a job: ``run.json``, what was asked for and how it ended.

    {"fingerprint": "sha256:9c1e…", "status": "complete", "started": "2026-11-28T11:05:00+00:00", "seconds": 41.2, …}

Two jobs are the same if their fingerprints are: the digest of everything that determines the result, and of nothing else
(not where the files lie, nor how many requests are in flight).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import RunError
from ..files.records import write_json
from ..provenance import versions

Status = Literal["running", "interrupted", "stopped", "complete"]

SHOWN = 3
"""How many differences are named before the rest is left out."""


class JobRecord(BaseModel):
    """What every job records; a subclass adds its own fields, and says in `settings` and `sources` what it was made with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    status: Status = "running"
    stopped_why: str | None = None
    started: str
    finished: str | None = None
    seconds: float = 0.0
    """Over all sessions."""
    versions: dict[str, str] = Field(default_factory=versions)
    bytes: dict[str, int] = Field(default_factory=dict)
    """Sizes of the files of a complete job, by which damage is noticed; of earlier versions there may be none."""

    def settings(self) -> Mapping[str, Any]:
        """What determines the result, by the names a user knows."""
        return {}

    def sources(self) -> Mapping[str, Any]:
        """Files that the result is made from: ``{"traces": "a.jsonl", "traces_digest": "sha256:…"}``; lists of both too."""
        return {}


R = TypeVar("R", bound=BaseModel)


class Described(Protocol):
    """A record that says in words what it was made with, as `JobRecord` does."""

    def settings(self) -> Mapping[str, Any]: ...

    def sources(self) -> Mapping[str, Any]: ...


def read_record(path: Path, model: type[R], *, no_file: RunError) -> R:
    """The record in a file. Raises ``no_file`` if there is none, `RunError` naming the field if it is something else."""
    if not path.is_file():
        raise no_file
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise RunError(
            f"{path}: {first['msg']} ({'.'.join(map(str, first['loc']))})",
            "it is the record of another kind of job: choose another directory with -o; or it was changed by hand: restore it",
        ) from None


def save_record(path: Path, record: BaseModel) -> None:
    """Write a record, whole or not at all."""
    write_json(path, record.model_dump(mode="json"))


def differences(old: Described, new: Described, *, otherwise: str = "made with other inputs") -> str:
    """The first things in which two jobs differ, in words: settings by name, files by their names, never by a digest."""
    then, now = old.settings(), new.settings()
    changed = [
        f"{key}: {_said(then.get(key))} there, {_said(now.get(key))} now"
        for key in dict.fromkeys([*then, *now])
        if then.get(key) != now.get(key)
    ]
    there, here = old.sources(), new.sources()
    changed += [
        _changed_files(key.removesuffix("_digest"), there, here)
        for key in dict.fromkeys([*there, *here])
        if key.endswith("_digest") and there.get(key) != here.get(key)
    ]
    return "; ".join(changed[:SHOWN]) or otherwise


def _said(value: Any) -> str:
    """A setting in words; an empty one is none at all."""
    return "none" if value is None or value in ("", [], {}) else repr(value)


def _changed_files(key: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Which of the files under ``key`` is another one: by its content, or by its name."""
    then, now = (
        dict(zip(_many(source.get(key)), _many(source.get(f"{key}_digest")), strict=False))
        for source in (there, here)
    )
    for name, digest in now.items():
        if then.get(name, digest) != digest:
            return f"{name} has changed since"
    if then.keys() == now.keys():
        return f"{key}: in another order" if len(now) > 1 else f"the {key} have changed since"
    return f"{key}: {', '.join(then) or 'none'} there, {', '.join(now) or 'none'} now"


def _many(value: Any) -> list[str]:
    return [] if value is None else [str(each) for each in value] if isinstance(value, list) else [str(value)]
