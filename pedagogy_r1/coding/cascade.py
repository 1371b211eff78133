"""A cascade: a learned coder codes what it is sure of, and a second coder is asked about the rest, and about nothing else.

    annotate traces.jsonl --coder learned:coders/mine --error .10 --then openai:gpt-5        a language model
                                                                 --then cues                 or any other coder
                                                                 --then people:runs/people   or what people said of them

    unit   learned       openai:gpt-5     the run's only coder, cascade
    u3f…   IA-SQ                          IA-SQ     stage learned
    u90…   (deferred)    OA-ME            OA-ME     stage openai:gpt-5
    u77…   (deferred)    (malformed)      missing   stage openai:gpt-5, malformed

The second coder sees a trace as it always does; a language model is asked windows of deferred units alone, each with the units
before it (`llm_session`). Which units are deferred is worked out anew in every session, since it costs nothing: what was paid lies in
the ledger. What the first coder could not code at all (another language) is missing, and not put to the second.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from .. import plugins
from ..asking.model import BACKENDS
from ..errors import ArgumentError, InputError, did_you_mean
from ..runs.cascade_stages import PEOPLE
from ..runs.run import DEFERRED, CoderInfo, Coding
from ..trace import Trace, Unit
from . import Coder, Context, Emit, Outcome, Unitizer
from .people_codings import PeopleCodings

CASCADE = "cascade"

EXAMPLE = "--coder learned:FOLDER --error .10 --then openai:MODEL"

Build = Callable[[str, Context, dict[str, Any]], Coder]
"""Makes the coder of a name with its options; refuses those that it has not."""


class Deferring(Coder, Protocol):
    """A coder that may leave units open, and codes a trace at a time."""

    promise: tuple[float, float] | None
    """Error and confidence; ``None``: it leaves nothing open."""

    def codings(self, trace: Trace, units: list[Unit], unitize: Unitizer) -> list[Coding]: ...

    def tally(self, codings: Sequence[Coding], lang: str) -> Counter[str]: ...


def cascade(
    context: Context,
    name: str,
    then: str,
    options: Mapping[str, Any],
    *,
    coders: str,
    own: frozenset[str],
    build: Build,
) -> Cascade:
    """The coder ``name`` and behind it ``then``: ``BACKEND:MODEL``, a coder's name, ``learned:FOLDER`` or ``people:RUN``.

    ``own``: which ``options`` are the first coder's; all others are the second's. ``coders``: the package of coders.
    Raises `ArgumentError` where the first leaves nothing open, or the second is not one coder.
    """
    if "error" not in own:
        raise ArgumentError(
            f"--then is asked for what the first coder leaves open, and {name} leaves nothing open",
            f"put a learned coder first: {EXAMPLE}",
        )
    first = build(name, context, {key: value for key, value in options.items() if key in own})
    if getattr(first, "promise", None) is None:
        raise ArgumentError(
            f"--then is asked for what {name} leaves open, and without --error it leaves nothing open",
            f"say how many of its codes may be wrong: {EXAMPLE}",
        )
    second, more = _second(then, coders)
    rest = {key: value for key, value in options.items() if key not in own}
    if "model" in rest and "model" in more:
        raise ArgumentError("--model and --then name a model each", f"say it once: {EXAMPLE}")
    made = Cascade(context, name, first, second)  # type: ignore[arg-type]  # it has a promise, and so the rest
    behind = dataclasses.replace(context, asked=made.asked)
    if second == PEOPLE:
        if rest:
            raise ArgumentError(f"{then} takes no option {min(rest)!r}", "leave it out")
        made.follow(PeopleCodings(behind, Path(more["path"])), behind)
    else:
        made.follow(build(second, behind, rest | more), behind)
    return made


def _second(then: str, coders: str) -> tuple[str, dict[str, Any]]:
    """The second coder's name and what ``then`` says of it."""
    name, _, rest = then.partition(":")
    known = plugins.available(coders)
    if name == PEOPLE or name in known:
        if name == PEOPLE and not rest:
            raise ArgumentError("--then people names no run", "--then people:RUN, as pcode import wrote it")
        return name, {"path": rest} if rest else {}
    backends = plugins.available(BACKENDS)
    if name in backends:
        return "llm", {"model": then}
    raise ArgumentError(
        f"--then {then}: {name!r} is neither a coder nor where a model is",
        did_you_mean(name, [*known, PEOPLE, *backends]),
    )


@dataclass
class Cascade:
    """Two coders as one; see the module. ``name`` and ``then``: plugins; ``first``, ``second``: what they made."""

    context: Context
    name: str
    first: Deferring
    then: str
    _second: Coder | None = None
    _behind: Context | None = None
    _unitize: Unitizer | None = field(default=None, repr=False)
    _begun: dict[str, list[Coding]] = field(default_factory=dict, repr=False)
    """Of traces that are not finished, what the first coder said."""

    def follow(self, second: Coder, behind: Context) -> None:
        """Take the second coder, made with the context ``behind``. Raises `ArgumentError` if it is more than one."""
        if len(second.coders) != 1:
            many = ", ".join(coder.name for coder in second.coders)
            raise ArgumentError(
                f"the second coder of a cascade is one, and here are {many}",
                "leave out --repeats and --critic",
            )
        self._second, self._behind = second, behind

    @property
    def second(self) -> Coder:
        """Who is asked for what the first leaves open."""
        assert self._second is not None
        return self._second

    @property
    def coders(self) -> list[CoderInfo]:
        """One machine: whoever gave a code, people too, was chosen by one."""
        return [CoderInfo(name=CASCADE, kind="machine")]

    @cached_property
    def stages(self) -> tuple[str, str]:
        """What both coders are called in the run."""
        one, other = self.first.coders[0].name, self.second.coders[0].name
        return one, other if one != other else f"{other} (then)"

    @property
    def parameters(self) -> dict[str, Any]:
        """The first coder's, and the second's with ``then_`` before their names."""
        more = {f"then_{key}": value for key, value in self.second.parameters.items()}
        own = {"stages": list(self.stages), "first": self.name}
        return {**own, **self.first.parameters, "then": self.then, **more}

    @property
    def sources(self) -> dict[str, Any]:
        """What the coders read beside the traces, the second's with ``then_`` before their names."""
        more = {f"then_{key}": value for key, value in getattr(self.second, "sources", {}).items()}
        return {**getattr(self.first, "sources", {}), **more}

    @property
    def trust(self) -> str | None:
        """What both coders say of themselves."""
        said = [text for each in (self.first, self.second) if (text := getattr(each, "trust", None))]
        return "\n".join(said) or None

    def asked(self, trace: Trace, units: list[Unit]) -> list[int]:
        """Positions of the units that the first coder defers."""
        return [at for at, one in enumerate(self._first(trace, units)) if one.missing_reason == DEFERRED]

    def _first(self, trace: Trace, units: list[Unit]) -> list[Coding]:
        assert self._unitize is not None
        if trace.id not in self._begun:
            self._begun[trace.id] = self.first.codings(trace, units, self._unitize)
        return self._begun[trace.id]

    def plan(self, traces: Iterable[Trace], unitize: Unitizer) -> dict[str, Any]:
        """The second coder's plan for the deferred units, and how many those are."""
        self._unitize, counts = unitize, Counter[str]()
        given = iter(traces)

        def cut(trace: Trace) -> list[Unit]:
            units = unitize(trace)
            self._begun.clear()
            counts["traces"] += 1
            counts["asked"] += len(self.asked(trace, units))
            return units

        plan = self.second.plan(given, cut)
        for trace in given:  # a coder that costs nothing need not look at them
            cut(trace)
        self._begun.clear()
        return {"stages": list(self.stages), "units_deferred": counts["asked"], **plan}

    def code(self, traces: Iterable[Trace], unitize: Unitizer, emit: Emit) -> Outcome:
        """Code every unit: the first coder, then the second what is deferred. Ends as the second coder does."""
        assert self._behind is not None
        self._unitize, self._behind.run_id = unitize, self.context.run_id
        self._begun.clear()

        def both(trace: Trace, units: list[Unit], found: list[Coding]) -> None:
            first = self._first(trace, units)
            del self._begun[trace.id]
            by_unit = {one.unit_id: one for one in found}
            emit(trace, units, list(self._merged(first, by_unit)))

        return self.second.code(traces, unitize, both)

    def _merged(self, first: Sequence[Coding], found: Mapping[str, Coding]) -> Iterator[Coding]:
        one, other = self.stages
        for coding in first:
            if coding.missing_reason != DEFERRED:
                yield coding.model_copy(update={"coder": CASCADE, "stage": one})
                continue
            answer = found.get(coding.unit_id)
            if answer is None:
                raise InputError(
                    f"coder {self.then!r} said nothing of unit {coding.unit_id}, which it was asked about",
                    "every unit that is asked for gets a coding, if only a missing one: pedagogy_r1.coding.Coder",
                )
            if answer.missing_reason == DEFERRED:  # it is open still, as the first left it
                yield coding.model_copy(update={"coder": CASCADE, "stage": one})
            else:
                yield answer.model_copy(
                    update={"coder": CASCADE, "stage": other, "run_id": self.context.run_id}
                )

    def tally(self, codings: Sequence[Coding], lang: str) -> Counter[str]:
        """What a trace adds to the run's usage: what the first coder counts."""
        return self.first.tally(codings, lang)
