"""The transcript of a run with a language model: every request's fate, in ``ledger.jsonl``, findable by digest.

    {"kind":"prompt","digest":"sha256:…","model":"Qwen3-8B","system":"You are …","schema":{…},"parameters":{…}}
    {"kind":"reply","digest":"9f86…","about":{"trace":"aime-3","units":[1,20],"coder":"openai:Qwen3-8B"},
     "attempt":1,"seconds":2.1,"model":"Qwen3-8B","finish":"stop","usage":[5210,4096,1480],"raw":"{\\"id\\": …}"}
    {"kind":"fault","digest":"4e07…","attempt":1,"fault":"rate_limited","message":"…","seconds":0.2}
    {"kind":"gave_up","digest":"4e07…","reason":"timeout","missing":true}
    {"kind":"server","dialect":{"schema":"json_object","limit":"max_completion_tokens"}}

A reply of which something was taken off before it was read (a code fence …) says so in ``mended``.

``usage`` is prompt, cached, completion tokens; ``raw`` the body as it came. What the ledger holds is never asked
again. In memory there is one number per request, so that a run may be larger than memory.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..chat import ChatFault, ChatFrame, ChatReply, ChatRequest, Usage, read_completion
from ..errors import InputError, LedgerWarning
from ..files.ledger import Ledger, LedgerLines, say_left_out
from ..files.records import Row, whole_text
from ..files.seal import LEDGER

FILE = LEDGER

LONGEST_FAULT = 100_000
"""Characters that are kept of a reply of no use."""


@dataclass
class Spent:
    """What the requests so far came to, over all sessions of the run."""

    requests: int = 0
    retries: int = 0
    tokens: Usage = field(default_factory=Usage)
    faults: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    dialect: dict[str, str] | None = None
    named: list[tuple[str, int]] = field(default_factory=list)
    """What the server called its model, and at which request for the first time."""

    @property
    def total(self) -> int:
        """Prompt and completion tokens."""
        return self.tokens.prompt + self.tokens.completion

    @property
    def answered(self) -> bool:
        """Whether any reply was of use, in this session or an earlier one."""
        return self.requests > self.faults.total()

    def count(self, line: dict[str, Any]) -> None:
        """Add a line of the ledger."""
        kind = line["kind"]
        if kind == "server":
            self.dialect = dict(line["dialect"])
        if kind not in ("reply", "fault"):
            return
        again, usage = line["attempt"] > 1, Usage(*map(int, line.get("usage") or Usage()))
        if kind == "fault":
            self.faults[line["fault"]] += 1
        elif line["model"]:
            name = whole_text(str(line["model"]))
            if name not in self.served:
                self.named.append((name, self.requests + 1))
            self.served[name] += 1
        self.mended.update(map(str, line.get("mended", ())))
        self.requests += 1
        self.retries += again
        self.tokens = Usage(*map(sum, zip(self.tokens, usage, strict=True)))

    def summary(self) -> dict[str, Any]:
        """For ``run.json``."""
        return {
            "requests": self.requests,
            "retries": self.retries,
            "prompt_tokens": self.tokens.prompt,
            "cached_tokens": self.tokens.cached,
            "completion_tokens": self.tokens.completion,
            "faults": dict(sorted(self.faults.items())),
            "served_models": dict(sorted(self.served.items())),
            **({"renamed": [list(each) for each in self.named]} if len(self.named) > 1 else {}),
            **({"mended": dict(sorted(self.mended.items()))} if self.mended else {}),
            **({"server": self.dialect} if self.dialect else {}),
        }


class Transcript:
    """Reads the ledger once, then appends. ``forgive``: what left units missing counts as never asked."""

    def __init__(self, folder: Path, *, forgive: bool = False) -> None:
        self.spent = Spent()
        self._ledger = Ledger(folder / FILE)
        self._offset: dict[bytes, int] = {}
        self._gave_up: dict[bytes, str] = {}
        self._frames: set[str] = set()
        strange = []
        for offset, line, number in self._ledger.rows():
            try:
                self._take(offset, line, forgive)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
                strange.append(number)
        say_left_out(self._ledger.path, strange)

    def _take(self, offset: int, line: dict[str, Any], forgive: bool) -> None:
        kind, digest = line["kind"], str(line.get("digest", ""))
        if kind == "prompt":
            self._frames.add(digest)
            return
        key = bytes.fromhex(digest)
        self.spent.count(line)
        if kind == "reply":
            self._offset[key] = offset
            self._gave_up.pop(key, None)
        elif kind == "gave_up" and forgive and line["missing"]:
            self._gave_up.pop(key, None)
            self._offset.pop(key, None)
        elif kind == "gave_up":
            self._gave_up[key] = str(line["reason"])

    def answered(self, digest: str) -> ChatReply | None:
        """The reply that is there already; one that cannot be read any more is asked for again."""
        offset = self._offset.get(bytes.fromhex(digest))
        if offset is None:
            return None
        try:
            # What was taken as a reply then is one now, cut off or not.
            return read_completion(self._ledger.at(offset)["raw"], partial=True)
        except (ChatFault, InputError, KeyError, TypeError, ValueError) as error:
            del self._offset[bytes.fromhex(digest)]
            why = f"{self._ledger.path}: the reply at byte {offset} cannot be read ({error}); it is asked for again"
            warnings.warn(why, LedgerWarning, stacklevel=2)
            return None

    def settled(self, digest: str) -> bool:
        """Whether the ledger holds a reply, or that there will be none."""
        key = bytes.fromhex(digest)
        return key in self._offset or key in self._gave_up

    def given_up(self, digest: str) -> str | None:
        """Why the request was given up, if it was."""
        return self._gave_up.get(bytes.fromhex(digest))

    def open_frame(self, frame: ChatFrame) -> None:
        """Record, once, what all requests of a frame share."""
        if frame.digest not in self._frames:
            self._frames.add(frame.digest)
            parts = {name: getattr(frame, name) for name in ("model", "system", "schema", "parameters")}
            self._ledger.append({"kind": "prompt", "digest": frame.digest, **parts})

    def note_dialect(self, dialect: dict[str, str]) -> None:
        """Record, once, how the server is asked from now on."""
        if dialect != self.spent.dialect:
            line = {"kind": "server", "dialect": dialect}
            self.spent.count(line)
            self._ledger.append(line)

    def attempt(
        self,
        request: ChatRequest,
        brought: ChatReply | ChatFault,
        *,
        about: dict[str, Any],
        attempt: int,
        seconds: float,
    ) -> None:
        """What an attempt brought: a usable reply; or a fault, with the body if one came."""
        line = {"digest": request.digest, "about": about, "attempt": attempt, "seconds": round(seconds, 4)}
        if isinstance(brought, ChatFault):
            line = {"kind": "fault", **line, "fault": brought.kind, "message": brought.message}
            came = {"usage": brought.usage, "raw": brought.raw and brought.raw[:LONGEST_FAULT]}
            line |= {name: value for name, value in came.items() if value is not None}
        else:
            line = {"kind": "reply", **line, "model": brought.model, "finish": brought.finish}
            line |= {"usage": brought.usage, "raw": brought.raw}
            if brought.mended:
                line["mended"] = brought.mended
        self.spent.count(line)
        offset = self._ledger.append(line)
        if line["kind"] == "reply":
            self._offset[bytes.fromhex(request.digest)] = offset

    def give_up(self, digest: str, reason: str, *, missing: bool) -> None:
        """No further attempt will be made at this request. ``missing``: its units have no coding for it."""
        key = bytes.fromhex(digest)
        if key not in self._gave_up:
            self._ledger.append({"kind": "gave_up", "digest": digest, "reason": reason, "missing": missing})
            self._gave_up[key] = reason

    def close(self) -> None:
        """Force what was written onto the disk."""
        try:
            self._ledger.sync()
        finally:
            self._ledger.close()


def answered_digests(ledger: Path) -> Iterator[str]:
    """Digests that a ledger answers, if it is there, without opening it for writing (another process may be)."""
    if ledger.is_file():
        for _, row in LedgerLines(ledger):
            if isinstance(row, Row) and row.data.get("kind") in ("reply", "gave_up"):
                yield str(row.data.get("digest"))
