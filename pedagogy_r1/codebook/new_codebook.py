"""The first file of a new codebook: two codes, and a comment beside every field that says what belongs there.

    new_codebook("talk", "Moves in a tutoring dialogue")   →  YAML, which `load_codebook` reads as it is

Whatever is wrong or missing in what becomes of it, ``pcode codebook check`` says with the line.
"""

from __future__ import annotations

import json

from pydantic import TypeAdapter, ValidationError

from ..errors import CodebookError
from .codebook import CodeId

FIRST = "0.1.0"
"""Its version."""

TEMPLATE = """\
# A codebook: which codes there are, and how a coder tells them apart. Every field is explained in docs/codebook.md.
#   pcode codebook check FILE      what is wrong or missing, with line numbers
#   pcode codebook manual FILE     what coders are trained with
# Once people have coded with it, a change is a new version: pcode codebook bump FILE --minor -o NEW_FILE

id: {id}
version: {version}
title: {title}
lang: en
unit: sentence@1          # what gets a code: sentence@1, paragraph@1, thought@1; span: coders draw their own
exhaustive: true          # every unit has a code; false: coders may also say that none applies
max_codes: 1              # 2: a second code is allowed where a unit does two things
domains: [class]          # kinds of text that it is for; every example names one of them
fallback: OTHER           # what the rule-based coder gives where no cue fires

about: |
  In what order coders ask, and what they do in doubt. For example:

  1. Does the unit ask something? → QUESTION
  2. Otherwise → OTHER

families:                 # codes that belong together; reports add them up
- id: all
  name: All codes

codes:

- id: QUESTION            # short, without blanks; it stands in tables and figures
  name: question
  family: all
  short: Asks something.
  color: "#0072B2"
  definition: >-
    The unit asks a question that it, or somebody else, then has to answer.
  include:
  - A question without a question mark.
  exclude:
  - A question that is only quoted.
  rules:                  # what decides against a code that it is confused with
  - {{against: OTHER, rule: A unit that asks and then goes on is QUESTION if the question comes last.}}
  hits:                   # at least three that belong here, from real texts
  - {{text: "What would happen if the class had more time?", domain: class}}
  near_misses:            # at least two that do not, with the code that they get
  - {{text: She asked what he meant., code: OTHER, domain: class, why: It reports a question.}}
  cues: ["?", what if]    # words by which the rule-based coder finds it

- id: OTHER
  name: anything else
  family: all
  short: Does anything else.
  color: "#999999"
  definition: >-
    The unit does none of the above.
  hits:
  - {{text: There are 24 pupils in the class., domain: class}}
  near_misses:
  - {{text: "Is that enough for all of them?", domain: class, code: QUESTION, why: It asks.}}
"""


def new_codebook(id: str, title: str = "") -> str:
    """A commented codebook of two codes, as YAML. Raises `CodebookError` for an id that cannot be one."""
    try:
        TypeAdapter(CodeId).validate_python(id)
    except ValidationError:
        hint = "letters, digits, points, - and _, at most 32, a letter first, such as talk-moves"
        raise CodebookError(f"{id!r} cannot be the id of a codebook", hint) from None
    shown = json.dumps(title or f"Codebook {id}", ensure_ascii=False)
    return TEMPLATE.format(id=json.dumps(id), title=shown, version=FIRST)
