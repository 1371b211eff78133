"""A codebook as YAML that parses to the same digest: the copy that runs, packets and coders keep."""

from __future__ import annotations

import json
from functools import lru_cache

from .codebook import Codebook


def dump_codebook(book: Codebook) -> str:
    """YAML of a codebook that parses to the same digest."""
    return _yaml_of(book.model_dump_json(exclude_defaults=True))


@lru_cache(maxsize=4)
def _yaml_of(book: str) -> str:
    """Takes half a second, which the shards of a corpus need not each pay."""
    import yaml

    return yaml.safe_dump(json.loads(book), sort_keys=False, allow_unicode=True, width=100)
