"""From the files of one or several sources to one file of items, split, with a record of how.

    build([SourceFiles("cj_eval", (Path("cj_eval_train.jsonl"),)), SourceFiles("chile", (Path("chile_train.jsonl"),))])
    write(built, Path("items.jsonl"))    →  items.jsonl · items.build.json · items.skipped.jsonl

The same files, options and seed give the same three files, byte for byte, wherever they lie.
"""

from __future__ import annotations

import inspect
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from pydantic import BaseModel

from ..errors import ArgumentError, InputError, PluginError, did_you_mean
from ..files.records import need_file, write_jsonl, write_text
from ..plugins import load
from ..provenance import file_digest
from .item import Item, at_most, write_items
from .leak import LeakError, LeakPair, Nearness, across, leak_text, near
from .source_result import Skipped, SourceResult
from .split import SplitRecord, merge_groups, record_split, split_items, stratum

PLUGINS = "pedagogy_r1.wbeb.sources"
OnLeak = Literal["error", "merge", "drop", "keep"]


class SourceFiles(NamedTuple):
    """One source with its files and options."""

    source: str
    files: tuple[Path, ...]
    options: Mapping[str, Any] = {}


class BuildSettings(NamedTuple):
    """How to split. ``limit``: items of a domain, source and task at most, drawn by the seed; 0: all."""

    split: bool = True
    seed: int = 0
    test_fraction: float = 0.2
    limit: int = 0
    on_leak: OnLeak = "error"
    nearness: Nearness = Nearness()


class FileRecord(BaseModel, frozen=True, extra="forbid"):
    """A file that was read."""

    name: str
    digest: str


class SourceRecord(BaseModel, frozen=True, extra="forbid"):
    """What became of one source's records: ``used`` + ``left_out`` + ``bad`` = ``records``."""

    source: str
    files: tuple[FileRecord, ...]
    options: dict[str, Any]
    records: int
    used: int
    items: int
    left_out: dict[str, int]
    bad: int
    notes: tuple[str, ...]


class LeakRecord(BaseModel, frozen=True, extra="forbid"):
    """What was found of texts that are nearly the same. ``pairs`` over all items, ``across`` train and test as first split."""

    overlap: float
    n: int
    least: int
    action: str
    pairs: int
    across: tuple[tuple[str, str, float], ...]
    short: int


class BuildRecord(BaseModel, frozen=True, extra="forbid"):
    """``items.build.json``: how a file of items was made."""

    sources: tuple[SourceRecord, ...]
    items: int
    over_limit: int
    dropped_as_leaks: int
    split: SplitRecord | None
    leaks: LeakRecord


@dataclass(frozen=True)
class Built:
    """The items, the record, and every record that became no item."""

    items: tuple[Item, ...]
    record: BuildRecord
    skipped: tuple[Skipped, ...]


def build(parts: Sequence[SourceFiles], how: BuildSettings | None = None) -> Built:
    """Read, limit, split and check for leaks. Raises `LeakError` for leaks unless ``how.on_leak`` says what to do."""
    how = how or BuildSettings()
    if how.on_leak not in get_args(OnLeak):
        raise ArgumentError(f"leaks: {how.on_leak}", f"one of {', '.join(get_args(OnLeak))}")
    loaded = [(part, _load(part)) for part in parts]
    items = _joined([each for _, each in loaded])
    kept = at_most(how.limit, items, stratum, f"{how.seed}:") if how.limit > 0 else items
    found = near(map(leak_text, kept), how.nearness)
    done, split, leaking = _split(kept, found.pairs, how) if how.split else (kept, None, ())
    record = BuildRecord(
        sources=tuple(_source_record(part, each) for part, each in loaded),
        items=len(done),
        over_limit=len(items) - len(kept),
        dropped_as_leaks=len(kept) - len(done),
        split=split,
        leaks=LeakRecord(
            **how.nearness._asdict(),
            action=how.on_leak if how.split else "none",
            pairs=len(found.pairs),
            across=tuple((pair.first, pair.second, round(pair.overlap, 4)) for pair in leaking),
            short=found.short,
        ),
    )
    return Built(tuple(done), record, tuple(s for _, each in loaded for s in each.skipped))


def _split(
    kept: list[Item], pairs: Sequence[LeakPair], how: BuildSettings
) -> tuple[list[Item], SplitRecord, tuple[LeakPair, ...]]:
    """The items with their split, its record, and the pairs that leaked as first split."""
    done, merged = merge_groups(kept, pairs) if how.on_leak == "merge" else (kept, 0)
    done, split = split_items(done, seed=how.seed, test_fraction=how.test_fraction)
    leaking = across(done, pairs)
    if leaking and how.on_leak == "error":
        raise LeakError(leaking, done)
    if how.on_leak == "drop":  # the items of train that are nearly one of test
        meant = {name for pair in leaking for name in (pair.first, pair.second)}
        done = [item for item in done if item.split == "test" or item.id not in meant]
        split = record_split(done, seed=split.seed, test_fraction=split.test_fraction)
    notes = split.notes + _large(done, merged)
    return done, split.model_copy(update={"merged": merged, "notes": notes}), leaking


def options_of(source: str) -> dict[str, Any]:
    """The options of a source with their defaults; the type of a default is the option's."""
    return keywords_of(load(PLUGINS, source))


def keywords_of(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def _load(part: SourceFiles) -> SourceResult:
    function, known = load(PLUGINS, part.source), options_of(part.source)
    for name in part.options:
        if name not in known:
            raise PluginError(f"source {part.source} has no option {name!r}", did_you_mean(name, list(known)))
    if not part.files:
        raise ArgumentError(
            f"no files for source {part.source}", "pcode wbeb build SOURCE FILE… -o items.jsonl"
        )
    for path in part.files:
        need_file(path)
    if len({path.resolve() for path in part.files}) < len(part.files):
        raise ArgumentError(f"source {part.source}: a file is given twice", "give each file once")
    found: SourceResult = function(list(part.files), **part.options)
    return found


def _joined(loaded: Sequence[SourceResult]) -> list[Item]:
    items = [item for each in loaded for item in each.items]
    if not items:
        why = Counter(s.why for each in loaded for s in each.skipped).most_common(3)
        raise InputError(
            "no record became an item" + "".join(f"\n  {count} × {reason}" for reason, count in why),
            "is this the right file for the source? docs/wbeb.md says what each one reads",
        )
    twice = [name for name, count in Counter(item.id for item in items).items() if count > 1]
    if twice:
        raise InputError(
            f"{len(twice)} ids stand in two sources, for example {twice[0]!r}", "the same data given twice?"
        )
    return items


def _large(items: Sequence[Item], merged: int) -> tuple[str, ...]:
    """Merging chains: A with B, B with C. Where half of a stratum hangs together, an 80/20 split means little."""
    if not merged:
        return ()
    strata: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for item in items:
        strata[stratum(item)][item.group] += 1
    notes = []
    for name, groups in sorted(strata.items()):
        group, count = groups.most_common(1)[0]
        if count > 0.25 * groups.total():
            notes.append(
                f"{' '.join(filter(None, name))}: merging made one group ({group}) of {count} of {groups.total()} items; "
                "--leaks drop keeps the groups as they are"
            )
    return tuple(notes)


def _source_record(part: SourceFiles, found: SourceResult) -> SourceRecord:
    return SourceRecord(
        source=part.source,
        files=tuple(FileRecord(name=path.name, digest=file_digest(path)) for path in part.files),
        options={**options_of(part.source), **part.options},
        records=found.records,
        used=found.used,
        items=len(found.items),
        left_out=found.left_out,
        bad=len(found.bad),
        notes=found.notes,
    )


def write(built: Built, out: Path) -> None:
    """Write items, record and what was skipped beside each other; the record last, so that it vouches for the others."""
    write_items(out, built.items)
    skipped = ({**s._asdict(), "file": Path(s.file).name} for s in built.skipped)
    write_jsonl(out.with_suffix(".skipped.jsonl"), skipped)
    write_text(out.with_suffix(".build.json"), built.record.model_dump_json(indent=1) + "\n")
