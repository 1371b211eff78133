"""``run.json`` of a coder run: what made the codings, with which codebook, coder, parameters and files, and what came of it.

{"run_id": "cues-0eca9351f11a", "coder": "cues", "scheme": "sentence@1", "codebook": {"id": "schoen", …}, "counts": {"units": 261}, …}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from ..codebook import Codebook
from ..job import JobRecord
from ..provenance import digest, now
from .locked_part import coder_key
from .unit_coding import DEFERRED, CoderInfo

_MADE_OF_CODINGS = ("migrate", "adjudicate", "panel")
"""What ``coder`` is in runs that were made of other runs' codings, and not by a machine that could code other traces the same way."""


class Manifest(JobRecord):
    """``run.json``: all that is needed to repeat the run. ``fingerprint`` is the digest of what determines the codings."""

    run_id: str
    codebook: dict[str, str]
    coders: list[CoderInfo]
    coder: str
    """Plugin that made the codings: ``cues``, ``llm``, or an importer's name."""
    scheme: str
    lang: str = "en"
    parameters: dict[str, Any] = Field(default_factory=dict)
    source: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None
    counts: dict[str, Any] = Field(default_factory=dict)
    usage: dict[str, Any] = Field(default_factory=dict)
    shards: int = 0
    """Of a run over a corpus (`runs/shards.py`): how many there are."""

    @classmethod
    def new(cls, kind: str, book: Codebook, determined_by: Mapping[str, Any], **fields: Any) -> Manifest:
        """Of a run that is about to be made. ``determined_by``: what, beside the codebook, determines its codings."""
        fingerprint = digest({"codebook": book.digest, **determined_by})
        return cls(
            run_id=f"{kind}-{fingerprint.removeprefix('sha256:')[:12]}",
            fingerprint=fingerprint,
            started=now(),
            codebook={"id": book.id, "version": book.version, "digest": book.digest},
            **fields,
        )

    def what(self) -> str:
        kind, _, tool = self.coder.partition(":")
        how = f" ({tool})" if tool else ""
        return f"an import of people's codings{how}" if kind == "import" else f"codings made by {self.coder}"

    @property
    def look_key(self) -> str:
        """What a look opens a locked part for: of a machine `coder_key`, whatever traces it coded; of any other run, people's among
        them, exactly these codings."""
        machine = all(coder.kind == "machine" for coder in self.coders)
        if not machine or self.coder.startswith("import") or self.coder in _MADE_OF_CODINGS:
            return digest({"run": self.fingerprint, "codings": self.sha256.get("codings.jsonl")})
        book = self.codebook.get("digest", "")
        return coder_key(book, self.coder, self.parameters, self.scheme, self.seed, self.lang, self.source)

    @property
    def deferred(self) -> int:
        """How many units were left open."""
        return int(self.counts.get("missing", {}).get(DEFERRED, 0))

    @property
    def failed(self) -> dict[str, int]:
        """How many codings are missing against the coder's will, by reason: all but those of `deferred` units."""
        return {why: n for why, n in self.counts.get("missing", {}).items() if why != DEFERRED}

    @property
    def stages(self) -> dict[str, int]:
        """Of a cascade: its coders in the order in which they are asked, and how many codings each gave. Of other runs, nothing."""
        given = self.counts.get("stages", {})
        order = [*self.parameters.get("stages", ()), *given]
        return {name: given.get(name, 0) for name in order} if given else {}

    @property
    def who(self) -> str:
        """``A, B``; of a cascade who gave how many: ``cascade (learned 683, openai:gpt-5 302)``."""
        names = ", ".join(coder.name for coder in self.coders)
        each = ", ".join(f"{name} {number:,}" for name, number in self.stages.items())
        return f"{names} ({each})" if each else names

    def settings(self) -> dict[str, Any]:
        """Who coded what kind of unit, which says most; then the coder's parameters, and what else every run is asked for."""
        first = {"coder": self.coder, "scheme": self.scheme}
        return {**first, **self.parameters, **first, "seed": self.seed, "lang": self.lang}

    def sources(self) -> dict[str, Any]:
        """The files that were read, and the codebook, whose text may have changed under the same version."""
        book = f"{self.codebook.get('id')}@{self.codebook.get('version')}"
        return {**self.source, "codebook": book, "codebook_digest": self.codebook.get("digest")}
