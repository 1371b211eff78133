"""A window on the server of a file of tests, which has it as its fixture ``server``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..web_browser import watched
from ..web_server import WebServer


@pytest.fixture
def visit(server: WebServer, browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a path in a new window; at the end nothing must have gone wrong in any, the content policy included."""
    opened: list[tuple[Any, list[str]]] = []

    def open_page(path: str, at: WebServer | None = None, **options: Any) -> Any:
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        page = context.new_page()
        where = at or server
        page.goto(where.url)
        opened.append((context, watched(page)))
        page.goto(where.base + path)
        return page

    yield open_page
    for context, troubles in opened:
        context.close()
        assert troubles == []
