"""pedagogy_r1: code reasoning traces about teaching, and measure whether the codes can be trusted.

    import pedagogy_r1 as pr

    run = pr.annotate("traces.jsonl", "runs/cues", codebook="schoen")
    humans = pr.import_codings(["coded.csv"], traces="traces.jsonl", out="runs/humans", codebook="schoen@1.0.0")
    report = pr.agree([run, humans.run])
    report.comparisons[0].result.value

Names are imported when they are first used, so that ``import pedagogy_r1`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agreement.agreement_report import AgreementReport, agree
    from .codebook import Code, Codebook, load_codebook
    from .coding.annotate import annotate
    from .errors import PedagogyError
    from .human.import_codings import import_codings
    from .intake import import_traces, read_traces
    from .runs.coding import Coding
    from .runs.export import export_runs
    from .runs.migrate import migrate_run
    from .runs.run import CoderRun
    from .trace import Trace
    from .unit import Unit, unitize

_HOMES = {
    "AgreementReport": "agreement",
    "agree": "agreement",
    "Code": "codebook",
    "Codebook": "codebook",
    "load_codebook": "codebook",
    "annotate": "coding.annotate",
    "Coding": "runs.coding",
    "export_runs": "runs.export",
    "import_codings": "human.import_codings",
    "migrate_run": "runs.migrate",
    "CoderRun": "runs.run",
    "PedagogyError": "errors",
    "import_traces": "intake",
    "read_traces": "intake",
    "Trace": "trace",
    "Unit": "unit",
    "unitize": "unit",
}

__all__ = [
    "AgreementReport",
    "Code",
    "Codebook",
    "CoderRun",
    "Coding",
    "PedagogyError",
    "Trace",
    "Unit",
    "agree",
    "annotate",
    "export_runs",
    "import_codings",
    "import_traces",
    "load_codebook",
    "migrate_run",
    "read_traces",
    "unitize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
