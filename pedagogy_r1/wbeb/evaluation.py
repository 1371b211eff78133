"""Evaluation: a generation's answers scored, domain by domain, each score beside what explains it away.

    DIR/scores.json     every score with its interval, n, chance, majority; parse failures, truncation, missing replies
    DIR/scores.csv      the same, a line a score

SK   accuracy .31 [.25, .38]   n 292   chance .25   majority .27   unread 4 %   cut off 2 %
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..estimate import Resampling
from ..files.records import write_csv, write_json
from ..files.written import record_files
from ..trace import Trace
from .answers.parsed import DIFFER, READER, Parsed
from .domain import Answered, Score, domain_named
from .generation import Generation
from .item import Item, place_of
from .kt.baselines import TARGETS, baselines
from .kt.steps import students
from .score import unread_and_cut

Key = tuple[str, str | None]
"""Domain and task."""

SCORES, TABLE = "scores.json", "scores.csv"

COLUMNS = (
    *("model", "condition", "domain", "task", "score", "value", "low", "high", "level", "n", "clusters"),
    *(
        "chance",
        "majority",
        "parse_failures",
        "tolerant",
        "truncated",
        "missing",
        "why_undefined",
        "warnings",
        "note",
    ),
)


@dataclass(frozen=True)
class DomainScores:
    """One domain, or one task of a domain that has several. Shares are of the ``n`` answers that came.

    ``missing``: replies that never came; they are in no score. ``probabilities``: how many answers gave one of each kind
    (KT). ``who``: the model, or the name of a baseline.
    """

    who: str
    domain: str
    task: str | None
    n: int
    scores: tuple[Score, ...]
    parse_failures: float | None = None
    truncated: float | None = None
    tolerant: float | None = None
    """Share of answers that only a tolerant rule could read: in another form than asked for, in doubt, or contradicting themselves."""
    missing: int = 0
    tokens: float | None = None
    """Mean completion tokens."""
    probabilities: dict[str, int] | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "scores": [score.as_json() for score in self.scores]}


@dataclass(frozen=True)
class Evaluation:
    """All rows; those of baselines come last."""

    model: str
    condition: str
    parameters: dict[str, Any]
    level: float
    rows: tuple[DomainScores, ...]
    baselines: tuple[DomainScores, ...] = ()
    reader: str = READER
    notes: tuple[str, ...] = ()
    """What is to be known of all rows: where the answers were read by another reader than this version's."""

    def as_json(self) -> dict[str, Any]:
        """Plain values; the same for the same answers."""
        rows, baselines = ([row.as_json() for row in found] for found in (self.rows, self.baselines))
        return {**vars(self), "rows": rows, "baselines": baselines}


def evaluate(
    generation: Generation, how: Resampling | None = None, *, baselines_from: Sequence[Item] | None = None
) -> Evaluation:
    """Score the answers in a folder. ``baselines_from``: items of train, which the classical KT models learn from."""
    how = how or Resampling()
    answers, missing = answered(generation), _missing(generation)
    who, parameters = generation.manifest.model, generation.manifest.parameters
    keys = sorted({*answers, *missing}, key=place_of)
    return Evaluation(
        model=who,
        condition=str(parameters["condition"]["id"]),
        parameters=parameters,
        level=how.level,
        rows=tuple(_row(who, key, answers.get(key, []), missing[key], how) for key in keys),
        baselines=() if baselines_from is None else tuple(_baselines(generation, baselines_from, how)),
        reader=generation.manifest.reader,
        notes=tuple(_of_the_reader(generation)),
    )


def _of_the_reader(generation: Generation) -> Iterator[str]:
    """An old run keeps what its reader read; nothing is scored anew in silence."""
    record = generation.manifest
    if record.reader != READER:
        yield f"answers were read by {record.reader} and are not read again; this version reads by {READER}"
    if record.reread_from:
        yield f"answers were read by {record.reread_from} before the run was taken up again, and then by {record.reader}: scores of before may differ"


def answered(generation: Generation) -> dict[Key, list[Answered]]:
    """The answers of each domain and task, in the order of the items; all in memory, without their texts. Raises `InputError` for a trace whose item is not there."""
    items = {item.id: item for item in generation.items()}
    nth = {id: n for n, id in enumerate(items)}
    found: dict[Key, list[Answered]] = defaultdict(list)
    for trace in generation.traces():
        item = items.get(trace.item or "")
        if item is None:
            raise InputError(
                f"{generation.folder}: trace {trace.id!r} is of item {trace.item!r}, which is not in items.jsonl",
                "restore the folder, or make it again",
            )
        found[item.key].append(_answered(trace, item))
    # A corpus has them shard by shard; what is resampled must not depend on that.
    for answers in found.values():
        answers.sort(key=lambda answer: nth[answer.item.id])
    return dict(found)


def _answered(trace: Trace, item: Item) -> Answered:
    said, probability = trace.metadata, trace.metadata.get("probability") or {}
    return Answered(
        item=item,
        parsed=Parsed(**said["parsed"]),
        correct=trace.correct,
        truncated=bool(said["truncated"]),
        tokens=said["tokens"]["completion"],
        probability=probability.get("value"),
        kind=probability.get("kind"),
        thought=said["tokens"].get("thought"),
    )


def _missing(generation: Generation) -> Counter[Key]:
    """How many replies never came, by domain and task."""
    where = {item.id: item.key for item in generation.items()}
    return Counter(where[lost.item] for lost in generation.manifest.missing)


def _row(who: str, key: Key, answers: list[Answered], missing: int, how: Resampling) -> DomainScores:
    n = len(answers)
    if not n:
        return DomainScores(who, *key, 0, (), missing=missing, notes=("no reply came",))
    asked = domain_named(key[0])
    kinds = Counter(a.kind or "none" for a in answers) if asked.gives_probability else None
    return DomainScores(
        who,
        *key,
        n,
        tuple(asked.scores(answers, how)),
        *unread_and_cut(answers),
        tolerant=sum(a.parsed.sure == "tolerant" for a in answers) / n,
        missing=missing,
        tokens=sum(a.tokens or 0 for a in answers) / n,
        probabilities=dict(sorted(kinds.items())) if kinds else None,
        notes=tuple(_notes(answers, missing)),
    )


def _notes(answers: Sequence[Answered], missing: int) -> Iterator[str]:
    """What a reader must know before believing the scores."""
    whys = Counter(a.parsed.why or "no reason given" for a in answers if a.parsed.value is None)
    if whys.total() > 0.1 * len(answers):
        why, count = whys.most_common(1)[0]
        yield f"{whys.total()} of {len(answers)} answers could not be read and count as wrong; most often ({count}): {why}"
    if differ := sum(DIFFER in (a.parsed.rule or "") for a in answers):
        yield f"{differ} of {len(answers)} answers contradict themselves in one form; the last statement counts"
    if missing:
        yield f"{missing} replies never came and are in no score; ask again with --retry-missing"


def learners(train: Sequence[Item]) -> list[Item]:
    """What the baselines learn from: KT items of train. Raises `InputError` where there are none."""
    learn = [item for item in train if item.domain == "KT" and item.split == "train"]
    if not learn:
        raise InputError(
            "no KT items of train to learn the baselines from",
            "ITEMS needs the train split too: make both with: pcode wbeb build",
        )
    return learn


def _baselines(generation: Generation, train: Sequence[Item], how: Resampling) -> Iterator[DomainScores]:
    targets = [item for item in generation.items() if item.domain == "KT"]
    learn = learners(train)
    for row in baselines(targets, students(learn), how=how) if targets else ():
        if row.on == TARGETS:
            n, notes = len(targets) if row.scores else 0, (row.why_missing,) if row.why_missing else ()
            yield DomainScores(row.model, "KT", None, n, row.scores, notes=notes)


def write_scores(generation: Generation, evaluation: Evaluation) -> None:
    """Write ``scores.json`` and ``scores.csv`` where the answers are."""
    folder, place = generation.folder, generation.place
    write_json(folder / SCORES, evaluation.as_json())
    write_csv(folder / TABLE, [COLUMNS, *lines(evaluation)])
    record_files(folder, [SCORES, TABLE])
    if place.folder is None:
        for name in (SCORES, TABLE):
            place.put_bytes((folder / name).read_bytes(), name)


def lines(evaluation: Evaluation) -> Iterator[list[Any]]:
    """A line a score, under `COLUMNS`; empty where there is nothing to say."""
    for rows, condition in ((evaluation.rows, evaluation.condition), (evaluation.baselines, "baseline")):
        for row in rows:
            about = {**row.as_json(), "model": row.who, "condition": condition}
            for score in row.scores:
                cells = about | score.as_json() | {"score": score.name}
                cells["warnings"] = "; ".join(score.estimate.warnings)
                yield ["" if cells[name] is None else cells[name] for name in COLUMNS]
