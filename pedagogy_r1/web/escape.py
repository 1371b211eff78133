"""Text of traces as it may stand in a page: escaped, and what would not be seen or would mislead is made visible.

    shown("a<b>\\u202egnp.exe")  →  a&lt;b&gt;<span class="ctl" title="U+202E right-to-left override">RLO</span>gnp.exe

ListedTrace ends and tabs stay; the style sheet keeps white space.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

BIDI = {
    0x202A: ("LRE", "left-to-right embedding"),
    0x202B: ("RLE", "right-to-left embedding"),
    0x202C: ("PDF", "pop directional formatting"),
    0x202D: ("LRO", "left-to-right override"),
    0x202E: ("RLO", "right-to-left override"),
    0x2066: ("LRI", "left-to-right isolate"),
    0x2067: ("RLI", "right-to-left isolate"),
    0x2068: ("FSI", "first strong isolate"),
    0x2069: ("PDI", "pop directional isolate"),
}
"""Written by an attacker, these show a text in another order than it has; marks such as U+200F are left alone."""

_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def shown(text: str | None) -> Markup:
    """The text for a page. Nothing of it is markup, no control character takes effect, no lone surrogate breaks it."""
    if not text:
        return Markup()
    if _ODD.search(text) is None:
        return escape(text)
    parts, at = [], 0
    for match in _ODD.finditer(text):
        parts += [escape(text[at : match.start()]), _visible(ord(match.group()))]
        at = match.end()
    return Markup().join([*parts, escape(text[at:])])


def _visible(point: int) -> Markup:
    short, name = BIDI.get(point, ("", "control character"))
    if point < 0x20:
        short = chr(0x2400 + point)
    elif 0xD800 <= point <= 0xDFFF:
        name = "half of a surrogate pair"
    return Markup('<span class="ctl" title="U+{:04X} {}">{}</span>').format(
        point, name, short or f"{point:X}"
    )
