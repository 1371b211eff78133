"""The rule-based coder: from cues, vetoes and repetition to codes, the same for any number of workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.codebook import Codebook, load_codebook, parse_codebook
from pedagogy_r1.coding import Context, Outcome
from pedagogy_r1.coding.coders.cues import CHUNK, CuesCoder, coder
from pedagogy_r1.coding.cue_index import CueIndex
from pedagogy_r1.coding.trace_words import TraceWords, repeated, word_runs
from pedagogy_r1.errors import PedagogyError, RunError
from pedagogy_r1.runs.run import Coding
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import Unit, Unitizer
from pedagogy_r1.unit.language import pipeline, tokenize

BOOK = """
id: tiny
version: 1.0.0
title: A book for tests
fallback: WORK
families: [{id: F, name: All}]
codes:
- {id: DOUBT, name: doubt, family: F, short: s, definition: d,
   cues: ["^ wait", {cue: "contradicts|contradict", weight: 1.5}, "am i .. right|wrong ?"],
   rules: [{against: PLAN, rule: a mere next step, unless: ["^ wait [,] let me|us"]}]}
- {id: PLAN, name: plan, family: F, short: s, definition: d, cues: ["let me|us [just] check", "let's"]}
- {id: RESULT, name: result, family: F, short: s, definition: d, cues: ["is # $", {cue: "so the answer is", weight: 1.3}]}
- {id: ECHO, name: echo, family: F, short: s, definition: d, features: {stem_overlap: 0.6, self_repetition: 0.6}}
- {id: WORK, name: work, family: F, short: s, definition: d}
"""
QUESTION = "Find the height of a right circular cylinder with volume 432."


def book(**changes: Any) -> Codebook:
    return Codebook.model_validate(parse_codebook(BOOK).model_dump() | changes)


def run(
    traces: list[Trace], codebook: Codebook | None = None, workers: int = 1, unitize: Unitizer | None = None
) -> tuple[list[tuple[Trace, list[Unit], list[Coding]]], Outcome]:
    emitted: list[tuple[Trace, list[Unit], list[Coding]]] = []
    made = coder(Context(codebook or book(), "r-1", Path()), workers=workers)
    outcome = made.code(traces, unitize or Unitizer(), lambda *finished: emitted.append(finished))
    return emitted, outcome


def code(
    reasoning: str, codebook: Codebook | None = None, question: str = "", lang: str = "en"
) -> list[Coding]:
    ((_, _, codings),), _ = run([Trace(id="t", question=question, reasoning=reasoning, lang=lang)], codebook)
    return codings


@pytest.mark.parametrize(
    ("sentence", "codes", "evidence"),
    [
        ("Wait, that is odd.", ("DOUBT",), "Wait"),
        ("**Wait**, that is odd.", ("DOUBT",), "Wait"),
        ("- “Wait, that is odd.”", ("DOUBT",), "Wait"),
        ("1. Wait, that is odd.", ("DOUBT",), "Wait"),
        ("I wait for the bell.", ("WORK",), None),
        ("That CONTRADICTS the graph.", ("DOUBT",), "CONTRADICTS"),
        ("Am I really quite sure or wrong?", ("WORK",), None),  # five words in a gap of three
        ("Am I right?", ("DOUBT",), "Am I right?"),
        ("Am I really quite wrong?", ("DOUBT",), "Am I really quite wrong?"),
        ("Let me just check.", ("PLAN",), "Let me just check"),
        ("Let  me\tcheck.", ("PLAN",), "Let  me\tcheck"),
        ("Let's go.", ("PLAN",), "Let's"),
        ("Let’s go.", ("PLAN",), "Let’s"),
        ("Wait, let me check.", ("PLAN",), "let me check"),
        ("The height is 18.", ("RESULT",), "is 18"),
        ("The height is \\(x\\) or is 18 **.**", ("RESULT",), "is 18"),
        ("The height is 18 or so.", ("WORK",), None),
        ("So the answer is 18.", ("RESULT",), "So the answer is"),
        ("Wait, so the answer is not it.", ("RESULT", "DOUBT"), "so the answer is"),
        ("Wait, the height is 18.", ("DOUBT", "RESULT"), "Wait"),
        ("Wait, so the answer is 18.", ("RESULT",), "so the answer is"),  # 1 < .75 · 2.3
        ("Let me check whether the height is 18.", ("PLAN", "RESULT"), "Let me check"),
        ("Six times three.", ("WORK",), None),
    ],
)
def test_codes(sentence: str, codes: tuple[str, ...], evidence: str | None) -> None:
    (coding,) = code(sentence)
    assert (coding.codes, coding.evidence) == (codes, evidence)


def test_what_a_coding_says() -> None:
    first, second = code("Wait, that contradicts it. Fine.")
    assert (first.coder, first.run_id, first.codebook) == ("cues", "r-1", book().stamp)
    assert first.confidence == round(2.5 / 3.5, 3)
    assert first.rationale == "DOUBT: cue '^ wait', cue 'contradicts|contradict'"
    assert (second.confidence, second.rationale) == (0.2, "no cue fired; the codebook's fallback")


def test_one_code_where_the_book_allows_one() -> None:
    (coding,) = code("Wait, the height is 18.", book(max_codes=1))
    assert coding.codes == ("DOUBT",)


def test_none_without_a_fallback() -> None:
    (coding,) = code("Six times three.", book(fallback=None, exhaustive=False))
    assert (coding.codes, coding.primary, coding.evidence) == ((), "none", None)


def test_a_veto_passes_the_code_on() -> None:
    (coding,) = code("Wait, let me think.")
    assert coding.codes == ("PLAN",)
    assert coding.rationale == "PLAN: not DOUBT by its rule against PLAN"
    assert coding.evidence == "Wait"


def test_a_veto_of_the_fallback() -> None:
    codes = [c.model_dump() for c in book().codes]
    codes[4]["rules"] = [{"against": "RESULT", "rule": "a bare number", "unless": ["^ # $"]}]
    assert [c.codes for c in code("Eighteen.\nGo.", book(codes=codes))] == [("RESULT",), ("WORK",)]


def test_repetition_of_the_question() -> None:
    codings = code(
        "I need the height of a right circular cylinder. A cylinder has height.", question=QUESTION
    )
    assert [c.codes for c in codings] == [("ECHO",), ("WORK",)]
    assert codings[0].evidence == "the height of a right circular cylinder"
    assert codings[0].rationale == "ECHO: 78% of its words repeat the question"


def test_repetition_of_earlier_units() -> None:
    codings = code(
        "Six times three is now eighteen feet. Go on. So six times three is now eighteen feet! Go on."
    )
    assert [c.codes for c in codings] == [("WORK",), ("WORK",), ("ECHO",), ("WORK",)]
    assert codings[2].evidence == "six times three is now eighteen feet"
    assert codings[2].rationale == "ECHO: 88% of its words repeat earlier units"


def test_single_words_of_the_question() -> None:
    """Notes give the item back in no run of its words; one word alone is no repeat."""
    codes = [c.model_dump() for c in book().codes]
    codes[3]["features"] = {"item_words": 0.75}
    noting = book(codes=codes)
    codings = code("Cylinder, circular, volume. The cylinder. Cylinder, red paint.", noting, QUESTION)
    assert [c.codes for c in codings] == [("ECHO",), ("WORK",), ("WORK",)]
    assert codings[0].evidence == "Cylinder, circular, volume"
    assert codings[0].rationale == "ECHO: 100% of its content words are the question's"
    assert [c.codes for c in code("Cylinder, circular, volume.", noting)] == [("WORK",)]  # no question


def test_runs_and_shares() -> None:
    seen = set(word_runs([1, 2, 3, 4, 5, 9, 9, 6, 7, 8], 3))
    assert repeated(word_runs([1, 2, 3, 4, 0, 6, 7, 8], 3), seen, 3) == (7 / 8, 0, 4)
    assert repeated(word_runs([0, 0, 0], 3), seen, 3).share == 0
    assert repeated(word_runs([1, 2], 3), seen, 3).share == 0


def test_other_languages() -> None:
    codes = [c.model_dump() for c in book().codes]
    codes[0]["cues"] = ["^ 잠깐"]
    korean = book(codes=codes, lang="ko")
    assert [c.codes for c in code("잠깐, 이건 아니다. 계속하자.", korean, lang="ko")] == [
        ("DOUBT",),
        ("WORK",),
    ]


def test_the_index_finds_what_the_matcher_alone_finds() -> None:
    """Filing cues under words is an optimisation; it must not lose or add a match."""
    from spacy.matcher import Matcher

    from pedagogy_r1.codebook.cue import matcher_patterns, parse_cue

    cues = ["a [b] .. c", "a .. b .. a", "# a", "[b] a|d [c] [c] e", "* a *", "a a", "let's .. a", "a|let's [b] c", ".. a".removeprefix(".. "), "? a", "[b] .. c", "a .. [b]", "# .. #", "a ..2 [b|let's] ..2 c", "* #", "[a] #"]  # fmt: skip
    codes = [{"id": "X", "name": "x", "family": "F", "short": "s", "definition": "d", "cues": cues}]
    nlp = pipeline("en")
    index = CueIndex(book(codes=codes, fallback=None), nlp)
    matchers = {cue: Matcher(nlp.vocab) for cue in cues}
    for cue, matcher in matchers.items():
        matcher.add(
            "cue", matcher_patterns(parse_cue(cue), lambda word: [t.lower_ for t in nlp.tokenizer(word)])
        )
    fired = 0
    words = ["a", "b", "c", "d", "e", "let's", "?", "7"]
    for number in range(3000):
        text = " ".join(words[(number * 7919 // 8**k) % 8] for k in range(6))
        doc = tokenize(text, "en")
        found = {
            f.cue.text: (f.start, f.end) for f in index.fired(TraceWords(doc).within(0, len(text), text))
        }
        expected = {}
        for cue, matcher in matchers.items():
            if matches := [(a - z, a, z) for _, a, z in matcher(doc)]:
                expected[cue] = min(matches)[1:]
        assert found == expected, text
        fired += len(found)
    assert fired > 3000


def traces(number: int) -> list[Trace]:
    """Long enough for several chunks."""
    sentences = [
        "Wait, that contradicts it.",
        "Let me check.",
        "The height is 18.",
        "I need the height of a right circular cylinder.",
        "Also, six times {} is seven.",
    ]
    return [
        Trace(
            id=f"t{n}",
            question=QUESTION,
            reasoning="\n".join(s.format(n + m) for m in range(n * 16) for s in sentences),
        )
        for n in range(number)
    ]


def test_any_number_of_workers_gives_the_same() -> None:
    given = traces(20)
    assert sum(len(trace.reasoning) for trace in given) > 5 * CHUNK
    alone, outcome = run(given)
    assert [trace.id for trace, _, _ in alone] == [trace.id for trace in given]
    assert outcome == Outcome()
    assert run(given)[0] == alone
    assert run(given, workers=2) == (alone, Outcome())


def test_units_and_codings_go_together() -> None:
    ((_, units, codings),), _ = run(
        [Trace(id="t", reasoning="Wait. Go on.\n\nStop.")], unitize=Unitizer("paragraph@1")
    )
    assert [(u.text, c.unit_id == u.id) for u, c in zip(units, codings, strict=True)] == [
        ("Wait. Go on.", True),
        ("Stop.", True),
    ]


def test_a_trace_without_units_is_emitted_too() -> None:
    emitted, _ = run([Trace(id="t")])
    assert emitted == [(Trace(id="t"), [], [])]


def test_any_callable_unitizes() -> None:
    trace = Trace(id="t", reasoning="Wait. Go.")
    made = coder(Context(book(), "r-1", Path()))
    emitted: list[Coding] = []
    made.code([trace], lambda t: Unitizer()(t), lambda _t, _u, codings: emitted.extend(codings))
    assert [c.codes for c in emitted] == [("DOUBT",), ("WORK",)]


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupt_ends_between_two_traces(workers: int) -> None:
    given = traces(30)
    emitted: list[str] = []

    def emit(trace: Trace, units: list[Unit], codings: list[Coding]) -> None:
        emitted.append(trace.id)
        assert len(units) == len(codings)
        if trace.id == "t3":
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    outcome = coder(Context(book(), "r", Path()), workers=workers).code(given, Unitizer(), emit)
    assert outcome == Outcome(interrupted=True)
    assert emitted[:4] == ["t0", "t1", "t2", "t3"]
    assert emitted == [trace.id for trace in given[: len(emitted)]]
    assert len(emitted) < len(given)
    assert signal.getsignal(signal.SIGINT) is before


class Deadly:
    """A unitizer whose worker is killed, as by the kernel when memory runs out."""

    def __call__(self, trace: Trace) -> list[Unit]:
        os.kill(os.getpid(), signal.SIGKILL)
        return []


def test_a_worker_that_dies_is_said() -> None:
    with pytest.raises(RunError, match=r"worker process died[\s\S]*fewer --workers"):
        coder(Context(book(), "r", Path()), workers=2).code(traces(3), Deadly(), lambda *_: None)


class Failing:
    """A unitizer that raises."""

    def __call__(self, trace: Trace) -> list[Unit]:
        raise PedagogyError("no units today", "come back tomorrow")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_keeps_its_hint(workers: int) -> None:
    with pytest.raises(PedagogyError, match=r"no units today[\s\S]*tomorrow"):
        coder(Context(book(), "r", Path()), workers=workers).code(traces(3), Failing(), lambda *_: None)


def test_traces_are_read_as_they_are_needed() -> None:
    read = 0

    def source() -> Iterator[Trace]:
        nonlocal read
        for trace in traces(10):
            read += 1
            yield trace

    ahead: list[int] = []
    coder(Context(book(), "r", Path())).code(source(), Unitizer(), lambda *_: ahead.append(read - len(ahead)))
    assert max(ahead) == 1


def test_options() -> None:
    made = coder(Context(book(), "r", Path()), workers=4)
    assert made == CuesCoder(Context(book(), "r", Path()), 4)
    assert [(info.name, info.kind) for info in made.coders] == [("cues", "machine")]
    assert made.parameters == coder(Context(book(), "r", Path())).parameters
    assert made.parameters["algorithm"] == "cues@1"
    assert "baseline" in made.parameters["about"]
    with pytest.raises(PedagogyError, match="at least 1"):
        coder(Context(book(), "r", Path()), workers=0)


@pytest.mark.parametrize("name", ["schoen", "schoenfeld"])
def test_shipped_books_code_their_own_hits(name: str) -> None:
    """Better than always saying the most frequent code. The cues were written with the hits in view: no estimate."""
    shipped = load_codebook(name)
    hits = [(code.id, hit.text) for code in shipped.codes for hit in code.hits]
    given = [Trace(id=str(number), reasoning=text) for number, (_, text) in enumerate(hits)]
    spans = Unitizer.given((trace.id, 0, len(trace.reasoning)) for trace in given)
    emitted, _ = run(given, shipped, unitize=spans)
    found = sum(
        codings[0].primary == code_id for (code_id, _), (_, _, codings) in zip(hits, emitted, strict=True)
    )
    majority = max(sum(code_id == other for other, _ in hits) for code_id in shipped.code_ids)
    assert found > 2 * majority
    for _, units, codings in emitted:
        assert codings[0].evidence is None or codings[0].evidence in units[0].text


def test_real_traces(shared: Path) -> None:
    from ..unit.test_unit import real_traces

    given = list(real_traces(shared))[::6]
    emitted, _ = run(given, load_codebook("schoen"))
    assert [trace.id for trace, _, _ in emitted] == [trace.id for trace in given]
    for _, units, codings in emitted:
        assert [coding.unit_id for coding in codings] == [unit.id for unit in units]
        for unit, coding in zip(units, codings, strict=True):
            assert coding.evidence is None or coding.evidence in unit.text


@pytest.mark.parametrize("name", ["schoen", "schoenfeld"])
@pytest.mark.parametrize("lang", ["zh", "ko", "de"])
def test_no_cue_is_tried_in_another_language(name: str, lang: str) -> None:
    codings = code("Wait, is that right? Let me check.", load_codebook(name), lang=lang)
    assert {(c.codes, c.missing_reason, c.evidence) for c in codings} == {
        (None, f"codebook's cues are en, trace is {lang}", None)
    }


def test_features_decide_in_another_language() -> None:
    question = "Berechne die Höhe eines geraden Zylinders mit Volumen 432."
    codings = code("Die Höhe eines geraden Zylinders. Wait, so.", question=question, lang="de")
    assert [c.codes for c in codings] == [("ECHO",), None]
    assert (
        codings[0].rationale
        == "ECHO: 100% of its words repeat the question; codebook's cues are en, trace is de: no cue was tried"
    )


def test_the_language_given_for_all_traces_counts() -> None:
    given = [Trace(id="t", reasoning="Wait, no.", lang="zh")]
    ((_, _, codings),), _ = run(given, unitize=Unitizer(lang="en-GB"))
    assert codings[0].codes == ("DOUBT",)


def test_a_book_of_any_language_has_cues_for_all() -> None:
    for lang in ("en", "de", "zh"):
        assert code("Wait, no.", book(lang="xx"), lang=lang)[0].codes == ("DOUBT",)


def test_what_is_tallied() -> None:
    made = coder(Context(book(), "r", Path()))
    assert made.tally(code("Wait. Six times three. Fine."), "en-US") == {"fallback": 2}
    none = code("Six times three.", book(fallback=None, exhaustive=False))
    assert made.tally(none, "en") == {"fallback": 1}
    foreign = code("Wait. Fine.", lang="zh")
    assert made.tally(foreign, "zh") == {"fallback": 0, "foreign_traces: zh": 1}
    assert coder(Context(book(lang="xx"), "r", Path())).tally([], "zh") == {"fallback": 0}
