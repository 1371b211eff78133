"""``pcode codebook export`` and ``import``: REFI-QDA codebooks, for and from programs for qualitative analysis."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("export")
@click.argument("codebook")
@click.option("-o", "--output", type=FILE, required=True, help="The .qdc file to write.")
def export(codebook: str, output: Path) -> None:
    """Write CODEBOOK as REFI-QDA codebook (.qdc), for NVivo, ATLAS.ti, MAXQDA, QualCoder.

    Ids, names, definitions, examples, colours and families are in it; what serves the rule-based coder is not.
    """
    from ..codebook import load_codebook
    from ..codebook.qdc import to_qdc
    from ..files.records import atomic

    text = to_qdc(load_codebook(codebook))
    with atomic(output) as file:
        file.write(text)
    click.echo(f"written to {output}", err=True)


@click.command("import")
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The .yaml file to write.")
@click.option("--id", "id_", default=None, help="Id of the codebook [default: what the file says].")
@click.option("--version", default=None, help="Its version [default: what the file says, else 1.0.0].")
@click.option("--title", default=None, help="Its title [default: what the file says, else the id].")
def import_(file: Path, output: Path, id_: str | None, version: str | None, title: str | None) -> None:
    """Make a codebook of the REFI-QDA codebook FILE (.qdc) of any program.

    Codes at the top that hold others become families. Check the result with `pcode codebook check`.
    """
    from ..codebook.qdc import from_qdc
    from ..files.archive import read_bytes
    from ..files.records import atomic, need_file
    from ..runs.run import dump_codebook

    need_file(file)
    data = read_bytes(file, "a codebook is small; is it a project (.qdpx)?")
    found = from_qdc(data, str(file), id=id_, version=version, title=title)
    with atomic(output) as out:
        out.write(dump_codebook(found.book))
    for remark in found.remarks:
        click.secho(remark, fg="yellow", err=True)
    if _released(found.book.ref, found.book.digest):
        click.secho(
            f"{found.book.ref} is released, with other content: give this one a version of its own (--version)",
            fg="yellow",
            err=True,
        )
    click.echo(f"{found.book.ref}, {len(found.book.codes)} codes, written to {output}", err=True)


def _released(ref: str, digest: str) -> bool:
    """Whether a released codebook has this id and version, and not this content."""
    from ..codebook import load_codebook, released

    books = (load_codebook(path) for path in released())
    return any(book.ref == ref and book.digest != digest for book in books)
