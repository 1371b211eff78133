"""What stands on a learned coder's card, and that no coder is used whose card is owed, or was edited."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from pedagogy_r1.agreement.learning_forecast import MORE, rise_of
from pedagogy_r1.cli.main import cli
from pedagogy_r1.coding.learned.fit_coder import LearnedCoderFolder
from pedagogy_r1.errors import RunError

from .test_learned import TOPICS, coded


def test_killed_between_the_fit_and_the_test_it_is_no_tested_coder(tmp_path: Path) -> None:
    _, run = coded(tmp_path / "a", TOPICS[:6])
    _, other = coded(tmp_path / "b", TOPICS[6:])
    out = tmp_path / "coder"
    words = ["coder", "fit", str(run), "-o", str(out), "--test", str(other)]
    command = [sys.executable, "-m", "pedagogy_r1", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        if (out / "coder.json").is_file() and json.loads((out / "coder.json").read_bytes())["owes_card"]:
            break
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not (out / "card.json").exists()
    with pytest.raises(RunError, match="was fitted and not measured"):
        LearnedCoderFolder(out)
    again = CliRunner().invoke(cli, words)
    assert again.exit_code == 0, again.output
    measured = LearnedCoderFolder(out).measured()
    assert measured is not None
    assert "12 traces of 6 items that it did not learn from" in measured
    drawn = (out / "learning_curve.svg").read_text(encoding="utf-8")
    assert ">traces learned from<" in drawn
    assert "10 more traces of the same kind" in drawn
    assert (out / "learning_curve.png").read_bytes()[:4] == b"\x89PNG"
    # An edited card is found, and one with another number is not believed.
    card = json.loads((out / "card.json").read_bytes())
    card["test"][0]["says"] = "α .99"
    (out / "card.json").write_text(json.dumps(card))
    with pytest.raises(RunError, match=r"card\.json has"):
        LearnedCoderFolder(out).measured()


def test_several_runs_are_learned_from_together(tmp_path: Path) -> None:
    _, first = coded(tmp_path / "a", TOPICS[:4])
    _, second = coded(tmp_path / "b", TOPICS[4:8], coders=("K",))
    _, apart = coded(tmp_path / "c", TOPICS[8:])
    fit = ["coder", "fit", str(first), str(second)]
    said = CliRunner().invoke(cli, [*fit, "-o", str(tmp_path / "coder"), "--test", str(apart)])
    assert said.exit_code == 0, said.output
    record = LearnedCoderFolder(tmp_path / "coder").record
    assert (record.coders, record.traces, record.items) == (["H", "K"], 16, 8)
    # A trace of an item of either run is no test.
    for run in (first, second):
        said = CliRunner().invoke(cli, [*fit, "-o", str(tmp_path / "other"), "--test", str(run)])
        assert said.exit_code == 2
        assert not (tmp_path / "other").exists()


def test_what_more_traces_bring() -> None:
    exact = [{n: a - 0.9 * n**-0.5 for n in (31, 62, 124)} for a in (0.70, 0.72, 0.74, 0.69, 0.71)]
    found = rise_of(exact, 156)
    assert found.value == pytest.approx(0.9 * (156**-0.5 - (156 + MORE) ** -0.5))
    assert found.interval is not None
    # The draws do not differ in their rise, and the interval still holds both curves that level off slower and faster.
    assert found.interval[0] < found.value < found.interval[1]
    rng = np.random.default_rng(0)
    noisy = [{n: value + rng.normal(0, 0.02) for n, value in draw.items()} for draw in exact]
    told = rise_of(noisy, 156)
    assert told.interval is not None
    assert told.interval[1] - told.interval[0] > found.interval[1] - found.interval[0]


@pytest.mark.parametrize(
    ("draws", "traces", "why"),
    [
        ([{4: 0.1, 8: 0.2, 16: 0.3}] * 3, 20, "3 of 3 draws have α at 3 sizes, and 4 are needed"),
        ([{4: 0.1, 8: 0.2}] * 5, 20, "0 of 5 draws"),
        ([], 20, "0 of 0 draws"),
        ([{2: 0.1, 3: 0.2, 6: 0.3}] * 5, 8, "the curve ends at 6 traces, too far from 18 to be continued"),
    ],
)
def test_where_the_curve_cannot_say(draws: list[dict[int, float]], traces: int, why: str) -> None:
    found = rise_of(draws, traces)
    assert found.value is None
    assert why in (found.why_undefined or "")
