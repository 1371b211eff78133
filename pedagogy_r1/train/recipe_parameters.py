"""The parameters of a recipe's variants, put into one another and into commands.

    parameters: {n: 500, items: "sk-${n}.jsonl"}     Scope(…).value("${items}") → "sk-500.jsonl"

``${name}`` alone keeps a number a number; what names no parameter stays, for it names a stage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError, did_you_mean
from ..limits import A_VALUE, MOST_RECIPE_CHARACTERS

Value = str | int | float | bool | None | list[str | int | float] | dict[str, str | int | float | bool]
"""Of a parameter or an option. ``null`` and ``false`` leave an option out, ``true`` gives it without a value, a list repeats
it, and a mapping repeats it as ``KEY=VALUE``."""

REFERENCE = re.compile(r"\$\{([A-Za-z0-9_.*-]+)\}")


class Size:
    """How much a recipe has come to with its parameters put in: each may hold the one before it ten times."""

    def __init__(self, recipe: str) -> None:
        self._recipe, self._characters = recipe, 0

    def add(self, characters: int) -> None:
        """One value more, before it is made. Raises `InputError` where it is too much."""
        self._characters += A_VALUE + characters
        if self._characters > MOST_RECIPE_CHARACTERS:
            raise InputError(
                f"recipe {self._recipe}: with its parameters put in for every variant it has more than {MOST_RECIPE_CHARACTERS:,} characters",
                "a parameter may hold too many others, or there are too many variants",
            )


class Scope:
    """The parameters of one variant, each resolved once."""

    def __init__(
        self,
        recipe: str,
        parameters: Mapping[str, Value],
        variant: str,
        set_: Mapping[str, Value],
        size: Size,
    ) -> None:
        self._size = size
        for name in set_:
            if name not in parameters:
                raise InputError(
                    f"recipe {recipe}: a variant sets {name!r}, which is no parameter",
                    did_you_mean(name, list(parameters)),
                )
        self._raw = {**parameters, **set_}
        if variant and "variant" in self._raw:
            self._raw["variant"] = variant
        self._recipe = recipe
        self.parameters: dict[str, Value] = {}
        for name in self._raw:
            self._parameter(name, ())

    def _parameter(self, name: str, within: tuple[str, ...]) -> Value:
        if name in within:
            raise InputError(f"recipe {self._recipe}: parameter {name!r} is made of itself", "end the circle")
        if name not in self.parameters:
            self.parameters[name] = self.value(self._raw[name], (*within, name))
        return self.parameters[name]

    def value(self, value: Any, within: tuple[str, ...] = ()) -> Any:
        """With the parameters put in; references to stages stay."""
        if isinstance(value, list):
            return [self._single(each, within) for each in value]
        if isinstance(value, dict):
            return {key: self._single(each, within) for key, each in value.items()}
        if not isinstance(value, str):
            self._size.add(0)
            return value
        whole = REFERENCE.fullmatch(value)
        if whole and whole[1] in self._raw:  # keeps a number a number, and nothing nothing
            found = self._parameter(whole[1], within)
            self._size.add(sum(map(len, many(found))))
            return found
        put = {name: text_of(self._parameter(name, within)) for name in self._known(value)}
        self._size.add(len(value) + sum(len(put.get(name, "")) for name in REFERENCE.findall(value)))
        return REFERENCE.sub(lambda m: put.get(m[1], m[0]), value)

    def _known(self, text: str) -> list[str]:
        return [name for name in dict.fromkeys(REFERENCE.findall(text)) if name in self._raw]

    def _single(self, value: Any, within: tuple[str, ...]) -> Any:
        """An entry of a list or mapping, which is no list itself."""
        found = self.value(value, within)
        if isinstance(found, list | dict):
            raise InputError(
                f"recipe {self._recipe}: {value} is a list within a list", "put its entries there"
            )
        return found


def many(value: Any) -> list[str]:
    """The words that a value makes."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [f"{key}={text_of(each)}" for key, each in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [text_of(each) for each in value]
    return [text_of(value)]


def text_of(value: Any) -> str:
    """As it is written on a command line: ``true``, not ``True``."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
