"""γ: agreement on spans by their best alignment (Mathet, Widlöcher & Métivier 2015, *Computational Linguistics* 41(3)).

    A  | TR-SP |     | IA-SQ |             units of different coders are aligned so that the disorder, α·(distance of
    B   | TR-SP | KA |  IA-SQ  |           position) + β·(distance of code), is least; γ = 1 − disorder / disorder of
         ──┬──    ┆  ───┬───               texts drawn at random. γ_cat, γ_k: of the codes alone, given the alignment

Unlike the unitizing alphas γ takes overlapping spans, and forgives a limit that is slightly off. It is computed by
pygamma-agreement, an optional package (``pip install pygamma-agreement``), in a process of its own: that package seeds
numpy's global generator, prints from C and configures the root logger, and its integer program can outgrow the memory.
It is stochastic: with 30 samples the second decimal is uncertain; ``precision`` draws until it is not.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Literal

from ..errors import PedagogyError
from ..estimate import Estimate
from .continuum import Continuum

PACKAGE = "pygamma-agreement"

Sampler = Literal["statistical", "shuffle"]


@dataclass(frozen=True)
class Gamma(Estimate):
    """γ of one continuum, without an interval. ``gamma_k``: by code; one that chance never aligns has none.

    ``observed``, ``expected``: disorder of the best alignment, mean disorder of the samples; ``aligned``: unitary
    alignments in the best one.
    """

    name: str = ""
    gamma_cat: float | None = None
    gamma_k: dict[str, float | None] = field(default_factory=dict)
    observed: float | None = None
    expected: float | None = None
    aligned: int = 0
    samples: int = 0


def gamma(
    continua: Sequence[Continuum],
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    delta_empty: float = 1.0,
    sampler: Sampler = "statistical",
    samples: int = 30,
    precision: float | None = None,
    fast: bool = False,
    seed: int = 0,
    timeout: float | None = None,
) -> list[Gamma]:
    """γ, γ_cat and γ_k of the coders of each continuum, in order; each starts from the same seed.

    ``alpha``, ``beta``, ``delta_empty``: weights of position, of code, and of a unit that stays alone (defaults: the
    package's). ``sampler``: random texts by the statistics of the units, or by shuffling the coders' own (the 2015
    paper's). ``precision``: relative error of the expected disorder (.01: 1 %). ``fast``: the windowed alignment, needed
    above some hundred units. ``timeout``: seconds for all. Raises `PedagogyError` if the package is missing or fails.
    """
    method = f"gamma, alpha={alpha:g}, beta={beta:g}, delta_empty={delta_empty:g}, {sampler} sampler"
    why = [_why_undefined(continuum) for continuum in continua]
    defined = [c for c, reason in zip(continua, why, strict=True) if reason is None]
    request = {
        "continua": [{coder: list(map(list, spans)) for coder, spans in c.spans.items()} for c in defined],
        "weights": {"alpha": alpha, "beta": beta, "delta_empty": delta_empty},
        "sampler": sampler,
        "options": {"n_samples": samples, "precision_level": precision, "fast": fast},
        "seed": seed,
    }
    answers = iter(_ask(request, timeout) if defined else [])
    stamp = f"{method}; {PACKAGE} {version(PACKAGE)}" if defined else method
    return [
        Gamma.undefined(reason, name=c.name, method=method, seed=seed)
        if reason
        else Gamma(**next(answers), name=c.name, method=stamp, seed=seed)
        for c, reason in zip(continua, why, strict=True)
    ]


def _why_undefined(continuum: Continuum) -> str | None:
    if any(span.code is None for spans in continuum.spans.values() for span in spans):
        return "a coding is missing, which gamma cannot take"
    if len(continuum.spans) < 2:
        return "no text was coded by two coders"
    return None if any(continuum.spans.values()) else "no coder chose any span"


def _ask(request: dict[str, Any], timeout: float | None) -> list[dict[str, Any]]:
    if find_spec("pygamma_agreement") is None:
        raise PedagogyError(
            f"gamma needs the package {PACKAGE}",
            f"pip install 'pedagogy-r1[gamma]', or pip install {PACKAGE}",
        )
    command = [sys.executable, "-m", __spec__.name]
    try:
        done = subprocess.run(  # noqa: S603 - this very module, no shell
            command, input=json.dumps(request), capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise PedagogyError(
            f"gamma took more than {timeout:g} s", "try fast=True, fewer coders or fewer texts at once"
        ) from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise PedagogyError(
            f"{PACKAGE} failed: {said[-1]}",
            "many units and coders make its integer program too large: try fast=True, or coders in pairs",
        )
    return list(json.loads(done.stdout))


def _answer(request: dict[str, Any], spans: dict[str, list[tuple[int, int, str]]]) -> dict[str, Any]:
    """In the process of its own: run the package on one continuum."""
    import numpy as np

    package: Any = import_module("pygamma_agreement")
    segment: Any = import_module("pyannote.core").Segment
    continuum = package.Continuum()
    for coder, found in spans.items():
        continuum.add_annotator(coder)
        for start, end, code in found:
            continuum.add(coder, segment(float(start), float(end)), code)
    samplers = {
        "statistical": package.StatisticalContinuumSampler,
        "shuffle": package.ShuffleContinuumSampler,
    }
    np.random.seed(request["seed"])
    result = continuum.compute_gamma(
        package.CombinedCategoricalDissimilarity(**request["weights"]),
        sampler=samplers[request["sampler"]](),
        **request["options"],
    )
    return {
        "value": _number(result.gamma),
        "gamma_cat": _number(result.gamma_cat),
        "gamma_k": {code: _gamma_k(result, code) for code in continuum.categories},
        "observed": _number(result.observed_disorder),
        "expected": _number(result.expected_disorder),
        "aligned": len(result.best_alignment.unitary_alignments),
        "samples": result.n_samples,
    }


def _gamma_k(found: Any, code: str) -> float | None:
    try:
        return _number(found.gamma_k(code))
    except ZeroDivisionError:  # no units of this code were aligned by chance
        return None


def _number(value: float) -> float | None:
    """A plain number; ``None`` for NaN and infinities."""
    number = float(value)
    return number if abs(number) < float("inf") else None


def _main() -> None:
    """Read a request on stdin, write the answer on stdout, and keep what the package prints away from it."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    logging.disable(logging.WARNING)
    request = json.load(sys.stdin)
    with answer:
        json.dump([_answer(request, spans) for spans in request["continua"]], answer)


if __name__ == "__main__":
    _main()
