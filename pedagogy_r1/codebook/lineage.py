"""What must hold among the migrations of a codebook file."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import did_you_mean
from .spot import Spot

KINDS = ("renamed", "merged", "split", "retired")


def migration_concerns(root: Spot, known: list[str]) -> Iterator[tuple[Spot, str]]:
    """Spots and what is wrong with them. ``known``: the codes of this book."""
    entries = [entry for entry in root.entries("migrations") if entry.mapping]
    own = root.value("version") or ""
    seen: dict[str, int] = {}
    for entry in entries:
        version = entry.get("version")
        if version is None or version.text is None:
            continue
        if version.text in seen:
            yield (
                version,
                f"a second migration from {version.text} (first in line {seen[version.text]}); merge them",
            )
        elif _order(version.text) >= _order(own):
            yield version, f"migrates from {version.text}, which is not earlier than this version, {own}"
        seen.setdefault(version.text, version.line)
    steps = sorted(entries, key=lambda entry: _order(entry.value("version") or ""))
    for number, entry in enumerate(steps):
        # A target must be a code of this book, or be carried further by a later migration.
        later = {source.text for step in steps[number + 1 :] for source in _sources(step) if source.text}
        yield from _step(entry, [*known, *sorted(later)], known if number == len(steps) - 1 else [])


def _step(entry: Spot, reachable: list[str], final: list[str]) -> Iterator[tuple[Spot, str]]:
    first: dict[str, Spot] = {}
    parts = {target.text for _, target in _targets(entry, "split")}
    for source in _sources(entry):
        if source.text in first:
            yield source, f"{source.text} is migrated twice (first in line {first[source.text].line})"
        first.setdefault(source.text or "", source)
        if source.text in final and source.text not in parts:
            yield source, f"{source.text} is migrated away, but it is still a code of this version"
    renamed: dict[str, Spot] = {}
    for kind in ("renamed", "merged", "split"):
        for source, target in _targets(entry, kind):
            if target.text not in reachable:
                yield (
                    target,
                    f"there is no code {target.text!r}; {did_you_mean(target.text or '', reachable)}",
                )
            if kind == "renamed" and (target.text or "") in renamed:
                yield (
                    target,
                    f"{source.text} and another code are both renamed to {target.text}; list them under 'merged'",
                )
            if kind == "renamed":
                renamed[target.text or ""] = target
    for source, value in entry.pairs("split"):
        if not isinstance(value.node.value, str) and len(value.node.value) < 2:
            yield (
                source,
                f"{source.text} is split into fewer than two codes; that is a renaming or a retirement",
            )


def _sources(entry: Spot) -> Iterator[Spot]:
    for kind in KINDS[:3]:
        yield from (source for source, _ in entry.pairs(kind))
    yield from entry.entries("retired")


def _targets(entry: Spot, kind: str) -> Iterator[tuple[Spot, Spot]]:
    for source, value in entry.pairs(kind):
        if value.text is not None:
            yield source, value
        elif not value.mapping:
            for node in value.node.value:
                yield source, Spot(node, f"{value.where}", node.start_mark.line + 1)


def _order(version: str) -> list[int]:
    return [int(part[:9]) if part.isascii() and part.isdigit() else 0 for part in version.split(".")]
