"""What ``--policy`` says, read: names, options, *or* within one, *and* from one to the next.

    --policy correct --policy balanced:cap=400        right, and then at most 400 of a domain
    --policy 'correct|rich:k=2' --policy quiet        right or rich, and of those the quiet ones

Each ``--policy`` acts on what the one before left. Within one, ``|`` means: kept if either keeps it, both asked about the
same traces; dropped for the reasons of both.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, PluginError, did_you_mean
from ..plugins import available, load
from ..trace import Trace
from .policies import PLUGINS, Drop, Given, Policy


@dataclass(frozen=True)
class Step:
    """One ``--policy``, as written and as ready to be asked: alternatives, of which one must keep a trace."""

    text: str
    alternatives: tuple[Policy, ...]

    def __call__(self, traces: Sequence[Trace], given: Given) -> list[Drop | None]:
        """Like a policy's own."""
        answers = [policy(traces, given) for policy in self.alternatives]
        return [_either(drops) for drops in zip(*answers, strict=True)]


def read_step(text: str) -> Step:
    """From ``NAME[:KEY=VALUE,…][|NAME…]``; `PluginError` for an unknown name, `InputError` for an option it does not have."""
    return Step(text, tuple(_policy(part.strip()) for part in text.split("|")))


def names() -> list[str]:
    """The policies there are, as they are written on the command line."""
    return [name.replace("_", "-") for name in available(PLUGINS)]


def _either(drops: Sequence[Drop | None]) -> Drop | None:
    said = [drop for drop in drops if drop is not None]
    if len(said) < len(drops):
        return None
    if len(said) == 1:
        return said[0]
    return Drop(
        " and ".join(dict.fromkeys(drop.reason for drop in said)),
        "; ".join(dict.fromkeys(drop.detail for drop in said if drop.detail)),
    )


def _policy(text: str) -> Policy:
    name, _, rest = text.partition(":")
    if name.replace("_", "-") not in names():
        raise PluginError(f"no policy is named {name!r}", did_you_mean(name, names()))
    make = load(PLUGINS, name.replace("-", "_"))
    options: dict[str, Any] = {}
    known = inspect.signature(make, eval_str=True).parameters
    for pair in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = pair.partition("=")
        if not equals or key not in known:
            hint = f"its options: {', '.join(known) or 'none'}; written {name}:key=value,key=value"
            raise InputError(f"policy {name!r} has no option {pair!r}", hint)
        if key in options:
            raise InputError(f"policy {name!r}: {key} is given twice", "give it once")
        options[key] = _value(name, key, value, known[key].annotation)
    made: Policy = make(**options)
    return made


def _value(name: str, key: str, value: str, kind: Any) -> Any:
    """``value`` as the plugin's own annotation says: a number, or text."""
    for number in (int, float):
        if kind in (number, number | None):
            try:
                return number(value)
            except ValueError:
                raise InputError(
                    f"policy {name!r}: {key}={value} is no number", f"{key} is of type {number.__name__}"
                ) from None
    return value
