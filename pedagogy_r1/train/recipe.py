"""A recipe: parameters, and stages each of which is one ``pcode`` command. A run is a YAML file, a stage is a folder.

    id: small
    title: ask, filter, train
    parameters: {items: items.jsonl, teacher: "openai:Qwen/QwQ-32B", policy: correct}
    stages:
      distill: {run: distill, arguments: ["${items}"], options: {model: "${teacher}", n: 500}}
      filter: {run: filter, arguments: ["${distill}/traces.jsonl"], options: {policy: "${policy}"}}
      sft: {run: sft, arguments: ["${filter}/kept.jsonl"], options: {model: Qwen/Qwen2.5-0.5B}}
    variants:
      right: {policy: correct}
      rich: {policy: "correct|rich"}

``${name}`` is a parameter, or the folder of an earlier stage; ``${recipes}`` the folder of the shipped recipes.
``variants`` set parameters, and every stage that depends on one of these (itself, or through an earlier stage) runs once
for each: here filter and sft do, as ``filter.right``, ``filter.rich`` …, and distill is shared. ``${sft.*}`` are all of them,
for a stage that compares. A parameter named ``variant`` holds the variant's name.

``extends: NAME`` takes over another recipe; parameters and variants are merged, a stage of the same name is replaced, and
one that is ``null`` is left out.

From a recipe to commands: parameters put in, variants told apart, references turned into folders.

    for task in expand(load_recipe("per-domain"), Path("out")):
        task.name, task.words()        "sft.sk", ["sft", "out/filter.sk/kept.jsonl", "--model", …, "-o", "out/sft.sk"]

Words are kept with the references in them until a folder is known, so that what is remembered of a stage does not depend on
where its pipeline lies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError, model_validator

from .. import shipped
from ..errors import InputError, did_you_mean, first_fault
from ..files.records import need_file
from ..files.yaml_text import BadYaml, RefusedYaml, parse_yaml
from ..limits import MOST_STAGES
from ..provenance import canonical
from .recipe_parameters import REFERENCE, Scope, Size, Value, many

FOLDER = "recipes"


class RecipeStage(BaseModel, frozen=True, extra="forbid"):
    """One command. Its folder is ``OUT/NAME``; ``out`` names a file in there where the command's ``-o`` wants a file."""

    run: str = Field(min_length=1)
    """The command, e.g. ``wbeb eval``."""
    about: str = ""
    arguments: tuple[Value, ...] = ()
    options: dict[str, Value] = Field(default_factory=dict)
    out: str = ""
    accept_failures: bool = False
    """Go on where the command ends with status 1: done, with failures listed."""
    launcher: Value = None
    """Starts the command instead of this Python, e.g. ``[accelerate, launch, --config_file, fsdp.yaml]``."""


class Recipe(BaseModel, frozen=True, extra="forbid"):
    """``recipes/NAME.yaml``."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str = ""
    about: str = ""
    extends: str | None = None
    parameters: dict[str, Value] = Field(default_factory=dict)
    expects: dict[str, float] = Field(default_factory=dict)
    """What `cost` computes with: numbers of questions and tokens, which nobody knows beforehand."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Environment variables of the stages, beside those that are set."""
    variants: dict[str, dict[str, Value]] = Field(default_factory=dict)
    stages: dict[str, RecipeStage | None] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _what_a_process_can_be_given(self) -> Recipe:
        if "\\u0000" in self.model_dump_json():
            raise ValueError("a NUL character, which no command and no variable can hold")
        if wrong := [name for name in self.environment if not name or "=" in name]:
            raise ValueError(f"environment: {wrong[0]!r} is no name of a variable")
        for name, stage in self.stages.items():
            if stage is not None and (stage.out.startswith("/") or ".." in stage.out.split("/")):
                raise ValueError(f"stages.{name}.out: {stage.out!r} is not within the stage's folder")
        return self

    def yaml(self) -> str:
        """The recipe as a file, without what it extends."""
        import yaml

        data = self.model_dump(mode="json", exclude_defaults=True)
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)

    def with_parameters(self, given: dict[str, Value]) -> Recipe:
        """Other values for some parameters. Raises `InputError` for one that it does not have."""
        for name in given:
            if name not in self.parameters:
                raise InputError(
                    f"recipe {self.id} has no parameter {name!r}", did_you_mean(name, list(self.parameters))
                )
        return self.model_copy(update={"parameters": {**self.parameters, **given}})


def recipes() -> list[str]:
    """Names of the shipped recipes, sorted."""
    return sorted(path.stem for path in shipped.folder(FOLDER).glob("*.yaml"))


def load_recipe(name: str | Path) -> Recipe:
    """A shipped recipe by its name, or a YAML file, with what it extends merged in. Raises `InputError`."""
    return _load(_path(name), ())


def parse_parameter(pair: str) -> tuple[str, Value]:
    """From ``KEY=VALUE``; the value is read as in a recipe, so ``n=20`` is a number and ``x=null`` nothing."""
    key, equals, text = pair.partition("=")
    if not equals or not key:
        raise InputError(f"--set {pair!r} is no KEY=VALUE", "e.g. --set n=500")
    try:
        value = parse_yaml(text)
        canonical(value)  # a date is no value of an option
    except RefusedYaml as error:
        raise InputError(f"--set {key}: {error.why}", "give it once, and plainer") from None
    except (BadYaml, TypeError):
        return key, text
    return key, value


def _path(name: str | Path) -> Path:
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return path
    if str(name) not in recipes():
        raise InputError(
            f"no recipe is named {str(name)!r}", f"{did_you_mean(str(name), recipes())}; or give a YAML file"
        )
    return shipped.folder(FOLDER) / f"{name}.yaml"


def _load(path: Path, seen: tuple[Path, ...]) -> Recipe:
    recipe = _read(path)
    if recipe.extends is None:
        return recipe
    if path.resolve() in seen:
        raise InputError(f"{path}: the recipe extends itself", "end the circle")
    named = recipe.extends
    below = path.parent / named if named.endswith((".yaml", ".yml")) else _path(named)
    base = _load(below, (*seen, path.resolve()))
    fields = ("parameters", "expects", "environment", "variants", "stages")
    merged = {name: {**getattr(base, name), **getattr(recipe, name)} for name in fields}
    merged["stages"] = {name: stage for name, stage in merged["stages"].items() if stage is not None}
    return recipe.model_copy(update={"extends": None, **merged})


def _read(path: Path) -> Recipe:
    hint = f"a recipe has: {', '.join(Recipe.model_fields)}; see docs/pipeline.md"
    need_file(path, "shipped recipes: " + ", ".join(recipes()))
    try:
        return Recipe.model_validate(parse_yaml(path.read_bytes()))
    except ValidationError as error:
        raise InputError(f"{path}: {first_fault(error)}", hint) from None
    except (ValueError, RecursionError) as error:
        why = " ".join((str(error) or type(error).__name__).split())[:200]
        raise InputError(f"{path}: no readable YAML: {why}", hint) from None


_NAME = re.compile(r"^[a-z0-9][a-z0-9-]*$")
RESERVED = ("stages", "recipes")
"""Not names of stages: the folder of the records, and the shipped recipes."""


@dataclass(frozen=True)
class StageRun:
    """A stage of one variant. ``template``: its words, with ``${stage}`` where an earlier one's folder comes."""

    name: str
    stage: RecipeStage
    template: tuple[str, ...]
    needs: tuple[str, ...]
    parameters: Mapping[str, Value]
    """All parameters, as this variant has them."""

    def words(self, out: Path) -> list[str]:
        """The command's words for a pipeline in ``out``."""
        return [place(word, out) for word in self.template]

    def launcher(self, out: Path) -> list[str]:
        """What starts the command, if not this Python."""
        return [place(word, out) for word in many(self.stage.launcher)]

    def folder(self, out: Path) -> Path:
        """Where it writes."""
        return out / self.name


def place(word: str, out: Path) -> str:
    """``${stage}`` → ``OUT/stage``, ``${recipes}`` → where the shipped recipes lie."""
    return REFERENCE.sub(lambda m: str(shipped.folder(FOLDER) if m[1] == "recipes" else out / m[1]), word)


def expand(recipe: Recipe) -> list[StageRun]:
    """All tasks in the order in which they run. Raises `InputError` for what is referred to and is not there."""
    return _Expansion(recipe).tasks()


class _Expansion:
    """A recipe's stages and the parameters of its variants; a stage that all variants share runs in the first."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.stages = {name: stage for name, stage in recipe.stages.items() if stage is not None}
        if not self.stages:
            raise InputError(f"recipe {recipe.id} has no stages", "give at least one; see docs/pipeline.md")
        _check_names(recipe, self.stages)
        variants = recipe.variants or {"": {}}
        if (count := len(variants) * len(self.stages)) > MOST_STAGES:
            what = f"{len(self.stages):,} stages × {len(variants):,} variants are {count:,} stages"
            raise InputError(
                f"recipe {recipe.id}: {what}, and {MOST_STAGES:,} is the most", "make several recipes of it"
            )
        self.size = Size(recipe.id)
        self.scopes = {
            name: Scope(recipe.id, recipe.parameters, name, set_, self.size)
            for name, set_ in variants.items()
        }
        self.varying = _varying(self.stages, self.scopes)

    def tasks(self) -> list[StageRun]:
        return [self._task(name, variant) for name in self.stages for variant in self._variants(name)]

    def _variants(self, stage: str) -> list[str]:
        """Those in which the stage runs."""
        return list(self.scopes) if stage in self.varying else list(self.scopes)[:1]

    def _own(self, stage: str, variant: str) -> str:
        """What the stage is called in a variant, its folder too."""
        return f"{stage}.{variant}" if stage in self.varying else stage

    def _task(self, name: str, variant: str) -> StageRun:
        stage, scope, own = self.stages[name], self.scopes[variant], self._own(name, variant)
        words = stage.run.split()
        for key, value in stage.options.items():
            words += _option(f"--{key.replace('_', '-')}", scope.value(value))
        for argument in stage.arguments:
            words += many(scope.value(argument))
        words += ["-o", "${" + own + "}" + (f"/{stage.out}" if stage.out else "")]
        found = [word for each in words for word in self._refer(each, name, variant)]
        needs = dict.fromkeys(need for word in found for need in REFERENCE.findall(word))
        stage = stage.model_copy(update={"launcher": many(scope.value(stage.launcher))})
        others = tuple(need for need in needs if need not in (own, "recipes"))
        return StageRun(own, stage, tuple(found), others, scope.parameters)

    def _refer(self, word: str, stage: str, variant: str) -> Iterator[str]:
        """The word with stages named as their folders; several words for ``${stage.*}``."""
        where = f"recipe {self.recipe.id}: stage {stage}"
        names, stars = {}, list[str]()
        for name in dict.fromkeys(REFERENCE.findall(word)):
            if name.endswith(".*"):
                stars.append(name)
            elif name in ("recipes", self._own(stage, variant)):
                names[name] = name
            else:
                names[name] = self._own(self._earlier(name, stage, where), variant)
        if len(stars) > 1:
            raise InputError(f"{where}: {word!r} names several sets of stages", "one ${NAME.*} in a word")
        if not stars:
            yield _renamed(word, names)
            return
        several = self._earlier(stars[0].removesuffix(".*"), stage, where)
        for each in self._variants(several):
            self.size.add(len(word))
            yield _renamed(word, {**names, stars[0]: self._own(several, each)})

    def _earlier(self, name: str, stage: str, where: str) -> str:
        """``name``, if it is a stage before ``stage``."""
        order = list(self.stages)
        before = order[: order.index(stage)]
        if name not in before:
            hint = "a stage refers to earlier ones only" if name in order else did_you_mean(name, before)
            raise InputError(f"{where} refers to {name!r}, which is no parameter and no earlier stage", hint)
        return name


def _renamed(word: str, names: Mapping[str, str]) -> str:
    """The word with other names in its references."""
    return REFERENCE.sub(lambda m: "${" + names[m[1]] + "}", word)


def _varying(stages: Mapping[str, RecipeStage], scopes: Mapping[str, Scope]) -> set[str]:
    """Stages that are not the same in all variants, by their own words or through an earlier stage."""
    found: set[str] = set()
    for name, stage in stages.items():
        parts = [*stage.arguments, *stage.options.values(), stage.launcher]
        seen = [[scope.value(part) for part in parts] for scope in scopes.values()]
        refers = {name for part in seen[0] for text in many(part) for name in REFERENCE.findall(text)}
        if any(each != seen[0] for each in seen) or refers & found:
            found.add(name)
    return found


def _check_names(recipe: Recipe, stages: Mapping[str, RecipeStage]) -> None:
    for name in (*stages, *recipe.variants):
        if not _NAME.match(name) or name in RESERVED:
            raise InputError(
                f"recipe {recipe.id}: {name!r} is no name for a stage or variant",
                f"lower-case letters, digits and hyphens, not {' or '.join(RESERVED)}",
            )
    for name in recipe.parameters:
        if name in stages or name in RESERVED:
            raise InputError(f"recipe {recipe.id}: {name!r} is a parameter and a stage", "rename one of them")


def _option(name: str, value: Value) -> list[str]:
    if value is None or value is False:
        return []
    if value is True:
        return [name]
    return [word for each in many(value) for word in (name, each)]
