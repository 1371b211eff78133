"""Traces from files: our own JSONL strictly (`read_traces`), anybody's through a field map (`import_traces`)."""

from .import_traces import ImportReport, Problem, import_traces
from .read_traces import read_traces

__all__ = ["ImportReport", "Problem", "import_traces", "read_traces"]
