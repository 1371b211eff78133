"""pedagogy_r1: code reasoning traces about teaching, and measure whether the codes can be trusted.

    import pedagogy_r1 as pr

    run = pr.annotate("traces.jsonl", "runs/cues", codebook="schoen")
    humans = pr.import_codings(["coded.csv"], traces="traces.jsonl", out="runs/humans", codebook="schoen@1.0.0")
    report = pr.agree([run, humans.run])
    report.comparisons[0].result.value

Names are imported when they are first used, so that ``import pedagogy_r1`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:  # for type checkers, which cannot follow names that are made below
    # ruff: noqa: F401
    from .agreement.agreement_report import AgreementReport, agree
    from .codebook import Code, Codebook, load_codebook
    from .coding.annotate import annotate
    from .errors import PedagogyError
    from .human.import_codings import import_codings
    from .intake import import_traces, read_traces
    from .runs.export import export_runs
    from .runs.migrate import migrate_run
    from .runs.run import CoderRun, Coding, require_complete
    from .trace import Trace, Unit
    from .unit.unitizer import unitize

_FILES = {
    "agreement.agreement_report": ("AgreementReport", "agree"),
    "codebook": ("Code", "Codebook", "load_codebook"),
    "coding.annotate": ("annotate",),
    "errors": ("PedagogyError",),
    "human.import_codings": ("import_codings",),
    "intake": ("import_traces", "read_traces"),
    "runs.export": ("export_runs",),
    "runs.migrate": ("migrate_run",),
    "runs.run": ("CoderRun", "Coding", "require_complete"),
    "trace": ("Trace", "Unit"),
    "unit": ("unitize",),
}
__getattr__, __dir__, __all__ = lazy_names(__name__, _FILES)
