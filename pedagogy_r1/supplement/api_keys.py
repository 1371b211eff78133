"""A file that goes to the public holds no key: what looks like one is refused, by its place, and is itself never printed.

    runs/llm/ledger.jsonl:12: what looks like an OpenAI key

Runs hide the key that they were made with (`chat`); this looks once more, also at what people wrote into their files, and for the
values of this machine's own environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import InputError

KINDS: dict[str, tuple[bytes, bytes]] = {
    "a key of a model's server (sk-…)": (b"sk-", rb"\bsk-(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{24,}"),
    "a Hugging Face token": (b"hf_", rb"\bhf_[A-Za-z0-9]{30,}"),
    "a GitHub token": (b"gh", rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    "a Google key": (b"AIza", rb"\bAIza[0-9A-Za-z_-]{35}\b"),
    "an AWS key": (b"IA", rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": (b"PRIVATE KEY", rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an Authorization header": (
        b"uthorization",
        rb"[Aa]uthorization\W{1,6}[Bb]earer\s+[A-Za-z0-9._~+/-]{16,}",
    ),
}
"""What a key looks like; first what is in all of them, which is found much faster."""

_NAMED = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD", re.IGNORECASE)
SHORTEST = 12
"""Characters from which on a value of the environment is looked for: shorter ones are words."""

_BLOCK, _OVERLAP = 1 << 22, 1 << 12


def refuse_keys(name: str, data: bytes | Path, environment: Mapping[str, str] | None = None) -> None:
    """Raise `InputError` where ``data`` holds what looks like a key; ``name``: what it is called."""
    forms = _forms(os.environ if environment is None else environment)
    line = 1
    for block, seen in _blocks(data):
        for kind, (hint, form) in forms.items():
            if hint in block and (found := form.search(block)):
                at = line + block.count(b"\n", 0, found.start())
                raise InputError(
                    f"{name}:{at}: what looks like {kind}",
                    "an archive is for everybody to read: take it out of the file (a run is made again without it), and revoke the key",
                )
        line += block.count(b"\n", 0, seen)


def _forms(environment: Mapping[str, str]) -> dict[str, tuple[bytes, re.Pattern[bytes]]]:
    own = {
        f"the value of {name} in this environment": (
            data := value.encode("utf-8", "surrogateescape"),
            re.escape(data),
        )
        for name, value in environment.items()
        if _NAMED.search(name) and len(value) >= SHORTEST and not value.startswith("/")
    }
    return {kind: (hint, re.compile(form)) for kind, (hint, form) in (KINDS | own).items()}


def _blocks(data: bytes | Path) -> Iterator[tuple[bytes, int]]:
    """Blocks that overlap, so that nothing is cut, and how much of each does not come again."""
    if isinstance(data, bytes):
        yield data, len(data)
        return
    with data.open("rb") as file:
        kept = b""
        while more := file.read(_BLOCK):
            block = kept + more
            kept = block[-_OVERLAP:]
            yield block, len(block) - len(kept)
