"""A value in a YAML file together with its line and its name, so that a complaint can point at it.

    codes:                          where                          line
    - id: TR-SP
      hits:
      - {domain: SK, text: …}       codes[TR-SP].hits[0].domain    4

What is absent or of another kind is just not there: looking something up never fails. The nodes are PyYAML's. ruamel.yaml,
which edits codebooks (`bump.py`), has the same marks and takes twice as long: .14 s for the Schön book, here .08.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import yaml

from ..files.yaml_text import LEAKS, RefusedYaml, check_yaml


@dataclass(frozen=True)
class YamlValue:
    """One node of the file. ``line`` is 1-based."""

    node: yaml.Node
    where: str
    line: int

    @property
    def text(self) -> str | None:
        """The scalar as written, else nothing."""
        return self.node.value if isinstance(self.node, yaml.ScalarNode) else None

    @property
    def mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.node, yaml.MappingNode)

    def items(self) -> Iterator[tuple[YamlValue, YamlValue]]:
        """Keys and values of a mapping, both with the line and the name of the key."""
        if isinstance(self.node, yaml.MappingNode):
            for key, value in self.node.value:
                name = key.value if isinstance(key, yaml.ScalarNode) else "?"
                where = f"{self.where}.{name}" if self.where else name
                line = key.start_mark.line + 1
                yield YamlValue(key, where, line), YamlValue(value, where, line)

    def elements(self) -> Iterator[YamlValue]:
        """The entries of a list, named by their ``id`` where they have one."""
        if isinstance(self.node, yaml.SequenceNode):
            for number, node in enumerate(self.node.value):
                entry = YamlValue(node, "", node.start_mark.line + 1)
                yield YamlValue(node, f"{self.where}[{entry.value('id') or number}]", entry.line)

    def get(self, name: str) -> YamlValue | None:
        """The value under a key, if there is one."""
        return next((value for key, value in self.items() if key.text == name), None)

    def value(self, name: str) -> str | None:
        """The scalar under a key."""
        found = self.get(name)
        return found.text if found else None

    def entries(self, name: str) -> Iterator[YamlValue]:
        """The entries of the list under a key."""
        found = self.get(name)
        return found.elements() if found else iter(())

    def pairs(self, name: str) -> Iterator[tuple[YamlValue, YamlValue]]:
        """Keys and values of the mapping under a key."""
        found = self.get(name)
        return found.items() if found else iter(())

    def at(self, loc: Sequence[int | str]) -> YamlValue:
        """The deepest value on the way of a pydantic ``loc``; steps that the file does not have are left out."""
        here = self
        for step in loc:
            found = here.get(step) if isinstance(step, str) else dict(enumerate(here.elements())).get(step)
            here = found or here
        return here

    def repeated_keys(self) -> Iterator[YamlValue]:
        """Keys that a mapping in here has twice; YAML would keep the last one and say nothing."""
        todo, done = [self], set[int]()
        while todo:
            here = todo.pop()
            if id(here.node) in done:  # an alias, perhaps to a node that holds it
                continue
            done.add(id(here.node))
            seen: set[str | None] = {None}
            for key, value in here.items():
                if key.text in seen - {None, "<<"}:
                    yield key
                seen.add(key.text)
                todo.append(value)
            todo += here.elements()


class ReadYaml(NamedTuple):
    """A file that could be read: its root, and the plain value that YAML makes of it."""

    root: YamlValue
    value: Any


class UnreadableYaml(NamedTuple):
    """Why a file is no YAML, and the 1-based line."""

    line: int
    why: str


class _Loader(yaml.SafeLoader):
    """Remembers the line it is at, for errors that do not. In Python, so that errors have the same marks on every machine."""

    latest = 1

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        self.latest = node.start_mark.line + 1
        return super().construct_object(node, deep)


def read_yaml(text: str) -> ReadYaml | UnreadableYaml:
    """Parse YAML, keeping lines. One YAML error hides the rest of the file, so there is at most one."""
    line = 1
    try:
        check_yaml(text, plain=True)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return UnreadableYaml(1, "the file is empty")
            return ReadYaml(YamlValue(node, "", node.start_mark.line + 1), loader.construct_document(node))
        finally:
            line = loader.latest
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = ", ".join(part for part in (error.context, error.problem) if part)
        return UnreadableYaml(mark.line + 1 if mark else 1, f"not valid YAML: {why}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return UnreadableYaml(line, f"not valid YAML: the character {error.character!r} is not allowed")
    except RefusedYaml as error:
        return UnreadableYaml(error.line, f"not read: {error.why}")
    except (yaml.YAMLError, *LEAKS) as error:
        why = f"the value does not fit its tag ({type(error).__name__}: {error})"
        return UnreadableYaml(line, f"not valid YAML: {why}")


class CodebookProblem(NamedTuple):
    """One thing to mend: its 1-based line, the field, what is wrong, and how bad it is."""

    line: int
    where: str
    what: str
    severity: Literal["error", "warning"] = "error"


def an_error(at: YamlValue, what: str) -> CodebookProblem:
    """The book cannot be used as it is."""
    return CodebookProblem(at.line, at.where or "file", what)


def a_warning(at: YamlValue, what: str) -> CodebookProblem:
    """The book is hard to code from."""
    return CodebookProblem(at.line, at.where or "file", what, "warning")


def given(values: Iterable[YamlValue], field: str) -> list[YamlValue]:
    """That field of all that have it."""
    return [found for value in values if (found := value.get(field)) is not None]


def repeated(values: Iterable[YamlValue]) -> Iterator[tuple[YamlValue, YamlValue]]:
    """Values that were there before, whatever their case, each with the first of them."""
    first: dict[str, YamlValue] = {}
    for value in values:
        text = (value.text or "").strip().lower()
        if text and text in first:
            yield value, first[text]
        first.setdefault(text, value)
