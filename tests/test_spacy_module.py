"""spaCy in the processes of ``pcode``: without PyTorch, which can be imported afterwards; elsewhere as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from pedagogy_r1.spacy_module import ALONE

SAYS = """
import sys
from pedagogy_r1.unit.language import pipeline
words = [token.text for token in pipeline("en")("Wait, no.")]
print(words, "torch" in sys.modules)
import torch
print(torch.zeros(1).item())
"""


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize(("alone", "loaded"), [("1", "False"), ("", "True")])
def test_pytorch_stays_aside(alone: str, loaded: str) -> None:
    env = os.environ | {ALONE: alone}
    found = subprocess.run([sys.executable, "-c", SAYS], env=env, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == [f"['Wait', ',', 'no', '.'] {loaded}", "0.0"]
