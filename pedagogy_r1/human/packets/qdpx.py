"""A coder's texts as REFI-QDA project, for NVivo, ATLAS.ti, MAXQDA and QualCoder.

    A.qdpx = project.qde            the codebook, the coder as the only user, the texts with the units marked
             sources/6f35….txt      one a trace, or one for a hundred units drawn by themselves (`../shown.py`)

Every unit to be coded is a selection with the code "UNIT · code this", so that each program shows where units begin and
end. Coders select the unit, or any part of it, and give it its code, the primary one first; the mark stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...codebook import Codebook
from ...codebook.qdc import ORIGIN, Node, as_models, code_tree, guid, shown_name
from ...files.archive import legal, zipped
from ...files.records import atomic
from ..packet import Packet
from ..shown_text import ShownText, shown_texts

UNIT = "UNIT"
"""The code of the marks; it says nothing of a unit but that it is one."""

_GREY = "#BBBBBB"


def packet(packet: Packet, coder: str, out: Path) -> list[Path]:
    """Write ``OUT/CODER.qdpx``."""
    texts = list(shown_texts(packet, coder))
    path = out / f"{coder}.qdpx"
    entries = [("project.qde", _project(packet, coder, texts).encode())]
    entries += [(f"sources/{_text_guid(packet, each)}.txt", each.text.encode()) for each in texts]
    with atomic(path, "wb") as file:
        file.write(zipped(entries))
    return [path]


def unit_mark(book: Codebook) -> Node:
    """The code that marks units."""
    about = "Marks where a unit begins and ends. Leave it, and give the unit its code."
    return Node(guid(book.id, "unit"), shown_name(UNIT, "code this"), about, _GREY, True)


def _project(packet: Packet, coder: str, texts: list[ShownText]) -> str:
    from pyrefiqda import models
    from xsdata.formats.dataclass.serializers.config import SerializerConfig
    from xsdata_pydantic.bindings import XmlSerializer

    book = packet.codebook
    user = guid(packet.manifest.packet_id, "coder", coder)
    codes = as_models([unit_mark(book), *code_tree(book, none=True)], models.ProjectCodeType)
    project = models.Project(
        name=legal(f"{book.ref} {coder}"),
        origin=ORIGIN,
        creating_user_guid=user,
        users=models.UsersType(user=[models.UserType(guid=user, name=legal(coder))]),
        code_book=models.ProjectCodeBookType(codes=models.ProjectCodesType(code=codes)),
        sources=models.SourcesType(text_source=list(_sources(packet, user, texts))) if texts else None,
        description=legal(f"codebook: {book.stamp}\npacket: {packet.manifest.packet_id}"),
    )
    config = SerializerConfig(xml_declaration=True, encoding="UTF-8")
    text: str = XmlSerializer(config=config).render(project, ns_map={None: "urn:QDA-XML:project:1.0"})
    return text


def _sources(packet: Packet, user: str, texts: list[ShownText]) -> Iterator[Any]:
    from pyrefiqda import models

    mark = models.CodeRefType(target_guid=unit_mark(packet.codebook).guid)
    for shown in texts:
        source = _text_guid(packet, shown)
        yield models.TextSourceType(
            guid=source,
            name=shown.name,
            plain_text_path=f"internal://{source}.txt",
            creating_user=user,
            plain_text_selection=[
                models.PlainTextSelectionType(
                    guid=guid(source, each.unit_id),
                    name=shown.text[each.start : each.end],
                    start_position=each.start,
                    end_position=each.end,
                    creating_user=user,
                    coding=[
                        models.CodingType(
                            guid=guid(source, each.unit_id, UNIT), creating_user=user, code_ref=mark
                        )
                    ],
                )
                for each in shown.marks
            ],
        )


def _text_guid(packet: Packet, shown: ShownText) -> str:
    return guid(packet.manifest.packet_id, "text", shown.name)
