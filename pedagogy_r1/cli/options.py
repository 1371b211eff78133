"""Options of several commands, each defined once: one name has one meaning and one shape everywhere.

@options.out("Run directory.", options.JOB)      -o, --out PATH, and what may be replaced there (files/written.py)
@options.as_json("the manifest")                 --json: print it, instead of text for people
@options.coders("Only these coders.")            --coder A --coder B, or --coders A,B
@options.option("--window", "Units.", FROM_1)    what one command alone has
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..formatting import plain_coder
from ..limits import LEAST_LEVEL, LEVEL, MOST_AT_ONCE, MOST_COUNT, MOST_LEVEL, MOST_RESAMPLES
from .completes import codebook_names, completes, plugin_names
from .console import Listing, renamed

if TYPE_CHECKING:
    from ..runs.where import Where

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class GivenPath(click.Path):
    """A path, and not the empty string: that is a variable that was never set, and would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Like click's."""
        if value == "":
            self.fail("it is empty; the current folder is .", param, ctx)
        return super().convert(value, param, ctx)


PATH = GivenPath(path_type=Path)


class Writes(NamedTuple):
    """What a path to write stands for: how it is called in docs/cli.md, and the names of files (or patterns) that are replaced.

    ``inside`` the folder that is named, or ``beside`` what is named: ``{name}.skipped.jsonl``, ``{stem}.build.json``. ``when``:
    only with this option; ``unless``: not with that one, with which the command itself takes care.
    """

    kind: str
    inside: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    when: str | None = None
    unless: str | None = None


FORCE = "Replace also files that pcode did not write, or that were changed since."
JOB, NEW, OWN, FILE = Writes("job"), Writes("new"), Writes("own"), Writes("file", beside=("{name}",))
"""A folder of `job.py`; what must not be there yet; what the command itself takes care of (and says so); a file."""


class Written(click.Option):
    """An option that names what is written: ``writes`` says what may be replaced."""

    def __init__(self, *args: Any, writes: Writes, **more: Any) -> None:
        super().__init__(*args, **more)
        self.writes = writes


class Command(click.Command):
    """A command whose function returns its exit status (nothing is 0), and that takes options by their old names too. Where an
    option that it needs is missing, the error says what that one is for.

    Where its options may meet files that it did not write, it has ``--force``, and its function is not called without.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        found = [param for param in self.params if isinstance(param, Written)]
        self.written = [one for one in found if one.writes.inside or one.writes.beside]
        if self.written:
            self.params.append(click.Option(["--force"], is_flag=True, help=FORCE))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Like click's, of the arguments as they are called today."""
        known = {name for param in self.params for name in param.opts}
        try:
            return super().parse_args(ctx, list(renamed(args, known)))
        except click.MissingParameter as error:
            param = error.param
            if not isinstance(param, click.Option) or not param.help:
                raise
            what = f"{param.help.rstrip('.')}: {param.opts[0]} {param.make_metavar(ctx)}"
            raise click.MissingParameter(what, ctx, param) from None

    def invoke(self, ctx: click.Context) -> None:
        """Like click's, and ends with the status that the function returned."""
        with ExitStack() as held:
            self._hold(ctx, held)
            status = super().invoke(ctx)
        if status:
            ctx.exit(status)

    def _hold(self, ctx: click.Context, held: ExitStack) -> None:
        """Refuse, before anything is computed, to replace what is somebody else's (`files.written`)."""
        force = ctx.params.pop("force", False) if self.written else False
        here = [one for one in self.written if one.writes.when is None or ctx.params[one.writes.when]]
        here = [one for one in here if one.writes.unless is None or ctx.params[one.writes.unless] is None]
        if force and not here:
            wanted, spoilt = self.written[0].writes.when, self.written[0].writes.unless
            raise click.UsageError(
                f"--force belongs to --{wanted}"
                if wanted
                else f"--force and --{spoilt} do not go together: nothing is replaced there"
            )
        read = [ctx.params[name] for name in ctx.params.keys() - {param.name for param in self.written}]
        for one in () if ctx.params.get("dry_run") else here:
            if (path := ctx.params[one.name or ""]) is not None:
                from ..files.written import replacing

                held.enter_context(replacing(path, *one.writes[1:3], force=force, read=read))


class Group(Listing):
    """Its commands are `Command`; they are listed in the order in which they were added."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """In the order of work."""
        return list(self.commands)


def together(*decorators: Decorator) -> Decorator:
    """Several options as one decorator; ``--help`` shows them in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def taken(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """These of the options that a command was given, taken out of them."""
    return {name: given.pop(name) for name in names}


# --- what a value may be

FROM_0, FROM_1 = click.IntRange(0, MOST_COUNT), click.IntRange(1, MOST_COUNT)
FEW_0, FEW_1 = click.IntRange(0, MOST_AT_ONCE), click.IntRange(1, MOST_AT_ONCE)
RESAMPLES_0, RESAMPLES_1 = click.IntRange(0, MOST_RESAMPLES), click.IntRange(1, MOST_RESAMPLES)


class Number(click.FloatRange):
    """A number within limits, if any; ``nan`` is none, though it compares with no limit."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if found is not None and math.isnan(found):
            self.fail(f"{value!r} is no number", param, ctx)
        return found

    def _describe_range(self) -> str:
        """For the help: nothing where there are no limits, which click writes as ``x<=None``."""
        return "" if self.min is None and self.max is None else super()._describe_range()


NUMBER = Number()
NOT_NEGATIVE = Number(0)
POSITIVE = Number(0, min_open=True)


class Share(Number):
    """A share; who writes 95 is told how a share is written."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            limits = f"between {self.min:g} and {self.max:g}"
            self.fail(f"{error.message.rstrip('.')}: give a share {limits}, as .95", param, ctx)


SHARE = Share(0, 1)
INSIDE = Share(0, 1, min_open=True, max_open=True)
LEVELS = Share(LEAST_LEVEL, MOST_LEVEL)


def option(names: str, help: str, kind: Any = None, **more: Any) -> Decorator:
    """``option("--strata field", "Also within …", ["domain", "model"])``: names, help, what the value is; a default is shown."""
    kind = click.Choice(kind) if isinstance(kind, list | tuple) else kind
    on_off = "/" in names
    if on_off:
        more.setdefault("default", None)  # neither was said; click would take it for "off"
    elif more.get("default", ...) is None and not more.get("is_flag"):
        del more["default"]  # click takes a default of None for a value, and then nothing is required
    return click.option(*names.split(), help=help, type=kind, **{"show_default": True, **more})


def choice(names: str, help: str, values: Sequence[str]) -> Decorator:
    """One of ``values``, the first of them unless something is said."""
    return option(names, help, values, default=values[0])


def flag(names: str, help: str, **more: Any) -> Decorator:
    """An option without a value."""
    return click.option(*names.split(), help=help, is_flag=True, **more)


def one(_: click.Context, param: click.Parameter, values: Sequence[Any]) -> Any:
    """Callback of an option that other commands let be repeated, and this one does not."""
    if len(values) > 1:
        raise click.BadParameter(f"one only, here are {len(values)}", param=param)
    return values[0] if values else None


def words(_: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """Callback of a repeatable option whose value may also hold several, separated by commas: ``A,"Smith, J."`` are two."""
    import csv

    try:
        rows = [row for value in values for row in csv.reader([value], skipinitialspace=True, strict=True)]
    except csv.Error:
        raise click.BadParameter('a double quote is open: write "Smith, J."', param=param) from None
    return tuple(word.strip() for row in rows for word in row if word.strip())


def names(flags: str, help: str, *, metavar: str, default: Sequence[str] = (), **more: Any) -> Decorator:
    """Several names: ``--family A,B`` or ``--family A --family B``."""
    help = f"{help} Separated by commas, or repeated."
    more |= {"multiple": True, "callback": words, "metavar": metavar, "default": tuple(default) or None}
    return option(flags, help, **more)


# --- what goes in and comes out


def out(help: str, writes: Writes, *, required: bool = True, default: str | None = None) -> Decorator:
    """``-o, --out``: the file or folder to write."""
    needed = required and not default
    return option("-o --out", help, PATH, cls=Written, writes=writes, required=needed, default=default)


def folder_of(*files: str, when: str | None = None) -> Writes:
    """A folder for files of these names, or patterns of names."""
    return Writes("folder", inside=files, when=when)


def as_json(what: str = "everything") -> Decorator:
    """``--json``: JSON on stdout instead of text."""
    return flag("--json as_json", f"Print {what} as JSON.")


def json_file() -> Decorator:
    """``--json-out FILE``, for commands whose JSON is worth keeping."""
    about = "Write everything as JSON here."
    return option("--json-out json_file", about, PATH, cls=Written, writes=FILE, metavar="FILE")


def limit(help: str) -> Decorator:
    """``--limit``: 0, too, means all."""
    return option("--limit", f"At most {help} [default: all].", FROM_0, default=0, show_default=False)


def dry_run(what: str) -> Decorator:
    """``--dry-run``: nothing is sent or written."""
    return flag("--dry-run", f"Say what would be {what}, and stop.")


def codebook(
    help: str = "Codebook: ID, ID@VERSION or a YAML file.", default: str | None = "schoen"
) -> Decorator:
    return option("--codebook", help, default=default, **completes(codebook_names))


def scheme(
    help: str = "Unit scheme: sentence@1, paragraph@1, thought@1 [default: the codebook's].",
) -> Decorator:
    """``--scheme``: into which units reasoning is cut."""
    return option("--scheme", help, metavar="SCHEME")


def lang(help: str = "Language of the traces [default: each trace's own].") -> Decorator:
    return option("--lang", help)


def units(help: str, metavar: str = "RUN") -> Decorator:
    """``--units RUN``: exactly the units of that run."""
    return option("--units", help, PATH, metavar=metavar)


def coder(help: str, **more: Any) -> Decorator:
    """``--coder NAME``, where there is one."""
    return option("--coder", help, plain_coder, multiple=True, callback=one, metavar="NAME", **more)


def coders(help: str) -> Decorator:
    """``--coder A --coder B``, or ``--coders A,B``; ``--coder '"Smith, J."'``."""
    return names("--coder --coders coders", f"{help} A name with a comma in double quotes.", metavar="A,B", kind=plain_coder)  # fmt: skip


def on_error() -> Decorator:
    return choice("--on-error", "What to do about bad rows.", ["stop", "skip"])


def partial() -> Decorator:
    """``--partial``: what `require_complete` refuses otherwise."""
    return flag("--partial", "Take runs that are not complete, as far as they are; all output says so.")


def where() -> Decorator:
    """``--where``: a `Where`, or ``None``; for `restricted`."""
    return option(
        "--where",
        "Only the traces with these values, as domain=math,condition=cop or metadata.grade=5; all output says so. "
        "Values of one field are alternatives. May be repeated.",
        multiple=True,
        callback=_where,
        metavar="FIELD=VALUE,…",
    )


def _where(_: click.Context, __: click.Parameter, values: Sequence[str]) -> Where | None:
    from ..runs.where import Where

    return Where.parse(values)


def shards(help: str) -> Decorator:
    """``--shards N``: as a corpus, of so many files."""
    return option("--shards", help, FEW_1)


def engine(whose: str) -> Decorator:
    """``--engine`` and ``--work``: what makes shards, and where. ``whose``: what stands before each help, as ``With --shards:``."""
    return together(
        option(
            "--engine",
            f"{whose} What makes the shards, local or ray[=ADDRESS] [default: local].",
            metavar="NAME[=ADDRESS]",
            **completes(plugin_names("shards.engines")),
        ),
        option(
            "--work",
            f"{whose} Folder for shards while they are made [default: in OUT].",
            PATH,
            metavar="FOLDER",
        ),
    )


# --- intervals, contrasts


def seed(of: str = "the resamples") -> Decorator:
    return option("--seed", f"Seed of {of}.", click.IntRange(0), default=0)


def resampling(of: str = "traces", *, seed_of: str | None = "the resamples", ways: bool = False) -> Decorator:
    """``--replicates``, ``--seed``, ``--level``, and with ``ways`` ``--interval``. ``seed_of``: ``None`` where the command has a seed already."""
    about = "Over traces: by leaving out one at a time, which holds with few and unequal ones; or percentiles of resamples."
    way = choice("--interval", about, ["jackknife", "bootstrap"])
    return together(
        option("--replicates", f"Bootstrap resamples of {of}; 0: no intervals.", RESAMPLES_0, default=1000),
        *([seed(seed_of)] if seed_of else []),
        option("--level", "Confidence level of the intervals.", LEVELS, default=LEVEL),
        *([way] if ways else []),
    )


def contrasts() -> Decorator:
    """``--contrast``, ``--family`` and ``--permutations``: what is compared, on which codes, and how it is tested."""
    return together(
        option(
            "--contrast contrasts",
            "Compare these, as condition:cop:generic; may be repeated. Default: all conditions, models, right and wrong.",
            multiple=True,
            metavar="COLUMN:A:B",
        ),
        names(
            "--family",
            "The confirmatory codes, named before looking; default: all of the codebook's.",
            metavar="CODE,…",
        ),
        option("--permutations", "Relabellings of a contrast.", RESAMPLES_1, default=9999),
    )
