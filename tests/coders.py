"""People at the coding pages: by keys in a browser, or by forms on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .web_server import Answer, WebServer

Said = Mapping[str, Any]
"""``codes`` (or ``None`` for what cannot be coded) and perhaps ``memo``."""


def form(server: WebServer, path: str, *, script: bool = False, page: str = "", **fields: str) -> Answer:
    """Send a form as its page would, with the page's own token; ``script``: as the page's script does; ``page``: where it stands."""
    found = re.search(
        r'<meta name="csrf" content="([^"]+)">',
        server.page(page or path.removesuffix("/write").removesuffix("/again")),
    )
    assert found
    return server.post(path, {"csrf": found[1], **fields}, **({"X-Part": "1"} if script else {}))


def code_by_keys(page: Any, ids: tuple[str, ...], said: Said) -> None:
    """Code the unit on the screen by the keyboard, and wait until the screen shows it."""
    codes = said["codes"]
    if codes is None:
        page.keyboard.press("x")
        page.wait_for_selector("#do-missing[aria-pressed=true]")
    elif not codes:
        page.keyboard.press("n")
        page.wait_for_selector("#do-none[aria-pressed=true]")
    for place, code in enumerate(codes or ()):
        digit = f"Digit{(ids.index(code) + 1) % 10}"
        page.keyboard.press(f"Shift+{digit}" if place else digit)
        page.wait_for_selector(f'[data-code="{code}"] .{"second" if place else "first"}[aria-pressed=true]')
    if said.get("memo"):
        page.keyboard.press("m")
        page.keyboard.type(said["memo"])
        page.keyboard.press("Escape")
        memo_saved(page)


def memo_saved(page: Any) -> None:
    """Wait until the page no longer holds anything that is not saved."""
    page.wait_for_function(
        "() => document.getElementById('memo').value === document.getElementById('desk').elements.memo_was.value"
    )


def next_unit(page: Any) -> None:
    """Go on, and wait for the next unit (or the end)."""
    before = page.url
    page.keyboard.press("Enter")
    page.wait_for_function("before => location.href !== before", arg=before)
    page.wait_for_load_state()
