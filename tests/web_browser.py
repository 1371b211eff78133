"""Headless Chromium for the tests of pages, with axe-core; absent on many machines, and then those tests are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def chromium() -> Iterator[Any]:
    """A Playwright browser. Of the system's Chromium if there is one, else Playwright's own."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = os.environ.get("PCODE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with playwright.sync_playwright() as running:
        try:
            browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


def looks(windows: Iterable[Any], name: Callable[[Any], object] = str) -> list[Any]:
    """Parameters ``(window, scheme)``: every window, light and dark. In every run the first in the light and the last in the dark,
    the others in ``make test-whole``."""
    every = list(windows)
    kept = {(0, "light"), (len(every) - 1, "dark")}
    return [
        pytest.param(
            window,
            scheme,
            id=f"{name(window)}-{scheme}",
            marks=[] if (place, scheme) in kept else [pytest.mark.whole],
        )
        for place, window in enumerate(every)
        for scheme in ("light", "dark")
    ]


def watched(page: Any) -> list[str]:
    """What goes wrong in a page from here on: errors of scripts, of the content policy, and requests that leave the server."""
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("dialog", lambda dialog: (troubles.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith("http://127.0.0.1:") else troubles.append(f"left: {request.url}")
        ),
    )
    return troubles


def violations(page: Any, *, least: tuple[str, ...] = ("serious", "critical")) -> list[str]:
    """What axe-core finds of that weight, WCAG A and AA and best practices."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    return [
        f"{found['id']}: {found['help']}: {found['nodes'][0]['html'][:200]}"
        for found in axe.run(page).response["violations"]
        if found["impact"] in least
    ]


def picture(page: Any, name: str) -> None:
    """A screenshot into the folder ``PCODE_SCREENSHOTS``, to be looked at; without it, none."""
    if folder := os.environ.get("PCODE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")
