"""Carries codes made under an earlier version of a codebook to a later one.

    migrations:                                     schoen@2.0.0, codings made under 1.0.0
    - {version: 1.0.0, renamed: {IA-PL: IA-PN}}     ("IA-PL", "TR-SP")  →  ("IA-PN", "TR-SP")   changed
    - {version: 1.1.0, split: {TR-SP: [TR-S, TR-P]}}                    →  recode: TR-SP was split into TR-S, TR-P

Each entry says what changed between its version and the next one listed; the last one leads to the book itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import CodebookError
from .codebook import Codebook, Migration, version_order


@dataclass(frozen=True)
class Carried:
    """What became of one unit's codes. ``recode``: a person or a model has to code the unit again, ``reason`` says why."""

    codes: tuple[str, ...] | None
    status: Literal["same", "changed", "recode"]
    reason: str = ""


@dataclass(frozen=True)
class MigrationMap:
    """The way from one version to a later one: the migrations passed, oldest first."""

    book: Codebook
    from_version: str
    steps: tuple[Migration, ...]

    def fate(self, code: str) -> tuple[str | None, str]:
        """The code's name in the new version, or ``None`` and why it has none."""
        name = code
        for step in self.steps:
            if name in step.split:
                parts = ", ".join(step.split[name])
                return None, f"{_also(code, name)} was split into {parts} after {step.version}"
            if name in step.retired:
                return None, f"{_also(code, name)} was retired after {step.version}"
            name = step.renamed.get(name) or step.merged.get(name) or name
        if name not in self.book.code_ids:
            unknown = f"{_also(code, name)} is no code of {self.book.ref}"
            return None, f"{unknown}, and no migration says what became of it"
        return name, ""


def migration_map(new: Codebook, from_version: str) -> MigrationMap:
    """How to get from an earlier version to ``new``; the same version leads to itself by no step."""
    if from_version == new.version:
        return MigrationMap(new, from_version, ())
    steps = sorted(new.migrations, key=lambda step: version_order(step.version))
    listed = [step.version for step in steps]
    if from_version not in listed:
        raise CodebookError(
            f"{new.ref} has no migration from version {from_version}",
            "it lists " + ", ".join(listed)
            if listed
            else "add a 'migrations' entry for that version to the codebook file",
        )
    return MigrationMap(new, from_version, tuple(steps[listed.index(from_version) :]))


def carry(codes: tuple[str, ...] | None, migration: MigrationMap) -> Carried:
    """Carry one unit's codes, primary first; ``None`` (missing) stays missing.

    Codes merged into one collapse, keeping the earlier rank. If a single code of the unit cannot be carried, the
    whole unit is to be recoded: the remaining code might not be the one that the coder would put first.
    """
    if codes is None:
        return Carried(None, "same")
    if not codes and migration.book.exhaustive:
        return Carried(None, "recode", f"no code applied, but under {migration.book.ref} every unit has one")
    fates = [migration.fate(code) for code in codes]
    if reasons := [reason for name, reason in fates if name is None]:
        return Carried(None, "recode", "; ".join(dict.fromkeys(reasons)))
    carried = tuple(dict.fromkeys(name for name, _ in fates if name is not None))
    if len(carried) > migration.book.max_codes:
        allowed = f"{migration.book.ref} allows {migration.book.max_codes}"
        return Carried(None, "recode", f"{len(carried)} codes, but {allowed}")
    return Carried(carried, "same" if carried == codes else "changed")


def _also(code: str, name: str) -> str:
    return code if code == name else f"{code} (later {name})"
