# SPDX-License-Identifier: MIT
"""The documentation site: every page is there, made from the code, and every link leads somewhere."""

from pathlib import Path, PurePosixPath

import pytest

from cowpath import cli
from cowpath.corpus.files import corpus
from cowpath.history.changes import CHANGES
from cowpath.litmus.statements import CALLS
from website import catalogue, reference
from website.__main__ import main
from website.links import Pages

DOCS = Path(__file__).parents[1] / "docs"


def test_reference_pages_leave_nothing_out() -> None:
    pages = reference.pages()
    for name in cli.COMMANDS:
        assert f"## cowpath {name}\n" in pages["reference/commands.md"]
    for form in CALLS.values():
        assert form.name in pages["reference/statements.md"]
    for change in CHANGES:
        assert f"## {change.name}\n" in pages["reference/changes.md"]
    assert "I13" in pages["reference/invariants.md"]
    assert "| 3 | a search or a machine did not finish" in pages["reference/exit-status.md"]


def test_a_page_of_the_catalogue_has_program_verdicts_story_and_picture() -> None:
    file = next(file for file in corpus() if file.stem == "CVE-2020-29374")
    found = catalogue.entry(file)
    assert found.verdicts == (("5.7", "leak"), ("5.8-7.3", "kept"))
    assert file.read_text("utf-8") in found.page
    assert "| 5.7 | leak |" in found.page
    assert "P1 runs munmap(x)" in found.page
    assert found.picture.startswith("<svg")


def test_links_lead_to_pages_and_those_in_programs_are_left_alone(tmp_path: Path) -> None:
    pages = Pages(tmp_path, {PurePosixPath("docs/see.md"): PurePosixPath("see.md")})
    text = "[see](see.md#in-a-browser) [code](../src/cowpath/cli.py)\n```c\n[x](nowhere)\n```\n"
    linked = pages.linked(text, PurePosixPath("docs/model.md"), PurePosixPath("deep/model.md"))
    assert "[see](../see.md#in-a-browser)" in linked
    assert "[code](../source/src/cowpath/cli.py.md)" in linked
    assert "[x](nowhere)" in linked
    assert "def main(" in (tmp_path / "source/src/cowpath/cli.py.md").read_text("utf-8")


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"docs/model.md: gone.md does not exist"):
        Pages(tmp_path, {}).linked("[gone](gone.md)", PurePosixPath("docs/model.md"), PurePosixPath("x.md"))


@pytest.mark.slow
def test_the_site_is_made_and_mkdocs_finds_no_broken_link(tmp_path: Path) -> None:
    assert main(["--theme", "tutorial", "--out", str(tmp_path / "site"), "--jobs", "1"]) == 0
    made = {file.relative_to(tmp_path / "site").as_posix() for file in (tmp_path / "site").rglob("*.html")}
    wanted = {f"{file.relative_to(DOCS).with_suffix('.html').as_posix()}" for file in DOCS.rglob("*.md")}
    wanted |= {f"corpus/tutorial/{file.stem}.html" for file in corpus() if file.parent.name == "tutorial"}
    assert wanted | {"index.html", "corpus/index.html", "reference/commands.html"} <= made
