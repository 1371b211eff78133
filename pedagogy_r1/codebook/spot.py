"""A value in a YAML file together with its line and its name, so that a complaint can point at it.

    codes:                          where                          line
    - id: TR-SP
      hits:
      - {domain: SK, text: …}       codes[TR-SP].hits[0].domain    4

Reading through spots never fails: what is absent or of another kind is just not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import yaml

_LEAKED = (AttributeError, LookupError, TypeError, ArithmeticError, ValueError, RecursionError)
"""What PyYAML's constructors let slip for a tag that does not fit its value, such as ``!!int ""``."""


@dataclass(frozen=True)
class Spot:
    """One node of the file. ``line`` is 1-based."""

    node: yaml.Node
    where: str
    line: int

    @property
    def text(self) -> str | None:
        """The scalar as written, else nothing."""
        return self.node.value if isinstance(self.node.value, str) else None

    @property
    def mapping(self) -> bool:
        """Whether it has keys."""
        return self.node.id == "mapping"  # type: ignore[attr-defined,no-any-return]

    def key_spots(self) -> Iterator[Spot]:
        """The key nodes of a mapping, in the file's order."""
        if self.mapping:
            for key, _ in self.node.value:
                yield Spot(key, _join(self.where, _name(key)), key.start_mark.line + 1)

    def get(self, name: str) -> Spot | None:
        """The value under a key, if there is one; its line is the line of the key."""
        if self.mapping:
            for key, value in self.node.value:
                if _name(key) == name:
                    return Spot(value, _join(self.where, name), key.start_mark.line + 1)
        return None

    def value(self, name: str) -> str | None:
        """The scalar under a key."""
        found = self.get(name)
        return found.text if found else None

    def entries(self, name: str) -> Iterator[Spot]:
        """The entries of the list under a key, named by their ``id`` where they have one."""
        found = self.get(name)
        if found is not None and found.node.id == "sequence":  # type: ignore[attr-defined]
            for number, node in enumerate(found.node.value):
                entry = Spot(node, "", node.start_mark.line + 1)
                yield Spot(node, f"{found.where}[{entry.value('id') or number}]", entry.line)

    def pairs(self, name: str) -> Iterator[tuple[Spot, Spot]]:
        """Keys and values of the mapping under a key."""
        found = self.get(name)
        if found is not None and found.mapping:
            for key, value in found.node.value:
                line, where = key.start_mark.line + 1, _join(found.where, _name(key))
                yield Spot(key, where, line), Spot(value, where, line)

    def at(self, loc: Sequence[int | str]) -> Spot:
        """The deepest spot on the way of a pydantic ``loc``; steps that the file does not have are left out."""
        here = self
        for step in loc:
            here = here._step(step) or here
        return here

    def _step(self, step: int | str) -> Spot | None:
        if isinstance(step, str):
            return self.get(step)
        if self.node.id != "sequence" or step >= len(self.node.value):  # type: ignore[attr-defined]
            return None
        node = self.node.value[step]
        entry = Spot(node, "", node.start_mark.line + 1)
        return Spot(node, f"{self.where}[{entry.value('id') or step}]", entry.line)


class Read(NamedTuple):
    """A file that could be read: its root, and the plain value that YAML makes of it."""

    root: Spot
    value: Any


class Unreadable(NamedTuple):
    """Why a file is no YAML, and the 1-based line."""

    line: int
    why: str


def read(text: str) -> Read | Unreadable:
    """Parse YAML, keeping lines. One YAML error hides the rest of the file, so there is at most one."""
    import yaml

    loader = None
    try:
        loader = _loader()(text)
        node = loader.get_single_node()
        if node is None:
            return Unreadable(1, "the file is empty")
        root = Spot(node, "", node.start_mark.line + 1)
        return Read(root, loader.construct_document(node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = ", ".join(part for part in (error.context, error.problem) if part)
        return Unreadable(mark.line + 1 if mark else 1, f"not valid YAML: {why}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return Unreadable(line, f"not valid YAML: the character {error.character!r} is not allowed")
    except (yaml.YAMLError, *_LEAKED) as error:
        line = loader.latest if loader is not None else 1
        return Unreadable(
            line, f"not valid YAML: the value does not fit its tag ({type(error).__name__}: {error})"
        )
    finally:
        if loader is not None:
            loader.dispose()


@cache
def _loader() -> Any:
    import yaml

    # The pure-Python loader: it is slower, but its errors carry the same marks on every machine.
    class Loader(yaml.SafeLoader):
        """Remembers the line it is at, for errors that do not."""

        latest = 1

        def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
            self.latest = node.start_mark.line + 1
            return super().construct_object(node, deep)

    return Loader


def repeated_keys(root: Spot) -> Iterator[Spot]:
    """Keys that a mapping has twice; YAML would keep the last one and say nothing."""
    todo, done = [root], set[int]()
    while todo:
        spot = todo.pop()
        if id(spot.node) in done:  # an alias, perhaps to a node that holds it
            continue
        done.add(id(spot.node))
        if spot.mapping:
            seen = set()
            for key in spot.key_spots():
                if key.text is not None and key.text != "<<":
                    if key.text in seen:
                        yield key
                    seen.add(key.text)
            todo += [Spot(value, _join(spot.where, _name(key)), 0) for key, value in spot.node.value]
        elif not isinstance(spot.node.value, str):
            todo += [
                Spot(node, f"{spot.where}[{Spot(node, '', 0).value('id') or number}]", 0)
                for number, node in enumerate(spot.node.value)
            ]


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _name(key: yaml.Node) -> str:
    return key.value if isinstance(key.value, str) else "?"
