"""``learned``: a coder that was learned from codings; ``--coder learned:coders/mine``. No server; without an encoder numpy alone.

coder(context, path="coders/mine")
coder(context, path="coders/mine", error=.10, confidence=.90)      units it is not sure of are left open (`deferral`)
coder(context, path="coders/mine", encoder="models/minilm")        where the encoder lies now that it was fitted with (torch, transformers)

Of a trace that it was trained on it says what was said of it out of fold, by a model that had not seen its item. A trace in
a language that it did not learn is missing, with that reason. Another codebook than its own is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...codebook import Codebook
from ...errors import ArgumentError, InputError
from ...runs.locked_part import plain_text, text_key
from ...runs.run import DEFERRED, CoderInfo, Coding
from ...trace import Trace, Unit
from ...workers import interrupts
from .. import Context, Emit, Outcome, Unitizer
from ..annotate import shipped_coder
from ..learned.coded_traces import trace_digest
from ..learned.encoded_model import EncodedModel
from ..learned.encoder import EncoderFolder
from ..learned.fit_coder import NAME, LearnedCoderFolder, codings_of
from ..learned.learned_model import LearnedModel

FOREIGN = "foreign_traces"
CONFIDENCE = 0.90


def coder(
    context: Context,
    *,
    path: str | Path,
    error: float | None = None,
    confidence: float | None = None,
    owes_card: bool = False,
    encoder: str | Path | None = None,
) -> LearnedCoder:
    """The coder in the folder ``path``. Raises `InputError` for another codebook than the one it learned.

    ``encoder``: where the encoder lies now that the coder was fitted with, if it was moved since.
    With ``error``, units are deferred so that P(a larger share of the codes given is wrong) ≤ 1 − ``confidence`` (.90).
    ``owes_card``: it is being measured, and may have no card yet.
    """
    path = shipped_coder(str(path)) or path
    found = LearnedCoderFolder(path, owes_card=owes_card)
    learned = found.record.codebook
    if learned["digest"] != context.book.digest:
        mine = f"{learned['id']}@{learned['version']}"
        other = "another text of the same version" if mine == context.book.ref else context.book.ref
        raise InputError(
            f"{path} was learned under {mine}, and the codebook here is {other}",
            f"say --codebook {Path(path) / 'codebook.yaml'}, or learn anew from codings under this one: pcode coder fit",
        )
    beside = found.encoder(encoder)
    if error is None and confidence is not None:
        raise ArgumentError("--confidence is of the share that --error allows", "add --error .10")
    if error is None:
        return LearnedCoder(context, found, beside)
    if not (0 < error < 1 and 0 < (confidence or CONFIDENCE) < 1):
        raise ArgumentError("--error and --confidence are shares above 0 and below 1", "--error .10")
    promise = error, confidence or CONFIDENCE
    return LearnedCoder(context, found, beside, promise, found.calibration().threshold(*promise))


@dataclass
class LearnedCoder:
    """A learned coder, ready to code."""

    context: Context
    folder: LearnedCoderFolder
    encoder: EncoderFolder | None = None
    promise: tuple[float, float] | None = None
    threshold: float | None = None

    @property
    def coders(self) -> list[CoderInfo]:
        """One machine."""
        return [CoderInfo(name=NAME, kind="machine")]

    @property
    def parameters(self) -> dict[str, Any]:
        """Which coder it is, and who taught it."""
        record = self.folder.record
        return {
            "learned": record.fingerprint,
            "from": f"{', '.join(record.coders)}: {record.units} units of {record.traces} traces",
            "second_from": record.second_from,
        } | self._promised

    @property
    def _promised(self) -> dict[str, float]:
        if self.promise is None or self.threshold is None:
            return {}
        return {
            "error": self.promise[0],
            "confidence": self.promise[1],
            "codes_given_from": self.threshold,
            "calibrated_on": self.folder.record.traces,
        }

    @property
    def trust(self) -> str:
        """Who taught it, and how far it agrees with whom, by its card."""
        taught = "people" if self.folder.record.people else "machines, not by people"
        measured = self.folder.measured() or "see its card.md for what it reached out of fold"
        return f"{self.folder.folder.name}: a coder taught by {taught}; {measured}; texts of another kind may be coded far worse"

    @cached_property
    def _model(self) -> LearnedModel | EncodedModel:
        return self.folder.model(self.encoder)

    @cached_property
    def _out_of_fold(self) -> dict[str | None, tuple[list[Unit], list[Coding]]]:
        return self.folder.out_of_fold()

    def plan(self, traces: Iterable[Trace], unitize: Unitizer) -> dict[str, Any]:  # noqa: ARG002 - every coder takes it
        """Nothing is sent and nothing is paid."""
        return {"requests": 0}

    def code(self, traces: Iterable[Trace], unitize: Unitizer, emit: Emit) -> Outcome:
        """Code every unit of every trace, in order; Ctrl-C ends between two traces."""
        self._model  # noqa: B018 - damaged files are found before anything is written
        with interrupts() as stop:
            for trace in traces:
                if stop.is_set():
                    break
                units = unitize(trace)
                emit(trace, units, self.codings(trace, units, unitize))
            return Outcome(interrupted=stop.is_set())

    def codings(self, trace: Trace, units: list[Unit], unitize: Unitizer) -> list[Coding]:
        """Of one trace, unit by unit."""
        record, book, run_id = self.folder.record, self.context.book, self.context.run_id
        lang = getattr(unitize, "lang", None) or trace.lang
        if lang not in record.langs:
            why = f"learned from {', '.join(record.langs)} traces, this one is {lang}"
            return [_missing(unit, why, book, run_id) for unit in units]
        if text_key(trace) in self.folder.texts:
            return self._sure(self._held_out(trace, units))
        p = self._model.probabilities(trace.question, [unit.text for unit in units], lang)
        return self._sure(codings_of(units, p, record.codes, record.second_from, book, run_id))

    def _sure(self, codings: list[Coding]) -> list[Coding]:
        """What it is not sure enough of is left open; its rationale says what it would have said."""
        if self.threshold is None:
            return codings
        least = self.threshold
        left_open = {"codes": None, "missing_reason": DEFERRED}
        return [
            one if one.codes is None or (one.confidence or 0.0) >= least else one.model_copy(update=left_open)
            for one in codings
        ]

    def _held_out(self, trace: Trace, units: Sequence[Unit]) -> list[Coding]:
        exact, text = trace_digest(trace), text_key(trace)
        then, codings = self._out_of_fold[exact if exact in self._out_of_fold else text]
        if [plain_text(u.text) for u in then] != [plain_text(u.text) for u in units]:
            raise InputError(
                f"the coder was trained on {trace.id}, cut into other units ({self.folder.record.scheme})",
                f"say --units {self.folder.folder / 'out_of_fold'}, or leave the trace out",
            )
        by_unit = {coding.unit_id: coding for coding in codings}
        return [
            by_unit[old.id].model_copy(update={"unit_id": new.id, "run_id": self.context.run_id})
            for old, new in zip(then, units, strict=True)
        ]

    def tally(self, codings: Sequence[Coding], lang: str) -> Counter[str]:
        """What a trace adds to the run's usage: whether it is in a language that was not learned."""
        return Counter({f"{FOREIGN}: {lang}": 1} if lang not in self.folder.record.langs and codings else {})


def _missing(unit: Unit, why: str, book: Codebook, run_id: str) -> Coding:
    return Coding(
        unit_id=unit.id, coder=NAME, codes=None, missing_reason=why, codebook=book.stamp, run_id=run_id
    )
