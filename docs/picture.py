"""Draws docs/img/demo.svg: what ``pcode demo`` really prints on a terminal (``python docs/picture.py``)."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS = 104


def record(command: list[str], cwd: Path) -> str:
    """The command's output on a pseudo-terminal, colours and all."""
    leader, follower = pty.openpty()
    env = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    process = subprocess.Popen(command, stdout=follower, stderr=subprocess.DEVNULL, cwd=cwd, env=env)
    os.close(follower)
    parts = []
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    process.wait()
    return b"".join(parts).decode().replace("\r\n", "\n")


def main() -> None:
    """Record and draw."""
    with tempfile.TemporaryDirectory() as folder:
        text = record([sys.executable, "-m", "pedagogy_r1", "demo"], Path(folder))
    text = text.replace(str(HERE.parent) + "/", "")
    lines = text.strip("\n").split("\n")
    start = next(i for i, line in enumerate(lines) if "3. agreement" in line)
    console = Console(width=COLUMNS, record=True, file=Path(os.devnull).open("w"), force_terminal=True)  # noqa: SIM115 - as long as the process
    console.print(Text("$ pcode demo", style="bold"))
    for line in [*lines[: start + 1], *lines[start + 1 :][:28]]:
        console.print(Text.from_ansi(line), soft_wrap=False, overflow="ellipsis", no_wrap=True)
    (HERE / "img").mkdir(exist_ok=True)
    console.save_svg(str(HERE / "img/demo.svg"), title="pedagogy_r1")


if __name__ == "__main__":
    main()
