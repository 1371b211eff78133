"""A real Label Studio on this machine: makes a project of our files, codes it over its API, and exports what it has.

Needs the command ``label-studio`` of an environment of its own (``pip install label-studio``), named by the variable
PCODE_LABEL_STUDIO. The server runs on the loopback interface and ends with the test.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from types import TracebackType
from typing import Any

MAIL, PASSWORD = "a@example.org", "for-this-test-alone-1"


class LabelStudio:
    """The server, as a context manager."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.base = f"http://127.0.0.1:{free.getsockname()[1]}"
        port = self.base.rpartition(":")[2]
        env = {**os.environ, "LABEL_STUDIO_BASE_DATA_DIR": str(folder), "COLLECT_ANALYTICS": "false"}
        env |= {"LATEST_VERSION_CHECK": "false", "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true"}
        command = [program, "start", "--no-browser", "--port", port, "--internal-host", "127.0.0.1"]
        folder.mkdir(parents=True, exist_ok=True)
        self.log = (folder / "server.log").open("wb")
        self.server = subprocess.Popen(
            [*command, "--username", MAIL, "--password", PASSWORD], env=env, stdout=self.log, stderr=self.log
        )
        self.cookies = CookieJar()
        self.web = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def __enter__(self) -> LabelStudio:
        for _ in range(240):
            try:
                self.web.open(f"{self.base}/user/login/", timeout=5).read()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(1)
        form = {"email": MAIL, "password": PASSWORD, "csrfmiddlewaretoken": self._token()}
        self._ask("/user/login/", urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded")
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.server.terminate()
        self.server.wait(30)
        self.log.close()

    def _token(self) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == "csrftoken"), "")

    def _ask(self, path: str, data: bytes | None = None, kind: str = "application/json") -> bytes:
        headers = {"X-CSRFToken": self._token(), "Referer": self.base, "Content-Type": kind}
        request = urllib.request.Request(self.base + path, data, headers)
        try:
            answer: bytes = self.web.open(request, timeout=120).read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read()[:500]!r}") from None
        return answer

    def ask(self, path: str, data: Any = None) -> Any:
        """The API's answer to an object, or to nothing."""
        return json.loads(self._ask(path, None if data is None else json.dumps(data).encode()))

    def project(self, config: Path, tasks: Path) -> tuple[int, list[dict[str, Any]]]:
        """A project of our configuration with our tasks; its number and the tasks as the server keeps them."""
        made = self.ask(
            "/api/projects/", {"title": "packet", "label_config": config.read_text(encoding="utf-8")}
        )
        number = int(made["id"])
        self.ask(f"/api/projects/{number}/import", json.loads(tasks.read_text(encoding="utf-8")))
        kept = self.ask(f"/api/tasks?project={number}&page_size=10000")["tasks"]
        return number, [{"id": task["id"], "data": task["data"]} for task in kept]

    def annotate(self, task: int, results: list[dict[str, Any]], skip: bool = False) -> None:
        """What the page sends when somebody presses Submit, or Skip."""
        self.ask(
            f"/api/tasks/{task}/annotations/", {"result": results, "was_cancelled": skip, "lead_time": 1.0}
        )

    def export(self, project: int, kind: str, path: Path) -> Path:
        """Export → JSON, JSON_MIN or CSV."""
        path.write_bytes(self._ask(f"/api/projects/{project}/export?exportType={kind}"))
        return path
