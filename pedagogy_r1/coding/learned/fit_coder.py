"""``pcode coder fit``: a folder with a coder that was learned, and what it says of its own training traces out of fold.

    coders/mine/coder.json        who was learned from, under which codebook, what a trace of theirs is known again by
                model.npz vocabulary.txt codebook.yaml calibration.npz
                encoder.safetensors   with --encoder alone: what was taught beside (`encoded_model`)
                out_of_fold/      a run of the coder ``learned`` on the training traces: what models said that had not seen the item

The same codings and the same seed give the same ``model.npz`` and ``vocabulary.txt``, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from ...codebook import NONE, Codebook, parse_codebook
from ...codebook.snapshot import dump_codebook
from ...errors import InputError, RunError
from ...files.json_text import parse_json
from ...files.records import write_text
from ...files.seal import difference, sha256_of
from ...job import JobFolder, JobRecord, read_record, save_record
from ...provenance import digest, now
from ...runs.locked_part import text_key
from ...runs.run import CoderInfo, CoderRun, Coding, Manifest
from ...runs.run_writer import RunWriter
from ...runs.unit_coding import said_odds
from ...trace import Unit
from . import encoded_model, fit_model
from .coded_traces import TaughtTraces, read_coded, trace_digest
from .deferral import FILE as CALIBRATION
from .deferral import CalibrationData
from .encoded_model import EncodedModel, EncoderLearner
from .encoder import EncoderFolder, encoder_of
from .learned_model import WEIGHTS, Floats, LearnedModel
from .unit_cues import UnitCues

RECORD, CARD, CARD_TEXT = "coder.json", "card.json", "card.md"
CODEBOOK, OUT_OF_FOLD = "codebook.yaml", "out_of_fold"
MODEL = ("model.npz", "vocabulary.txt", CODEBOOK)
NAME = "learned"
"""The coder's name in runs."""

MORE = "code more traces, of other items too, and fit again; or use --coder cues"
"""What to do about a coder that is not worth using."""

NAMED = 3
"""Codes that a coding's rationale names, the most likely first."""


class LearnedRecord(JobRecord):
    """``coder.json``. ``trained_on``: `trace_digest` of each trace → its number in ``out_of_fold``; ``second_from``: a second
    code is given from this share of the first one's probability on (``None``: never); ``owes_card``: it was to be measured, and is not
    yet, so nobody codes with it; ``encoder``: the encoder beside, by its digest and where it was read, how it was taught, and the
    weights of the words and of the encoder (`encoded_model`)."""

    codebook: dict[str, str]
    codes: list[str]
    coders: list[str]
    people: bool
    scheme: str
    langs: list[str]
    traces: int
    items: int
    units: int
    seed: int
    second_from: float | None = None
    trained_on: dict[str, int]
    items_trained_on: list[str]
    how: dict[str, Any] = Field(default_factory=dict)
    owes_card: bool = False
    encoder: dict[str, Any] | None = None

    def settings(self) -> dict[str, Any]:
        """What was learned from, in words."""
        said = {"coders": self.coders, "seed": self.seed, "scheme": self.scheme, "units": self.units}
        beside = (
            {"encoder": self.encoder["path"], "fine_tune": self.encoder["fine_tuned"]} if self.encoder else {}
        )
        return said | beside


class Fitted(NamedTuple):
    """What `fit_coder` made."""

    folder: Path
    record: LearnedRecord
    out_of_fold: CoderRun


def fit_coder(
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    coders: Sequence[str] = (),
    seed: int = 0,
    encoder: str | Path | None = None,
    fine_tune: bool = False,
    progress: fit_model.Progress | None = None,
    refuse: Callable[[CoderRun, Sequence[str]], str | None] = lambda *_: None,
    owes_card: bool = False,
) -> Fitted:
    """Learn a coder from the codings in ``runs`` into the folder ``out``; a killed fit is begun again by the same call.

    ``encoder``: a folder with a sentence encoder (`read_encoder`) that is taught beside, its upper layers too with ``fine_tune``;
    folds that a killed fit had done with it are not done again.
    ``refuse`` sees the predictions out of fold and the teachers' names, and says why the coder shall not be used, if it shall not.
    With ``owes_card`` nobody codes with it until its card is written (`carded`): what is killed before that is not taken for measured.
    Raises `InputError` for runs that do not go together, with less than two codes or two items to learn from, and for a
    coder that is refused.
    """
    beside = encoded_model.asked_encoder(encoder, fine_tune)
    opened = [CoderRun(run) for run in runs]
    coded = read_coded(opened, coders)
    record = _record(coded, opened[0].manifest.scheme, seed, beside, fine_tune)
    folder = Path(out)
    with JobFolder(folder, record, holds="learned coder", name=RECORD) as job:
        if job.previous and job.previous.status == "complete" and not job.damaged():
            run = CoderRun(folder / OUT_OF_FOLD)
            if why := refuse(run, coded.coders):
                job.save(status="stopped", stopped_why=why)
                raise InputError(why, MORE)
            record = job.previous.model_copy(update={"owes_card": owes_card})
            save_record(folder / RECORD, record)
            return Fitted(folder, record, run)
        job.save()
        p = fit_model.out_of_fold(coded, seed, progress)
        model = fit_model.fit_model(coded, seed)
        model.save(folder)
        if beside:
            learner = EncoderLearner(beside, coded, seed, fine_tune=fine_tune)
            folds = coded.folds(fit_model.OUTER, seed)
            p, weights = encoded_model.teach_beside(learner, p, folds, folder, progress)
            job.save(encoder=record.encoder | {"weights": list(weights)} if record.encoder else None)
        second = second_from(coded, p)
        calibration_of(coded, p).save(folder)
        write_text(folder / CODEBOOK, dump_codebook(coded.book))
        run = _write_out_of_fold(coded, p, second, folder / OUT_OF_FOLD, record)
        if why := refuse(run, coded.coders):
            raise InputError(why, MORE)
        return Fitted(folder, job.finish("complete", second_from=second, owes_card=owes_card), run)


def _record(
    coded: TaughtTraces, scheme: str, seed: int, beside: EncoderFolder | None, fine_tune: bool
) -> LearnedRecord:
    book = coded.book
    settings = {
        "least": fit_model.LEAST,
        "C": [fit_model.C_FIRST, fit_model.C_SECOND],
        "folds": [fit_model.OUTER, fit_model.INNER],
        "weights": WEIGHTS,
        "cues": UnitCues(book).width,
    }
    said = [[trace_digest(one.trace), one.targets.round(6).tolist()] for one in coded.traces]
    decides: dict[str, Any] = {"codebook": book.digest, "said": said, "seed": seed, "settings": settings}
    taught = encoded_model.settings(fine_tune)
    if beside:
        decides["encoder"] = taught | {"digest": beside.digest}
    fingerprint = digest(decides)
    return LearnedRecord(
        fingerprint=fingerprint,
        started=now(),
        codebook={"id": book.id, "version": book.version, "digest": book.digest},
        codes=list(coded.codes),
        coders=list(coded.coders),
        people=coded.people,
        scheme=scheme,
        langs=sorted({one.trace.lang for one in coded.traces}),
        traces=len(coded.traces),
        items=len({one.group for one in coded.traces}),
        units=coded.units,
        seed=seed,
        trained_on={trace_digest(one.trace): i for i, one in enumerate(coded.traces)},
        items_trained_on=sorted({one.trace.item for one in coded.traces if one.trace.item}),
        how=settings,
        encoder=beside.record() | taught if beside else None,
    )


def second_from(coded: TaughtTraces, p: Sequence[Floats]) -> float | None:
    """From which share of the first code's probability on a second one is given: as often as the coders gave one."""
    often = sum(one.second * len(one.units) for one in coded.traces) / sum(
        len(one.units) for one in coded.traces
    )
    if not often or coded.book.max_codes < 2 or len(coded.codes) < 2:
        return None
    ranked = np.sort(np.vstack(list(p)), axis=1)
    return round(float(np.quantile(ranked[:, -2] / ranked[:, -1], 1 - often)), 4)


def calibration_of(coded: TaughtTraces, p: Sequence[Floats]) -> CalibrationData:
    """Of every unit that was coded, what was said of it out of fold."""
    targets, found = np.vstack([one.targets for one in coded.traces]), np.vstack(list(p))
    trace = np.repeat(np.arange(len(coded.traces)), [len(one.units) for one in coded.traces])
    kept = targets.any(axis=1)
    targets, found = targets[kept], found[kept]
    given = np.take_along_axis(targets, found.argmax(axis=1)[:, None], axis=1)[:, 0]
    sure = np.round(found.max(axis=1), 4)
    return CalibrationData(sure, np.round(1 - given / targets.sum(axis=1), 4), trace[kept])


def codings_of(
    units: Sequence[Unit], p: Floats, codes: Sequence[str], second: float | None, book: Codebook, run_id: str
) -> list[Coding]:
    """The most likely code of each unit, and a second one where it is nearly as likely; all likely ones in the rationale."""
    found = []
    for unit, row in zip(units, p, strict=True):
        order = np.argsort(-row, kind="stable")
        chosen = [codes[order[0]]]
        if (
            second is not None
            and NONE not in (chosen[0], codes[order[1]])
            and row[order[1]] >= second * row[order[0]]
        ):
            chosen.append(codes[order[1]])
        found.append(
            Coding(
                unit_id=unit.id,
                coder=NAME,
                codes=tuple(code for code in chosen if code != NONE),
                confidence=round(float(row[order[0]]), 4),
                rationale=said_odds((codes[k], row[k]) for k in order[:NAMED]),
                codebook=book.stamp,
                run_id=run_id,
            )
        )
    return found


def _write_out_of_fold(
    coded: TaughtTraces, p: Sequence[Floats], second: float | None, out: Path, record: LearnedRecord
) -> CoderRun:
    manifest = Manifest.new(
        NAME,
        coded.book,
        {"learned": record.fingerprint, "out of fold": True},
        coders=[CoderInfo(name=NAME, kind="machine")],
        coder=NAME,
        scheme=record.scheme,
        parameters={"out of fold": True, "folds": fit_model.OUTER, "second_from": second},
        source={"coder_digest": record.fingerprint},
        seed=record.seed,
    )
    with RunWriter(out, manifest, coded.book, restart=True) as writer:
        for one, found in zip(coded.traces, p, strict=True):
            codings = codings_of(one.units, found, coded.codes, second, coded.book, manifest.run_id)
            writer.write(one.trace, list(one.units), codings)
        writer.finish("complete")
    return CoderRun(out)


def carded(fitted: Fitted) -> None:
    """Its card is written: the record keeps the digests of both files, and the coder can be used."""
    names = CARD, CARD_TEXT
    sums = {name: sha256_of(fitted.folder / name) for name in names}
    sizes = {name: (fitted.folder / name).stat().st_size for name in names}
    record = fitted.record
    known = {"sha256": record.sha256 | sums, "bytes": record.bytes | sizes, "owes_card": False}
    save_record(fitted.folder / RECORD, record.model_copy(update=known))


def withdraw(fitted: Fitted, why: str) -> InputError:
    """The error about a coder that was fitted and is not worth using; its record says so, and nobody codes with it."""
    withdrawn = fitted.record.model_copy(update={"status": "stopped", "stopped_why": why})
    save_record(fitted.folder / RECORD, withdrawn)
    return InputError(why, MORE)


class LearnedCoderFolder:
    """A fitted coder on disk, checked: its files are those that were written."""

    def __init__(self, folder: str | Path, *, owes_card: bool = False) -> None:
        """``owes_card``: open it though it is not measured yet, to measure it."""
        self.folder = Path(folder)
        none = RunError(
            f"{self.folder} is no folder of a learned coder (no {RECORD})",
            "make one with: pcode coder fit RUN… -o FOLDER",
        )
        self.record = read_record(self.folder / RECORD, LearnedRecord, no_file=none)
        if self.record.status != "complete":
            raise RunError(
                f"{self.folder} is {self.record.status}, not complete", "run pcode coder fit again"
            )
        if self.record.owes_card and not owes_card:
            raise RunError(
                f"{self.folder} was fitted and not measured: it has no card yet",
                "run the same pcode coder fit again",
            )

    @property
    def codebook_file(self) -> Path:
        """Where the codebook lies that it was learned under. Raises `RunError` where the file was changed since."""
        self._unchanged(CODEBOOK)
        return self.folder / CODEBOOK

    @property
    def book(self) -> Codebook:
        """The codebook that it was learned under."""
        path = self.codebook_file
        return parse_codebook(path.read_bytes(), str(path))

    def encoder(self, moved: str | Path | None = None) -> EncoderFolder | None:
        """The encoder beside it, where it was read or where it was ``moved``. Raises `InputError` where that is another one, or none."""
        if self.record.encoder is not None:
            return encoder_of(self.record.encoder, moved)
        if moved is not None:
            raise InputError(f"{self.folder} was fitted without an encoder", "leave out --encoder")
        return None

    def model(self, encoder: EncoderFolder | None = None) -> LearnedModel | EncodedModel:
        """``encoder``: as `encoder` found it. Raises `RunError` for files that were changed since."""
        self._unchanged(*MODEL)
        words = LearnedModel.load(self.folder, self.record.codes, UnitCues(self.book))
        how = self.record.encoder
        if how is None:
            return words
        self._unchanged(encoded_model.FILE)
        taught = encoded_model.load_taught(
            self.folder, encoder or encoder_of(how, None), words.codes, fine_tuned=how["fine_tuned"]
        )
        return EncodedModel(words, taught, tuple(how["weights"]))

    def calibration(self) -> CalibrationData:
        """What it was sure of out of fold, and how much of it was wrong. Raises as `model` does."""
        self._unchanged(CALIBRATION)
        return CalibrationData.load(self.folder)

    def measured(self) -> str | None:
        """What its card says of traces that were set apart, in a sentence; `None` where it was not tested, or has no card.

        Raises `RunError` for a card that was changed."""
        if CARD in self.record.sha256:
            self._unchanged(CARD)
        try:
            told = parse_json((self.folder / CARD).read_bytes())["test"][0]["says"]
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            return None
        return told if isinstance(told, str) else None

    def _unchanged(self, *names: str) -> None:
        for name in names:
            if why := difference(
                self.folder / name, self.record.bytes.get(name), self.record.sha256.get(name)
            ):
                raise RunError(f"{self.folder / name} {why}", "restore it, or fit the coder again")

    @cached_property
    def _predicted(self) -> CoderRun:
        """The run of what was said out of fold. Raises `RunError` where it is damaged, or that of another coder."""
        run = CoderRun(self.folder / OUT_OF_FOLD, locked="always")  # some may have been locked since
        if run.manifest.source.get("coder_digest") != self.record.fingerprint:
            raise RunError(
                f"{run.folder} is what another coder said of its training traces",
                "restore it, or fit the coder again",
            )
        return run

    @cached_property
    def texts(self) -> frozenset[str | None]:
        """The `text_key` of every trace that it was trained on, by which one is known again, white space and question aside."""
        return frozenset(text_key(trace) for trace in self._predicted.traces())

    def out_of_fold(self) -> dict[str | None, tuple[list[Unit], list[Coding]]]:
        """What was said out of fold, by `text_key`; by `trace_digest` too, for texts that stand under two questions."""
        found: dict[str | None, tuple[list[Unit], list[Coding]]] = {}
        for trace, units, codings in self._predicted.by_trace():
            for key in (text_key(trace), trace_digest(trace)):
                found.setdefault(key, (units, codings))
        return found
