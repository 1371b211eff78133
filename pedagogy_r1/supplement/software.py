"""The software under which an archive was made: every library that this package needs, with its version.

numpy==2.4.6            constraints.txt: pip install pedagogy-r1==0.1.0 -c constraints.txt
"""

from __future__ import annotations

import platform
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..provenance import versions

OWN = "pedagogy-r1"


def installed(first: str = OWN) -> dict[str, str]:
    """Name and version of this package (``first``: of another) and of all that it needs, as they are installed here; its own optional parts left out."""
    found: dict[str, str] = {}
    waiting = [(first, frozenset[str]())]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        try:
            there = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = there.version
        for need in map(Requirement, there.requires or ()):
            asked = ({"extra": extra} for extra in (extras or {""}))
            if need.marker is None or any(need.marker.evaluate(extra) for extra in asked):
                waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return dict(sorted(found.items()))


def software() -> dict[str, object]:
    """What ``software.json`` holds."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "moves_numbers": versions("scipy", "scikit-learn", "matplotlib", "pyarrow"),
        "installed": installed(),
    }


def constraints() -> str:
    """The versions as pip reads them; this package itself is named by who installs it."""
    return "".join(f"{name}=={version}\n" for name, version in installed().items() if name != OWN)
