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
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .. import shipped
from ..errors import InputError, did_you_mean
from ..provenance import canonical

FOLDER = "recipes"

Value = str | int | float | bool | None | list[str | int | float] | dict[str, str | int | float | bool]
"""Of a parameter or an option. ``null`` and ``false`` leave an option out, ``true`` gives it without a value, a list repeats
it, and a mapping repeats it as ``KEY=VALUE``."""


class RecipeStage(BaseModel):
    """One command. Its folder is ``OUT/NAME``; ``out`` names a file in there where the command's ``-o`` wants a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class Recipe(BaseModel):
    """``recipes/NAME.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    import yaml

    key, equals, text = pair.partition("=")
    if not equals or not key:
        raise InputError(f"--set {pair!r} is no KEY=VALUE", "e.g. --set n=500")
    try:
        value = yaml.safe_load(text)
        canonical(value)  # a date is no value of an option
    except (yaml.YAMLError, TypeError):
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
    import yaml

    hint = f"a recipe has: {', '.join(Recipe.model_fields)}; see docs/pipeline.md"
    if not path.is_file():
        raise InputError(f"{path}: no such file", "shipped recipes: " + ", ".join(recipes()))
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Recipe.model_validate(data)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no readable YAML: {' '.join(str(error).split())[:200]}", hint) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("str", "int"))
        raise InputError(f"{path}: {where + ': ' if where else ''}{first['msg']}", hint) from None
