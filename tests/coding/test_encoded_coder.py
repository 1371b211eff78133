"""A learned coder with a sentence encoder beside: folds, the same bytes, killed and gone on with, and the encoder known again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from pedagogy_r1.agreement.learned_card import coder_card, write_card
from pedagogy_r1.cli.main import cli
from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.coding.learned.coded_traces import read_coded
from pedagogy_r1.coding.learned.encoded_model import (
    FILE,
    FOLDS,
    EncoderLearner,
    pooled,
    pooled_out_of_fold,
    weights_of,
)
from pedagogy_r1.coding.learned.encoder import SentenceEncoder, read_encoder
from pedagogy_r1.coding.learned.fine_tuned import FineTunedEncoder
from pedagogy_r1.coding.learned.fit_coder import LearnedCoderFolder, fit_coder
from pedagogy_r1.errors import ArgumentError, InputError, RunError
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.trace import Trace

from ..encoders import minilm, tiny_encoder
from .test_learned import TOPICS, coded

FILES = ("model.npz", "vocabulary.txt", "calibration.npz", FILE)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


@pytest.fixture(scope="module")
def humans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Codings of 6 items, a fifth of which follow from nothing."""
    return coded(tmp_path_factory.mktemp("humans"), TOPICS[:6], wrong=0.2)[1]


@pytest.fixture(scope="module", params=[False, True], ids=["frozen", "fine-tuned"])
def fitted(
    request: pytest.FixtureRequest, humans: Path, encoder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("coders") / "coder"
    fit_coder([humans], folder, encoder=encoder, fine_tune=request.param)
    return folder


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.jsonl"
    text = "What do I know about light? So money equals nine here. Next I will plan seeds. " * 8
    path.write_text(Trace(id="new", reasoning=text).model_dump_json() + "\n")
    return path


def said(path: Path, folder: Path, out: Path, **more: object) -> list[object]:
    run = annotate(path, out, coder="learned", path=folder, codebook=folder / "codebook.yaml", **more)
    return [(one.codes, one.confidence) for one in run.codings()]


def test_the_same_codings_give_the_same_bytes(
    fitted: Path, humans: Path, encoder: Path, tmp_path: Path
) -> None:
    how = LearnedCoderFolder(fitted).record.encoder
    assert how is not None
    moved = shutil.copytree(encoder, tmp_path / "moved")
    fit_coder([humans], tmp_path / "again", encoder=moved, fine_tune=how["fine_tuned"])
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (fitted / name).read_bytes(), name
    assert not (fitted / FOLDS).exists()


def test_it_codes_new_traces_and_knows_its_encoder(
    fitted: Path, encoder: Path, new: Path, tmp_path: Path
) -> None:
    first = said(new, fitted, tmp_path / "a")
    assert [codes for codes, _ in first] == [("A",), ("B",), ("C",)] * 8  # type: ignore[misc]
    moved = shutil.copytree(encoder, tmp_path / "moved")
    assert said(new, fitted, tmp_path / "b", encoder=moved) == first
    other = tiny_encoder(tmp_path / "other", seed=1)
    with pytest.raises(InputError, match="is another encoder than the coder was fitted with"):
        said(new, fitted, tmp_path / "c", encoder=other)
    gone = shutil.copytree(fitted, tmp_path / "gone")
    path = Path(encoder)
    path.rename(path.with_name("elsewhere"))
    try:
        with pytest.raises(
            InputError, match="the encoder that the coder was fitted with is not there"
        ) as error:
            said(new, gone, tmp_path / "d")
        assert error.value.hint == "say where it lies now: --encoder PATH"
        assert said(new, gone, tmp_path / "e", encoder=path.with_name("elsewhere")) == first
    finally:
        path.with_name("elsewhere").rename(path)


def test_the_card_says_how_it_was_taught(fitted: Path, humans: Path, encoder: Path) -> None:
    how = LearnedCoderFolder(fitted).record.encoder
    assert how is not None
    card = coder_card(
        [CoderRun(humans)], fit_coder([humans], fitted, encoder=encoder, fine_tune=how["fine_tuned"])
    )
    write_card(card)
    text = (fitted / "card.md").read_text()
    assert f"With the sentence encoder tiny (`{read_encoder(encoder).digest}`)" in text
    assert ("frozen" in text) == (not how["fine_tuned"])
    assert "class weights: none. Words weigh" in text
    assert "would bring cannot be said: it was not measured for a coder with an encoder" in text
    assert json.loads((fitted / "card.json").read_text())["encoder"]["weights"] == how["weights"]


def test_a_changed_file_is_seen(fitted: Path, new: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(fitted, tmp_path / "damaged")
    data = bytearray((damaged / FILE).read_bytes())
    data[-1] ^= 1
    (damaged / FILE).write_bytes(data)
    with pytest.raises(RunError, match=FILE):
        said(new, damaged, tmp_path / "run")


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "mpnet", "electra"])
def test_upper_layers_alone_say_what_the_whole_encoder_says(encoder: Path, kind: str) -> None:
    """The layers that are taught read what those below made of a window once; the result is that of one pass through all."""
    import torch
    from transformers import AutoConfig, AutoModel

    texts = [
        "What do I know about light?",
        "So money equals nine here.",
        "",
        "Next I will plan seeds. " * 9,
    ] * 4
    loaded = SentenceEncoder(read_encoder(encoder))
    if kind != "bert":
        sizes = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64}
        if kind == "distilbert":
            sizes = {"dim": 32, "n_layers": 4, "n_heads": 4, "hidden_dim": 64}
        more = {"embedding_size": 32} if kind == "electra" else {}
        config = AutoConfig.for_model(
            kind,
            vocab_size=90,
            max_position_embeddings=66,
            pad_token_id=0,
            initializer_range=0.3,
            **sizes,
            **more,
        )
        loaded.model = AutoModel.from_config(config).eval()
    tuned = FineTunedEncoder(loaded, ("A", "B"))
    windows = tuned.read(texts)
    assert len(windows) > 2
    with torch.inference_mode():
        parts = []
        for one in windows:
            states = tuned.encoder.model(
                input_ids=torch.tensor([one.ids]),
                attention_mask=torch.ones(1, len(one.ids), dtype=torch.long),
            ).last_hidden_state[0]
            parts += [tuned.head(states[a:b].mean(dim=0)).softmax(dim=0) for a, b in one.spans]
    assert np.allclose(tuned.probabilities(texts), torch.stack(parts).numpy(), atol=1e-4)
    assert 0 < tuned.stack.first < len(getattr(tuned.stack.parent, tuned.stack.name))


@pytest.mark.parametrize("fine_tune", [False, True])
def test_no_trace_is_answered_by_what_saw_its_codes(
    humans: Path, encoder: Path, tmp_path: Path, fine_tune: bool
) -> None:
    """With the codes of one fold exchanged, what is said of that fold stays the same, and what is said of the others does not."""
    data = read_coded([CoderRun(humans)])
    folds = data.folds(3, 0)
    traces = [
        one if fold else replace(one, targets=one.targets[:, ::-1].copy())
        for one, fold in zip(data.traces, folds, strict=True)
    ]
    other = type(data)(data.book, data.codes, data.coders, data.people, tuple(traces))
    found = [
        EncoderLearner(read_encoder(encoder), some, 0, fine_tune=fine_tune).out_of_fold(
            folds, tmp_path / name
        )
        for name, some in (("a", data), ("b", other))
    ]
    same = [np.array_equal(a, b) for a, b in zip(*found, strict=True)]
    assert same == [fold == 0 for fold in folds]


@pytest.mark.slow
@pytest.mark.parametrize("fitted", [True], indirect=True, ids=["fine-tuned"])
def test_killed_while_it_teaches(fitted: Path, humans: Path, encoder: Path, tmp_path: Path) -> None:
    out = tmp_path / "coder"
    command = [sys.executable, "-m", "pedagogy_r1", "coder", "fit", str(humans), "-o", str(out)]
    command += ["--encoder", str(encoder), "--fine-tune"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(list((out / FOLDS).glob("*.npz"))) < 2 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    with pytest.raises(RunError, match="not complete"):
        LearnedCoderFolder(out)
    done = {path: path.stat().st_mtime_ns for path in (out / FOLDS).glob("*.npz")}
    assert 2 <= len(done) < 6
    last = max(done)
    last.write_bytes(last.read_bytes()[:50])  # torn: it is done again
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    for name in FILES:
        assert (out / name).read_bytes() == (fitted / name).read_bytes(), name


def test_folds_that_are_done_are_not_done_again(humans: Path, encoder: Path, tmp_path: Path) -> None:
    data = read_coded([CoderRun(humans)])
    folds = data.folds(3, 0)
    first = EncoderLearner(read_encoder(encoder), data, 0, fine_tune=False).out_of_fold(
        folds, tmp_path / "kept"
    )
    (tmp_path / "kept/fold-01.npz").unlink()
    steps: list[int] = []
    again = EncoderLearner(read_encoder(encoder), data, 0, fine_tune=False).out_of_fold(
        folds, tmp_path / "kept", lambda done, total: steps.append(done)
    )
    assert steps == [1, 2]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_what_is_refused(humans: Path, encoder: Path, new: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="--fine-tune is of an encoder"):
        fit_coder([humans], tmp_path / "a", fine_tune=True)
    with pytest.raises(InputError, match="no such folder"):
        fit_coder([humans], tmp_path / "a", encoder=tmp_path / "nothing")
    assert not (tmp_path / "a").exists()
    fit_coder([humans], tmp_path / "plain")
    with pytest.raises(InputError, match="was fitted without an encoder"):
        said(new, tmp_path / "plain", tmp_path / "run", encoder=encoder)
    with pytest.raises(RunError, match="holds another learned coder"):
        fit_coder([humans], tmp_path / "plain", encoder=encoder)
    done = CliRunner().invoke(
        cli,
        ["annotate", str(new), "-o", str(tmp_path / "cues"), "--coder", "cues", "--encoder", str(encoder)],
    )
    assert done.exit_code == 2
    assert "has no option 'encoder'" in done.output


def test_opinions_are_pooled() -> None:
    words, beside = np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([[0.8, 0.2], [0.1, 0.9]])
    assert np.allclose(pooled(words, beside)[0], [0.8, 0.2])
    assert np.allclose(pooled(words, beside)[1], [0.25, 0.75])  # √(.5 · .1) : √(.5 · .9) = 1 : 3
    assert pooled(words[:0], beside[:0]).shape == (0, 2)


def test_the_weights_make_confidence_right(humans: Path) -> None:
    """The words twice as sure as they should be weigh a half, and an encoder that knows nothing weighs nothing."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (20_000, 3))
    right = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    drawn = np.eye(3)[(right.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)]
    sure = np.exp(2 * logits) / np.exp(2 * logits).sum(axis=1, keepdims=True)
    noise = rng.dirichlet((1, 1, 1), 20_000) * 0.98 + 0.02 / 3
    assert weights_of(sure, noise, drawn) == pytest.approx((0.5, 0), abs=0.03)
    assert weights_of(noise, sure, drawn) == pytest.approx((0, 0.5), abs=0.03)
    assert weights_of(sure, noise, 0 * drawn) == (0.5, 0.5)


def test_a_trace_is_pooled_with_the_weights_of_the_others(humans: Path) -> None:
    """The words are right about the traces of one fold alone: that fold is pooled as if nothing were known of it."""
    data = read_coded([CoderRun(humans)])
    folds = np.array([i % 2 for i in range(len(data.traces))])
    truth = [0.9 * one.targets + 0.1 / one.targets.shape[1] for one in data.traces]
    flat = [np.full(p.shape, 1 / p.shape[1]) for p in truth]
    words = [p if fold else np.roll(p, 1, axis=1) for p, fold in zip(truth, folds, strict=True)]
    said = pooled_out_of_fold(data, words, flat, folds)
    assert all(np.allclose(p, 1 / p.shape[1]) for p, fold in zip(said, folds, strict=True) if fold == 1)
    assert all(
        (p.argmax(1) == w.argmax(1)).all() for p, w, f in zip(said, words, folds, strict=True) if not f
    )


@pytest.mark.slow
def test_minilm_learns_what_follows_from_words(tmp_path: Path) -> None:
    _, run = coded(tmp_path, TOPICS[:6])
    found = fit_coder([run], tmp_path / "coder", encoder=minilm(), fine_tune=True)
    taught = {coding.unit_id: coding.codes for coding in CoderRun(run).codings()}
    right = [coding.codes == taught[coding.unit_id] for coding in found.out_of_fold.codings()]
    assert np.mean(right) > 0.9
