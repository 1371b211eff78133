"""``pcode codebook``: what codes there are, whether a codebook file holds up, what changed, and the coder's manual."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Any

import click

from ..formatting import counted
from . import options
from .cmd_codebook_stress import stress
from .completes import codebook_names, completes
from .console import escape, notice, put, put_json, say, table
from .locking import refuse_locked_notes

if TYPE_CHECKING:
    from ..codebook import Codebook
    from ..codebook.yaml_lines import CodebookProblem


BOOK = click.argument("codebook", **completes(codebook_names))


@click.group("codebook", cls=options.Group)
def command() -> None:
    """List, show, check and compare codebooks, and print a coder's manual.

    A codebook is named by id (schoen: the newest version), by id@version, or by a .yaml file.
    """


@command.command("list")
@options.as_json()
def list_(as_json: bool) -> None:
    """The codebooks that come with this package."""
    from ..codebook import load_codebook, released

    books: list[dict[str, Any]] = [
        {"ref": book.ref, "title": book.title, "codes": len(book.codes), "digest": book.digest}
        for book in map(load_codebook, released())
    ]
    if put_json(books, as_json):
        return
    rows = []
    for book in books:
        digest = book["digest"].removeprefix("sha256:")[:12]
        rows.append((f"[bold]{escape(book['ref'])}[/]", f"{book['codes']}", digest, escape(book["title"])))
    heads = ("codebook", "codes", "digest", "title")
    put(table(*heads, rows=rows, left=heads))


@command.command("show")
@BOOK
@options.as_json("the whole book")
def show(codebook: str, as_json: bool) -> None:
    """The codes of CODEBOOK in short; `manual` has all of it."""
    from ..codebook import load_codebook

    book = load_codebook(codebook)
    if not put_json({**book.model_dump(mode="json"), "digest": book.digest}, as_json):
        _show(book)


def _show(book: Codebook) -> None:
    put(f"[bold]{escape(book.title)}[/]  {escape(book.ref)}")
    most = "one code" if book.max_codes == 1 else f"up to {book.max_codes} codes"
    rest = "every unit has a code" if book.exhaustive else "'none' is allowed"
    put(f"[dim]{escape(book.unit)} · {most} a unit · {rest} · {book.digest}[/]")
    if book.level != "nominal":
        put(f"[dim]{escape(book.level_words)}[/]")
    rows: list[tuple[str, ...]] = []
    for family in book.families:
        codes = [code for code in book.codes if code.family == family.id]
        if codes:
            rows += [("", "", ""), (f"[dim]{escape(family.id)}[/]", f"[dim]{escape(family.name)}[/]", "")]
        for code in codes:
            dot = f"[{code.color}]■[/] " if code.color else ""
            rows.append((f"{dot}[bold]{escape(code.id)}[/]", escape(code.name), escape(code.short)))
    put(table("", "", "", rows=rows, left=("",), headless=True))


@command.command("check")
@click.argument("file", **completes(codebook_names))
@options.as_json()
def check(file: str, as_json: bool) -> int:
    """Report every problem of the codebook FILE at once, with line numbers.

    Exit status 1 if there are errors; warnings alone leave it 0.
    """
    from ..codebook import find_codebook
    from ..codebook.check import check_codebook

    path = find_codebook(file)
    problems = check_codebook(path)
    errors = sum(problem.severity == "error" for problem in problems)
    found = [problem._asdict() for problem in problems]
    if not put_json({"file": str(path), "errors": errors, "problems": found}, as_json):
        _print_problems(path, problems, errors)
    return 1 if errors else 0


def _print_problems(path: Path, problems: list[CodebookProblem], errors: int) -> None:
    for problem in problems:
        color = "red" if problem.severity == "error" else "yellow"
        say(f"{path}:{problem.line}: {problem.severity}: {problem.where}: {problem.what}", color=color)
    if problems:
        say(f"{counted(errors, 'error')}, {counted(len(problems) - errors, 'warning')}", err=True)
    else:
        say(f"{path}: no problem found")


@command.command("diff")
@click.argument("old", **completes(codebook_names))
@click.argument("new", **completes(codebook_names))
@options.as_json()
def diff(old: str, new: str, as_json: bool) -> None:
    """What differs between the codebooks OLD and NEW, by code and field."""
    from ..codebook import load_codebook
    from ..codebook.diff import diff as compare

    found = compare(load_codebook(old), load_codebook(new))
    if put_json(found.as_json(), as_json):
        return
    for line in found.text().splitlines():
        mark = line.lstrip().partition("  ")[2][:2] if line.startswith("  ") else ""
        say(line, color={"- ": "red", "+ ": "green"}.get(mark), bold=not line.startswith(" "))


@command.command("new")
@click.argument("id_", metavar="ID")
@options.out("The file to write.", options.NEW)
@options.option("--title", "Its title.", default="")
def new(id_: str, out: Path, title: str) -> None:
    """Write a codebook called ID to begin with: two codes, and a comment at every field.

    \b
    pcode codebook new talk -o talk.yaml
    pcode codebook check talk.yaml
    """
    from ..codebook.bump import refuse_taken
    from ..codebook.new_codebook import FIRST, new_codebook
    from ..files.records import write_text

    text = new_codebook(id_, title)
    refuse_taken(out, id_, FIRST)
    write_text(out, text)
    say(f"written to {out}; next: edit it, and pcode codebook check {out}", err=True)


@command.command("manual")
@BOOK
@options.out("File to write, else it is printed.", options.FILE, required=False)
@options.option(
    "--format format_",
    "Default: from the suffix of -o, else md.",
    ["md", "html", "docx"],
    multiple=True,
    callback=options.one,
)
@options.option(
    "--decided",
    "A run of coders, or of who adjudicated: the manual gets a page of the units in doubt, and how they were decided. Give it once a run.",
    options.PATH,
    multiple=True,
)
def manual(codebook: str, out: Path | None, format_: Any, decided: tuple[Path, ...]) -> None:
    """Print the manual that human coders of CODEBOOK are trained with.

    \b
    pcode corpus copy teaching -o corpus
    pcode codebook manual schoen --decided corpus/coders \\
      --decided corpus/adjudicated -o schoen.html

    With --decided, every unit for which a memo names two codes, or to which coders gave different ones, is quoted in its
    context, with what each coder said, the decision and its reason.
    """
    from ..codebook import load_codebook
    from ..codebook.manual import format_of
    from ..codebook.manual import manual as render
    from ..files.records import write_text
    from ..human.doubts import units_in_doubt

    book, format_ = load_codebook(codebook), format_ or format_of(out)
    doubts = units_in_doubt(book, decided) if decided else ()
    if decided and not doubts:
        notice("no coder noted a doubt, and all gave the same codes: there is no page of units in doubt")
    text = render(book, format_, doubts)
    if out is None:
        say(text, nl=False)
    else:
        write_text(out, text)
        say(f"written to {out}", err=True)


@command.command("migrate")
@click.argument("run", type=options.PATH)
@options.option("--to codebook", "The later version: ID@VERSION or a YAML file.", required=True)
@options.out("Directory of the new run.", options.JOB)
@options.as_json()
def migrate(run: Path, codebook: str, out: Path, as_json: bool) -> int:
    """Carry the codings of RUN to a later version of its codebook, in a new run.

    Each carried coding is marked so. What cannot be carried (a code that was split or retired) becomes missing
    and is listed in OUT/recode.csv for recoding, unless its trace is locked; the exit status is then 1.
    """
    from ..runs.migrate import RECODE, migrate_run

    result = migrate_run(run, codebook, out)
    recode = [
        {"unit_id": r.unit.id, "trace_id": r.unit.trace_id, "coder": r.coder, "codes": r.codes}
        | {"reason": r.reason, "text": r.unit.text}
        for r in result.recode
    ]
    counts = {"same": result.same, "changed": result.changed}
    if not put_json({"run": str(out), **counts, "recode": recode, "recode_locked": result.locked}, as_json):
        say(
            f"{result.same + result.changed} codings carried ({result.changed} with new codes), written to {out}"
        )
        for why, count in Counter(r.reason for r in result.recode).most_common():
            say(f"{count:,} to be made again: {why}")
        if result.recode:
            made = counted(len(result.recode), "coding has", "codings have")
            notice(f"{made} to be made again: fill in the column code of {out / RECODE}, then:")
            again = join(["pcode", "import", str(out / RECODE), "--units", str(out)])
            say(f"next: {again} -o RECODED; then give {out} and RECODED together", err=True)
        if result.locked:
            notice(
                f"{counted(result.locked, 'coding')} of locked traces {'has' if result.locked == 1 else 'have'} to be made again too, and "
                "no list shows them: have these traces coded anew, blind (pcode sample)"
            )
    return 1 if result.recode or result.locked else 0


@command.command("bump")
@BOOK
@options.option("--to version", "The new version, such as 1.1.0.", metavar="VERSION")
@options.option("--minor part", "1.0.0 → 1.1.0: sharper definitions and rules.", flag_value="minor")
@options.option("--major part", "1.0.0 → 2.0.0: other codes.", flag_value="major")
@options.option(
    "--from-disagreements noted",
    "What `pcode disagreements -o` wrote: notes on the rules that are missing go into the draft.",
    options.PATH,
)
@options.out("The new file.", options.NEW)
def bump(codebook: str, version: str | None, part: Any, noted: Path | None, out: Path) -> None:
    """Draft the next version of CODEBOOK: its file with comments kept, the version raised, a migration to fill in.

    With --from-disagreements, each code that coders confuse with another one without a rule between them gets a note
    with counts and quotes. No file is ever overwritten, least of all a released one.
    """
    from ..codebook.bump import among_released, draft_for
    from ..files.records import write_text

    if (version is None) == (part is None):
        raise click.UsageError("say which version: --to 1.1.0, --minor or --major")
    if noted is not None:
        refuse_locked_notes(noted, codebook)
    made = draft_for(codebook, version or part, out, noted)
    write_text(out, made.text)
    if made.noted:
        what = counted(len(made.noted), "pair")
        say(f"{what} of codes without a rule: search {out} for TODO", err=True)
    if not made.comments_kept:
        notice("the file could not be edited as it is laid out: its comments are lost")
    if among_released(out):
        notice(f"{made.book.id} without a version now means this draft: name versions until it is released")
    say(f"{made.book.ref} drafted in {out}", err=True)


@command.command("export")
@BOOK
@options.out("The .qdc file to write.", options.FILE)
def export(codebook: str, out: Path) -> None:
    """Write CODEBOOK as REFI-QDA codebook (.qdc), for NVivo, ATLAS.ti, MAXQDA, QualCoder.

    Ids, names, definitions, examples, colours and families are in it; what serves the rule-based coder is not.
    """
    from ..codebook import load_codebook
    from ..codebook.qdc import to_qdc
    from ..files.records import write_text

    write_text(out, to_qdc(load_codebook(codebook)))
    say(f"written to {out}", err=True)


@command.command("import")
@click.argument("file", type=options.PATH)
@options.out("The .yaml file to write.", options.FILE)
@options.option("--id id_", "Id of the codebook [default: what the file says].")
@options.option("--version", "Its version [default: what the file says, else 1.0.0].")
@options.option("--title", "Its title [default: what the file says, else the id].")
def import_(file: Path, out: Path, id_: str | None, version: str | None, title: str | None) -> None:
    """Make a codebook of the REFI-QDA codebook FILE (.qdc) of any program.

    Codes at the top that hold others become families. Check the result with `pcode codebook check`.
    """
    from ..codebook import load_codebook, released
    from ..codebook.qdc import from_qdc
    from ..codebook.snapshot import dump_codebook
    from ..files.archive import read_bytes
    from ..files.records import need_file, write_text

    need_file(file)
    data = read_bytes(file, "a codebook is small; is it a project (.qdpx)?")
    found = from_qdc(data, str(file), id=id_, version=version, title=title)
    write_text(out, dump_codebook(found.book))
    for remark in found.remarks:
        notice(remark)
    ref = found.book.ref
    if any(book.ref == ref and book.digest != found.book.digest for book in map(load_codebook, released())):
        notice(f"{ref} is released, with other content: give this one a version of its own (--version)")
    say(f"{ref}, {len(found.book.codes)} codes, written to {out}", err=True)


command.add_command(stress)
