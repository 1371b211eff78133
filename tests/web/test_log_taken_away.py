"""Issue 11, "nothing lost": a synchronised folder or a second person replaces a coder's log while the server has it open."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pedagogy_r1.human.coding_log import read_log

from ..packets import make_packet
from ..web_server import web_server
from .test_code import form


@pytest.mark.parametrize(
    ("how", "script"),
    [
        ("replaced", False),
        ("emptied", True),
        *(
            pytest.param(how, script, marks=pytest.mark.whole)
            for how, script in (("replaced", True), ("emptied", False), ("deleted", False), ("deleted", True))
        ),
    ],
)
def test_nothing_is_answered_as_saved_that_no_file_holds(tmp_path: Path, how: str, script: bool) -> None:
    packet = make_packet(tmp_path / "p")
    log, copy = packet.folder / "A/web.jsonl", tmp_path / "copy"
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        server.enter()
        assert form(server, "/code/1", do="first B").status == 303
        shutil.copy(log, copy)
        log.write_bytes(b"") if how == "emptied" else log.unlink()
        if how == "replaced":
            shutil.copy(copy, log)
        refused = form(server, "/code/2", script=script, do="first C")
        assert refused.status == 409
        assert "by another program while it is open here: nothing more is written into it" in refused.text
    shutil.copy(copy, log)
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        server.enter()
        assert form(server, "/code/2", do="first C").status == 303
    units = [task.unit.id for task in packet.tasks("A")]
    assert list(read_log(log)[1].entries) == units[:2]


def test_a_memo_that_is_no_text_and_a_name_twice_are_not_written(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "p")
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        server.enter()
        form(server, "/code/1", do="first B")
        [token] = set(re.findall('name="csrf" content="([^"]+)"', server.ask("/code/1").text))
        kind = {"Content-Type": "application/json", "X-CSRF-Token": token}
        for body, status in (
            (b'{"do": "memo", "memo": null}', 303),
            (b'{"do": "memo", "memo": {"a": 1}}', 303),
            (b'{"do": "first A", "do": "first C"}', 400),
        ):
            assert server.ask("/code/1", method="POST", body=body, headers=kind).status == status
    [entry] = read_log(packet.folder / "A/web.jsonl")[1].entries.values()
    assert (entry.codes, entry.memo) == (("B",), "")
