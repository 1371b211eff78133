"""docs/scale.md says what its simulation prints, and the files of deploy/ are what those who read them take.

Ray's own validator reads ray-cluster.yaml; bash reads slurm.sh. No validator of KubeRay's can be installed here: its schema comes with the
operator, in a cluster. So kuberay.yaml is held against the fields that the schema of `ray.io/v1` requires, by name.
"""

from __future__ import annotations

import copy
import re
import shlex
import subprocess
import tomllib
from typing import Any

import click
import pytest
import yaml

from benchmarks.scale_simulation import Assumed, Fleet, assumptions_table, cost_table, shards_table, simulated
from pedagogy_r1.cli.main import cli

from .conftest import ROOT

DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def test_the_page_quotes_what_the_simulation_prints() -> None:
    for table in (shards_table(), assumptions_table(Assumed()), cost_table(Assumed())):
        assert "\n".join(table) in PAGE


def test_without_chance_the_simulation_is_arithmetic() -> None:
    """Ten equal shards on four processes take three rounds; where nothing fails, nothing is done again."""
    never = {"process_fails": 1e12, "machine_fails": 1e12}
    fleet = Fleet("even", work=1000.0, workers=4, spread=0.0, a_shard=0.0, **never)
    found = simulated(fleet, shards=10, runs=2, seed=0)
    assert (found.mean, found.longest, found.again) == (pytest.approx(300 / 250), pytest.approx(300 / 250), 0)
    failing = Fleet("failing", work=1000.0, workers=4, spread=0.0, process_fails=300.0, process_back=0.0)
    assert simulated(failing, shards=10, runs=5, seed=0).again > 0


def test_ray_takes_the_cluster_file() -> None:
    pytest.importorskip("ray")
    util = pytest.importorskip("ray.autoscaler._private.util")
    config = util.prepare_config(read("ray-cluster.yaml"))
    util.validate_config(config)
    assert config["head_node_type"] in config["available_node_types"]
    wrong = copy.deepcopy(config)
    wrong["available_node_types"]["worker"]["max_worker"] = 8
    with pytest.raises(Exception, match="max_worker"):
        util.validate_config(wrong)


def test_the_job_for_kuberay_has_what_its_schema_requires() -> None:
    """``spec.rayClusterSpec.headGroupSpec`` with ``rayStartParams`` and ``template``; of each group of workers also its name and bounds."""
    job = read("kuberay.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", job["metadata"]["name"])
    cluster = job["spec"]["rayClusterSpec"]
    groups = cluster["workerGroupSpecs"]
    assert all({"groupName", "minReplicas", "maxReplicas", "replicas"} <= set(group) for group in groups)
    for group in (cluster["headGroupSpec"], *groups):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        for container in group["template"]["spec"]["containers"]:
            assert {"name", "image", "resources"} <= set(container)
            assert container["resources"]["limits"] == container["resources"]["requests"]
    cores = sum(
        group["maxReplicas"] * int(container["resources"]["limits"]["cpu"])
        for group in groups
        for container in group["template"]["spec"]["containers"]
    )
    assert f"--workers {cores}" in job["spec"]["entrypoint"]
    image = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert f"FROM rayproject/ray:{cluster['rayVersion']}-" in image
    assert f"rayproject/ray:{cluster['rayVersion']}-" in read("ray-cluster.yaml")["docker"]["image"]


def test_bash_takes_the_slurm_script() -> None:
    found = subprocess.run(["bash", "-n", DEPLOY / "slurm.sh"], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
    text = (DEPLOY / "slurm.sh").read_text(encoding="utf-8")
    first = next(at for at, line in enumerate(text.splitlines()) if line and not line.startswith("#"))
    options = [line for line in text.splitlines() if line.startswith("#SBATCH")]
    assert options == [line for line in text.splitlines()[:first] if line.startswith("#SBATCH")]


def test_commands_of_page_and_files_have_options_that_exist() -> None:
    """Every ``pcode …`` with its options, joined over continued lines."""
    pages = [PAGE, *(path.read_text(encoding="utf-8") for path in sorted(DEPLOY.iterdir()))]
    fenced = "\n".join(pages).replace("\\\n", " ")
    found = re.findall(r"\bpcode ((?:traces )?(?:import|annotate|status|agreement) [^\n`]*)", fenced)
    assert len(found) >= 12
    for said in found:
        words = shlex.split(re.split(r"[\"|>;]", said)[0].split("  ")[0].replace("'", ""), comments=True)
        command: click.Command | None = cli
        while isinstance(command, click.Group):
            command = command.get_command(click.Context(command), words.pop(0))
        assert command is not None, said
        known = {name for option in command.params for name in option.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known, said


def test_what_is_deployed_with_is_published() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "deploy" in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    linked = set(re.findall(r"\]\(\.\./deploy/([^)]+)\)", PAGE))
    assert linked == {path.name for path in DEPLOY.iterdir()}
