# SPDX-License-Identifier: MIT
"""The wheel that `make wheel` builds, in an environment of its own, away from the source tree."""

import os
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cowpath.explore.native.compiler import compiler
from tests.documents import agrees, shown

ROOT = Path(__file__).parents[1]

Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]


def call(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that knows nothing of the source tree."""
    kept = ("HOME", "LANG", "LC_ALL", "PATH", "PIP_", "SSL_", "TMPDIR", "XDG_", "http", "no_proxy")
    environment = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, as an index would do."""
    target = tmp_path_factory.mktemp("dist")
    done = call(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, ROOT, cwd=target)
    assert done.returncode == 0, done.stderr + done.stdout
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and what it needs in an environment, `venv`, beside an empty directory, `elsewhere`."""
    home = tmp_path_factory.mktemp("installed")
    call(sys.executable, "-m", "venv", home / "venv", cwd=home)
    done = call(home / "venv/bin/python", "-m", "pip", "install", "--quiet", wheel, cwd=home)
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"no package registry: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    (home / "elsewhere").mkdir()
    return home


@pytest.fixture(scope="module")
def run(home: Path) -> Run:
    """`run("check", ...)` in the empty directory."""
    return lambda *arguments: call(home / "venv/bin/cowpath", *arguments, cwd=home / "elsewhere")


def test_it_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "src/cowpath"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = archive.read(
            next(name for name in archive.namelist() if name.endswith("/METADATA"))
        ).decode()
    library = {name for name in inside if name.endswith(".so")}  # the native engine, made by hatch_build.py
    assert inside - library == {name.removeprefix("src/") for name in tracked}
    assert len(library) == (compiler() is not None)
    assert "License-Expression: MIT" in metadata
    assert "Project-URL: Founding patch" in metadata


def test_its_types_are_for_others_too(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert "cowpath/py.typed" in archive.namelist()


def test_it_checks_and_traces_a_test_of_its_corpus_by_name(run: Run) -> None:
    test = "get-write-read-refault"
    done = run("check", test, "--kernel", "5.18", "--expected")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    done = run("trace", test, "--kernel", "5.18")
    assert "try_to_unmap" in done.stdout, done.stderr


def test_it_mutates_its_corpus(run: Run) -> None:
    done = run("mutate", "--only", "H4", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert '"noticed"' in done.stdout


def test_its_pages_need_nothing_else(run: Run) -> None:
    done = run("trace", "get-write-fork", "--kernel", "5.18", "--html", "-")
    assert done.stdout.startswith("<!doctype html>"), done.stderr
    assert len(done.stdout) > 20_000


def test_the_commands_of_the_tutorial_print_what_it_shows(run: Run) -> None:
    for one in shown():
        if one.document.name == "tutorial.md":
            done = run(*shlex.split(one.command)[1:])
            assert agrees(one.output, done.stdout), f"{one}\n{done.stdout}{done.stderr}"


def test_it_says_its_version(run: Run) -> None:
    from cowpath import __version__

    assert run("--version").stdout == f"cowpath {__version__}\n"
