"""Unitizing: the schemes that cut a trace's reasoning into units.

    unitize(trace, "sentence@1")  →  [Unit(index=0, start=0, end=37, text="Okay, so …", tokens=9), …]

A scheme's name carries its version, and name and offsets enter every unit's id: from the first release on a change of the rules is a
new scheme, and before it (version 0.1.0) one that cuts a text differently gives other ids there, so that nothing is joined by accident.
``given@DIGEST`` are the spans of somebody's file, named by what they are.

Thoughts (``thought@1``) are runs of sentences without a switch between them:

    Compute x. It is 3. │ Wait, x must be even. So no. │ Alternatively, use symmetry.

A sentence opens a new thought if it begins with a *switch cue*: the model drops, doubts or replaces its line of
work. The idea is Wang et al. (2025), "Thoughts Are All Over the Place: On the Underthinking of o1-Like LLMs",
arXiv:2501.18585; the list is ours. What only continues ("So", "Then", "Next", "Hmm, right.") is no switch, nor is
"wait" in the middle of a sentence. One file a language in ``switch_cues/``; in a language without one nobody could tell a switch.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArgumentError, PedagogyError, did_you_mean
from ..files.yaml_text import parse_yaml
from ..provenance import digest
from ..trace import GIVEN, Trace, Unit, unit_id
from .language import bounded_memory, language_code, tokenize
from .sentence import Span, paragraphs, sentences

if TYPE_CHECKING:
    from spacy.tokens import Doc

_CUES = Path(__file__).parent / "switch_cues"

SWITCH_CUES: dict[str, tuple[str, ...]] = {
    path.stem: tuple(parse_yaml(path.read_bytes())) for path in sorted(_CUES.glob("*.yaml"))
}
"""Patterns that a sentence begins with, by language (``switch_cues/``); case and curly apostrophes do not matter."""


@cache
def _pattern(lang: str) -> re.Pattern[str]:
    return re.compile(rf"[\W_]*+(?:{'|'.join(SWITCH_CUES[lang])})", re.IGNORECASE)


def switches(sentence: str, lang: str) -> bool:
    """Whether a sentence opens a new thought."""
    if lang not in SWITCH_CUES:
        raise PedagogyError(
            f"thought@1 knows no switch cues for language {lang!r}",
            f"it knows {', '.join(SWITCH_CUES)}; use paragraph@1 or sentence@1",
        )
    return bool(_pattern(lang).match(sentence[:240].replace("’", "'")))


def thoughts(text: str, sentences: list[Span], lang: str) -> list[Span]:
    """Half-open offsets of the thoughts, given the sentences."""
    found: list[Span] = []
    for start, end in sentences:
        if switches(text[start:end], lang) or not found:
            found.append((start, end))
        else:
            found[-1] = (found[-1][0], end)
    return found


SCHEMES = ("sentence@1", "paragraph@1", "thought@1")

SPAN = "span"
"""What a codebook gives as its unit whose coders draw spans of their own: no scheme."""

TraceSpan = tuple[str, int, int]
"""Trace id, start, end."""


@dataclass(frozen=True)
class Unitizer:
    """A scheme ready for use, picklable. ``lang``: instead of each trace's own.

    ``spans``: by trace id, the spans that are the units (`Unitizer.given`); a trace that is not there has no units.
    """

    scheme: str = "sentence@1"
    lang: str | None = None
    spans: Mapping[str, Sequence[Span]] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.spans is None:
            _check_scheme(self.scheme)
        if self.lang is not None:
            language_code(self.lang)

    @classmethod
    def given(cls, spans: Iterable[TraceSpan], lang: str | None = None) -> Unitizer:
        """The unitizer whose units are exactly these spans, under the scheme named after them."""
        every = list(spans)
        by_trace: dict[str, list[Span]] = defaultdict(list)
        for trace_id, start, end in every:
            by_trace[trace_id].append((start, end))
        return cls(given_scheme(every), lang, dict(by_trace))

    def __call__(self, trace: Trace) -> list[Unit]:
        """The units of one trace, in order."""
        with bounded_memory(self.lang or trace.lang):
            return self.with_doc(trace)[1]

    def with_doc(self, trace: Trace) -> tuple[Doc, list[Unit]]:
        """The units, and the tokens they were counted with, for who goes on to read them inside `bounded_memory`."""
        lang = self.lang or trace.lang
        doc = tokenize(trace.reasoning, lang)
        if self.spans is None:
            spans = _cut(trace.reasoning, self.scheme, lang)
        else:
            spans = sorted({(start, end) for start, end in self.spans.get(trace.id, ())})
        return doc, _units(trace, spans, self.scheme, doc)


def unitize(trace: Trace, scheme: str = "sentence@1", lang: str | None = None) -> list[Unit]:
    """Cut a trace's reasoning into units: ordered, disjoint, and only white space between them.

    ``lang`` (default: the trace's) is any language spaCy has; an unknown scheme or language is a `PedagogyError`.

    >>> [unit.text for unit in unitize(Trace(id="t", reasoning="So x = 3.5. Wait, is it?"))]
    ['So x = 3.5.', 'Wait, is it?']
    """
    return Unitizer(scheme, lang)(trace)


def given_scheme(spans: Iterable[TraceSpan]) -> str:
    """``given@`` and 12 hex digits of the spans, whatever their order."""
    unique = sorted({(trace_id, start, end) for trace_id, start, end in spans})
    return GIVEN + digest([list(span) for span in unique]).removeprefix("sha256:")[:12]


def given_units(trace: Trace, spans: Iterable[Span], scheme: str, lang: str | None = None) -> list[Unit]:
    """Units that are exactly these spans of the trace, in order; they may overlap, as spans of several coders do."""
    return Unitizer(scheme, lang, {trace.id: list(spans)})(trace)


def _check_scheme(scheme: str) -> None:
    if scheme.startswith(GIVEN):
        raise ArgumentError(
            f"scheme {scheme} means the spans of a file", "name the run that holds them: --units RUN"
        )
    if scheme == SPAN:
        raise ArgumentError(
            "the units of the codebook are spans that people draw",
            "name what is cut instead (--scheme sentence@1), or the run that holds their spans (--units RUN)",
        )
    if scheme not in SCHEMES:
        raise ArgumentError(f"no unit scheme is named {scheme!r}", did_you_mean(scheme, list(SCHEMES)))


def _cut(text: str, scheme: str, lang: str) -> list[Span]:
    if scheme == "paragraph@1":
        return paragraphs(text)
    found = sentences(text, lang)
    return thoughts(text, found, language_code(lang)) if scheme == "thought@1" else found


def _units(trace: Trace, spans: list[Span], scheme: str, doc: Doc) -> list[Unit]:
    """Spans with ids, texts and token counts; a span outside the text is an error."""
    import numpy as np

    length = len(trace.reasoning)
    for start, end in spans:
        if not 0 <= start < end <= length:
            raise PedagogyError(
                f"trace {trace.id}: span {start}–{end} does not lie in its reasoning of {length} characters",
                "offsets are code points, half-open, into the reasoning; import the file again with its quotes",
            )
    tokens = doc.to_array(["IDX", "IS_SPACE"]).reshape(-1, 2)
    starts = tokens[tokens[:, 1] == 0, 0]
    edges = np.array(spans, dtype=np.int64).reshape(-1, 2)
    counts = np.searchsorted(starts, edges[:, 1]) - np.searchsorted(starts, edges[:, 0])
    return made_units(trace, scheme, ((*span, n) for span, n in zip(spans, counts.tolist(), strict=True)))


def made_units(trace: Trace, scheme: str, cuts: Iterable[tuple[int, int, int]]) -> list[Unit]:
    """Units from starts, ends and numbers of tokens that are known already."""
    return [
        Unit(
            id=unit_id(trace.id, scheme, start, end),
            trace_id=trace.id,
            scheme=scheme,
            index=index,
            start=start,
            end=end,
            text=trace.reasoning[start:end],
            tokens=tokens,
        )
        for index, (start, end, tokens) in enumerate(cuts)
    ]
