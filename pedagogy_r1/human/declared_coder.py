"""What the rows of a codings file say of themselves, against what the command says: the coder's kind, and the codebook.

    …,coder,…,codebook,…,kind
    …,cues,…,schoen@1.0.0#1f0c…,…,machine       --codebook schoen@1.1.0   → refused, with the way to carry it over

Exports have these columns, so that a round trip neither makes a machine human nor renames its codes.
"""

from __future__ import annotations

from typing import get_args

from ..codebook import Codebook
from ..errors import InputError
from ..runs.coding import CoderKind
from .importers import RawCoding


class Claims:
    """Hears the rows of all files, one after the other; ``kinds`` has the coders whose kind the files say."""

    def __init__(self, book: Codebook, kind: CoderKind | None) -> None:
        self.book, self.kind = book, kind
        self.kinds: dict[str, CoderKind] = {}
        self._first: dict[str, str] = {}
        self._right: set[str | None] = {None}

    def hear(self, file: str, raw: RawCoding) -> None:
        """Take in one row; raises `InputError` if it contradicts the command or an earlier row."""
        where = f"{file}:{raw.row}"
        if raw.codebook not in self._right:
            self._check_codebook(where, raw.codebook or "")
            self._right.add(raw.codebook)
        if raw.kind is not None and raw.coder:
            self._check_kind(where, raw.coder, raw.kind.lower())

    def _check_kind(self, where: str, coder: str, word: str) -> None:
        kind: CoderKind | None = next((known for known in get_args(CoderKind) if known == word), None)
        if kind is None:
            raise InputError(f"{where}: kind {word[:40]!r} is neither human nor machine", "mend the cell")
        said = self.kinds.setdefault(coder, kind)
        first = self._first.setdefault(coder, where)
        if kind != said:
            raise InputError(
                f"{where}: coder {coder} is {kind}, and {said} in {first}",
                "one name is one coder: rename one of them, or mend the kind",
            )
        if self.kind not in (None, kind):
            raise InputError(
                f"{where}: coder {coder} is {kind}, and --kind says {self.kind}",
                "leave --kind out, or mend the column kind",
            )

    def _check_codebook(self, where: str, stamp: str) -> None:
        ref, _, cut = stamp.partition("#")
        name, _, version = ref.partition("@")
        mine = name == self.book.id
        if mine and version in ("", self.book.version):
            if self.book.digest.removeprefix("sha256:").startswith(cut):
                return
            hint = "the codebook has changed since; give the codebook.yaml of the run that was exported"
        elif mine:
            hint = f"import with --codebook {ref}, then carry the run over: pcode codebook migrate RUN --to {self.book.ref} -o NEW"
        else:
            hint = f"import with --codebook {ref}"
        raise InputError(
            f"{where}: coded with {stamp}, and --codebook is {self.book.stamp if cut else self.book.ref}",
            hint,
        )
