"""Traces from files: our own JSONL strictly (`read_traces`), anybody's by its format (`import_traces`)."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .import_report import ImportReport as ImportReport
    from .import_report import TraceProblem as TraceProblem
    from .trace_importer import import_traces as import_traces
    from .traces import no_trace as no_trace
    from .traces import read_traces as read_traces
    from .traces import some_traces as some_traces
    from .traces import traces_digest as traces_digest
    from .traces_file import TracesFile as TracesFile

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "import_report": ("ImportReport", "TraceProblem"),
        "trace_importer": ("import_traces",),
        "traces": ("no_trace", "read_traces", "some_traces", "traces_digest"),
        "traces_file": ("TracesFile",),
    },
)
