"""Finds every problem of a codebook file at once, each with its line.

    12  error    codes[IA-SQ].near_misses[1].code   there is no code 'KA-R0'; did you mean KA-RO?
    40  warning  codes[IA-SQ]                       no hit in the domain AES

An *error* makes the book unusable or contradicts itself; a *warning* leaves it hard to code from. The checks read the file
as it stands, not the validated model, so that one broken field does not hide the rest.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import CodebookError, did_you_mean
from .codebook import (
    NONE,
    NUMERIC,
    VALUE_HINT,
    Codebook,
    find_codebook,
    load_codebook,
    released,
    version_order,
)
from .cue import cue_problems
from .yaml_lines import (
    CodebookProblem,
    UnreadableYaml,
    YamlValue,
    a_warning,
    an_error,
    given,
    read_yaml,
    repeated,
)

SHOWN = 3
"""Errors that `load_checked` names."""

LEAST_HITS, LEAST_NEAR_MISSES = 3, 2


def check_codebook(source: str | bytes | Path) -> list[CodebookProblem]:
    """All problems of a codebook, by line: a path (also a string that ends in .yaml), or the YAML itself.

    A YAML error is reported alone, since what follows it cannot be read. A `CodebookError` is raised only for
    a file that is not there.
    """
    path = _path(source)
    data = _bytes(path) if path else source
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else str(data)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return [CodebookProblem(line, "file", f"not UTF-8 (byte {error.start + 1})")]
    found = read_yaml(text)
    if isinstance(found, UnreadableYaml):
        return [CodebookProblem(found.line, "file", found.why)]
    problems = set(_problems(found.root, found.value))
    if path:
        problems |= set(_misnamed(path, found.root))
    return sorted(problems)


def load_checked(ref: str | Path) -> Codebook:
    """`load_codebook`, for making codings: a book that is not released must have no error, warnings aside.

    Raises `CodebookError` with the first errors.
    """
    book, path = load_codebook(ref), find_codebook(ref)
    if path.resolve() in {file.resolve() for file in released()}:
        return book
    errors = [problem for problem in check_codebook(path) if problem.severity == "error"]
    if errors:
        first = "; ".join(f"line {e.line}: {e.where}: {e.what}" for e in errors[:SHOWN])
        more = f"; and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
        raise CodebookError(f"{path}: {first}{more}", f"run: pcode codebook check {path}")
    return book


def _path(source: str | bytes | Path) -> Path | None:
    if isinstance(source, str) and "\n" not in source and source.endswith((".yaml", ".yml")):
        return Path(source)
    return source if isinstance(source, Path) else None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CodebookError(f"{path}: {error.strerror or 'cannot be read'}", "check the path") from None


def _problems(root: YamlValue, value: Any) -> Iterator[CodebookProblem]:
    for key in root.repeated_keys():
        yield an_error(key, f"the key {key.text!r} is there twice; YAML would keep the last one")
    yield from _schema(root, value)
    codes = [code for code in root.entries("codes") if code.mapping]
    known = [code_id for code in codes if (code_id := code.value("id"))]
    yield from _names(root, codes)
    yield from _families(root, codes)
    yield from _book(root, codes, known)
    yield from _values(root, codes)
    for code in codes:
        yield from _pointers(code, known)
        yield from _completeness(code)
    yield from _table_and_pages(root, known)
    yield from _domains(root, codes)
    yield from _examples(codes)
    yield from _migrations(root, known)
    yield from cue_problems(root, codes)


def _schema(root: YamlValue, value: Any) -> Iterator[CodebookProblem]:
    try:
        Codebook.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            loc, what, kind = detail["loc"], detail["msg"], detail["type"]
            if not _meant(root, loc):
                continue
            if kind in ("missing", "extra_forbidden"):
                missing = kind == "missing"
                what = f"the field {loc[-1]!r} is missing" if missing else f"there is no field {loc[-1]!r}"
            elif kind == "string_type":
                what = "should be text; put it in quotes, since YAML reads NO, ON, 1.0 and the like as something else"
            yield an_error(root.at(loc), what[:1].lower() + what[1:])


def _meant(root: YamlValue, loc: Sequence[int | str]) -> bool:
    """A cue is a string or a mapping; pydantic complains against both, and only one of them was meant."""
    for branch, wants_mapping in (("str", False), ("WeightedCue", True)):
        if branch in loc and "cues" in loc:
            return root.at(loc[: loc.index(branch)]).mapping is wants_mapping
    return True


def _misnamed(path: Path, root: YamlValue) -> Iterator[CodebookProblem]:
    """A released file is ``ID/VERSION.yaml``; other names say nothing."""
    version, name = root.get("version"), root.get("id")
    if version is None or version.text is None or path.stem.count(".") != 2 or not path.stem[0].isdigit():
        return
    if version.text != path.stem:
        yield an_error(version, f"the file is named {path.stem} but its version is {version.text}")
    folder = path.resolve().parent.name
    if name is not None and name.text not in (None, folder):
        yield a_warning(name, f"the folder is named {folder!r} but the id is {name.text!r}")


def _names(root: YamlValue, codes: list[YamlValue]) -> Iterator[CodebookProblem]:
    families = [family for family in root.entries("families") if family.mapping]
    for what, values in (("family", families), ("code", codes)):
        for field in ("id", "name"):
            for again, first in repeated(given(values, field)):
                yield an_error(
                    again, f"the {what} {field} {again.text!r} is already taken in line {first.line}"
                )
    for again, first in repeated(given(codes, "color")):
        yield a_warning(again, f"the color {again.text} is already used in line {first.line}")
    for code in codes:
        if (code.value("id") or "").lower() == NONE:
            reserved = "that is what coders write when no code applies"
            yield an_error(code, f"a code cannot be named {NONE!r}: {reserved}")


def _families(root: YamlValue, codes: list[YamlValue]) -> Iterator[CodebookProblem]:
    families = [family for family in root.entries("families") if family.mapping]
    ids = [family_id for family in families if (family_id := family.value("id"))]
    for family in given(codes, "family"):
        if family.text is not None and family.text not in ids:
            yield an_error(family, f"there is no family {family.text!r}; {did_you_mean(family.text, ids)}")
    used = {code.value("family") for code in codes}
    for family in families:
        if family.value("id") not in used:
            yield a_warning(family, f"no code belongs to the family {family.value('id')!r}")


def _book(root: YamlValue, codes: list[YamlValue], known: list[str]) -> Iterator[CodebookProblem]:
    fallback, most, unit = root.get("fallback"), root.get("max_codes"), root.get("unit")
    if fallback is None:
        yield from _no_fallback(root)
    elif fallback.text:
        yield from _unknown("code", [fallback], ["null", "~", *known], known)
    if most and (number := most.text or "").isdecimal() and int(number[:9]) > len(codes) > 0:
        yield an_error(most, f"max_codes is {number}, but there are only {len(codes)} codes")
    if unit and unit.text is not None and not re.fullmatch(r"[a-z]+@\S+|span", unit.text):
        yield an_error(
            unit,
            f"the unit {unit.text!r} is no scheme; write one such as sentence@1, or span where coders draw their own",
        )
    for again, first in repeated(root.entries("domains")):
        yield an_error(again, f"the domain {again.text!r} is already listed in line {first.line}")


def _unknown(
    what: str, named: Iterable[YamlValue], allowed: Sequence[str], known: list[str] | None = None
) -> Iterator[CodebookProblem]:
    """Names that nothing has; ``known``: those to be meant instead, if not all that are allowed."""
    for target in named:
        if target.text is not None and target.text not in allowed:
            meant = did_you_mean(target.text, list(allowed) if known is None else known)
            yield an_error(target, f"there is no {what} {target.text!r}; {meant}")


def _no_fallback(root: YamlValue) -> Iterator[CodebookProblem]:
    if root.mapping and root.value("exhaustive") not in ("false", "False", "no", "off"):
        lack = "the rule-based coder has no code for a unit without cues"
        yield a_warning(root, f"exhaustive, yet without a fallback: {lack}")


def _number(value: YamlValue | None) -> float | None:
    """What the schema takes for a number; it complains of the rest itself."""
    try:
        return float(value.text or "") if value else None
    except ValueError:
        return None


def _values(root: YamlValue, codes: list[YamlValue]) -> Iterator[CodebookProblem]:
    """Interval and ratio books need a number for every code; the others have no use for one."""
    level = root.value("level") or "nominal"
    if level not in NUMERIC:
        for unused in given(codes, "value"):
            yield a_warning(unused, f"the level is {level}, at which a value means nothing")
        return
    for code in codes:
        value = code.get("value")
        number = _number(value)
        if value is None or value.text in ("", "~", "null"):
            own = code.value("id") or "?"
            yield an_error(code, f"the level is {level}, but {own} has no value; {VALUE_HINT[level]}")
        elif level == "ratio" and number is not None and number < 0:
            yield an_error(value, f"the level is ratio, but {value.text} is below zero; {VALUE_HINT[level]}")
    for again, first in repeated(given(codes, "value")):
        same = f"two codes of the value {again.text} (first in line {first.line})"
        yield a_warning(again, f"{same}: confusing them does not count as a disagreement")


def _pointers(code: YamlValue, known: list[str]) -> Iterator[CodebookProblem]:
    own = code.value("id")
    against = given(code.entries("rules"), "against")
    for target in (*against, *given(code.entries("near_misses"), "code")):
        if target.text is not None and target.text == own:
            yield an_error(target, f"{own} points at itself; name the neighbour it is told apart from")
        else:
            yield from _unknown("code", [target], known)
    for again, first in repeated(against):
        yield a_warning(again, f"a second rule against {again.text} (first in line {first.line}); merge them")


def _table_and_pages(root: YamlValue, known: list[str]) -> Iterator[CodebookProblem]:
    """The table of looks and the training pages name codes and domains of the book."""
    domains = [domain.text for domain in root.entries("domains") if domain.text]
    pages = [page for page in root.entries("training") if page.mapping]
    units = [unit for page in pages for unit in page.entries("units")]
    yield from _unknown("code", given((*root.entries("looks"), *units), "code"), known)
    for again, first in repeated(given(root.entries("looks"), "looks")):
        yield an_error(again, f"this look is already in line {first.line}; a coder would find two answers")
    yield from _unknown_domains(given(pages, "domain"), domains)


def _unknown_domains(named: Iterable[YamlValue], domains: list[str]) -> Iterator[CodebookProblem]:
    """A book without a list of domains leaves them open."""
    if domains:
        yield from _unknown("domain", (domain for domain in named if domain.text), domains)


def _completeness(code: YamlValue) -> Iterator[CodebookProblem]:
    own = code.value("id")
    for field, least in (("hits", LEAST_HITS), ("near_misses", LEAST_NEAR_MISSES)):
        if (there := len(list(code.entries(field)))) < least:
            one = field.removesuffix("es" if field == "near_misses" else "s").replace("_", " ")
            what = f"1 {one}" if there == 1 else f"{there} {field.replace('_', ' ')}"
            yield a_warning(code, f"{own} has {what}; coders need at least {least}")
    for field in ("include", "exclude", "rules"):
        if not list(code.entries(field)):
            yield a_warning(code, f"{own} has no {field!r}")
    if not (code.value("source") or "").strip():
        yield a_warning(code, f"{own} has no 'source'")


def _domains(root: YamlValue, codes: list[YamlValue]) -> Iterator[CodebookProblem]:
    known = [domain.text for domain in root.entries("domains") if domain.text]
    for code in codes:
        seen = {hit.value("domain") for hit in code.entries("hits")}
        if missing := [domain for domain in known if domain not in seen]:
            yield a_warning(code, f"{code.value('id') or '?'} has no hit in {', '.join(missing)}")
        examples = (*code.entries("hits"), *code.entries("near_misses"))
        yield from _unknown_domains(given(examples, "domain"), known)


def _examples(codes: list[YamlValue]) -> Iterator[CodebookProblem]:
    hits: dict[str, list[tuple[str, YamlValue]]] = defaultdict(list)
    for code in codes:
        for hit in code.entries("hits"):
            hits[_plain(hit)].append((code.value("id") or "?", hit))
    hits.pop("", None)
    for (first, at), *more in hits.values():
        for own, hit in more:
            yield an_error(hit, f"{own} has the same hit as {first} in line {at.line}")
    for miss in (miss for code in codes for miss in code.entries("near_misses")):
        said = miss.value("code")
        for owner, hit in hits.get(_plain(miss), []):
            if owner != said:
                where = f"it is a hit of {owner} in line {hit.line}"
                yield an_error(miss, f"said to belong to {said}, but {where}")


def _plain(example: YamlValue) -> str:
    return " ".join((example.value("text") or "").split()).lower()


def _migrations(root: YamlValue, known: list[str]) -> Iterator[CodebookProblem]:
    """Versions that come earlier, codes that exist, nothing carried twice."""
    entries = [entry for entry in root.entries("migrations") if entry.mapping]
    yield from _wrong_versions(given(entries, "version"), root.value("version") or "")
    steps = sorted(entries, key=lambda entry: version_order(entry.value("version") or ""))
    for number, entry in enumerate(steps):
        # A target must be a code of this book, or be carried further by a later migration.
        later = {source.text for step in steps[number + 1 :] for source in _sources(step) if source.text}
        yield from _wrong_sources(entry, known if number == len(steps) - 1 else [])
        yield from _wrong_targets(entry, [*known, *sorted(later)])


def _wrong_versions(versions: Sequence[YamlValue], own: str) -> Iterator[CodebookProblem]:
    for again, first in repeated(versions):
        yield an_error(
            again, f"a second migration from {again.text} (first in line {first.line}); merge them"
        )
    for version in versions:
        if version.text is not None and version_order(version.text) >= version_order(own):
            yield an_error(
                version, f"migrates from {version.text}, which is not earlier than this version, {own}"
            )


def _wrong_sources(entry: YamlValue, final: list[str]) -> Iterator[CodebookProblem]:
    """``final``: the codes of the book, if it is this entry that leads there."""
    sources = list(_sources(entry))
    parts = {target.text for _, target in _targets(entry, "split")}
    for again, first in repeated(sources):
        yield an_error(again, f"{again.text} is migrated twice (first in line {first.line})")
    for source in sources:
        if source.text in final and source.text not in parts:
            yield an_error(source, f"{source.text} is migrated away, but it is still a code of this version")
    for source, value in entry.pairs("split"):
        if value.text is None and len(value.node.value) < 2:
            few = f"{source.text} is split into fewer than two codes"
            yield an_error(source, f"{few}; that is a renaming or a retirement")


def _wrong_targets(entry: YamlValue, reachable: list[str]) -> Iterator[CodebookProblem]:
    for kind in ("renamed", "merged", "split"):
        for _, target in _targets(entry, kind):
            if target.text not in reachable:
                hint = did_you_mean(target.text or "", reachable)
                yield an_error(target, f"there is no code {target.text!r}; {hint}")
    renamed: set[str | None] = set()
    for source, target in _targets(entry, "renamed"):
        if target.text in renamed:
            both = f"{source.text} and another code are both renamed to {target.text}"
            yield an_error(target, f"{both}; list them under 'merged'")
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
