# SPDX-License-Identifier: MIT
"""Documents show what commands print, programs that are in the corpus, and files that are there."""

import re
from pathlib import Path

import pytest

from cowpath.corpus.files import corpus
from tests.documents import DOCUMENTS, PROGRAM, Shown, agrees, printed, shown

TUTORIAL = next(path for path in DOCUMENTS if path.name == "tutorial.md").read_text("utf-8")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[\w-]*)?\)")


@pytest.mark.parametrize("one", shown(), ids=str)
def test_a_command_prints_what_is_shown(one: Shown) -> None:
    found = printed(one.command)
    assert agrees(one.output, found), f"{found}\n`make transcripts` writes it down"


def test_the_tutorial_shows_its_programs_as_they_are() -> None:
    programs = {file.stem: file.read_text("utf-8") for file in corpus() if file.parent.name == "tutorial"}
    assert {name: text for text, name in PROGRAM.findall(TUTORIAL)} == programs


def test_the_tutorial_runs_every_program_that_it_shows() -> None:
    commands = " ".join(one.command for one in shown() if one.document.name == "tutorial.md")
    assert [name for _, name in PROGRAM.findall(TUTORIAL) if not re.search(rf"\b{name}\b", commands)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []
