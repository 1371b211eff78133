"""Which files an import reads: those that are named, those in a folder or of a pattern, and the shards of a corpus.

a.jsonl  logs/  part-*.parquet  corpora/open      a.jsonl, logs/2026/x.eval, part-0.parquet, …, corpora/open/traces-0000.parquet, …
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError
from ..files.places import as_url
from ..files.records import need_file, plain_suffix
from .corpus import CORPUS, CorpusShard, TraceCorpus, is_corpus

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".xlsx", ".ods", ".parquet", ".eval")
"""Of the files that are taken from a directory, packed (``.gz``, ``.zst``) or not."""


class ImportFile(NamedTuple):
    """A file to read; ``shard``: of a corpus."""

    path: Path
    shard: CorpusShard | None = None

    def here(self) -> Path:
        """It, on this machine. Raises `RunError` where a shard is not what the corpus recorded."""
        return self.shard.file() if self.shard else self.path


def files_of(paths: Sequence[Path], out: Path) -> list[ImportFile]:
    """The files that are meant. Raises `InputError` where one is not there, or would be overwritten by ``out``."""
    files: list[ImportFile] = []
    for path in paths:
        if (path.is_dir() or as_url(path)) and is_corpus(path):
            files += _shards(path)
        elif path.is_dir():
            files += _inside(path)
        elif not path.exists() and any(sign in str(path) for sign in "*?["):
            files += _named_like(path)
        else:
            files.append(ImportFile(path))
    files = list({file.path: file for file in files}.values())
    if not files:
        raise InputError("no file to import", "name at least one")
    for file in files:
        if file.shard is None:
            need_file(file.path)
        if out.resolve() == file.path.resolve():
            raise InputError(f"{out} is an input and would be overwritten", "choose another file with -o")
    return files


def _shards(path: Path) -> list[ImportFile]:
    corpus = TraceCorpus(path)
    return [ImportFile(shard.path, shard) for shard in map(corpus.shard, range(corpus.shards))]


def _named_like(pattern: Path) -> list[ImportFile]:
    """The files, and corpora, whose names are so."""
    anchor = Path(pattern.anchor or ".")
    files: list[ImportFile] = []
    for path in sorted(anchor.glob(str(pattern.relative_to(pattern.anchor)))):
        if path.is_file():
            files.append(ImportFile(path))
        elif is_corpus(path):
            files += _shards(path)
    if not files:
        raise InputError(f"{pattern}: no file has such a name", "check the path")
    return files


def _inside(folder: Path) -> list[ImportFile]:
    """The files of a directory, below it too; a corpus there is read as one."""
    corpora = [path.parent for path in sorted(folder.rglob(CORPUS)) if is_corpus(path.parent)]
    files = [
        ImportFile(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and plain_suffix(path) in SUFFIXES
        and not path.name.startswith(".")
        and not path.name.endswith(".skipped.jsonl")
        and path.parent not in corpora
    ]
    files += [shard for corpus in corpora for shard in _shards(corpus)]
    if not files:
        raise InputError(
            f"{folder}: is a directory, and no file in it can be read",
            f"known are {', '.join(SUFFIXES)}, also .gz and .zst",
        )
    return files
