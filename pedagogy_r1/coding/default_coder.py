"""Which coder ``pcode annotate`` uses where none is named.

learned:schoen    the codebook is the one that it was learned under, every trace is in a language that it learned
cues              everything else: other codebooks, other languages, options of the cues, a run that the cues began
"""

from __future__ import annotations

from pathlib import Path

from ..errors import PedagogyError
from ..intake.traces_file import TracesFile
from ..runs.run import CoderRun
from ..runs.run_writer import codebook_for
from ..unit.language import language_code
from .annotate import shipped_coder
from .learned.fit_coder import LearnedCoderFolder

SHIPPED = "schoen"


def default_coder(
    traces: TracesFile, out: Path, *, codebook: str | Path | None, units: Path | None, lang: str | None
) -> str:
    """``cues``, or ``learned:schoen``."""
    if (path := shipped_coder(SHIPPED)) is None or _begun_by_cues(out):
        return "cues"
    record = LearnedCoderFolder(path).record
    if codebook_for(codebook, units).digest != record.codebook["digest"]:
        return "cues"
    langs = {lang} if lang else traces.langs
    known = {language_code(one) for one in record.langs}
    return f"learned:{SHIPPED}" if {language_code(one) for one in langs} <= known else "cues"


def _begun_by_cues(out: Path) -> bool:
    """Whether the folder holds a run of the cues, which the same command takes up, whatever the default is by now."""
    try:
        return CoderRun(out).manifest.coder == "cues"
    except PedagogyError:
        return False
