"""``pcode coder``: coders that learn from codings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import counted, shown
from . import options
from .console import notice, progress_bar, put_json, say

if TYPE_CHECKING:
    from ..agreement.learned_card import CoderCard


@click.group("coder", cls=options.Group)
def command() -> None:
    """Coders that learn from codings: fit one, and read its card."""


@command.command("fit")
@click.argument("runs", nargs=-1, required=True, type=options.PATH)
@options.out("Folder for the coder.", options.JOB)
@options.coders("Learn from these coders alone.")
@options.option(
    "--test",
    "A run of traces set apart, to measure the coder on; again for more.",
    options.PATH,
    multiple=True,
)
@options.option(
    "--encoder",
    "Folder of a sentence encoder (transformers or sentence-transformers) to teach beside; needs torch.",
    options.PATH,
)
@options.flag(
    "--fine-tune", "Teach the encoder's upper layers too, with the units around: hours, not minutes."
)
@options.seed("the folds")
@options.as_json("the card")
def fit(
    runs: tuple[Path, ...],
    out: Path,
    coders: tuple[str, ...],
    test: tuple[Path, ...],
    encoder: Path | None,
    fine_tune: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Learn a coder from the codings in RUNS: people's, or machines' where nobody else coded.

    \b
    pcode coder fit runs/humans -o coders/mine
    pcode annotate new.jsonl -o runs/learned --coder learned:coders/mine

    No model and no download: words, letters, neighbours and place, by logistic regression; --encoder puts a sentence
    encoder of yours beside them. OUT/card.md says how far it
    agrees with its teachers on traces that it had not seen, and OUT/learning_curve.svg what more of them would bring; OUT/out_of_fold is a run of these predictions. A coder that
    agrees no better than the cues (with --test: there), or than chance, is refused.
    """
    from ..agreement.learned_card import check_apart, coder_card, why_beaten, why_refused, write_card
    from ..coding.learned.fit_coder import fit_coder, withdraw
    from ..report.coder_curve import write_curve
    from ..runs.run import CoderRun

    opened, apart = [CoderRun(run) for run in runs], [CoderRun(run) for run in test]
    check_apart(opened, apart)
    with progress_bar("fit") as progress:
        fitted = fit_coder(
            runs,
            out,
            coders=coders,
            seed=seed,
            encoder=encoder,
            fine_tune=fine_tune,
            progress=progress,
            owes_card=True,
            refuse=lambda found, names: why_refused(opened, names, found, out, tested=bool(test)),
        )
    card = coder_card(opened, fitted, test=apart)
    if why := why_beaten(card):
        raise withdraw(fitted, why)
    write_card(card)
    drawn = write_curve(card)
    if put_json(card.as_json(), as_json):
        return
    _say_card(card)
    if drawn:
        say(f"what more traces bring: {drawn}")
    say(f"next: pcode annotate TRACES -o RUN --coder learned:{out}")


def _say_card(card: CoderCard) -> None:
    """What the coder learned from and how far it agrees."""
    record = card.fitted.record
    say(
        f"learned from {', '.join(record.coders)}: {counted(record.units, 'unit')} of "
        f"{counted(record.traces, 'trace')}, {counted(record.items, 'item')}"
    )
    for comparison in card.learned:
        _say(comparison, "out of fold")
    for comparison in card.cues:
        _say(comparison, "for comparison")
    for tested in card.test:
        say(tested.sentence())
    if not record.people:
        notice("its teachers are machines: it agrees with machines, which says nothing of people")
    say(
        f"expected calibration error {card.calibration.ece:.3f}; all of it in {card.fitted.folder / 'card.md'}"
    )


def _say(comparison: Any, what: str) -> None:
    value = comparison.result.value
    said = shown(value) if value is not None else f"undefined, {comparison.result.why_undefined}"
    say(f"α of {' and '.join(comparison.coders)}, {what}: {said}")
