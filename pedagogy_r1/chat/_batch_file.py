"""The file that a batch is: a request a line, as the Batch API documents it, cut at its limits.

    {"custom_id":"9f86d081…","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5-mini",…}}

``custom_id`` is the digest of the request, by which the ledger knows it too: a reply finds its request in any order and in any
later session.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import writing
from . import ChatRequest
from ._request_body import USUAL, BodyShape, said, shape_of

ENDPOINT = "/v1/chat/completions"
MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000
"""Of one batch, as OpenAI documents them; servers that speak its API take them over."""

_HEAD = b'{"custom_id":"%b","method":"POST","url":"%b","body":'
ROUND_A_BODY = len(_HEAD % (b"0" * 32, ENDPOINT.encode())) + len(b"}\n")


def body_size(shape: BodyShape, request: ChatRequest) -> int:
    """Bytes of the body of a request."""
    return len(shape.head) + len(said(request)) + len(shape.tail)


def write_batch(path: Path, requests: Iterable[tuple[BodyShape, ChatRequest]]) -> int:
    """Write the file of a batch; returns its bytes."""
    with writing(path), path.open("wb") as file:
        for shape, request in requests:
            head = _HEAD % (request.digest.encode(), ENDPOINT.encode())
            file.write(b"".join((head, shape.head, said(request), shape.tail, b"}\n")))
        return file.tell()


class BatchCount:
    """Into how many batches requests go, in the order in which they are added: ``model`` as the server calls it."""

    def __init__(self, model: str) -> None:
        self.batches = self.requests = self.bytes = 0
        self._model, self._shapes = model, dict[str, BodyShape]()
        self._requests_here = self._bytes_here = 0

    def add(self, request: ChatRequest) -> None:
        """One more, in the form that a server is asked in first."""
        frame = request.frame
        shape = self._shapes.get(frame.digest)
        if shape is None:
            shape = self._shapes[frame.digest] = shape_of(self._model, frame, USUAL)
        self.add_size(ROUND_A_BODY + body_size(shape, request))

    def add_size(self, size: int) -> None:
        """One more whose line has so many bytes."""
        self.requests += 1
        self.bytes += size
        full = self._requests_here >= MOST_REQUESTS or self._bytes_here + size > MOST_BYTES
        if full or not self.batches:
            self.batches += 1
            self._requests_here = self._bytes_here = 0
        self._requests_here += 1
        self._bytes_here += size

    def apart(self) -> None:
        """What comes next begins another batch, as each shard does."""
        self._requests_here = MOST_REQUESTS

    def plan(self) -> dict[str, int]:
        """For ``--dry-run``."""
        return {"batches": self.batches, "batch_bytes": self.bytes}
