"""A codebook: the codes, how to tell them apart, and the version under which codings are made.

    codebook/schoen/1.0.0.yaml   →   schoen@1.0.0, digest sha256:…

A released file never changes. A change is a new file with a new version and a ``migrations`` entry.
Codes made under an earlier version of the book are carried to it by what it says of its versions:

    migrations:                                     schoen@2.0.0, codings made under 1.0.0
    - {version: 1.0.0, renamed: {IA-PL: IA-PN}}     ("IA-PL", "TR-SP")  →  ("IA-PN", "TR-SP")   changed
    - {version: 1.1.0, split: {TR-SP: [TR-S, TR-P]}}                    →  recode: TR-SP was split into TR-S, TR-P

Each entry says what changed between its version and the next one listed; the last one leads to the book itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from packaging.version import Version as PackageVersion
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..errors import CodebookError, did_you_mean
from ..files.seal import beside
from ..files.yaml_text import BadYaml, parse_yaml
from ..limits import MOST_CODES
from ..provenance import digest
from ..shipped import folder

NONE = "none"
"""What a coder writes for "no code applies"; never the name of a code."""

NUMERIC = ("interval", "ratio")
"""Levels of measurement at which codes stand for numbers."""

SNAPSHOT = "codebook.yaml"
"""What a run's and a packet's copy of its codebook is called."""

FARTHEST = 1e100
"""Size of a value, above 0, and its reciprocal: squared differences of values beyond are infinite, or 0."""

VALUE_HINT = {
    "interval": "give every code a 'value', the number that it stands for",
    "ratio": "give every code a 'value' of zero or more, or make the level interval",
}

CodeId = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,31}$")]
Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]


class _CodebookPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Family(_CodebookPart):
    """A group of codes, with its colour hue in figures."""

    id: CodeId
    name: str = Field(min_length=1)
    about: str = ""


class WeightedCue(_CodebookPart):
    """A cue of the rule-based coder (`cue.py`) and how much it counts."""

    cue: str = Field(min_length=1)
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)


class Rule(_CodebookPart):
    """How to decide between this code and a neighbour. Where an ``unless`` cue matches, the neighbour applies."""

    against: CodeId
    rule: str = Field(min_length=1)
    unless: list[str] = []


class Hit(_CodebookPart):
    """A unit that has the code."""

    text: str = Field(min_length=1)
    domain: str
    note: str = ""


class NearMiss(_CodebookPart):
    """A unit that looks like the code and belongs to another one, and why."""

    text: str = Field(min_length=1)
    domain: str
    code: CodeId
    why: str = Field(min_length=1)


class Features(_CodebookPart):
    """Structural cues: least share of the unit's words that repeat the item, or repeat earlier text.

    ``item_words`` counts single words, stop words left out; the other two count words in runs.
    """

    stem_overlap: float | None = Field(default=None, gt=0, le=1)
    self_repetition: float | None = Field(default=None, gt=0, le=1)
    item_words: float | None = Field(default=None, gt=0, le=1)


class Code(_CodebookPart):
    """One code: what it means, what belongs and what does not, and how to tell."""

    id: CodeId
    name: str = Field(min_length=1)
    family: CodeId
    short: str = Field(min_length=1)
    definition: str = Field(min_length=1)
    include: list[str] = []
    exclude: list[str] = []
    rules: list[Rule] = []
    hits: list[Hit] = []
    near_misses: list[NearMiss] = []
    cues: list[str | WeightedCue] = []
    features: Features = Features()
    source: str = ""
    color: str | None = Field(default=None, pattern=r"^#[0-9a-fA-F]{6}$")
    value: float | None = Field(default=None, allow_inf_nan=False)
    """The number that the code stands for, at the interval and ratio levels."""

    @field_validator("value")
    @classmethod
    def _can_be_squared(cls, value: float | None) -> float | None:
        if value and not 1 / FARTHEST <= abs(value) <= FARTHEST:
            raise ValueError(
                f"has a square that no computer holds: between {1 / FARTHEST:g} and {FARTHEST:g} it does"
            )
        return value


class Look(_CodebookPart):
    """A row of the coder's table: what a unit looks like, its code, and what else there is to say."""

    looks: str = Field(min_length=1)
    code: CodeId
    more: str = ""


class TrainingUnit(_CodebookPart):
    """A unit of a training page, its code, and the rule that gives it."""

    text: str = Field(min_length=1)
    code: CodeId
    why: str = Field(min_length=1)


class TrainingPage(_CodebookPart):
    """A whole trace, coded and explained: what coders practise on."""

    domain: str
    title: str = Field(min_length=1)
    item: str = ""
    """What the trace answers."""
    units: list[TrainingUnit] = Field(min_length=1)


class Migration(_CodebookPart):
    """What became of the codes of an earlier version; a code not named keeps its name and meaning."""

    version: Version
    renamed: dict[CodeId, CodeId] = {}
    merged: dict[CodeId, CodeId] = {}
    split: dict[CodeId, list[CodeId]] = {}
    retired: list[CodeId] = []


class Codebook(_CodebookPart):
    """A versioned set of codes. ``digest`` identifies its content, whatever the file's layout."""

    id: CodeId
    version: Version
    title: str = Field(min_length=1)
    lang: str = "en"
    about: str = ""
    source: str = ""
    unit: str = "sentence@1"
    level: Literal["nominal", "ordinal", "interval", "ratio"] = "nominal"
    exhaustive: bool = True
    """Every unit has at least one code; else "none" is a legitimate coding."""
    max_codes: int = Field(default=2, ge=1, le=MOST_CODES)
    overlap: bool = False
    """Where a coder draws spans: whether two of them may overlap."""
    fallback: CodeId | None = None
    """What the rule-based coder gives where no cue fires; without it: none."""
    cues_trust: str = ""
    """How far the rule-based coder is to be trusted on which text: the first line that ``pcode annotate`` prints."""
    domains: list[str] = []
    families: list[Family] = Field(min_length=1)
    codes: list[Code] = Field(min_length=1)
    looks: list[Look] = []
    training: list[TrainingPage] = []
    migrations: list[Migration] = []

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` of the content, in canonical JSON; a field left at its default does not enter."""
        return digest(self.model_dump(mode="json", exclude_defaults=True))

    @property
    def ref(self) -> str:
        """``id@version``."""
        return f"{self.id}@{self.version}"

    @property
    def stamp(self) -> str:
        """``id@version#digest``, the digest cut to 12 digits: what every coding carries."""
        return f"{self.ref}#{self.digest.removeprefix('sha256:')[:12]}"

    @cached_property
    def code_ids(self) -> tuple[str, ...]:
        """Names of the codes, in the book's order."""
        return tuple(code.id for code in self.codes)

    @property
    def level_words(self) -> str:
        """The level of measurement with what a reader needs of it: ``ordinal, lowest first: D0 < D1``; ``interval: D0 = 0, D1 = 3``."""
        if self.level == "nominal":
            return self.level
        if self.level not in NUMERIC:
            return f"{self.level}, lowest first: {' < '.join(self.code_ids)}"
        return f"{self.level}: {', '.join(f'{code.id} = {code.value:g}' for code in self.codes if code.value is not None)}"

    @cached_property
    def scale(self) -> tuple[float, ...]:
        """The numbers that the codes stand for, in the book's order; empty at levels without numbers.

        Raises `CodebookError` where a code of an interval or ratio book has no value, or one of a ratio book a negative one:
        a ratio scale begins at zero.
        """
        if self.level not in NUMERIC:
            return ()
        for code in self.codes:
            if code.value is None or (self.level == "ratio" and code.value < 0):
                what = "has no value" if code.value is None else f"has the value {code.value:g}, below zero"
                raise CodebookError(
                    f"{self.ref} is {self.level}, but {code.id} {what}", VALUE_HINT[self.level]
                )
        return tuple(float(code.value) for code in self.codes if code.value is not None)

    def code(self, code_id: str) -> Code:
        """The code of that name."""
        for code in self.codes:
            if code.id == code_id:
                return code
        raise CodebookError(f"{self.ref} has no code {code_id!r}", did_you_mean(code_id, list(self.code_ids)))


def load_codebook(ref: str | Path) -> Codebook:
    """Load by file path, by ``id`` (newest version) or by ``id@version``."""
    path = find_codebook(ref)
    book = parse_codebook(path.read_bytes(), str(path))
    _check_snapshot(path, book)
    return book


def _check_snapshot(path: Path, book: Codebook) -> None:
    """A run's or a packet's copy of its codebook is the one that was recorded. Raises `CodebookError` where it was changed."""
    record = beside(path) if path.name == SNAPSHOT else None
    said = record.said.get("codebook") if record else None
    then = said.get("digest") if isinstance(said, dict) else None
    if record is not None and then not in (None, book.digest):
        raise CodebookError(
            f"{path} is not the codebook that {record.record.name} beside it recorded: its content was changed",
            "restore it from a copy; a codebook of your own has its own file, version and name",
        )


def find_codebook(ref: str | Path) -> Path:
    """The file that ``ref`` means."""
    text = str(ref)
    if Path(text).is_file():
        return Path(text)
    files = released()
    ids = sorted({path.parent.name for path in files})
    if text.endswith((".yaml", ".yml")):
        hint = "check the path, or name a codebook: " + ", ".join(ids)
        raise CodebookError(f"{text}: no such file", hint)
    name, _, version = text.partition("@")
    found = {path.stem: path for path in files if path.parent.name == name}
    if not found:
        hint = did_you_mean(name, ids) + "; or give a .yaml file"
        raise CodebookError(f"no codebook is named {name!r}", hint)
    if version and version not in found:
        raise CodebookError(f"codebook {name} has no version {version!r}", "it has " + ", ".join(found))
    return found[version or list(found)[-1]]


def released() -> list[Path]:
    """Files of all released codebooks, by id, then oldest version first."""
    files = folder("codebook").glob("*/*.yaml")
    return sorted(files, key=lambda path: (path.parent.name, version_order(path.stem)))


def version_order(version: str) -> PackageVersion:
    """What versions are sorted by; what is no version comes first.

    >>> sorted(["1.10.0", "1.9.0", "draft"], key=version_order)
    ['draft', '1.9.0', '1.10.0']
    """
    try:
        return PackageVersion(version)
    except ValueError:
        return PackageVersion("0")


def parse_codebook(data: bytes | str, where: str = "codebook") -> Codebook:
    """Parse YAML text; the first problem is raised. ``check_codebook`` finds them all, with line numbers."""
    try:
        return Codebook.model_validate(parse_yaml(data))
    except ValidationError as error:
        why = first_violation(error)
    except BadYaml as error:
        why = f"not valid YAML: {error}"
    raise CodebookError(f"{where}: {why}", f"run: pcode codebook check {where}")


def first_violation(error: ValidationError) -> str:
    """The first thing that a model refused, with the name of the field."""
    first: Any = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'file'}: {first['msg']}"


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
