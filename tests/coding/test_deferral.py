"""Which units a learned coder leaves open: the promise is about new traces, kept by whole traces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from pedagogy_r1.cli.main import cli
from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.coding.learned.deferral import FEWEST, CalibrationData
from pedagogy_r1.coding.learned.fit_coder import LearnedCoderFolder, fit_coder
from pedagogy_r1.errors import ArgumentError, InputError, RunError
from pedagogy_r1.runs.run import DEFERRED, CoderRun

from .test_learned import SAID, TOPICS, coded

EITHER = "Now {} is here."
"""What any of the three codes may be given."""


def drawn(rng: np.random.Generator, traces: int, units: int = 40) -> CalibrationData:
    """Traces that differ: some are twice as hard as the coder believes, some half."""
    trace = np.repeat(np.arange(traces), units)
    sure = rng.beta(4, 1, len(trace))
    hard = np.exp(rng.normal(0, 0.5, traces))[trace]
    return CalibrationData(sure, (rng.random(len(trace)) < (1 - sure) * hard).astype(float), trace)


def test_the_promise_is_kept_over_new_traces_where_a_plain_threshold_breaks_it() -> None:
    rng, broken, plainly, n = np.random.default_rng(5), 0, 0, 300
    for _ in range(n):
        known, new = drawn(rng, 20), drawn(rng, 20)
        try:
            least = known.threshold(0.10, 0.90)
        except InputError:
            continue  # nothing is coded, and nothing promised
        given = new.sure >= least
        broken += bool(given.any() and new.wrong[given].mean() > 0.10)
        order = np.argsort(-known.sure)
        sums = np.cumsum(known.wrong[order]) / np.arange(1, len(order) + 1)
        plain = known.sure[order][np.flatnonzero(sums <= 0.10)[-1]]
        plainly += bool(new.wrong[new.sure >= plain].mean() > 0.10)
    assert broken / n <= 0.10 + 2 * np.sqrt(0.09 / n)
    assert plainly / n > 0.3


def test_few_traces_promise_nothing() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=f"needs {FEWEST} training traces"):
        drawn(rng, FEWEST - 1).threshold(0.10, 0.90)


def test_a_promise_that_no_threshold_keeps_is_refused() -> None:
    sure, trace = np.linspace(0.2, 0.99, 400), np.repeat(np.arange(20), 20)
    with pytest.raises(InputError, match="no code of this coder is sure enough"):
        CalibrationData(sure, np.ones(400), trace).threshold(0.10, 0.90)


def test_more_allowed_and_less_asked_give_more_codes() -> None:
    known = drawn(np.random.default_rng(2), 60)
    assert known.threshold(0.20, 0.90) <= known.threshold(0.10, 0.90) <= known.threshold(0.10, 0.99)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One unit in four tells nothing of its code."""
    folder = tmp_path_factory.mktemp("unsure")
    sayings = {code: (*said, EITHER) for code, said in SAID.items()}
    path, run = coded(folder, TOPICS + tuple(topic + "s" for topic in TOPICS), sayings=sayings)
    fit_coder([run], folder / "coder")
    return path, folder / "coder"


def test_what_is_not_sure_enough_is_deferred_and_nothing_else(
    taught: tuple[Path, Path], tmp_path: Path
) -> None:
    path, folder = taught
    how = {
        "coder": "learned",
        "path": folder,
        "codebook": folder / "codebook.yaml",
        "units": folder.parent / "run",
    }
    every = list(annotate(path, tmp_path / "all", **how).codings())
    some = annotate(path, tmp_path / "some", **how, error=0.10, confidence=0.80)
    least = some.manifest.parameters["codes_given_from"]
    assert some.manifest.parameters["error"] == 0.10
    found = list(some.codings())
    assert 0 < sum(one.codes is None for one in found) < len(found)
    for one, before in zip(found, every, strict=True):
        if (before.confidence or 0) >= least:
            assert one.codes == before.codes
        else:
            assert (one.codes, one.missing_reason) == (None, DEFERRED)
            assert one.rationale == before.rationale


def test_deferred_units_are_no_failures(taught: tuple[Path, Path], tmp_path: Path) -> None:
    path, folder = taught
    words = ["annotate", str(path), "-o", str(tmp_path / "run"), "--coder", f"learned:{folder}"]
    result = CliRunner().invoke(
        cli, [*words, "--units", str(folder.parent / "run"), "--error", ".1", "--confidence", ".8"]
    )
    assert result.exit_code == 0, result.output
    assert "deferred: so that, with 80 % confidence, at most 10 % of the codes given" in result.output


def test_confidence_without_error_and_shares_out_of_range_are_refused(
    taught: tuple[Path, Path], tmp_path: Path
) -> None:
    path, folder = taught
    how = {"coder": "learned", "path": folder, "codebook": folder / "codebook.yaml"}
    with pytest.raises(ArgumentError, match="--confidence is of the share"):
        annotate(path, tmp_path / "a", **how, confidence=0.9)
    with pytest.raises(ArgumentError, match="above 0 and below 1"):
        annotate(path, tmp_path / "b", **how, error=0.0)


def test_a_changed_calibration_is_noticed(tmp_path: Path) -> None:
    path, run = coded(tmp_path, wrong=0.1)
    fit_coder([run], tmp_path / "coder")
    known = LearnedCoderFolder(tmp_path / "coder").calibration()
    CalibrationData(known.sure, known.wrong * 0, known.trace).save(tmp_path / "coder")
    with pytest.raises(RunError, match=r"calibration\.npz"):
        LearnedCoderFolder(tmp_path / "coder").calibration()
    book = tmp_path / "coder/codebook.yaml"
    assert CoderRun(
        annotate(
            path, tmp_path / "plain", coder="learned", path=tmp_path / "coder", codebook=book, units=run
        ).folder
    )
