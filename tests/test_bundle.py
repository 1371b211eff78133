"""What is given away: a container without GPL code unless asked, α without the package that is under it, and what a release is checked with."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import metadata

import numpy as np

from pedagogy_r1.agreement.alpha import krippendorff_alpha
from pedagogy_r1.supplement.software import constraints, installed

from .conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTAINER = (ROOT / "Containerfile").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """Of the Containerfile: name and words; lines that are continued joined, comments left out."""
    lines = [line for line in CONTAINER.replace("\\\n", "").splitlines() if line and not line.startswith("#")]
    return [(name, words) for name, _, words in (line.partition(" ") for line in lines)]


def test_the_container_is_made_of_what_is_there_and_runs_the_demo() -> None:
    found = instructions()
    assert {name for name, _ in found} == {"FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "USER", "CMD"}
    assert found[0] == ("FROM", "python:3.12-slim"), "a short name: which registry is for whoever builds"
    copied = [word for name, words in found if name == "COPY" for word in words.split()[:-1]]
    assert all((ROOT / word).exists() for word in copied)
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"], PROJECT["project"]["readme"]} <= {*copied}
    (demo,) = re.findall(r"^demo: .*\n\t\$\(BIN\)/(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert json.loads(dict(found)["CMD"]) == shlex.split(demo), "what make demo runs"


def test_code_under_the_gpl_comes_in_only_when_asked() -> None:
    needed = [*installed(), *installed("rocrate")]
    assert "numpy" in needed
    licences = {}
    for name in needed:
        said = metadata.metadata(name)
        own = [said.get("License-Expression"), said.get("License"), *(said.get_all("Classifier") or ())]
        licences[name] = " ".join(
            str(one)[:100] for one in own if one and ("License" in str(one) or one in own[:2])
        )
    gpl = {name for name, words in licences.items() if re.search(r"\bA?GPL|General Public", words)}
    assert gpl == {"krippendorff"}
    (run,) = (words for name, words in instructions() if name == "RUN" and "pip" in words)
    asked, plain = re.fullmatch(r'if \[ "\$WITH_GPL" = yes \]; then (.*); else (.*); fi', run).groups()  # type: ignore[union-attr]
    assert plain.endswith("&& pip uninstall --yes krippendorff")
    assert "gamma" in asked
    assert "gamma" not in plain
    assert ("ARG", "WITH_GPL=no") in instructions()


def test_alpha_is_the_same_without_the_package_that_is_under_the_gpl() -> None:
    values = np.random.default_rng(0).integers(-1, 4, (3, 200))
    code = (
        "import sys; sys.modules['krippendorff'] = None\n"
        "import numpy as np; from pedagogy_r1.agreement.alpha import krippendorff_alpha as alpha\n"
        "values = np.random.default_rng(0).integers(-1, 4, (3, 200))\n"
        "for level in ('nominal', 'ordinal', 'interval'):\n"
        "    print(repr(alpha(values, np.arange(200), [0, 1, 2, 3], level=level, replicates=0).value))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours = [float(line) for line in done.stdout.split()]
    with_it = [
        krippendorff_alpha(values, np.arange(200), [0, 1, 2, 3], level=level, replicates=0).value
        for level in ("nominal", "ordinal", "interval")
    ]
    np.testing.assert_allclose(ours, np.array(with_it, dtype=float), rtol=0, atol=1e-12)


def test_every_version_that_an_archive_names_is_one_that_pip_reads() -> None:
    lines = constraints().splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+", line) for line in lines)
    assert {"numpy", "aiohttp"} <= {line.partition("==")[0] for line in lines}


def test_what_pyproject_says_of_python_is_what_is_tried() -> None:
    said = PROJECT["project"]["classifiers"]
    versions = [one.rpartition(" :: ")[2] for one in said if re.search(r"Python :: 3\.\d+$", one)]
    assert PROJECT["project"]["requires-python"] == f">={versions[0]}"
    page = (ROOT / "docs/archive.md").read_text(encoding="utf-8")
    assert all(f"| {version}" in page for version in versions), "docs/archive.md says what was run on each"
