"""Does a coder read the codebook? The same units coded again under a codebook changed on purpose.

    report = stress("schoen", "traces.jsonl", "stress", coder="llm", model="openai:…")

    again        nothing changed, another seed: how much changes by itself
    reversed     the codes in the opposite order                          first codes should stay
    shuffled     the codes in a random order                              first codes should stay
    labels       C1, C2 … for ids and names                               first codes should stay
    swap         the definitions of the two commonest codes changed       first codes should follow the definitions
    exclusion    units of the commonest code with a certain word are the next code's     they should go there
    instruction  the question says to code everything as the rarest code                  nobody should obey
    legal        in all these runs only codes of the codebook
    recall       which code a definition is of, and the other way round (`codebook_recall`)

After Halterman & Keith (2025), "Codebook LLMs", *Political Analysis*; arXiv:2407.10747. Each coding is a run of its own in
``FOLDER/runs``, made by `annotate`, so that what was killed is taken up; so are the answers of ``recall``. What is changed depends on the codes that the coder
gives to the codebook as it is, and on nothing else that varies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..asking import FILE, NothingUsableError
from ..codebook import NONE, Codebook
from ..codebook.snapshot import dump_codebook
from ..estimate import Estimate, Resampling, clustered, quotient
from ..files.records import Row, read_jsonl, write_jsonl, write_text
from ..formatting import counted
from ..job import Status
from ..limits import FEWEST_STRESSED, LEAST_LEGAL, LEAST_RECALLED, MOST_CHANGED
from ..runs.run import CoderRun
from .annotate import Notice, Progress, execute, plan, prepare
from .codebook_recall import CodebookRecall
from .coders.llm import LlmCoder
from .stress_change import (
    DID,
    Answer,
    Answers,
    Change,
    dividing_word,
    follows_exclusion,
    follows_swap,
    obeys,
    stays,
)
from .stress_report import StressReport, StressResult

AS_IS, BOOKS, RUNS, RECALL, INSTRUCTION = "as_is", "books", "runs", "recall", "instruction.jsonl"
NAMES = ("again", "reversed", "shuffled", "labels", "swap", "exclusion", "instruction")
"""Tests that need a run of their own, in order."""

ILLEGAL = "bad_code"
"""Why a coding is missing where a code was none of the codebook's (`prompt_and_reply.WHY`)."""
BROKEN_OFF = "broken_off"
"""Why it is missing where the run was broken off before."""

_RULES = "the rules read each code's cues, not"
_BOUND = "a learned coder is bound to the text of the codebook that it was fitted under; another is refused"
_NOT_FOR: dict[str, dict[str, str]] = {
    "cues": {
        "again": "rules give the same codes each time",
        **dict.fromkeys(("reversed", "shuffled"), f"{_RULES} their order, which decides ties alone"),
        "labels": f"{_RULES} labels and names",
        **dict.fromkeys(("swap", "exclusion"), f"{_RULES} definitions and exclusions: they cannot follow them"),
        RECALL: "rules answer no question",
    },
    "learned": {
        "again": "a fitted coder gives the same codes each time",
        **dict.fromkeys(NAMES[1:6], _BOUND),
        "instruction": "it weighs words and has no way to obey a sentence",
        RECALL: "it weighs words of units and answers no question",
    },
}  # fmt: skip
"""Tests that make no sense for a coder, and why."""


_Hit = tuple[str, bool]
"""A trace, and whether a unit of it did what is counted."""


@dataclass(frozen=True)
class StressStopped:
    """The tests ended early: one of the runs did, and why."""

    status: Status
    why: str | None


class _Stopped(Exception):
    """A run ended early."""

    def __init__(self, status: Status, why: str | None) -> None:
        super().__init__(status)
        self.ended = StressStopped(status, why)


@dataclass(frozen=True)
class CodebookStress:
    """A coder to be tested: what `annotate.prepare` is given, but the place; ``how``: the intervals."""

    codebook: str | Path
    traces: Path
    out: Path
    given: Mapping[str, Any]
    how: Resampling = Resampling()

    def plan(self) -> dict[str, Any]:
        """What all runs would cost: that of the codebook as it is, times the runs."""
        job = prepare(self.traces, self.out / RUNS / AS_IS, codebook=self.codebook, **self.given)
        runs = 1 + sum(not self._not_for(name) for name in NAMES)
        one = plan(job)
        times = ("units", "tokens", "requests", "answered_already", "prompt_tokens", "cached_tokens", "completion_tokens")  # fmt: skip
        found = {"runs": runs} | {
            name: value * runs if name in times else value for name, value in one.items()
        }
        recall = self._recall(job.book)
        more = {} if isinstance(recall, str) else recall.plan()
        return {name: value + more.get(name, 0) if name in more else value for name, value in found.items()}

    def run(
        self, progress: Progress | None = None, notice: Notice | None = None
    ) -> StressReport | StressStopped:
        """Code under each codebook and compare. Returns how it was stopped instead, where a run ended early."""
        try:
            return self._run(progress, notice)
        except _Stopped as stopped:
            return stopped.ended

    def _run(self, progress: Progress | None, notice: Notice | None) -> StressReport:
        wanted = [name for name in NAMES if not self._not_for(name)]
        code = _StressRuns(self, progress, notice, len(wanted) + 1)
        first = code(AS_IS)
        book, as_is = first.codebook, _answers(first)
        every: list[Answers] = [as_is]
        results: list[StressResult] = []
        for name in NAMES:
            found = self._not_for(name) or self._change(name, book, as_is)
            if isinstance(found, Change) and (few := _few(found, as_is)):
                results.append(StressResult(name, found.did, why_not=few))
                continue
            if isinstance(found, str):
                results.append(StressResult(name, DID[name], why_not=found))
                continue
            after = code.changed(name, found, as_is)
            every.append(after)
            results.append(self._compared(name, found, as_is, after))
        results += [self._legal(every), self._recalled(book)]
        counts, coder = first.manifest.counts, first.manifest.coders[0].name
        settings = dict(first.manifest.parameters)
        return StressReport(book.stamp, coder, counts["traces"], counts["units"], tuple(results), settings)

    def _recall(self, book: Codebook) -> CodebookRecall | str:
        """What is asked of the model about the definitions, or why nothing is."""
        if why := self._not_for(RECALL):
            return why
        folder = self.out / RUNS / RECALL
        coder = prepare(self.traces, folder, codebook=self.codebook, **self.given).coder
        if not isinstance(coder, LlmCoder):
            return "the coder answers no question"
        found = CodebookRecall(coder, book, folder, int(self.given.get("seed", 0)))
        return found.why_not() or found

    def _recalled(self, book: Codebook) -> StressResult:
        recall = self._recall(book)
        if isinstance(recall, str):
            return StressResult(RECALL, DID[RECALL], why_not=recall)
        answers, status, why = recall.ask()
        if status != "complete":
            raise _Stopped(status, why)
        said = [(one.code, one.right) for one in answers if one.right is not None]
        left = len(answers) - len(said)
        if len(said) < FEWEST_STRESSED:
            few = f"{counted(len(said), 'answer')}, and with fewer than {FEWEST_STRESSED} nothing is said"
            return StressResult(RECALL, DID[RECALL], why_not=few, missing=left)
        share = self._share(said, over="codes")
        return StressResult(RECALL, DID[RECALL], "right", share, at_least=LEAST_RECALLED, missing=left)

    def _not_for(self, name: str) -> str | None:
        coder, form = self.given.get("coder", ""), self.given.get("codebook_form")
        if name == "exclusion" and form == "names":
            return "with --codebook-form names the model is shown no exclusions"
        return _NOT_FOR.get(coder, {}).get(name)

    def _change(self, name: str, book: Codebook, as_is: Answers) -> Change | str:
        """What the test does, or why it cannot be done."""
        if name == "again":
            return Change(DID[name], "changed by themselves", lambda was, now: was.code != now)
        if name in ("reversed", "shuffled", "labels"):
            return stays(name, book, int(self.given.get("seed", 0)))
        number = Counter(one.code for one in as_is.values() if one.code not in (None, NONE))
        common = sorted(book.code_ids, key=lambda code: -number[code])
        if name == "instruction":
            return obeys(common[-1])
        if len(common) < 2 or not number[common[1]]:
            return "under the codebook as it is the coder gave one code alone"
        if name == "swap":
            return follows_swap(book, common[0], common[1])
        texts = [(one.trace, one.text) for one in as_is.values() if one.code == common[0]]
        return follows_exclusion(book, common[0], common[1], dividing_word(texts))

    def _compared(self, name: str, change: Change, as_is: Answers, after: Answers) -> StressResult:
        pairs = [(was, after[unit].code) for unit, was in as_is.items()]
        both = [(was, now) for was, now in pairs if was.code is not None and now is not None]
        hits = list(_hits(change.hits, both))
        illegal = sum(one.missing == ILLEGAL for one in after.values())
        asked = sum(one.missing != BROKEN_OFF for one in after.values())
        if len(hits) < FEWEST_STRESSED and (illegal >= FEWEST_STRESSED or asked < len(pairs)):
            broke = f"{illegal} of {counted(asked, 'unit')} got no label of the codebook"
            broke += "" if asked == len(pairs) else ", after which no more was asked"
            return StressResult(name, change.did, broke=broke, missing=len(pairs) - len(both))
        if len(hits) < FEWEST_STRESSED:
            return StressResult(
                name, change.did, why_not=_few_words(len(hits)), missing=len(pairs) - len(both)
            )
        beside = list(_hits(change.others, both)) if change.others else []
        others = self._share(beside) if len(beside) >= FEWEST_STRESSED else None
        return StressResult(
            name,
            change.did,
            change.counted,
            self._share(hits),
            at_least=change.at_least,
            at_most=change.at_most,
            missing=len(pairs) - len(both),
            others=others,
            others_at_most=MOST_CHANGED if others else None,
        )

    def _legal(self, every: Sequence[Answers]) -> StressResult:
        said = [one for answers in every for one in answers.values()]
        asked = [(one.trace, one.missing != ILLEGAL) for one in said if one.missing in (None, ILLEGAL)]
        left = len(said) - len(asked)
        if not asked:
            return StressResult("legal", DID["legal"], why_not="no unit was coded", missing=left)
        words = "were of the codebook"
        return StressResult(
            "legal", DID["legal"], words, self._share(asked), at_least=LEAST_LEGAL, missing=left
        )

    def _share(self, hits: Sequence[_Hit], over: str = "traces") -> Estimate:
        columns = [[float(hit) for _, hit in hits], [1.0] * len(hits)]
        return clustered(columns, [one for one, _ in hits], quotient, self.how, scale="share", over=over)


class _StressRuns:
    """Codes under one codebook after the other, with one progress for all of them."""

    def __init__(
        self, stress: CodebookStress, progress: Progress | None, notice: Notice | None, runs: int
    ) -> None:
        self.stress, self.progress, self.notice, self.runs, self.done = stress, progress, notice, runs, 0

    def __call__(self, name: str, change: Change | None = None) -> CoderRun:
        """Raises `_Stopped` for a run that ended early."""
        stress, given = self.stress, dict(self.stress.given)
        traces, book = stress.traces, stress.codebook
        if change and change.book:
            book = stress.out / BOOKS / f"{name}.yaml"
            write_text(book, dump_codebook(change.book))
        if change and change.question:
            traces = stress.out / INSTRUCTION
            write_jsonl(traces, _instructed(stress.out / RUNS / AS_IS, change.question))
        if name == NAMES[0]:
            given["seed"] = int(given.get("seed", 0)) + 1
        job = prepare(traces, stress.out / RUNS / name, codebook=book, **given)
        if name == AS_IS:
            write_text(stress.out / BOOKS / f"{name}.yaml", dump_codebook(job.book))
        total = job.total
        shown: Progress | None = None
        if bar := self.progress:
            before = self.done * total
            shown = lambda done, _: bar(before + done, total * self.runs)  # noqa: E731 - one line, as it is short
        run = execute(job, progress=shown, notice=self.notice, restart=bool(given.get("retry_missing")))
        self.done += 1
        if run.manifest.status != "complete":
            raise _Stopped(run.manifest.status, run.manifest.stopped_why)
        return run

    def changed(self, name: str, change: Change, as_is: Answers) -> Answers:
        """What is said of the units after the change. A model that writes no label of the codebook in its first requests is asked no
        further; whatever else breaks a run off is no answer, and is raised."""
        try:
            return _answers(self(name, change))
        except NothingUsableError as error:
            if error.reasons.keys() != {ILLEGAL}:
                raise
        self.done += 1
        asked = _asked(self.stress.out / RUNS / name)
        return {
            unit: was._replace(code=None, missing=ILLEGAL if (was.trace, was.number) in asked else BROKEN_OFF)
            for unit, was in as_is.items()
        }


def _asked(folder: Path) -> set[tuple[str, int]]:
    """Trace and number of the units that a run without an answer of use asked about."""
    found: set[tuple[str, int]] = set()
    for row in read_jsonl(folder / FILE):
        if isinstance(row, Row) and row.data.get("kind") in ("reply", "fault"):
            about = row.data["about"]
            first, last = about["units"]
            found.update((about["trace"], number) for number in range(first, last + 1))
    return found


def _instructed(as_is: Path, words: str) -> Iterator[dict[str, Any]]:
    """The traces of the run, each question followed by ``words``; units and their ids stay."""
    for trace in CoderRun(as_is).traces():
        asked = trace.model_copy(update={"question": f"{trace.question}\n\n{words}".strip()})
        yield asked.model_dump(mode="json", exclude_defaults=True)


def _answers(run: CoderRun) -> dict[str, Answer]:
    """By unit: what the run's first coder said."""
    name, found = run.manifest.coders[0].name, {}
    for trace, units, codings in run.by_trace():
        said = {coding.unit_id: coding for coding in codings if coding.coder == name}
        for unit in units:
            coding = said[unit.id]
            found[unit.id] = Answer(trace.id, unit.index, unit.text, coding.primary, coding.missing_reason)
    return found


def _few(change: Change, as_is: Answers) -> str | None:
    """Why the change is not worth a run: too few units that it speaks of."""
    coded = [(was, was.code) for was in as_is.values() if was.code is not None]
    number = sum(1 for _ in _hits(change.hits, coded))
    return _few_words(number) if number < FEWEST_STRESSED else None


def _few_words(number: int) -> str:
    return f"{counted(number, 'unit')} to look at, and with fewer than {FEWEST_STRESSED} nothing is said"


def _hits(
    counts: Callable[[Answer, str], bool | None], pairs: Iterable[tuple[Answer, str]]
) -> Iterator[_Hit]:
    for was, now in pairs:
        if (hit := counts(was, now)) is not None:
            yield was.trace, hit


def stress(
    codebook: str | Path, traces: str | Path, out: str | Path, *, how: Resampling = Resampling(), **given: Any
) -> StressReport | StressStopped:
    """All tests; see the module. ``given``: as for `annotate` (coder, model, units, …)."""
    return CodebookStress(codebook, Path(traces), Path(out), given, how).run()
