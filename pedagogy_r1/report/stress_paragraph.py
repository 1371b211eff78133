"""What stress tests of a codebook say of the coders of a report: only of the coder, codebook and settings that they were made with.

Coder openai:Qwen3-8B was tested on whether it reads the codebook (12 traces, 240 units): it passes 6 of 7 tests, fails swap …
"""

from __future__ import annotations

import re
from typing import Any

from ..coding.stress_report import StressRecord
from ..formatting import counted
from ..runs.run import CoderRun
from .section import listed
from .study import Study

_OTHERWISE = frozenset({"seed", "repeats", "critic", "permute"})
"""Parameters in which a run may differ from its tests and still be of the coder that was tested."""
_IS = "learned"
"""The parameter by which two learned coders, which have one name, are told apart."""

_ENDING = re.compile(r"(#\d+)?(\+critic)?$")


def stress_paragraph(study: Study, tested: StressRecord) -> str:
    """One folder of tests in words."""
    of = f"the coder {tested.coder} under {tested.codebook}"
    same = [run for _, run in study.labelled if _coder_of(tested, run)]
    if not same:
        names = listed(sorted({_plain(c.name) for run in study.runs for c in run.manifest.coders if c.kind == "machine"})) or "none"  # fmt: skip
        return f"The stress tests given are of another coder, {of}, and say nothing of those here (machines here: {names})."
    here = [run for run in same if run.codebook.stamp == tested.codebook]
    if not here:
        return (
            f"The stress tests given are of {of}; the codings here were made under another codebook, {same[0].codebook.stamp}, "
            "of which they say nothing."
        )
    failed = [f"{one.test} ({one.says})" for one in tested.tests if one.verdict == "fails"]
    left = [one.test for one in tested.tests if one.verdict == "not tested"]
    words = (
        f"Whether {tested.coder} reads the codebook was tested (pcode codebook stress, after Halterman & Keith 2025) on "
        f"{counted(tested.units, 'unit')} of {counted(tested.traces, 'trace')}: {tested.says}."
    )
    words += f" Failed: {'; '.join(failed)}." if failed else ""
    words += f" Not tested: {listed(left)}." if left else ""
    return f"{words}{_settings(tested, here)}"


def _settings(tested: StressRecord, here: list[CoderRun]) -> str:
    """In what the runs here were made otherwise than the tests."""
    if tested.settings is None:
        return " With which settings is not recorded there."
    found = []
    for run in here:
        now = run.manifest.parameters
        names = [name for name in {**tested.settings, **now} if name not in _OTHERWISE]
        found += [
            f"{name} {_said(tested.settings.get(name))} in the tests and {_said(now.get(name))} here"
            for name in names
            if tested.settings.get(name) != now.get(name)
        ]
    if not found:
        return ""
    return f" The tests were made with other settings, and say what they say of those: {'; '.join(dict.fromkeys(found))}."


def _said(value: Any) -> str:
    return "none" if value is None else str(value)


def _plain(name: str) -> str:
    """A coder's name without the number of its repeat, and whether it is a critic."""
    return _ENDING.sub("", name)


def _coder_of(tested: StressRecord, run: CoderRun) -> bool:
    """Whether a machine coder of the run is the one that was tested."""
    names = {_plain(coder.name) for coder in run.manifest.coders if coder.kind == "machine"}
    learned = run.manifest.parameters.get(_IS)
    return _plain(tested.coder) in names and (tested.settings or {}).get(_IS) == learned
