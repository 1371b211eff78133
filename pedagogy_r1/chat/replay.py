"""``replay:FILE``: answers from a file of earlier replies, for tests and for looking at a run again without a server.

    {"kind": "prompt", "model": "fake", …}
    {"kind": "reply", "digest": "9f86d081884c7d65…", "raw": "{\\"choices\\": …}"}

The ledger of a run is such a file. A digest that stands there twice is answered by its last line.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import ChatError
from ..files.records import BadRow, read_jsonl
from . import ChatReply, ChatRequest, read_completion


def chat(name: str) -> ReplayChat:
    """A chat that answers from file ``name``."""
    return ReplayChat(Path(name))


class ReplayChat:
    """Replies by digest; a request that was never answered is an error, not a guess."""

    def __init__(self, path: Path) -> None:
        hint = "replay:FILE takes the ledger.jsonl of a run"
        if not path.is_file():
            raise ChatError(f"{path}: no such file", hint)
        self.path = path
        self.model = path.name
        self._raw: dict[str, str] = {}
        for row in read_jsonl(path):
            if isinstance(row, BadRow):
                raise ChatError(f"{path}:{row.line}: {row.why}", hint)
            if row.data.get("kind") == "prompt":
                self.model = row.data["model"]
            elif row.data.get("kind", "reply") == "reply":
                self._raw[row.data["digest"]] = row.data["raw"]

    async def ask(self, request: ChatRequest) -> ChatReply:
        """The recorded reply."""
        raw = self._raw.get(request.digest)
        if raw is None:
            raise ChatError(
                f"{self.path} holds no reply to request {request.digest}",
                "replay with the same traces, codebook and parameters",
            )
        return read_completion(raw, partial=request.frame.partial)

    async def close(self) -> None:
        """Nothing to let go of."""
