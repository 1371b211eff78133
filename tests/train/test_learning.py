"""Learning is real: the whole pipeline on one seed, smaller than benchmarks/learning.py, and the same claims."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

for package in ("torch", "transformers", "trl", "peft", "accelerate", "datasets"):
    pytest.importorskip(package)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_a_student_of_filtered_traces_beats_its_untrained_self_and_one_of_all_traces(tmp_path: Path) -> None:
    """The teacher is wrong half of the time. Distill, filter, sft, eval and compare are the real ones."""
    from benchmarks.learning import Sizes, run

    against_untrained, against_unfiltered = run(tmp_path, Sizes(items=600, held_out=100, steps=300), seed=0)
    scores = {cell.run.split(" ")[0]: cell.scores[0] for cell in against_untrained.cells}
    assert scores["untrained"].estimate.value < 0.1, "random weights give no letter"
    assert scores["filtered"].estimate.low > scores["filtered"].majority
    gain = {d.run.split(" ")[0]: d for d in against_untrained.differences}["filtered"]
    assert gain.estimate.low > 0
    filtered = {d.run.split(" ")[0]: d for d in against_unfiltered.differences}["filtered"]
    assert filtered.estimate.low > 0
