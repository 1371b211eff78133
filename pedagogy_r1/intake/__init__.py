"""Traces from files: our own JSONL strictly (`read_traces`), anybody's through a field map (`import_traces`)."""

from .trace_importer import ImportReport, TraceProblem, import_traces
from .traces_file import TracesFile, read_traces

__all__ = ["ImportReport", "TraceProblem", "TracesFile", "import_traces", "read_traces"]
