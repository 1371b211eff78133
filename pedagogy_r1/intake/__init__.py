"""Traces from files: our own JSONL strictly (`read_traces`), anybody's through a field map (`import_traces`)."""

from .trace_importer import ImportReport, TraceProblem, import_traces
from .traces_file import TracesFile, no_trace, read_traces, some_traces

__all__ = [
    "ImportReport",
    "TraceProblem",
    "TracesFile",
    "import_traces",
    "no_trace",
    "read_traces",
    "some_traces",
]
