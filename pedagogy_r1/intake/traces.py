"""Our own traces, wherever they are: in a file (`traces_file`), or in the shards of a corpus (`corpus`).

for trace in read_traces("traces.jsonl"): …
for trace in read_traces("s3://bucket/corpus"): …
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import RunError
from ..provenance import file_digest
from ..trace import Trace
from .corpus import TraceCorpus, is_corpus
from .traces_file import TracesFile, need_traces, read_traces_file


def traces_of(path: str | Path) -> TracesFile:
    """A traces file, or a corpus, read through as far as counting them takes."""
    return TraceCorpus(path) if is_corpus(path) else TracesFile(path)


def traces_digest(path: str | Path) -> str:
    """``sha256:…`` of a traces file, or of all shards of a corpus. Raises `InputError` where there is neither."""
    if is_corpus(path):
        return TraceCorpus(path).digest
    return file_digest(need_traces(path))


def read_traces(path: str | Path) -> Iterator[Trace]:
    """Traces of a file that ``pcode traces import`` wrote, or of a corpus; the first bad row or repeated id is an error."""
    return iter(TraceCorpus(path)) if is_corpus(path) else read_traces_file(path)


def some_traces(path: str | Path) -> Iterator[Trace]:
    """`read_traces` of what has to hold some: an empty file is an error."""
    trace = None
    for trace in read_traces(path):
        yield trace
    if trace is None:
        raise no_trace(path)


def no_trace(path: str | Path) -> RunError:
    """The error about a traces file that is empty."""
    return RunError(f"{path} holds no trace", "import some with: pcode traces import FILE -o traces.jsonl")
