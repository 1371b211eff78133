"""What came back of a batch, and whether that is all of it.

    {"custom_id":"9f86d081…","response":{"status_code":200,"body":{…}},"error":null}     output file: answered
    {"custom_id":"60303ae2…","response":null,"error":{"code":"batch_expired",…}}         error file: the server says it failed

A request of which no line tells may have been answered, and paid: a file may be cut, gone, or a proxy's page. It is asked again
only where the server's own counts leave no doubt that it failed (`Replies.lost`); otherwise the files are fetched again, a few times.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ChatError
from ..files.batch_record import SentBatch
from . import ChatFault, parse_body, printable
from ._batch_server import OVER, BatchServer

LONGEST_LINE = 64 << 20
"""Bytes of one line; what is longer is none."""
PARTS = ("output", "error")

Line = tuple[Path, int, int] | dict[str, Any]
"""Where a line of a batch lies, from which byte on and how many; or the line itself."""


class BatchCounts(NamedTuple):
    """``request_counts`` of a batch."""

    total: int
    completed: int
    failed: int


def counts_of(found: dict[str, Any]) -> BatchCounts | None:
    """What a server counted; ``None`` where one of the numbers is none, or they contradict each other."""
    given = found.get("request_counts")
    if not isinstance(given, dict):
        return None
    numbers = [
        given[name] for name in BatchCounts._fields if type(given.get(name)) is int and given[name] >= 0
    ]
    counts = BatchCounts(*numbers) if len(numbers) == len(BatchCounts._fields) else None
    return counts if counts and counts.completed + counts.failed <= counts.total else None


def file_of(found: dict[str, Any], part: str) -> str | None:
    """The id of a batch's output or error file, if it has one."""
    id = found.get(f"{part}_file_id")
    return id if isinstance(id, str) and id.strip() and id.isprintable() else None


def how_far(found: dict[str, Any]) -> str:
    """How a batch goes: its status, and how many requests of it are done."""
    counts = counts_of(found)
    done = f"{counts.completed + counts.failed:,}" if counts else "an unknown number"
    return (
        f"{found['status']}, {done} done (Ctrl-C leaves it at the server, and the same command looks again)"
    )


def nothing_done(found: dict[str, Any]) -> bool:
    """Whether a batch that did not get to its end has neither a file nor a request that was counted as answered."""
    counts = counts_of(found)
    named = any(found.get(f"{part}_file_id") for part in PARTS)
    if found["status"] == "completed" or named:
        return False
    return not counts.completed if counts else found["status"] == "failed"


def first_error(found: dict[str, Any]) -> tuple[str, str, str]:
    """Why a server refused a batch: code and message of the first error, and how many there are besides."""
    listed = found.get("errors")
    data = listed.get("data") if isinstance(listed, dict) else listed
    errors = [error for error in data if isinstance(error, dict)] if isinstance(data, list) else []
    if not errors:
        return "no code", printable(data) if isinstance(data, str) and data else "it says no reason", ""
    first = errors[0]
    more = f" (and {len(errors) - 1:,} more errors)" if len(errors) > 1 else ""
    return str(first.get("code")), printable(str(first.get("message"))), more


class Replies:
    """Of one batch. ``lines``: by request, those with an answer before those with an error; ``faults``: what is wrong with the files, in words;
    ``answered``: requests that have a reply; ``foreign``, ``unlike``: lines of requests that nobody sent, and further, other lines of one;
    ``not_text``: requests whose line is not UTF-8. ``before``: what an earlier try brought, which this one adds to."""

    def __init__(self, batch: SentBatch, found: dict[str, Any], before: Replies | None = None) -> None:
        self.lines: dict[str, Line] = dict(before.lines) if before else {}
        self.faults: list[str] = []
        self.answered: set[str] = set(before.answered) if before else set()
        self.not_text: set[str] = set(before.not_text) if before else set()
        self.foreign = self.unlike = 0
        self.status = str(found["status"])
        self._batch, self._wanted = batch, frozenset(batch.requests)
        counts = counts_of(found)
        self._counts = counts if counts and counts.total == len(self._wanted) else None
        self._nothing_done = nothing_done(found)

    def read(self, path: Path, name: str) -> None:
        """Take in a file, ``name`` as a fault calls it."""
        broken: list[str] = []
        number = 0
        for number, (offset, raw) in enumerate(_raw_lines(path), 1):
            if why := self._take(path, offset, raw):
                broken.append(f"line {number:,} {why}")
        if not number:
            self.faults.append(f"{name} is empty")
        elif broken:
            more = f" (and {len(broken) - 1:,} more lines)" if len(broken) > 1 else ""
            self.faults.append(f"of {name}, {broken[0]}{more}")

    def _take(self, path: Path, offset: int, raw: bytes) -> str:
        """Take in a line; what is wrong with it, if so."""
        line = _read_line(raw)
        if line is None:
            return f"is no JSON object, or only half of one: {printable(raw[:200].decode('utf-8', 'replace'))[:60]!r}"
        digest = line.get("custom_id")
        if not isinstance(digest, str) or not digest:
            return f"has no custom_id ({str(digest)[:40]!r})"
        if digest not in self._wanted:
            self.foreign += 1
            return ""
        status = _status_of(line)
        if status is None:
            return "has neither a response nor an error"
        text = _is_text(raw)
        whole = digest not in self.answered or (text and digest in self.not_text)
        better = status < 300 and whole
        if digest in self.lines and digest not in self.not_text and _told(self.lines[digest]) != _told(line):
            self.unlike += 1
        if digest not in self.lines or better:
            self.lines[digest] = (path, offset, len(raw))
        if status < 300:
            self.answered.add(digest)
        if better:
            (self.not_text.discard if text else self.not_text.add)(digest)
        return "" if text else "is not UTF-8"

    @property
    def silent(self) -> set[str]:
        """Requests that are still wanted and of which no line tells."""
        return self._batch.left - self.lines.keys()

    @property
    def counted_as_failed(self) -> bool:
        """Whether the server's counts say that whatever no line tells of failed, or was not done: all that it counts as answered is here."""
        counts = self._counts
        if counts is None or len(self.answered) != counts.completed:  # more than it counts: it counts wrongly
            return self._nothing_done
        return self.status != "completed" or counts.completed + counts.failed == counts.total

    @property
    def lost(self) -> set[str]:
        """Requests that the server itself says failed, by its counts alone."""
        return self.silent if self.counted_as_failed else set()

    @property
    def in_doubt(self) -> set[str]:
        """Requests that may have been answered, and paid, though no line tells of them."""
        return self.silent - self.lost

    @property
    def worth_another_try(self) -> bool:
        """Whether something is missing, or spoilt, that may come."""
        return bool(self.in_doubt or self.not_text or (self.silent and self.faults))

    @property
    def sentence(self) -> str:
        """What came back instead of all replies."""
        few = f"{len(self.lines):,} of {len(self._wanted):,} lines came back"
        counts = f"the server counts {self._counts.completed:,} answered" if self._counts else ""
        strange = f"{self.foreign:,} are of requests that are not in it" if self.foreign else ""
        return "; ".join(part for part in (few, counts, strange, *self.faults) if part)

    def notes(self) -> Iterator[str]:
        """What is odd, though nothing is missing for it."""
        if self.foreign:
            yield f"lines of requests that are not in it: {self.foreign:,}, left out"
        if self.unlike:
            yield f"lines that say something else of a request than another one: {self.unlike:,}; the first with an answer is taken"
        if self.not_text:
            yield "what is not UTF-8 is U+FFFD, as in replies that come one by one"
        if self.lost:
            yield f"requests that the server counts as failed, or not done, and of which no line says why: {len(self.lost):,}"


async def fetch_replies(
    server: BatchServer, batch: SentBatch, found: dict[str, Any], folder: Path
) -> Replies:
    """What came of a batch that is over, as whole as it can be had. Raises `ChatError` where the server cannot be asked."""
    tried: list[Replies] = []

    async def once() -> Replies:
        now = await server.look(str(batch.id)) if tried else found  # the id of a file may come late
        replies = await _fetched(server, batch, now if now["status"] in OVER else found, folder, tried)
        tried.append(replies)
        if replies.worth_another_try:
            raise ChatFault("malformed", replies.sentence)
        return replies

    try:
        return await server.patiently(once)
    except ChatError as error:
        if not tried or not tried[-1].worth_another_try:
            raise
        if error.message != tried[-1].sentence:  # the server could be asked no more
            tried[-1].faults.append(error.message)
        return tried[-1]


async def _fetched(
    server: BatchServer, batch: SentBatch, found: dict[str, Any], folder: Path, tried: list[Replies]
) -> Replies:
    """Files of a try of their own, which go where no line of them is of use: a worse one takes nothing from what came before."""
    replies = Replies(batch, found, tried[-1] if tried else None)
    for part in PARTS:
        if (id := file_of(found, part)) is None:
            continue
        path, name = folder / f"{part}-{batch.key}-{len(tried)}.jsonl", f"the {part} file {id}"
        try:
            await server.fetch(id, path)
        except ChatFault as fault:
            if fault.kind != "malformed":
                raise
            replies.faults.append(f"{name}: {fault.message}")
            continue
        replies.read(path, name)
    used = {line[0] for line in replies.lines.values() if isinstance(line, tuple)}
    for path in folder.glob(f"*-{batch.key}-*.jsonl"):
        if path not in used:
            path.unlink()
    if not replies.lines and not any(file_of(found, part) for part in PARTS):
        replies.faults.append("it has neither an output file nor an error file")
    return replies


def line_at(path: Path, offset: int, size: int) -> dict[str, Any]:
    """A line, where it was found."""
    with path.open("rb") as file:
        file.seek(offset)
        return _read_line(file.read(size)) or {}


def _raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines with where they begin, blank ones left out; one that is too long comes in pieces, which are no lines."""
    offset = 0
    with path.open("rb") as file:
        while raw := file.readline(LONGEST_LINE):
            if raw.strip():
                yield offset, raw
            offset += len(raw)


def _read_line(raw: bytes) -> dict[str, Any] | None:
    try:
        line = parse_body(raw.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def response_of(line: dict[str, Any]) -> dict[str, Any] | None:
    """A line's answer: a status, and a body where that is one of success."""
    response = line.get("response")
    if not isinstance(response, dict) or type(response.get("status_code")) is not int:
        return None
    return response if response["status_code"] >= 300 or isinstance(response.get("body"), dict) else None


def _status_of(line: dict[str, Any]) -> int | None:
    """The status of a line's answer, 599 of an error without one; ``None`` of a line that says neither."""
    if (response := response_of(line)) is not None:
        return int(response["status_code"])
    error = line.get("error")
    return 599 if error and isinstance(error, dict | str) else None


def _told(line: Line) -> tuple[Any, Any]:
    """Of a line, what it says of its request."""
    whole = line_at(*line) if isinstance(line, tuple) else line
    response = whole.get("response")
    return response.get("body") if isinstance(response, dict) else None, whole.get("error")
