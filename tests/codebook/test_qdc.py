"""Codebooks as REFI-QDA codebooks, and back; other programs' codebooks; and files made to do harm."""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pedagogy_r1.codebook import Code, Codebook, load_codebook, released
from pedagogy_r1.codebook.check import check_codebook
from pedagogy_r1.codebook.code_text import code_fields, describe_code
from pedagogy_r1.codebook.qdc import from_qdc, to_qdc
from pedagogy_r1.errors import CodebookError

NS = "{urn:QDA-XML:codebook:1.0}"


def for_people(book: Codebook) -> dict[str, Any]:
    """All of a codebook but what serves the rule-based coder, what happened to earlier versions, and what only the manual shows."""
    found: dict[str, Any] = book.model_dump(
        mode="json", exclude={"fallback", "cues_trust", "migrations", "looks", "training"}
    )
    found["codes"] = [
        code for family in book.families for code in found["codes"] if code["family"] == family.id
    ]
    for code in found["codes"]:
        del code["cues"], code["features"]
        code["rules"] = [{**rule, "unless": []} for rule in code["rules"]]
    for family in found["families"]:
        family["about"] = family["about"].strip()
    return {k: v.strip() if isinstance(v, str) else v for k, v in found.items()}


@pytest.mark.parametrize("path", released(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_codebook_comes_back_as_it_was(path: Path) -> None:
    book = load_codebook(path)
    found = from_qdc(to_qdc(book).encode(), "x.qdc")
    assert found.remarks == ()
    assert for_people(found.book) == for_people(book)


def test_pyrefiqda_reads_it_and_what_it_writes_comes_back(tmp_path: Path) -> None:
    from pyrefiqda.reficodebook import RefiCodebook

    book = load_codebook("schoen@1.0.0")
    path = tmp_path / "book.qdc"
    path.write_text(to_qdc(book), encoding="utf-8")
    read = RefiCodebook.load(path)  # refuses elements and attributes it does not know
    assert [code.name.split(" · ")[0] for code in read.codes.code] == [family.id for family in book.families]
    RefiCodebook.save(read, tmp_path / "again.qdc")
    again = from_qdc((tmp_path / "again.qdc").read_bytes(), "again.qdc").book
    assert for_people(again) == for_people(book)


def test_guids_come_from_the_ids() -> None:
    book = load_codebook("schoen@1.0.0")
    assert to_qdc(book) == to_qdc(book)
    later = book.model_copy(update={"version": "9.0.0", "codes": book.codes[::-1]})

    def guids(text: str) -> dict[str, str]:
        return {c.get("name", ""): c.get("guid", "") for c in ET.fromstring(text).iter(NS + "Code")}

    assert guids(to_qdc(later)) == guids(to_qdc(book))
    every = list(guids(to_qdc(book)).values())
    assert len(set(every)) == len(every) == 15
    assert all(str(uuid.UUID(each)) == each for each in every)


WORDS = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"]) | st.sampled_from("\n-:→ "), min_size=1, max_size=40
).filter(lambda text: text.strip())
LINE = WORDS.map(lambda text: " ".join(text.split())).filter(bool)


@settings(max_examples=200, deadline=None)
@given(
    short=LINE,
    definition=LINE,
    include=st.lists(WORDS, max_size=3),
    notes=st.lists(st.tuples(WORDS, st.one_of(st.just(""), LINE)), max_size=3),
    value=st.one_of(st.none(), st.just(0.0), st.floats(1e-99, 1e99), st.floats(-1e99, -1e-99)),
)
@example(short="Source:", definition="Include:", include=[], notes=[], value=None)
def test_descriptions_come_back(
    short: str, definition: str, include: list[str], notes: list[tuple[str, str]], value: float | None
) -> None:
    code = Code(
        id="A",
        name="a",
        family="F",
        short=short,
        definition=definition,
        include=[text.strip() for text in include],
        hits=[
            {"text": re.sub(r"\s*\nNote: ", " ", text).strip(), "domain": "SK", "note": note}  # type: ignore[list-item]
            for text, note in notes
        ],
        value=value,
    )
    fields, read = code_fields(describe_code(code), "a")
    assert read
    assert Code.model_validate({"id": "A", "name": "a", "family": "F"} | fields) == code


def test_a_section_that_somebody_rewrote_is_kept_as_text() -> None:
    fields, _ = code_fields("Short.\n\nLong.\n\nRules:\nwhatever the team says\n\nInclude:\n- one", "x")
    assert fields["definition"] == "Long.\n\nRules:\nwhatever the team says"
    assert fields["include"] == ["one"]
    assert "rules" not in fields


# Other programs' codebooks.


def qdc(codes: str, *, namespace: str = "urn:QDA-XML:codebook:1.0", head: str = "") -> bytes:
    numbered = iter(range(1, 10_000))
    filled = re.sub(r"<Code ", lambda _: f'<Code guid="{uuid.UUID(int=next(numbered))}" ', codes)
    return f'{head}<CodeBook xmlns="{namespace}" origin="MAXQDA"><Codes>{filled}</Codes></CodeBook>'.encode()


def test_the_tree_of_another_program_becomes_families_and_codes() -> None:
    found = from_qdc(
        qdc(
            """<Code name="Reflection" isCodable="true" color="#F0a"><Description>When they think back. And more.</Description>
              <Code name="Surprise!" isCodable="true" color="#112233"><Description>Something odd.</Description>
                <Code name="Very odd" isCodable="true" color="red"/></Code>
              <Code name="Level" isCodable="false"><Code name="반성" isCodable="true"/></Code></Code>
            <Code name="Loose" isCodable="true"/><Code name="none" isCodable="true"/><Code name="loose" isCodable="true"/>
            <Code name="Loose" isCodable="true"/>"""
        ),
        "other.qdc",
        id="theirs",
    )
    book = found.book
    assert (book.ref, book.title) == ("theirs@1.0.0", "theirs")
    assert [(f.id, f.name) for f in book.families] == [("Reflection", "Reflection"), ("ALL", "Codes")]
    assert [(c.id, c.name, c.family, c.color) for c in book.codes] == [
        ("Reflection", "Reflection", "Reflection", "#FF00aa"),
        ("Surprise", "Surprise!", "Reflection", "#112233"),
        ("Very-odd", "Very odd", "Reflection", None),
        ("C1", "반성", "Reflection", None),
        ("Loose", "Loose", "ALL", None),
        ("C2", "none", "ALL", None),
        ("loose-2", "loose", "ALL", None),
        ("Loose-3", "Loose", "ALL", None),
    ]
    assert book.code("Reflection").short == "When they think back."
    assert book.code("Reflection").definition == "When they think back. And more."
    said = " | ".join(found.remarks)
    for part in (
        "'반성' → C1",
        "colours that are none: 'Very odd'",
        "left out: 'Level'",
        "without a description",
    ):
        assert part in said


def test_earlier_namespaces_are_read() -> None:
    found = from_qdc(
        qdc('<Code name="A" isCodable="true"/>', namespace="urn:QDA-XML:codebook:0:4"), "x", id="b"
    )
    assert found.book.code_ids == ("A",)


# Made to do harm.


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not well-formed"),
        (b"<CodeBook", "not well-formed"),
        (b"<Project/>", "the root is <Project>"),
        (b'<CodeBook xmlns="urn:QDA-XML:codebook:1.0"><Codes/></CodeBook>', "no codes"),
        (qdc('<Code name="A" isCodable="true"/>', head="<!DOCTYPE x>"), "a document type declaration"),
        (
            qdc(
                '<Code name="&b;" isCodable="true"/>',
                head='<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>',
            ),
            "a document type declaration",
        ),
        (
            qdc(
                '<Code name="&e;" isCodable="true"/>',
                head='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
            ),
            "a document type declaration",
        ),
        (
            qdc('<Code name="A" isCodable="true"/>').replace(
                b"</Codes>", b'<Code guid="{00000000-0000-0000-0000-000000000001}" name="B"/></Codes>'
            ),
            "'A' and 'B' have the same GUID",
        ),
    ],
)
def test_what_is_no_codebook_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(CodebookError, match=re.escape(message)):
        from_qdc(data, "evil.qdc", id="b")


def test_a_deep_tree_is_read() -> None:
    deep = '<Code name="A" isCodable="true">' * 3000 + "</Code>" * 3000
    assert len(from_qdc(qdc(deep), "deep.qdc", id="b").book.codes) == 3000


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_file_makes_the_import_fail_otherwise_than_with_a_message(data: st.DataObject) -> None:
    body = bytearray(
        qdc(
            '<Code name="A · a" isCodable="false" color="#aabbcc"><Code name="B"><Description>One. Two.</Description></Code></Code>'
        )
    )
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 12))] = data.draw(
            st.one_of(
                st.binary(max_size=6), st.sampled_from([b"<", b'"', b"&#1;", b" \xc2\xb7 ", b"@", b"\xff"])
            )
        )
    with suppress(CodebookError):
        from_qdc(bytes(body), "fuzz.qdc", id="b")


# On the command line.


def test_export_and_import(pcode: Callable[..., Result], tmp_path: Path) -> None:
    done = pcode("codebook", "export", "schoen", "-o", tmp_path / "schoen.qdc")
    assert done.exit_code == 0, done.stderr
    done = pcode("codebook", "import", tmp_path / "schoen.qdc", "-o", tmp_path / "book.yaml")
    assert done.exit_code == 0, done.stderr
    assert "give this one a version of its own" in done.stderr
    done = pcode(
        "codebook", "import", tmp_path / "schoen.qdc", "-o", tmp_path / "book.yaml", "--version", "1.9.0"
    )
    assert "of its own" not in done.stderr
    book = load_codebook(tmp_path / "book.yaml")
    assert book.ref == "schoen@1.9.0"
    assert not [problem for problem in check_codebook(tmp_path / "book.yaml") if problem.severity == "error"]


def test_import_says_what_is_missing(pcode: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "their.qdc"
    path.write_bytes(qdc('<Code name="A" isCodable="true"/>'))
    done = pcode("codebook", "import", path, "-o", tmp_path / "book.yaml")
    assert done.exit_code == 2
    assert "--id" in done.stderr
    assert not (tmp_path / "book.yaml").exists()
    assert pcode("codebook", "import", tmp_path / "no.qdc", "-o", tmp_path / "b.yaml").exit_code == 2
