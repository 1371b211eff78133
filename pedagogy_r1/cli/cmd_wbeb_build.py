"""``pcode wbeb build``: items from the files of one or several sources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError, PluginError, did_you_mean
from . import options
from .console import escape, notice, put, put_json, say, table

if TYPE_CHECKING:
    from ..wbeb.build import Built, SourceFiles, SourceRecord

YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@click.command("build", cls=options.Command)
@click.argument("words", nargs=-1, metavar="SOURCE FILE… [SOURCE FILE…]…")
@options.out(
    "Items file to write (JSONL). Needed unless --dry-run.",
    options.Writes("file", beside=("{name}", "{stem}.skipped.jsonl", "{stem}.build.json")),
    required=False,
)
@options.option(
    "--set options",
    "An option of a source; without SOURCE, of every source that has it.",
    multiple=True,
    metavar="[SOURCE.]KEY=VALUE",
)
@options.flag("--keep-repeats", "KT: leave a multi-skill problem's rows as they are, for comparison.")
@options.option(
    "--no-split split",
    "Do not split into train and test.",
    flag_value=False,
    default=True,
    show_default=False,
)
@options.seed("the split")
@options.option("--test-fraction", "Share of items in test, in every stratum.", default=0.2)
@options.limit("so many items a domain, source and task")
@options.choice(
    "--leaks on_leak",
    "Nearly the same text in train and test: stop; join such items in one group before splitting; "
    "take them out of train; only record them.",
    ["error", "merge", "drop", "keep"],
)
@options.option(
    "--overlap",
    "Share of the shorter text's word trigrams from which two texts are nearly the same.",
    default=0.5,
)
@options.flag("--dry-run", "Do everything but write.")
@options.flag("--list list_", "List the sources and their options.")
@options.as_json("the record")
def command(words: tuple[str, ...], list_: bool, **given: Any) -> int:
    """Read FILEs of each SOURCE into one file of items, split 80/20 by group, and check for leaks.

    \b
    pcode wbeb build cj_eval train.jsonl -o items.jsonl
    pcode wbeb build chile pk.jsonl assist2009 kt/*.csv kt/skill.json \\
      --set history=30 -o items.jsonl

    A word that names a source begins it; a file of such a name is written ./NAME. Beside the items lie OUT.build.json
    (counts, split, leaks, digests) and OUT.skipped.jsonl: every record that is no item, and why. Exit status 1 where some
    records are bad. docs/wbeb.md says where each source's files are to be had.
    """
    if list_:
        _list(given["as_json"])
        return 0
    out: Path | None = given["out"]
    if not words:
        usage = "pcode wbeb build SOURCE FILE… -o items.jsonl; --list shows the sources"
        raise InputError("no source and no file", usage)
    if out is None and not given["dry_run"]:
        raise InputError("no place to write to", "-o items.jsonl, or --dry-run")
    from ..wbeb.build import BuildSettings, build, write
    from ..wbeb.leak import Nearness

    settings = [*given["options"], *(["keep_repeats=true"] if given["keep_repeats"] else [])]
    own = options.taken(given, "split", "seed", "test_fraction", "limit", "on_leak")
    how = BuildSettings(**own, nearness=Nearness(overlap=given["overlap"]))
    built = build(_parts(words, settings), how)
    if out is not None and not given["dry_run"]:
        write(built, out)
    if given["as_json"]:
        say(built.record.model_dump_json(indent=1))
    else:
        _print(built, None if given["dry_run"] else out)
    return 1 if any(source.bad for source in built.record.sources) else 0


def _parts(words: tuple[str, ...], settings: list[str]) -> list[SourceFiles]:
    """``("chile", "pk.jsonl", "asap", "a.tsv", "b.tsv")`` → two parts, each with the options that are its own."""
    from ..plugins import available
    from ..wbeb.build import PLUGINS, SourceFiles

    sources = available(PLUGINS)
    if words[0] not in sources and Path(words[0]).exists():
        known = f"a source stands before its files: {', '.join(sources)}"
        raise InputError(f"{words[0]} is a file, and of no source that is named", known)
    if words[0] not in sources:
        raise PluginError(f"no source is named {words[0]!r}", did_you_mean(words[0], sources))
    files: dict[str, list[Path]] = {}
    for word in words:
        if word in sources:
            current = files.setdefault(word, [])
        else:
            current.append(Path(word))
    chosen: dict[str, dict[str, Any]] = {name: {} for name in files}
    for setting in settings:
        for name, option, value in _settings(setting, list(files)):
            chosen[name][option] = value
    return [SourceFiles(name, tuple(paths), chosen[name]) for name, paths in files.items()]


def _settings(setting: str, sources: list[str]) -> Iterator[tuple[str, str, Any]]:
    """``[SOURCE.]KEY=VALUE`` as (source, option, value), once for every source that has the option."""
    from ..wbeb.build import options_of

    key, equals, value = setting.partition("=")
    source, _, option = key.rpartition(".")
    if not equals or (source and source not in sources):
        raise InputError(f"--set {setting}", "[SOURCE.]KEY=VALUE, SOURCE being one of those given")
    having = {name: options_of(name) for name in ([source] if source else sources)}
    if not any(option in known for known in having.values()):
        known = sorted({option for name in sources for option in options_of(name)})
        raise InputError(f"--set {setting}: no source has an option {option!r}", did_you_mean(option, known))
    for name, own in having.items():
        if option in own:
            yield name, option, _value(setting, value, own[option])


def _value(setting: str, text: str, default: Any) -> Any:
    """``text`` as the type of the option's default."""
    try:
        if isinstance(default, bool):
            return YES_OR_NO[text.lower()]
        return type(default)(text)
    except (KeyError, ValueError):
        kind = "true or false" if isinstance(default, bool) else f"of type {type(default).__name__}"
        raise InputError(f"--set {setting}", f"the value is {kind}") from None


def _list(as_json: bool) -> None:
    from ..plugins import load_all
    from ..wbeb.build import PLUGINS, keywords_of

    found = {name: keywords_of(source) for name, source in sorted(load_all(PLUGINS).items())}
    if put_json(found, as_json):
        return
    rows = []
    for name, keywords in found.items():
        settings = " ".join(f"{keyword}={json.dumps(value)}" for keyword, value in keywords.items())
        rows.append((f"[bold]{escape(name)}[/]", escape(settings)))
    put(table("source", "options", rows=rows, left=("source", "options")))


def _print(built: Built, out: Path | None) -> None:
    record = built.record
    for source in record.sources:
        _print_source(source)
    for skipped in [s for s in built.skipped if s.bad][:20]:
        notice(f"  {skipped.file}:{skipped.line}: {skipped.why}", "red")
    if record.over_limit:
        say(f"{record.over_limit:,} items over --limit left out")
    _print_split(built)
    say(f"{record.items:,} items" + (f", written to {out}" if out else ", nothing written"))


def _print_source(source: SourceRecord) -> None:
    left = sum(source.left_out.values())
    put(
        f"[bold]{source.source}[/]  {source.records:,} records: {source.used:,} used → {source.items:,} items, "
        f"{left:,} left out, {source.bad:,} bad"
    )
    for kind, count in source.left_out.items():
        say(f"  {count:,} left out: {kind}")
    for note in source.notes:
        say(f"  note: {note}")


def _print_split(built: Built) -> None:
    record = built.record
    leaks = record.leaks
    if record.split is None:
        say(f"not split; {leaks.pairs:,} pairs of items have nearly the same text")
        return
    rows = []
    for part in record.split.strata:
        counts = [f"{n:,}" for n in (part.groups, part.train, part.test)]
        rows.append((part.domain, part.source, part.task or "", *counts))
    heads = ("domain", "source", "task", "groups", "train", "test")
    put(table(*heads, rows=rows, left=heads[:3]))
    for note in record.split.notes:
        say(f"  note: {note}", color="yellow")
    done = {
        "merge": f"{record.split.merged:,} groups joined to others",
        "drop": f"{record.dropped_as_leaks:,} items taken out of train",
        "keep": "left as they are",
    }.get(leaks.action, "none to mend")
    say(
        f"leaks: {leaks.pairs:,} pairs with nearly the same text, {len(leaks.across):,} of them across train and test "
        f"({done}); {leaks.short:,} texts too short to compare"
    )
    say(f"split: {record.split.method}, seed {record.split.seed}, {record.split.digest[:19]}…")
