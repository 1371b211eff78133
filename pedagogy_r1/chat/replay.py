"""``replay:FILE``: answers from a file of earlier replies, for tests and for looking at a run again without a server.

    {"kind": "prompt", "model": "fake", …}
    {"kind": "reply", "digest": "9f86d081884c7d65…", "raw": "{\\"choices\\": …}"}

The ledger of a run is such a file; a line of it that was changed is refused. A digest that stands there twice is answered by its
last line.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import ChatError
from ..files.ledger import LedgerLines
from ..files.records import BadRow
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
        for _, row in LedgerLines(path):
            if isinstance(row, BadRow):
                if not row.raw.strip():
                    continue
                raise ChatError(f"{path}:{row.line}: {row.why}", hint)
            kind, data = str(row.data.get("kind", "reply")), row.data
            held = {"prompt": ("model",), "reply": ("digest", "raw")}.get(kind, ())
            if lacking := [name for name in held if not isinstance(data.get(name), str)]:
                raise ChatError(f"{path}:{row.line}: a {kind} without its {lacking[0]}", hint)
            if kind == "prompt":
                self.model = data["model"]
            elif kind == "reply":
                self._raw[data["digest"]] = data["raw"]

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
