"""Policies, one file each: which traces a student learns from. A plugin exposes ``policy(**options) -> Policy``.

    pedagogy_r1/train/policies/balanced.py              --policy balanced:cap=400,seed=1
    --policy correct --policy balanced:cap=400          right, and then at most 400 of a domain
    --policy 'correct|rich:k=2' --policy quiet          right or rich, and of those the quiet ones

Each ``--policy`` acts on what the one before left. Within one, ``|`` means: kept if either keeps it, both asked about the
same traces; dropped for the reasons of both. A policy is asked about all traces at once, since some (the shortest of an item,
at most 400 of a domain) compare them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ...codebook import Codebook
from ...errors import InputError, PluginError, RunError, did_you_mean
from ...plugins import available, load
from ...runs.run import CoderRun, one_codebook, opened, require_complete, same_text
from ...trace import Trace
from ...wbeb.item import Item, domain_names

PLUGINS = "pedagogy_r1.train.policies"


class Drop(NamedTuple):
    """Why a trace is not kept: a ``reason`` that many may share and that is counted, and what it was in this one's case."""

    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Given:
    """What policies may read beside the traces. ``codings``: run directories; ``items``: with their split."""

    codings: tuple[Path, ...] = ()
    items: tuple[Item, ...] = ()


class Policy(Protocol):
    """One policy with its options."""

    def __call__(self, traces: Sequence[Trace], given: Given) -> list[Drop | None]:
        """For each trace, in order: ``None`` if it is kept, else why not. Raises `PedagogyError` if it lacks what it reads."""
        ...


class CodedTrace(NamedTuple):
    """(units,) tokens and codes, the primary code first, by one coder; ``None`` is missing."""

    tokens: tuple[int, ...]
    codes: tuple[tuple[str, ...] | None, ...]


def coded_traces(
    folders: Sequence[Path], traces: Sequence[Trace], coder: str | None, policy: str
) -> tuple[Codebook, dict[str, CodedTrace]]:
    """The codebook of the runs, and by trace id what is coded; a trace without any coding is absent.

    ``coder``: whose codings, where a run has several. Raises `RunError`, `CodebookError`, and `InputError` for a run that coded
    another text under the id of one of ``traces``, since its codings would be about something else.
    """
    if not folders:
        raise RunError(
            f"the policy {policy!r} reads codings, and none are given",
            "code the traces (pcode annotate TRACES -o RUN) and give --codings RUN",
        )
    runs = opened(folders)
    require_complete(runs, None)
    book, found = one_codebook(runs), dict[str, CodedTrace]()
    texts = {trace.id: trace.reasoning for trace in traces}
    for run in runs:
        for id, coded in _coded(run, texts, coder):
            if id in found:
                raise InputError(f"trace {id!r} is coded in two of the runs", "give one of them")
            found[id] = coded
    return book, {id: one for id, one in found.items() if any(codes is not None for codes in one.codes)}


def _coded(run: CoderRun, texts: Mapping[str, str], coder: str | None) -> Iterator[tuple[str, CodedTrace]]:
    name = _coder(run, coder)
    for trace, units, codings in run.by_trace():
        if trace.id not in texts:
            continue
        same_text(run, trace.id, texts[trace.id], trace.reasoning)
        codes = {coding.unit_id: coding.codes for coding in codings if coding.coder == name}
        tokens = tuple(unit.tokens for unit in units)
        yield trace.id, CodedTrace(tokens, tuple(codes.get(unit.id) for unit in units))


def _coder(run: CoderRun, wanted: str | None) -> str:
    names = [coder.name for coder in run.manifest.coders]
    if wanted is not None and wanted not in names:
        raise RunError(f"{run.folder} has no coder {wanted!r}", did_you_mean(wanted, names))
    if wanted is None and len(names) != 1:
        raise RunError(
            f"{run.folder} has {len(names)} coders: {', '.join(names)}",
            f"say whose: coder={(names or ['NAME'])[0]}",
        )
    return wanted or names[0]


@dataclass(frozen=True)
class FilterStep:
    """One ``--policy``, as written and as ready to be asked: alternatives, of which one must keep a trace."""

    text: str
    alternatives: tuple[Policy, ...]

    def __call__(self, traces: Sequence[Trace], given: Given) -> list[Drop | None]:
        """Like a policy's own."""
        answers = [policy(traces, given) for policy in self.alternatives]
        return [_either(drops) for drops in zip(*answers, strict=True)]


def read_step(text: str) -> FilterStep:
    """From ``NAME[:KEY=VALUE,…][|NAME…]``; `PluginError` for an unknown name, `InputError` for an option it does not have."""
    return FilterStep(text, tuple(_policy(part.strip()) for part in text.split("|")))


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
    known = _options(make)
    for pair in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = pair.partition("=")
        if not equals or key not in known:
            hint = f"its options: {', '.join(known) or 'none'}; written {name}:key=value,key=value"
            raise InputError(f"policy {name!r} has no option {pair!r}", hint)
        if key in options:
            raise InputError(f"policy {name!r}: {key} is given twice", "give it once")
        options[key] = _value(name, key, value, known[key])
    made: Policy = make(**options)
    return made


def _options(make: Callable[..., Policy]) -> dict[str, Any]:
    """Options with their types; ``**domains`` stands for one option a domain, named like it in small letters."""
    known: dict[str, Any] = {}
    for parameter in inspect.signature(make, eval_str=True).parameters.values():
        several = parameter.kind is inspect.Parameter.VAR_KEYWORD
        names = [name.lower() for name in domain_names()] if several else [parameter.name]
        known |= dict.fromkeys(names, parameter.annotation)
    return known


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
