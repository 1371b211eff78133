"""A prompt condition: what is said about how to reason, around a question that stays the same.

    id: cop                                     conditions/cop.yaml; adding a condition is adding such a file
    version: 1.0.0
    about: Chain-of-Pedagogy …
    instruction: Before you answer, consider the pedagogical step by step.

condition("cop").messages("Which of …?")        ("", "Which of …?\\n\\nBefore you answer, consider …")
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, Field, ValidationError

from .. import shipped
from ..errors import InputError, did_you_mean, first_fault
from ..files.yaml_text import BadYaml, parse_yaml
from ..provenance import digest

FOLDER = "conditions"


class Messages(NamedTuple):
    """What is sent. An empty ``system`` means no system message, as reasoning models often want it."""

    system: str
    user: str


class Condition(BaseModel, frozen=True, extra="forbid"):
    """A versioned template. A released one never changes: another wording is another version, or another file."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    about: str = ""
    """Where the wording is from."""
    system: str | None = None
    instruction: str = ""
    """Follows the question, after an empty line."""

    @cached_property
    def digest(self) -> str:
        return digest(self.model_dump(mode="json"))

    @property
    def stamp(self) -> dict[str, str]:
        """What a trace records of it."""
        return {"id": self.id, "version": self.version, "digest": self.digest}

    def messages(self, question: str) -> Messages:
        return Messages(
            self.system or "", f"{question}\n\n{self.instruction}" if self.instruction else question
        )


def conditions() -> list[str]:
    """Names of the shipped conditions, sorted."""
    return sorted(path.stem for path in shipped.folder(FOLDER).glob("*.yaml"))


def condition(name: str | Path) -> Condition:
    """A shipped condition by its name, or that of a YAML file. Raises `InputError` for what is neither or malformed."""
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = shipped.folder(FOLDER) / f"{name}.yaml"
        if str(name) not in conditions():
            raise InputError(
                f"no condition is named {str(name)!r}",
                f"{did_you_mean(str(name), conditions())}; or give a YAML file",
            )
    elif not path.is_file():
        raise InputError(f"{path}: no such file", "shipped conditions: " + ", ".join(conditions()))
    hint = f"a condition has: {', '.join(Condition.model_fields)}"
    try:
        found = Condition.model_validate(parse_yaml(path.read_bytes()))
    except BadYaml as error:
        raise InputError(f"{path}: no readable YAML: {' '.join(str(error).split())[:200]}", hint) from None
    except ValidationError as error:
        raise InputError(f"{path}: {first_fault(error)}", hint) from None
    if found.id != path.stem:
        raise InputError(f"{path}: holds condition {found.id!r}", "a condition's file is named for its id")
    return found
