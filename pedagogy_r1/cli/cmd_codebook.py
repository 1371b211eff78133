"""``pcode codebook``: what codes there are, whether a codebook file holds up, what changed, and the coder's manual."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._codebook_qdc import export, import_
from .console import console

if TYPE_CHECKING:
    from ..codebook import Codebook
    from ..codebook.check import CodebookProblem


@click.group("codebook")
def command() -> None:
    """List, show, check and compare codebooks, and print a coder's manual.

    A codebook is named by id (schoen: the newest version), by id@version, or by a .yaml file.
    """


command.add_command(export)
command.add_command(import_)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """The codebooks that come with this package."""
    from rich.markup import escape
    from rich.table import Table

    from ..codebook import load_codebook, released

    books = [load_codebook(path) for path in released()]
    if as_json:
        _json([{"ref": b.ref, "title": b.title, "codes": len(b.codes), "digest": b.digest} for b in books])
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("codebook", "codes", "digest", "title"):
        table.add_column(name)
    for book in books:
        short = book.digest.removeprefix("sha256:")[:12]
        table.add_row(f"[bold]{escape(book.ref)}[/]", str(len(book.codes)), short, escape(book.title))
    console().print(table)


@command.command("show")
@click.argument("codebook")
@click.option("--json", "as_json", is_flag=True, help="Print the whole book as JSON.")
def show(codebook: str, as_json: bool) -> None:
    """The codes of CODEBOOK in short; `manual` has all of it."""
    from ..codebook import load_codebook

    book = load_codebook(codebook)
    if as_json:
        _json({**book.model_dump(mode="json"), "digest": book.digest})
    else:
        _show(book)


def _show(book: Codebook) -> None:
    from rich.markup import escape
    from rich.table import Table

    out = console()
    out.print(f"[bold]{escape(book.title)}[/]  {escape(book.ref)}")
    most = "one code" if book.max_codes == 1 else f"up to {book.max_codes} codes"
    rest = "every unit has a code" if book.exhaustive else "'none' is allowed"
    out.print(f"[dim]{escape(book.unit)} · {most} a unit · {rest} · {book.digest}[/]")
    table = Table(box=None, pad_edge=False, show_header=False)
    for family in book.families:
        codes = [code for code in book.codes if code.family == family.id]
        if codes:
            table.add_row("")
            table.add_row(f"[dim]{escape(family.id)}[/]", f"[dim]{escape(family.name)}[/]")
        for code in codes:
            dot = f"[{code.color}]■[/] " if code.color else ""
            table.add_row(f"{dot}[bold]{escape(code.id)}[/]", escape(code.name), escape(code.short))
    out.print(table)


@command.command("check")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, file: str, as_json: bool) -> None:
    """Report every problem of the codebook FILE at once, with line numbers.

    Exit status 1 if there are errors; warnings alone leave it 0.
    """
    from ..codebook import find_codebook
    from ..codebook.check import check_codebook

    path = find_codebook(file)
    problems = check_codebook(path)
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        _json({"file": str(path), "errors": errors, "problems": [problem.as_json() for problem in problems]})
    else:
        _print_problems(path, problems, errors)
    ctx.exit(1 if errors else 0)


def _print_problems(path: Path, problems: list[CodebookProblem], errors: int) -> None:
    for problem in problems:
        color = "red" if problem.severity == "error" else "yellow"
        severity = click.style(problem.severity, fg=color)
        click.echo(f"{path}:{problem.line}: {severity}: {problem.where}: {problem.what}")
    if problems:
        click.echo(f"{_many(errors, 'error')}, {_many(len(problems) - errors, 'warning')}", err=True)
    else:
        click.echo(f"{path}: no problem found")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


@command.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(old: str, new: str, as_json: bool) -> None:
    """What differs between the codebooks OLD and NEW, by code and field."""
    from ..codebook import load_codebook
    from ..codebook.diff import diff as compare

    found = compare(load_codebook(old), load_codebook(new))
    if as_json:
        _json(found.as_json())
        return
    for line in found.text().splitlines():
        mark = line.lstrip().partition("  ")[2][:2] if line.startswith("  ") else ""
        click.secho(line, fg={"- ": "red", "+ ": "green"}.get(mark), bold=not line.startswith(" "))


@command.command("manual")
@click.argument("codebook")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here, else to stdout."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["md", "html", "docx"]),
    help="Default: from the suffix of -o, else md.",
)
def manual(codebook: str, output: Path | None, format_: str | None) -> None:
    """Print the manual that human coders of CODEBOOK are trained with."""
    from ..codebook import load_codebook
    from ..codebook.manual import format_of
    from ..codebook.manual import manual as render
    from ..files.records import atomic

    text = render(load_codebook(codebook), format_ or format_of(output))
    if output is None:
        click.echo(text, nl=False)
        return
    with atomic(output, "wb" if isinstance(text, bytes) else "w") as file:
        file.write(text)
    click.echo(f"written to {output}", err=True)


@command.command("migrate")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--to", "codebook", required=True, help="The later version: ID@VERSION or a YAML file.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Directory of the new run.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def migrate(ctx: click.Context, run: Path, codebook: str, out: Path, as_json: bool) -> None:
    """Carry the codings of RUN to a later version of its codebook, in a new run.

    Each carried coding is marked so. What cannot be carried (a code that was split or retired) becomes missing
    and is listed for recoding, also in OUT/recode.csv; the exit status is then 1.
    """
    from ..runs.migrate import RECODE, migrate_run

    result = migrate_run(run, codebook, out)
    recode = [
        {
            "unit_id": r.unit.id,
            "trace_id": r.unit.trace_id,
            "coder": r.coder,
            "codes": list(r.codes),
            "reason": r.reason,
        }
        | {"text": r.unit.text}
        for r in result.recode
    ]
    if as_json:
        _json({"run": str(out), "same": result.same, "changed": result.changed, "recode": recode})
    else:
        click.echo(
            f"{result.same + result.changed} codings carried ({result.changed} with new codes), written to {out}"
        )
        for row in recode:
            click.echo(
                f"  {row['coder']}: {row['unit_id']} {row['trace_id']} “{row['text']}”: {row['reason']}"
            )
        if recode:
            made = _many(len(recode), "coding") + (" has" if len(recode) == 1 else " have")
            click.secho(
                f"{made} to be made again: fill in the column code of {out / RECODE}, then: pcode import",
                fg="yellow",
                err=True,
            )
    ctx.exit(1 if recode else 0)


@command.command("bump")
@click.argument("codebook")
@click.option("--to", "version", default=None, metavar="VERSION", help="The new version, such as 1.1.0.")
@click.option("--minor", "part", flag_value="minor", help="1.0.0 → 1.1.0: sharper definitions and rules.")
@click.option("--major", "part", flag_value="major", help="1.0.0 → 2.0.0: other codes.")
@click.option(
    "--from-disagreements",
    "noted",
    type=click.Path(path_type=Path),
    default=None,
    help="What `pcode disagreements -o` wrote: notes on the rules that are missing go into the draft.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The new file."
)
def bump(codebook: str, version: str | None, part: Any, noted: Path | None, output: Path) -> None:
    """Draft the next version of CODEBOOK: its file with comments kept, the version raised, a migration to fill in.

    With --from-disagreements, each code that coders confuse with another one without a rule between them gets a note
    with counts and quotes. No file is ever overwritten, least of all a released one.
    """
    from ..codebook.bump import among_released, draft_for
    from ..files.records import atomic

    if (version is None) == (part is None):
        raise click.UsageError("say which version: --to 1.1.0, --minor or --major")
    made = draft_for(codebook, version or part, output, noted)
    with atomic(output) as file:
        file.write(made.text)
    if made.noted:
        what = _many(len(made.noted), "pair")
        click.echo(f"{what} of codes without a rule: search {output} for TODO", err=True)
    if not made.comments_kept:
        why = "the file could not be edited as it is laid out: its comments are lost"
        click.secho(why, fg="yellow", err=True)
    if among_released(output):
        why = f"{made.book.id} without a version now means this draft: name versions until it is released"
        click.secho(why, fg="yellow", err=True)
    click.echo(f"{made.book.ref} drafted in {output}", err=True)


def _json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))
