"""Checks the migrations of a codebook file: versions that come earlier, codes that exist, nothing carried twice."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import did_you_mean
from .codebook import version_order
from .yaml_lines import YamlValue


def wrong_migrations(root: YamlValue, known: list[str]) -> Iterator[tuple[YamlValue, str]]:
    """What does not hold among the migrations of a codebook file, and where. ``known``: the codes of this book."""
    entries = [entry for entry in root.entries("migrations") if entry.mapping]
    yield from _wrong_versions(entries, root.value("version") or "")
    steps = sorted(entries, key=lambda entry: version_order(entry.value("version") or ""))
    for number, entry in enumerate(steps):
        # A target must be a code of this book, or be carried further by a later migration.
        later = {source.text for step in steps[number + 1 :] for source in _sources(step) if source.text}
        yield from _wrong_sources(entry, known if number == len(steps) - 1 else [])
        yield from _wrong_targets(entry, [*known, *sorted(later)])


def _wrong_versions(entries: list[YamlValue], own: str) -> Iterator[tuple[YamlValue, str]]:
    seen: dict[str, int] = {}
    for version in (found for entry in entries if (found := entry.get("version"))):
        if version.text is None:
            continue
        if first := seen.get(version.text):
            yield version, f"a second migration from {version.text} (first in line {first}); merge them"
        elif version_order(version.text) >= version_order(own):
            yield version, f"migrates from {version.text}, which is not earlier than this version, {own}"
        seen.setdefault(version.text, version.line)


def _wrong_sources(entry: YamlValue, final: list[str]) -> Iterator[tuple[YamlValue, str]]:
    """``final``: the codes of the book, if it is this entry that leads there."""
    first: dict[str | None, int] = {}
    parts = {target.text for _, target in _targets(entry, "split")}
    for source in _sources(entry):
        if source.text in first:
            yield source, f"{source.text} is migrated twice (first in line {first[source.text]})"
        first.setdefault(source.text, source.line)
        if source.text in final and source.text not in parts:
            yield source, f"{source.text} is migrated away, but it is still a code of this version"
    for source, value in entry.pairs("split"):
        if value.text is None and len(value.node.value) < 2:
            few = f"{source.text} is split into fewer than two codes"
            yield source, f"{few}; that is a renaming or a retirement"


def _wrong_targets(entry: YamlValue, reachable: list[str]) -> Iterator[tuple[YamlValue, str]]:
    renamed: set[str | None] = set()
    for kind in ("renamed", "merged", "split"):
        for source, target in _targets(entry, kind):
            if target.text not in reachable:
                hint = did_you_mean(target.text or "", reachable)
                yield target, f"there is no code {target.text!r}; {hint}"
            if kind == "renamed" and target.text in renamed:
                both = f"{source.text} and another code are both renamed to {target.text}"
                yield target, f"{both}; list them under 'merged'"
            if kind == "renamed":
                renamed.add(target.text)


def _sources(entry: YamlValue) -> Iterator[YamlValue]:
    for kind in ("renamed", "merged", "split"):
        yield from (source for source, _ in entry.pairs(kind))
    yield from entry.entries("retired")


def _targets(entry: YamlValue, kind: str) -> Iterator[tuple[YamlValue, YamlValue]]:
    for source, value in entry.pairs(kind):
        if value.text is not None:
            yield source, value
        for target in value.elements():
            yield source, YamlValue(target.node, value.where, target.line)
