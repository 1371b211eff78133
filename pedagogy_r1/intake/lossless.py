"""That no text of a record is lost: it is in question, reasoning or answer, or else in the metadata.

    {"choices": [{"message": {"content": "AAA"}, "finish_reason": "stop"}]}   answer AAA  →  {"choices": [{"finish_reason": "stop"}]}

`rest` makes the metadata: the record less what the three fields hold. `lost` looks again, leaf by leaf, at what came of it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .fields import jsonable, mend
from .format import unfold
from .messages import is_conversation, part_of, role_of
from .prompt_marks import without_marks
from .think_tags import Pair, bare

_DETAILS, _QUOTED = re.compile(r"</?(?:details|summary)[^>]*>"), re.compile(r"^(?:> ?|&gt; ?)")

LONG = 40
"""Characters from which a text that was taken is known again anywhere in its record; a shorter one only where speech stands."""

SPEECH = frozenset(
    ("content", "value", "text", "thinking", "reasoning", "reasoning_content", "prompt", "completion", "refusal", "message.content",
     "summary", "generated_text", "thought", "thoughts", "parts")
)  # fmt: skip
"""Fields in which what is said stands."""

_STRUCTURE = frozenset(
    (
        "role",
        "from",
        "type",
        "kind",
        "event.name",
        "index",
        "message.role",
        "message_content.type",
        "thought",
        "lc",
    )
)


class Spoken:
    """The texts that question, reasoning and answer were made of."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = [text for text in texts if text.strip()]
        self.pieces = {piece.strip() for text in self.texts for piece in (text, *text.split("\n\n"))} - {""}

    def holds(self, leaf: str, key: str) -> bool:
        """Whether a text of the record, under this name, is one of them or a stretch of one."""
        plain = leaf.strip()
        if key in SPEECH and plain in self.pieces:
            return True
        return len(plain) >= LONG and any(plain in text for text in self.texts)


def rest(record: dict[str, Any], spoken: Spoken) -> dict[str, Any]:
    """The record less what was spoken, and less the objects that held nothing else."""
    if not spoken.texts:
        return record
    pruned = {name: _rest(value, spoken, name) for name, value in record.items()}
    return {name: value for name, value in pruned.items() if value is not _GONE}


_GONE: Any = object()


def _rest(value: Any, spoken: Spoken, key: str) -> Any:
    """What is left of a value; the value itself if nothing was taken from it."""
    if isinstance(value, str):
        return _GONE if spoken.holds(value, key) else value
    if isinstance(value, dict):
        kept = {name: _rest(inner, spoken, name) for name, inner in value.items()}
        if all(kept[name] is value[name] for name in value):
            return value
        return _unless_bare({name: inner for name, inner in kept.items() if inner is not _GONE})
    if isinstance(value, list) and value and isinstance(value[0], str | dict | list):
        return _rest_of_list(value, spoken, key)
    return value


def _unless_bare(kept: dict[str, Any]) -> Any:
    """The object, unless it only says what stood beside a text that was taken."""
    return kept if any(v is not None and not _structure(name, v) for name, v in kept.items()) else _GONE


def _beside_text(part: Any, text: str) -> Any:
    """What a part of a content holds beside its text."""
    beside = {name: value for name, value in part.items() if value != text} if isinstance(part, dict) else {}
    return _unless_bare(beside)


def _structure(name: str, value: Any) -> bool:
    """Whether a field only says what stands beside it: a role, a type."""
    return name in _STRUCTURE and (
        isinstance(value, int) or (isinstance(value, str) and len(value.split()) == 1)
    )


def _rest_of_list(value: list[Any], spoken: Spoken, key: str) -> Any:
    in_parts = _text_in_parts(value, spoken) if key in SPEECH else {}
    kept = [
        _beside_text(inner, in_parts[n]) if n in in_parts else _rest(inner, spoken, key)
        for n, inner in enumerate(value)
    ]
    if all(new is old for new, old in zip(kept, value, strict=True)):
        return value
    if all(inner is _GONE for inner in kept):
        return _GONE
    left = _turn_left if is_conversation(value) else _element_left
    return [left(new, old) for new, old in zip(kept, value, strict=True)]


def _text_in_parts(value: list[Any], spoken: Spoken) -> dict[int, str]:
    """By its place, each part of one text that was spoken and is written in several; empty if it is none."""
    read = [part_of(inner) for inner in value]
    texts = {n: text for n, (kind, text) in enumerate(read) if kind == "text"}
    return texts if len(read) > 1 and "".join(texts.values()).strip() in spoken.pieces else {}


def _turn_left(new: Any, old: Any) -> Any:
    """Of a conversation in which there is more than was taken: what the others said stays readable."""
    if role_of(old) != "assistant":
        return old
    return {"role": "assistant"} if new is _GONE else new


def _element_left(new: Any, old: Any) -> Any:
    """What holds an element's place, so that the others keep theirs."""
    return type(old)() if new is _GONE else new


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, text) of every text in a value that is not blank."""
    if isinstance(value, str):
        if value.strip():
            yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for n, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{n}")


def unparted(record: dict[str, Any], parts: list[dict[str, Any]]) -> str | None:
    """The path of the first text of a record that is in none of its parts, neither as a text nor as a name."""
    kept = {text.strip() for text in _names_and_texts(parts)}
    return next((path for path, leaf in leaves(record) if leaf.strip() not in kept), None)


def _names_and_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from _names_and_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names_and_texts(inner)


def lost(
    record: dict[str, Any], fields: Iterable[str], metadata: dict[str, Any], tags: Sequence[Pair] = ()
) -> str | None:
    """The path of the first text of the record that is neither in one of the fields nor in the metadata."""
    fields = [text for text in fields if text]
    kept = {mend(text).strip() for _, text in leaves(metadata)}
    for path, leaf in leaves(jsonable(record)):
        if leaf.strip() in kept or _structure(path.rpartition(".")[2], leaf):
            continue
        if not _found(leaf, fields, kept, tags):
            return path
    return None


def _found(leaf: str, fields: list[str], kept: set[str], tags: Sequence[Pair]) -> bool:
    plain = leaf.strip()
    if plain in kept or any(plain in text for text in fields):
        return True
    if plain[:1] in ("{", "[") and not isinstance(inner := unfold(plain), str):
        texts = ((path.rpartition(".")[2], text) for path, text in leaves(inner))
        return all(_structure(name, text) or _found(text, fields, kept, tags) for name, text in texts)
    if plain[:1] == plain[-1:] == '"' and (inner := unfold(plain)) != plain:
        return all(_found(text, fields, kept, tags) for _, text in leaves(inner))
    pieces, held = _pieces(plain, tags), [*fields, *kept]
    return pieces != [plain] and all(_is_held(piece, held) for piece in pieces)


def _is_held(piece: str, held: Sequence[str]) -> bool:
    """Whether a stretch of a text is in one of the texts, or is one of them, the prompt, with the rest in another."""
    if any(piece in text for text in held):
        return True
    words = piece.split()
    for text in held:
        begun = text.split()
        if len(begun) < len(words) and words[: len(begun)] == begun:
            rest = piece
            for word in begun:
                rest = rest.lstrip()[len(word) :]
            return any(rest.strip() in other for other in held)
    return False


def _pieces(plain: str, tags: Sequence[Pair]) -> list[str]:
    """The stretches of a text between tags, and marks of templates and pages."""
    pieces = [piece for stretch in bare(plain, tags) for piece in without_marks(stretch)]
    if "<details" not in plain:
        return pieces
    # A page's way of folding reasoning away: quoted, and escaped for HTML.
    lines = (line for piece in pieces for mark in _DETAILS.split(piece) for line in mark.split("\n"))
    return [html.unescape(_QUOTED.sub("", line)).strip() for line in lines]
