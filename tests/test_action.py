# SPDX-License-Identifier: MIT
"""The GitHub action and the container: their scripts are run here as they stand, their files are there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cowpath.commands import status

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"]}


def step(name: str, directory: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as a workflow would, with these inputs."""
    given = {key: one.get("default", "") for key, one in ACTION["inputs"].items()} | inputs
    environment = dict(os.environ)
    for variable, value in STEPS[name]["env"].items():
        environment[variable] = re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: given[found[1]], value)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]]
    return subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True)


def test_it_checks_and_leaves_a_report(tmp_path: Path) -> None:
    done = step("check", tmp_path, files="lesson-5 lesson-1", kernels="5.18 6.1", report="out.sarif")
    assert done.returncode == status.BROKEN
    assert "lost write" in done.stdout
    results = json.loads((tmp_path / "out.sarif").read_text())["runs"][0]["results"]
    assert len(results) == 1


def test_it_passes_where_the_promise_is_kept(tmp_path: Path) -> None:
    assert step("check", tmp_path, files="lesson-5", kernels="6.1").returncode == status.KEPT
    assert step("check", tmp_path, files="tutorial", options="--expected").returncode == status.KEPT


def test_a_file_name_is_no_command(tmp_path: Path) -> None:
    done = step("check", tmp_path, files="lesson-1;touch${IFS}owned $(touch owned)")
    assert done.returncode == status.BAD_INPUT
    assert not (tmp_path / "owned").exists()


@pytest.mark.slow
def test_it_installs_itself(tmp_path: Path) -> None:
    environment = dict(os.environ) | {
        "COWPATH_SOURCE": str(ROOT),
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_PATH": str(tmp_path / "path"),
    }
    subprocess.run(["bash", "-eo", "pipefail", "-c", STEPS["install"]["run"]], env=environment, check=True)
    program = Path((tmp_path / "path").read_text().strip()) / "cowpath"
    done = subprocess.run([program, "check", "lesson-1"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_machines_nothing_runs(tmp_path: Path) -> None:
    done = step("run", tmp_path, files="lesson-1")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_machine_is_asked_for(tmp_path: Path) -> None:
    done = step("run", tmp_path, files="lesson-1", on="no-such-machine")
    assert done.returncode == status.BAD_INPUT
    assert "no-such-machine" in done.stderr


@pytest.mark.parametrize("name", STEPS)
def test_inputs_reach_a_script_only_through_its_environment(name: str) -> None:
    """An expression in a script would let a pull request's file names be executed."""
    assert "${{" not in STEPS[name]["run"]


def test_the_container_copies_what_is_there_and_what_the_build_needs() -> None:
    text = (ROOT / "Containerfile").read_text("utf-8")
    copied = [word for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    assert {"pyproject.toml", "hatch_build.py", "src"} <= set(copied)
