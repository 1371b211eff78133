"""YAML that a person wrote or that came from elsewhere, read without trust.

    [[[[…             refused from `DEEPEST_YAML` levels on: PyYAML's C loader ends the whole process at 300,000
    b: [*a, *a, …     an alias counts as often as it stands, so a bomb is refused before it is laid out
    a: 1 … a: 2       refused with the key and its line: YAML would keep the last one and say nothing

The text is gone through as events, one at a time and without recursion, and only what passes is made a value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..limits import DEEPEST_YAML, MOST_YAML_CHARACTERS, MOST_YAML_VALUES

LEAKS = (AttributeError, LookupError, TypeError, ArithmeticError, ValueError, RecursionError)
"""What PyYAML's constructors let slip for a tag that does not fit its value, such as ``!!int ""``."""


class BadYaml(ValueError):
    """Why YAML is not read."""


class RefusedYaml(BadYaml):
    """Of what may be well formed; ``line`` is 1-based."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line, self.why = line, why


def parse_yaml(data: bytes | str) -> Any:
    """The plain value of one YAML document.

    Raises `BadYaml` for what is no YAML; `RefusedYaml` for what is too large or too deep and for a key that stands twice.
    """
    import yaml  # in C it reads the Schön book in 7 ms, ruamel.yaml in 140

    try:
        check_yaml(data)
        return yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - the safe loader, in C where there is one
    except BadYaml:
        raise
    except (yaml.YAMLError, *LEAKS) as error:
        raise BadYaml(str(error) or type(error).__name__) from None


def check_yaml(data: bytes | str, *, plain: bool = False) -> None:
    """Raise `RefusedYaml` as `parse_yaml` does, and PyYAML's own errors.

    ``plain``: keys may stand twice, for a caller who finds these itself, and errors are those of PyYAML's parser in Python, the
    same on every machine.
    """
    import yaml

    if len(data) > MOST_YAML_CHARACTERS:
        raise RefusedYaml(1, f"longer than {MOST_YAML_CHARACTERS:,} characters")
    try:
        _go_through(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader), repeated=plain)
    except RefusedYaml:
        raise
    except (yaml.YAMLError, *LEAKS):
        if not plain:
            raise
        _go_through(data, yaml.SafeLoader, repeated=True)


def _go_through(data: bytes | str, loader: Any, *, repeated: bool) -> None:
    import yaml

    walk = _Walk(repeated)
    for event in yaml.parse(data, Loader=loader):
        walk.line = event.start_mark.line + 1 if event.start_mark else walk.line
        if isinstance(event, yaml.CollectionStartEvent):
            walk.open(event.anchor, mapping=isinstance(event, yaml.MappingStartEvent))
        elif isinstance(event, yaml.CollectionEndEvent):
            walk.close()
        elif isinstance(event, yaml.ScalarEvent):
            walk.leaf(event.anchor, event.value)
        elif isinstance(event, yaml.AliasEvent):
            walk.alias(event.anchor or "")


@dataclass
class _Open:
    """A list or mapping that has not ended. ``turn``: whether a key comes next; of a list always false."""

    anchor: str | None
    mapping: bool
    turn: bool
    keys: set[str] = field(default_factory=set)
    values: int = 1
    characters: int = 0


class _Walk:
    """Where the events have got to: what is open, and how much each anchor stands for."""

    def __init__(self, repeated: bool) -> None:
        self.line = 1
        self._repeated = repeated
        self._open: list[_Open] = []
        self._known: dict[str, tuple[int, int, str | None]] = {}
        """anchor → values, characters, and the text of a scalar"""

    def open(self, anchor: str | None, *, mapping: bool) -> None:
        if len(self._open) >= DEEPEST_YAML:
            raise RefusedYaml(self.line, f"nested more than {DEEPEST_YAML} deep")
        self._known.pop(anchor or "", None)
        self._open.append(_Open(anchor, mapping, mapping))

    def close(self) -> None:
        done = self._open.pop()
        self._put(done.anchor, done.values, done.characters, None)

    def leaf(self, anchor: str | None, text: str) -> None:
        self._put(anchor, 1, len(text), text)

    def alias(self, anchor: str) -> None:
        if any(one.anchor == anchor for one in self._open):
            raise RefusedYaml(self.line, f"*{anchor[:40]} stands for what it is part of")
        self._put(
            None, *self._known.get(anchor, (1, 0, None))
        )  # of an unknown one the parser complains itself

    def _put(self, anchor: str | None, values: int, characters: int, text: str | None) -> None:
        """A value has been read, in whatever is open now."""
        if anchor:
            self._known[anchor] = values, characters, text
        here = self._open[-1] if self._open else _Open(None, False, False)
        here.values, here.characters = here.values + values, here.characters + characters
        if here.values > MOST_YAML_VALUES:
            raise RefusedYaml(self.line, f"more than {MOST_YAML_VALUES:,} values, aliases counted out")
        if here.characters > MOST_YAML_CHARACTERS:
            raise RefusedYaml(
                self.line, f"more than {MOST_YAML_CHARACTERS:,} characters, aliases counted out"
            )
        if here.turn and text is not None and text != "<<" and not self._repeated:
            if text in here.keys:
                raise RefusedYaml(self.line, f"the key {text[:60]!r} is there twice")
            here.keys.add(text)
        here.turn = here.mapping and not here.turn
