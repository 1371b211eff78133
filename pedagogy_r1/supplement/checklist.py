"""A reporting checklist for a study in which a language model may have coded: filled in from what the runs recorded.

    model and version      runs/llm: openai:gpt-4.1, served as gpt-4.1-2025-04-14
    temperature and seed   runs/llm: temperature 0; seed 0
    ethics                 not known from the files

An item that the runs say nothing of says so: it is for the authors to fill in, and never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..formatting import counted, shown
from ..human.packet import Packet, drawn_in_words
from ..report.preregistration import find_registered, read_registered
from ..report.report_record import ReportRecord
from ..report.sections.methods import PARAMETER_WORDS
from ..runs.run import CoderRun

NOT_KNOWN = "not known from the files"

Answer = Iterator[str]


@dataclass(frozen=True)
class StudyFacts:
    """What an item may be filled in from. ``runs``: by their place in the study."""

    runs: dict[str, CoderRun]
    packets: dict[str, Packet]
    reports: dict[str, ReportRecord]
    texts: bool
    locks: tuple[str, ...]

    def asked(self) -> Iterator[tuple[str, CoderRun, dict[str, Any]]]:
        """Runs for which a language model was asked, with their parameters."""
        for name, run in self.runs.items():
            if run.manifest.usage.get("requests") or "model" in run.manifest.parameters:
                yield name, run, run.manifest.parameters

    def kind(self, kind: str) -> Iterator[tuple[str, CoderRun, list[str]]]:
        """Runs in which people (``human``) or machines coded, with their names."""
        for name, run in self.runs.items():
            if found := [coder.name for coder in run.manifest.coders if coder.kind == kind]:
                yield name, run, found


@dataclass(frozen=True)
class ChecklistItem:
    """``answers``: what the files say; none: `NOT_KNOWN`."""

    part: str
    item: str
    about: str
    answers: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For ``checklist.json``."""
        known = bool(self.answers)
        return {"part": self.part, "item": self.item, "about": self.about, "known": known, "answers": list(self.answers or (NOT_KNOWN,))}  # fmt: skip


NONE_ASKED = "no run of this study asked a language model"
OF_MODELS = ("Model and version", "Where it ran", "Prompt", "Temperature and seed", "Requests", "Cost")


def fill_in(facts: StudyFacts) -> list[ChecklistItem]:
    """All items, in order."""
    asked = any(True for _ in facts.asked())
    found = []
    for part, item, about, say in ITEMS:
        answers = tuple(dict.fromkeys(say(facts)))
        none = item in OF_MODELS and not asked
        found.append(ChecklistItem(part, item, about, (NONE_ASKED,) if none else answers))
    return found


def as_markdown(items: Sequence[ChecklistItem], title: str) -> str:
    """``checklist.md``"""
    known = sum(bool(one.answers) for one in items)
    lines = [
        f"# Reporting checklist: {title}\n",
        f"{known} of {len(items)} items are filled in from what the runs recorded. *{NOT_KNOWN}* is for the authors.",
    ]
    part = ""
    for one in items:
        if one.part != part:
            part = one.part
            lines.append(f"\n## {part}\n")
            if none := [
                other.item for other in items if other.part == part and other.answers == (NONE_ASKED,)
            ]:
                lines += [f"- **{'; '.join(none)}.**", f"    - {NONE_ASKED}"]
        if one.answers != (NONE_ASKED,):
            lines.append(f"- **{one.item}.** {one.about}")
            lines += [f"    - {answer}" for answer in one.answers or (f"*{NOT_KNOWN}*",)]
    return "\n".join(lines) + "\n"


# --- the models


def _model(facts: StudyFacts) -> Answer:
    for name, run, own in facts.asked():
        served = run.manifest.usage.get("served_models")
        called = ", ".join(served) if isinstance(served, dict) else ""
        yield f"{name}: {own.get('model', run.manifest.coder)}{f', served as {called}' if called else ''}"


def _served_by(facts: StudyFacts) -> Answer:
    for name, run, own in facts.asked():
        said = [
            f"{key.replace('_', ' ')} {_plain(own[key])}" for key in ("base_url", "backend") if own.get(key)
        ]
        if server := run.manifest.usage.get("server"):
            said.append(f"the server took {', '.join(f'{k} {v}' for k, v in dict(server).items())}")
        if said:
            yield f"{name}: {'; '.join(said)}"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _prompt(facts: StudyFacts) -> Answer:
    for name, _, own in facts.asked():
        if said := _named(own, "prompt", "codebook_form", "schema", "window", "context", "examples", "k"):
            yield f"{name}: {said}"


def _drawn(facts: StudyFacts) -> Answer:
    for name, run, own in facts.asked():
        said = _named(own, "temperature", "top_p", "repeats", "max_output_tokens", "reasoning_effort")
        seed = "" if run.manifest.seed is None else f"seed {run.manifest.seed}"
        if said or seed:
            yield f"{name}: {'; '.join(filter(None, (said, seed)))}"


def _named(own: dict[str, Any], *names: str) -> str:
    return "; ".join(f"{name.replace('_', ' ')} {own[name]}" for name in names if own.get(name) is not None)


def _requests(facts: StudyFacts) -> Answer:
    for name, run, _ in facts.asked():
        usage = run.manifest.usage
        if n := usage.get("requests"):
            faults = sum(dict(usage.get("faults", {})).values())
            yield f"{name}: {counted(n, 'request')}, {usage.get('retries', 0):,} of them again, {faults:,} without a usable reply"


def _cost(facts: StudyFacts) -> Answer:
    for name, run, _ in facts.asked():
        usage = run.manifest.usage
        if usage.get("prompt_tokens") or usage.get("completion_tokens"):
            yield (
                f"{name}: {usage.get('prompt_tokens', 0):,} tokens in ({usage.get('cached_tokens', 0):,} of them cached), "
                f"{usage.get('completion_tokens', 0):,} out; what they were paid with is not in the files"
            )


def _other_machines(facts: StudyFacts) -> Answer:
    asked = {name for name, _, _ in facts.asked()}
    for name, run, coders in facts.kind("machine"):
        if name not in asked:
            own = {k: v for k, v in run.manifest.parameters.items() if isinstance(v, str | int | float)}
            yield f"{name}: {', '.join(coders)} by {run.manifest.coder}; {'; '.join(f'{PARAMETER_WORDS.get(k, k)} {v}' for k, v in own.items()) or 'no parameters'}"


def _when(facts: StudyFacts) -> Answer:
    for name, run in facts.runs.items():
        yield f"{name}: {run.manifest.started[:10]} to {(run.manifest.finished or 'not finished')[:10]}"


# --- people, material, agreement


def _missing(facts: StudyFacts) -> Answer:
    for name, run in facts.runs.items():
        lost = run.manifest.counts.get("missing", {})
        said = ", ".join(f"{n:,} × {why}" for why, n in lost.items()) if isinstance(lost, dict) else ""
        yield f"{name}: {said or 'none is missing'}"


def _people(facts: StudyFacts) -> Answer:
    for name, run, coders in facts.kind("human"):
        yield f"{name}: {', '.join(coders)} ({run.manifest.coder})"


def _blind(facts: StudyFacts) -> Answer:
    for name, packet in facts.packets.items():
        m = packet.manifest
        yield f"{name}: coded from a packet that shows neither condition, model, correctness nor another's codes, each of {', '.join(m.coders)} in an order of their own"


def _trained(facts: StudyFacts) -> Answer:
    for name, packet in facts.packets.items():
        if n := packet.manifest.counts.get("practice_units"):
            yield f"{name}: {counted(n, 'unit')} to practise on, counted nowhere"


def _agreement(facts: StudyFacts) -> Answer:
    for name, report in facts.reports.items():
        for row in report.tables.get("alpha", {}).get("rows", [])[:12]:
            value, low, high = (row.get(key) for key in ("value", "low", "high"))
            span = f" [{shown(low)}, {shown(high)}]" if low is not None and high is not None else ""
            yield f"{name}: α of {row.get('coders')} {shown(value)}{span}"


def _validated(facts: StudyFacts) -> Answer:
    for name, report in facts.reports.items():
        yield from (f"{name}: {one.text}" for one in report.methods if one.head == "Correction")


def _codebook(facts: StudyFacts) -> Answer:
    for run in facts.runs.values():
        book = run.manifest.codebook
        yield f"{book.get('id')}@{book.get('version')}, {book.get('digest')}"


def _units(facts: StudyFacts) -> Answer:
    for name, run in facts.runs.items():
        counts = run.manifest.counts
        yield f"{name}: {counts.get('units', 0):,} units of {counts.get('traces', 0):,} traces, {run.manifest.scheme}"


def _sampling(facts: StudyFacts) -> Answer:
    for name, packet in facts.packets.items():
        m = packet.manifest
        how = "; ".join(drawn_in_words(m.drawn))
        yield f"{name}: {how}; seed {m.seed}; every unit's probability is in key/sample.csv"
    for name, report in facts.reports.items():
        if report.inclusion:
            yield f"{name}: probabilities as recorded in {report.inclusion.path}"


def _registered(facts: StudyFacts) -> Answer:
    for name, run in facts.runs.items():
        if path := find_registered(run.folder):
            found = read_registered(path)
            registered = found.record.registered
            yield f"{path.name}: registered {registered[:10]}, {found.digest}"
            if _instant(run.manifest.started) < _instant(registered):
                coders = ", ".join(
                    f"{coder.name}, a {_KIND.get(coder.kind, coder.kind)}" for coder in run.manifest.coders
                )
                yield f"{name} ({coders}) was begun {_time_in_words(run.manifest.started)}, before it was registered ({_time_in_words(registered)})"


_KIND = {"human": "person"}


def _instant(time: str) -> datetime:
    """When that was; UTC where no zone is named."""
    found = datetime.fromisoformat(time)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _time_in_words(time: str) -> str:
    return f"{_instant(time).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _locked(facts: StudyFacts) -> Answer:
    yield from facts.locks


def _shared(facts: StudyFacts) -> Answer:
    if facts.texts:
        yield "texts, units, codings and codebooks are in this archive; under which licence is for the authors to say"
    else:
        yield "texts are not in this archive: ids and sha256 of each; units (offsets), codings and codebooks are"


def _software(facts: StudyFacts) -> Answer:
    for name, report in facts.reports.items():
        yield f"{name}: {', '.join(f'{lib} {version}' for lib, version in report.versions.items())}; all in software.json"


def _again(_: StudyFacts) -> Answer:
    yield "pcode archive verify FILE rebuilds every number of the report from this archive, without a network"


def _nothing(_: StudyFacts) -> Answer:
    yield from ()


ITEMS: tuple[tuple[str, str, str, Callable[[StudyFacts], Answer]], ...] = (
    ("The model", "Model and version", "Which model, and what its server called it.", _model),
    ("The model", "Where it ran", "Server, address, and what it was sent.", _served_by),
    ("The model", "Prompt", "Version of the prompt, window, context, examples; the words are in the ledger.", _prompt),
    ("The model", "Temperature and seed", "How replies were drawn, and how many for a unit.", _drawn),
    ("The model", "Requests", "How many, how many again, how many in vain.", _requests),
    ("The model", "Cost", "Tokens, and what they cost.", _cost),
    ("The model", "Other machine coders", "Rules and learned coders, and what they were made from.", _other_machines),
    ("The model", "Dates", "When each run was made: served models change.", _when),
    ("The model", "What it may have seen", "Whether the texts or the codes may be in the model's training data.", _nothing),
    ("Coding", "Codebook", "Version and digest of what was coded with.", _codebook),
    ("Coding", "Units", "How texts were cut, and how many there are.", _units),
    ("Coding", "Missing codings", "How many, and why; never counted as a code.", _missing),
    ("Coding", "Who coded", "People, and by which tool.", _people),
    ("Coding", "Their training", "Practice, and what they knew before.", _trained),
    ("Coding", "Blindness", "What coders could not see.", _blind),
    ("Coding", "Who they are", "Expertise, pay, relation to the authors.", _nothing),
    ("Sample", "Sampling", "How units were drawn, with which probabilities.", _sampling),
    ("Sample", "Where the texts come from", "Their source, its terms, and whom they are about.", _nothing),
    ("Validity", "Agreement", "Of people with each other, and of the machine with people.", _agreement),
    ("Validity", "Human validation", "How the machine's errors were corrected with people's codes.", _validated),
    ("Validity", "Locked part", "Traces on which nothing was developed, and how often they were looked at.", _locked),
    ("Validity", "Preregistration", "What was settled before, and its digest.", _registered),
    ("Openness", "Data", "What is shared, and what is not.", _shared),
    ("Openness", "Software", "Versions of what could move a number.", _software),
    ("Openness", "Can it be repeated", "What rebuilds the numbers.", _again),
    ("Openness", "Ethics", "Consent, review board, personal data.", _nothing),
    ("Openness", "Use of language models in writing", "Whether any wrote part of the paper or the code.", _nothing),
)  # fmt: skip
