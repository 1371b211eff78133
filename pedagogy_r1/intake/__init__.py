"""Traces from files: our own JSONL strictly (`read_traces`), anybody's through a field map (`import_traces`)."""

from .importing import ImportReport, Problem, import_traces
from .reading import read_traces

__all__ = ["ImportReport", "Problem", "import_traces", "read_traces"]
