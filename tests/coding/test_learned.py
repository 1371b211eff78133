"""A coder learned from codings: what it predicts of its own traces is out of fold, and a fold that is broken is seen."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pedagogy_r1.agreement.learned_card import check_apart, coder_card, why_refused, write_card
from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.coding.learned.coded_traces import TaughtTraces, read_coded
from pedagogy_r1.coding.learned.fit_coder import OUT_OF_FOLD, LearnedCoderFolder, fit_coder
from pedagogy_r1.coding.learned.fit_model import fit_model, out_of_fold
from pedagogy_r1.coding.learned.learned_model import LearnedModel
from pedagogy_r1.coding.learned.unit_features import PLACE, see
from pedagogy_r1.errors import ArgumentError, InputError, RunError
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.trace import Trace, item_group

from ..make_runs import BOOK

SAID = {
    "A": ("What do I know about {}?", "Do I understand {} at all?", "Why do I believe in {}?"),
    "B": ("The value of {} is twelve.", "So {} equals nine here.", "Then {} comes to seven."),
    "C": ("Let me first look at {}.", "I will turn to {} next.", "Next I will plan {}."),
}
TOPICS = (
    "area",
    "rain",
    "verbs",
    "maps",
    "light",
    "money",
    "seeds",
    "ratio",
    "poems",
    "clocks",
    "rivers",
    "sound",
)


def coded(
    folder: Path,
    topics: tuple[str, ...] = TOPICS,
    coders: tuple[str, ...] = ("H",),
    wrong: float = 0.0,
    sayings: dict[str, tuple[str, ...]] = SAID,
) -> tuple[Path, Path]:
    """Traces, two of each item, and a run of their codings: codes follow from words."""
    rng, folder = random.Random(1), folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "book.yaml").write_text(BOOK)
    rows, traces = ["trace_id,start,end,quote,coder,code"], []
    for item in topics:
        for turn in (1, 2):
            text = ""
            for _ in range(8):
                code = rng.choice("ABC")
                sentence = rng.choice(sayings[code]).format(item)
                start = len(text)
                text += sentence + " "
                for coder in coders:
                    said = rng.choice("ABC") if rng.random() < wrong else code
                    rows.append(f'{item}-{turn},{start},{start + len(sentence)},"{sentence}",{coder},{said}')
            traces.append(Trace(id=f"{item}-{turn}", item=item, question=f"About {item}.", reasoning=text))
    (folder / "codings.csv").write_text("\n".join(rows))
    path = folder / "traces.jsonl"
    path.write_text("".join(trace.model_dump_json() + "\n" for trace in traces))
    import_codings([folder / "codings.csv"], path, folder / "run", codebook=folder / "book.yaml", units="own")
    return path, folder / "run"


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("taught")
    path, run = coded(folder)
    fit_coder([run], folder / "coder")
    return path, run, folder / "coder"


def test_features_of_a_unit() -> None:
    first, second = see("How tall is it?", ["How tall is it then?", "It is 12 m, isn't it?"])
    assert "it is 0" in second.word
    assert "isn't" in second.word
    assert second.opening == ("it", "it is", "it is 0", "it is 0 m")
    assert " it " in first.char
    assert dict(zip(PLACE, first.place, strict=True))["words of the question"] == 0.8
    assert see("", [""])[0].opening == ("",)


def test_words_that_carry_the_code_are_learned(taught: tuple[Path, Path, Path]) -> None:
    _, run, folder = taught
    card = coder_card([CoderRun(run)], fit_coder([run], folder))
    assert card.learned[0].result.value is not None
    assert card.learned[0].result.value > 0.95
    write_card(card)
    assert json.loads((folder / "card.json").read_text())["units"] == 192
    assert "| H | " in (folder / "card.md").read_text()


def test_training_traces_get_what_was_said_out_of_fold(
    taught: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    path, run, folder = taught
    book = folder / "codebook.yaml"
    again = annotate(path, tmp_path / "again", coder="learned", path=folder, codebook=book, units=run)
    told = [(c.unit_id, c.codes, c.confidence, c.rationale) for c in CoderRun(folder / OUT_OF_FOLD).codings()]
    assert [(c.unit_id, c.codes, c.confidence, c.rationale) for c in again.codings()] == told
    with pytest.raises(InputError, match="cut into other units"):
        annotate(path, tmp_path / "other", coder="learned", path=folder, codebook=book, scheme="paragraph@1")


def _memorised(broken: bool) -> float:
    """Share right, where nothing but an item's own word tells its code, and each item stands in two traces."""
    rng = random.Random(3)
    words = ["".join(rng.choice("bcdfghklmnprstvz") for _ in range(7)) for _ in range(30)]
    traces = []
    for i, word in enumerate(words):
        for turn in (1, 2):
            code = i % 2
            texts = [f"{word} {word}." for _ in range(4)]
            units = tuple(_unit(f"{word}-{turn}", n, text) for n, text in enumerate(texts))
            item = f"{word}-{turn}" if broken else word
            trace = Trace(id=f"{word}-{turn}", item=item, reasoning=" ".join(texts))
            targets = np.zeros((4, 2))
            targets[:, code] = 1
            traces.append(_coded_trace(trace, units, texts, targets))
    data = _data(traces)
    p = out_of_fold(data, 0)
    truth = np.array([one.targets.argmax(axis=1) for one in data.traces])
    return float((np.array([found.argmax(axis=1) for found in p]) == truth).mean())


def test_a_broken_fold_is_seen() -> None:
    """With both traces of an item on one side nothing can be known; with one on each side it is remembered."""
    assert _memorised(broken=False) < 0.65
    assert _memorised(broken=True) > 0.9


def test_the_same_data_give_the_same_bytes(taught: tuple[Path, Path, Path], tmp_path: Path) -> None:
    _, run, folder = taught
    fit_coder([run], tmp_path / "coder")
    for name in ("model.npz", "vocabulary.txt", "codebook.yaml"):
        assert (tmp_path / "coder" / name).read_bytes() == (folder / name).read_bytes()
    loaded = LearnedCoderFolder(folder).model()
    fitted = fit_model(read_coded([CoderRun(run)]), 0)
    texts = ["What do I know about light?", "So money equals nine here."]
    assert np.array_equal(loaded.probabilities("", texts), fitted.probabilities("", texts))
    assert [loaded.codes[k] for k in loaded.probabilities("", texts).argmax(axis=1)] == ["A", "B"]


def test_killed_while_it_learns(taught: tuple[Path, Path, Path], tmp_path: Path) -> None:
    _, run, folder = taught
    out = tmp_path / "coder"
    command = [sys.executable, "-m", "pedagogy_r1", "coder", "fit", str(run), "-o", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (out / "coder.json").is_file() and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.wait()
    with pytest.raises(RunError, match="not complete"):
        LearnedCoderFolder(out)
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert (out / "model.npz").read_bytes() == (folder / "model.npz").read_bytes()


def test_what_is_refused(taught: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path, run, folder = taught
    with pytest.raises(InputError, match=r"was learned under abc@1\.0\.0, and the codebook here is schoen"):
        annotate(path, tmp_path / "a", coder="learned", path=folder, codebook="schoen@1.0.0")
    with pytest.raises(RunError, match="is no folder of a learned coder"):
        annotate(path, tmp_path / "a", coder="learned", path=tmp_path)
    one = coded(tmp_path / "one", TOPICS[:1])[1]
    with pytest.raises(InputError, match="all traces are of one item"):
        fit_coder([one], tmp_path / "c")
    # Codes that follow from nothing: it is no better than chance, and says so.
    noise = coded(tmp_path / "noise", TOPICS[:6], wrong=1.0)[1]
    runs = [CoderRun(noise)]
    with pytest.raises(InputError, match="it learned too little"):
        fit_coder(
            [noise], tmp_path / "d", refuse=lambda out, who: why_refused(runs, who, out, tmp_path / "d")
        )
    with pytest.raises(RunError, match="stopped, not complete"):
        LearnedCoderFolder(tmp_path / "d")
    with pytest.raises(ArgumentError, match="needs 'path'") as error:
        annotate(path, tmp_path / "a", coder="learned")
    assert error.value.hint == "give the folder: learned:FOLDER"
    damaged = tmp_path / "damaged"
    fit_coder([run], damaged)
    data = bytearray((damaged / "model.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (damaged / "model.npz").write_bytes(data)
    with pytest.raises(RunError, match=r"model.npz"):
        annotate(
            path, tmp_path / "e", coder="learned", path=damaged, codebook=damaged / "codebook.yaml", units=run
        )


def test_another_language_is_missing(taught: tuple[Path, Path, Path], tmp_path: Path) -> None:
    _, _, folder = taught
    path = tmp_path / "ko.jsonl"
    path.write_text(Trace(id="k", lang="ko", reasoning="왜 그럴까? 답은 9이다.").model_dump_json() + "\n")
    run = annotate(path, tmp_path / "run", coder="learned", path=folder, codebook=folder / "codebook.yaml")
    assert {c.missing_reason for c in run.codings()} == {"learned from en traces, this one is ko"}


def test_people_who_differ_are_soft_targets(tmp_path: Path) -> None:
    _, run = coded(tmp_path, TOPICS[:6], coders=("P", "Q"), wrong=0.3)
    found = read_coded([CoderRun(run)])
    assert found.coders == ("P", "Q")
    shares = {round(float(x), 2) for one in found.traces for x in one.targets.ravel()}
    assert shares == {0.0, 0.5, 1.0}
    assert read_coded([CoderRun(run)], ["Q"]).coders == ("Q",)
    with pytest.raises(InputError, match="no coder of the runs is called 'R'"):
        read_coded([CoderRun(run)], ["R"])
    model = fit_model(found, 0)
    assert model.codes == ("A", "B", "C")
    assert isinstance(model, LearnedModel)


def _unit(trace_id: str, n: int, text: str):  # type: ignore[no-untyped-def]
    from pedagogy_r1.trace import Unit

    start = n * (len(text) + 1)
    return Unit.model_construct(
        id=f"{trace_id}-{n}", trace_id=trace_id, scheme="sentence@1", index=n, start=start, end=start + len(text), text=text, tokens=2
    )  # fmt: skip


def _coded_trace(trace, units, texts, targets):  # type: ignore[no-untyped-def]
    from pedagogy_r1.coding.learned.coded_traces import TaughtTrace
    from pedagogy_r1.coding.learned.unit_cues import UnitCues

    from ..make_runs import book

    return TaughtTrace(trace, units, tuple(see("", texts, UnitCues(book()))), targets, 0.0, item_group(trace))


def _data(traces) -> TaughtTraces:  # type: ignore[no-untyped-def]
    from ..make_runs import book

    return replace(TaughtTraces(book(), ("A", "B"), ("H",), True, ()), traces=tuple(traces))


def test_what_the_cues_say_is_a_feature_and_is_what_the_cues_coder_says(tmp_path: Path) -> None:
    from pedagogy_r1.coding.learned.unit_cues import MOST, SHARES, UnitCues
    from pedagogy_r1.human.corpus import corpus_traces

    path = tmp_path / "traces.jsonl"
    path.write_text("".join(t.model_dump_json() + "\n" for t in list(corpus_traces("teaching", "dev"))[:6]))
    run = annotate(path, tmp_path / "run", coder="cues", codebook="schoen@1.1.0")
    cues, ids = UnitCues(run.codebook), run.codebook.code_ids
    silent = 0
    for trace, units, codings in run.by_trace():
        found = cues.of(trace.question, [unit.text for unit in units], trace.lang)
        assert found.shape == (len(units), 4 * len(ids) + 1 + SHARES)
        for row, coding in zip(found, codings, strict=True):
            given = cues.given(row[None])[0]
            assert given.sum() == 1
            if coding.evidence is None:  # nothing scored: the codebook's fallback
                assert given[-1] == 1
                silent += 1
            else:
                assert ids[int(given.argmax())] == coding.primary
            assert 0 <= row.min() <= row.max() <= 1 <= MOST
    assert 0 < silent < run.manifest.counts["units"]
    assert UnitCues(None).of("", ["Wait."]).shape == (1, 0)
    foreign = cues.of("", ["Wait, that contradicts it.", "왜?"], "ko")
    assert foreign[:, : len(ids)].max() == 0


def test_a_folder_that_is_no_coder_is_said_to_be_none(
    taught: tuple[Path, Path, Path], tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    path, _, folder = taught
    nowhere = pcode("annotate", path, "-o", tmp_path / "a", "--coder", f"learned:{tmp_path / 'nowhere'}")
    assert nowhere.exit_code == 2
    assert "nowhere is no folder of a learned coder" in " ".join(nowhere.stderr.split())
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "codebook.yaml").write_text((broken / "codebook.yaml").read_text()[:-20])
    cut = pcode("annotate", path, "-o", tmp_path / "a", "--coder", f"learned:{broken}")
    assert cut.exit_code == 2
    assert "fit the coder again" in " ".join(cut.stderr.split())


def test_predictions_of_another_coder_are_not_taken_for_its_own(
    taught: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """The same traces, another seed: every trace is found there, and what is said of it is another coder's."""
    path, run, folder = taught
    other = fit_coder([run], tmp_path / "other", seed=1).folder
    mixed = shutil.copytree(folder, tmp_path / "mixed")
    shutil.rmtree(mixed / OUT_OF_FOLD)
    shutil.copytree(other / OUT_OF_FOLD, mixed / OUT_OF_FOLD)
    with pytest.raises(RunError, match="what another coder said of its training traces"):
        annotate(path, tmp_path / "a", coder="learned", path=mixed, codebook=mixed / "codebook.yaml")


def test_copies_of_a_text_under_other_ids_are_in_one_fold(tmp_path: Path) -> None:
    """Codes that nothing foretells, every text twice, without items: a copy in another fold would tell them all."""
    rng, rows, traces = random.Random(2), ["trace_id,start,end,quote,coder,code"], []
    for number in range(10):
        said = [(f"{' '.join(rng.sample(TOPICS, 6))}.", rng.choice("ABC")) for _ in range(6)]
        for copy in ("x", "y"):
            text = ""
            for sentence, code in said:
                rows.append(f'{copy}{number},{len(text)},{len(text) + len(sentence)},"{sentence}",H,{code}')
                text += sentence + " "
            traces.append(Trace(id=f"{copy}{number}", question="?", reasoning=text))
    (tmp_path / "book.yaml").write_text(BOOK)
    (tmp_path / "codings.csv").write_text("\n".join(rows))
    path = tmp_path / "traces.jsonl"
    path.write_text("".join(trace.model_dump_json() + "\n" for trace in traces))
    run = tmp_path / "run"
    import_codings([tmp_path / "codings.csv"], path, run, codebook=tmp_path / "book.yaml", units="own")
    data = read_coded([CoderRun(run)])
    fold = dict(zip((one.trace.id for one in data.traces), data.folds(10, 0).tolist(), strict=True))
    assert len(set(fold.values())) == 10
    assert all(fold[f"x{number}"] == fold[f"y{number}"] for number in range(10))


def test_a_training_trace_is_known_again_with_other_spaces_and_another_question(
    taught: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    path, run, folder = taught
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row |= {"id": f"new {row['id']}", "item": "new", "question": "Something else?"}
        row["reasoning"] = row["reasoning"].replace(" ", "  ")
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps(row) + "\n" for row in rows))
    how = {"coder": "learned", "path": folder, "codebook": folder / "codebook.yaml"}
    found = annotate(other, tmp_path / "a", **how)
    held_out = CoderRun(folder / OUT_OF_FOLD)
    mine = [(coding.codes, coding.confidence) for coding in found.codings()]
    assert mine == [(coding.codes, coding.confidence) for coding in held_out.codings()]
    with pytest.raises(InputError, match="the coder would learn from new "):
        check_apart([CoderRun(run)], [found])
