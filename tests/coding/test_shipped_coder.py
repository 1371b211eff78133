"""The coder that comes with the package: made by the commands in the docs, byte for byte, and found by its name."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from pedagogy_r1.cli.main import cli
from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.coding.annotate import annotate, shipped_coder
from pedagogy_r1.coding.learned.fit_coder import LearnedCoderFolder, fit_coder
from pedagogy_r1.errors import RunError
from pedagogy_r1.human.corpus import copy_corpus, corpus_traces
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.runs.run_writer import RunWriter
from pedagogy_r1.shipped import folder

SHIPPED = folder("coders") / "schoen"
LEARNED_FROM = ("teaching", "thinking")
"""The corpora whose training parts it learned from, in the order of the command in docs/coding.md."""


def taught_by(out: Path, part: str) -> list[Path]:
    """The coders' runs of one part of these corpora, made anew."""
    for corpus in LEARNED_FROM:
        copy_corpus(corpus, out / corpus, part)
    return [out / corpus / "coders" for corpus in LEARNED_FROM]


def begun_with(run: CoderRun, traces: int, folder: Path) -> Path:
    """A run of the first traces alone."""
    with RunWriter(folder, run.manifest.model_copy(update={"status": "running"}), run.codebook) as writer:
        for trace, units, codings in islice(run.by_trace(), traces):
            writer.write(trace, units, codings)
        writer.finish("complete")
    return folder


@pytest.mark.whole
def test_it_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    fit_coder(taught_by(tmp_path, "train"), tmp_path / "schoen")
    for name in ("model.npz", "vocabulary.txt", "calibration.npz", "codebook.yaml"):
        assert (tmp_path / "schoen" / name).read_bytes() == (SHIPPED / name).read_bytes(), name


def test_it_learned_from_the_training_part_alone() -> None:
    record = LearnedCoderFolder(SHIPPED).record
    assert record.codebook["digest"] == load_codebook("schoen@1.1.0").digest
    assert set(record.items_trained_on) == {
        trace.item for corpus in LEARNED_FROM for trace in corpus_traces(corpus, "train")
    }
    assert not record.people


def test_it_goes_by_its_name_and_says_how_far_it_agrees_with_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = list(corpus_traces("teaching", "dev"))[:3]
    monkeypatch.chdir(tmp_path)
    Path("traces.jsonl").write_text("".join(trace.model_dump_json() + "\n" for trace in traces))
    said = CliRunner().invoke(cli, ["annotate", "traces.jsonl", "-o", "run", "--coder", "learned:schoen"])
    assert said.exit_code == 0, said.output
    measured = LearnedCoderFolder(SHIPPED).measured()
    assert measured is not None
    assert f"taught by machines, not by people; {measured}" in " ".join(said.output.split())
    assert CoderRun("run").manifest.coder == "learned"
    Path("schoen").mkdir()
    own = CliRunner().invoke(cli, ["annotate", "traces.jsonl", "-o", "own", "--coder", "learned:schoen"])
    assert own.exit_code == 2
    assert shipped_coder("..") is None
    assert shipped_coder("nobody") is None


def test_what_its_card_says_of_the_test_part_is_what_its_codings_come_to(tmp_path: Path) -> None:
    from pedagogy_r1.agreement.comparison import compare, reliability_data
    from pedagogy_r1.estimate import Resampling
    from pedagogy_r1.formatting import shown

    copy_corpus("teaching", tmp_path / "test", "test")
    decided = CoderRun(tmp_path / "test/adjudicated")
    run = annotate(
        tmp_path / "test/traces.jsonl",
        tmp_path / "run",
        coder="learned",
        path=SHIPPED,
        codebook="schoen@1.1.0",
    )
    found = compare(
        reliability_data([decided, run]).of(("adjudicated", "learned")), "human-machine", Resampling(0)
    )
    assert found.result.value is not None
    assert found.result.value >= 0.6
    measured = LearnedCoderFolder(SHIPPED).measured() or ""
    assert measured.startswith(f"α {shown(found.result.value)} [")
    assert "60 traces of 15 items that it did not learn from" in measured


def test_a_trace_of_an_item_it_learned_from_is_no_test(tmp_path: Path) -> None:
    copy_corpus("teaching", tmp_path / "dev", "dev")
    words = ["coder", "fit", str(tmp_path / "dev/coders"), "-o", str(tmp_path / "mine")]
    said = CliRunner().invoke(cli, [*words, "--test", str(tmp_path / "dev/adjudicated")])
    assert said.exit_code == 2
    assert "or from another trace of its item" in " ".join(said.output.split())
    assert not (tmp_path / "mine").exists()


def test_the_training_run_holds_the_training_part_and_nothing_else() -> None:
    held = {trace.id for trace, _, _ in CoderRun(SHIPPED / "out_of_fold").by_trace()}
    assert held == {trace.id for corpus in LEARNED_FROM for trace in corpus_traces(corpus, "train")}


def test_a_coder_that_the_cues_beat_is_withdrawn_and_can_be_fitted_again(tmp_path: Path) -> None:
    copy_corpus("teaching", tmp_path / "dev", "dev")
    few = begun_with(CoderRun(tmp_path / "dev/coders"), 12, tmp_path / "few")
    words = ["coder", "fit", str(few), "-o", str(tmp_path / "mine")]
    for _ in range(2):
        said = CliRunner().invoke(cli, words)
        assert said.exit_code == 2
        assert "it learned too little" in said.output
        with pytest.raises(RunError, match="is stopped, not complete"):
            LearnedCoderFolder(tmp_path / "mine")


@pytest.mark.parametrize(
    ("lang", "words", "coder"),
    [
        ("en", [], "learned"),
        ("en", ["--coder", "cues"], "cues"),
        ("en", ["--codebook", "schoen@1.0.0"], "cues"),
        ("ko", [], "cues"),
        ("ko", ["--lang", "en"], "learned"),
        ("en", ["--workers", "1"], "cues"),
    ],
)
def test_it_is_the_default_for_its_codebook_in_english(
    lang: str, words: list[str], coder: str, tmp_path: Path
) -> None:
    trace = next(corpus_traces("teaching", "dev")).model_copy(update={"lang": lang})
    path, out = tmp_path / "traces.jsonl", tmp_path / "run"
    path.write_text(trace.model_dump_json() + "\n")
    said = CliRunner().invoke(cli, ["annotate", str(path), "-o", str(out), *words])
    assert said.exit_code == (1 if lang == "ko" and coder == "cues" else 0), said.output
    assert CoderRun(out).manifest.coder == coder
    measured = LearnedCoderFolder(SHIPPED).measured() or ""
    assert (measured in " ".join(said.output.split())) == (coder == "learned")
    # Whatever began a run takes it up again.
    CliRunner().invoke(cli, ["annotate", str(path), "-o", str(out)])
    assert CoderRun(out).manifest.coder == coder
