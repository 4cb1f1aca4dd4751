# SPDX-License-Identifier: MIT
"""What people read before they work here is true of the tree: links, commands, rooms, licences."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from cowpath import __version__

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()
PAGES = [name for name in TRACKED if name.endswith(".md") and (ROOT / name).is_file()]

NO_COMMENTS = (
    ".json", ".svg", ".litmus", ".txt", ".xsd", "/py.typed", "LICENSE", "litmus",
    "debian/changelog", "debian/clean", "debian/copyright", "debian/source/format",
)  # fmt: skip
"""Files that have no comments, or whose bytes are compared."""


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{name}: {link}"


@cache
def targets() -> set[str]:
    """The targets of the Makefile that people call."""
    return set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "SECURITY.md"])
def test_what_make_is_told_to_do_it_does(name: str) -> None:
    called = set(
        re.findall(r"`make ([a-z]+)`|^    make ([a-z]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    )
    assert {first or second for first, second in called} <= targets()


def test_every_target_is_declared() -> None:
    joined = MAKEFILE.replace("\\\n", " ")
    assert set(re.findall(r"^\.PHONY: (.+)$", joined, re.MULTILINE)[0].split()) == targets()


def test_the_architecture_has_every_room() -> None:
    package = ROOT / "src" / "cowpath"
    rooms = {path.name for path in package.iterdir() if (path / "__init__.py").exists()}
    files = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    table = set(re.findall(r"^\| \[(\w+)/\]", ARCHITECTURE, re.MULTILINE))
    assert table == rooms
    assert all(f"[{file}]" in ARCHITECTURE for file in files)


def test_the_topmost_section_of_changes_is_this_version() -> None:
    first = re.findall(r"^## (.+)$", (ROOT / "CHANGES.md").read_text("utf-8"), re.MULTILINE)[0]
    assert re.fullmatch(rf"{re.escape(__version__)} \((unreleased|\d{{4}}-\d\d-\d\d)\)", first)


@pytest.mark.parametrize("name", [name for name in TRACKED if not name.endswith(NO_COMMENTS)])
def test_the_licence_comes_first(name: str) -> None:
    if (ROOT / name).is_file():
        lines = (ROOT / name).read_text("utf-8").splitlines()[:2]
        assert any("SPDX-License-Identifier: MIT" in line for line in lines), name


def test_line_lengths_are_said_once_and_twice_the_same() -> None:
    config = (ROOT / ".editorconfig").read_text("utf-8")
    assert f"[*.py]\nmax_line_length = {PROJECT['tool']['ruff']['line-length']}\n" in config


def test_hooks_run_what_the_environment_has() -> None:
    config = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    assert re.findall(r"repo: (.+)", config) == ["local"], "a hook must not fetch anything"
    development = " ".join(PROJECT["dependency-groups"]["dev"])
    for program in re.findall(r"entry: \.venv/bin/(\w+)", config):
        assert program in development


def test_debian_packages_this_version_with_what_it_needs() -> None:
    changelog = (ROOT / "debian" / "changelog").read_text("utf-8")
    assert changelog.startswith(f"cowpath ({__version__}) ")
    control = (ROOT / "debian" / "control").read_text("utf-8")
    for name in re.findall(r"^[\w-]+", "\n".join(PROJECT["project"]["dependencies"]), re.MULTILINE):
        assert f" python3-{name}" in control
    licence = (ROOT / "LICENSE").read_text("utf-8").partition("authors")[2].split()
    told = [word for word in (ROOT / "debian" / "copyright").read_text("utf-8").split() if word != "."]
    assert told[-len(licence) :] == licence


def test_pythons_are_the_ones_that_are_promised() -> None:
    promised = re.findall(r"python3\.(\d+)", MAKEFILE.split("PYTHONS :=")[1].splitlines()[0])
    assert PROJECT["project"]["requires-python"] == f">=3.{promised[0]}"
    assert f"Python 3.{promised[0]} to 3.{promised[-1]}" in CONTRIBUTING
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py3{promised[0]}"
