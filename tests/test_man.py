# SPDX-License-Identifier: MIT
"""The manual pages: one for each command, with every option, and roff that groff has nothing against."""

import subprocess

import pytest

from cowpath import cli
from tests.tools import need
from website.man import pages

PAGES = pages()


def test_every_command_has_a_page() -> None:
    assert set(PAGES) == {"cowpath.1", *(f"cowpath-{name}.1" for name in cli.COMMANDS)}


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_option_is_in_it(command: str) -> None:
    text = PAGES[f"cowpath-{command}.1"].replace("\\-", "-")
    assert f".SH NAME\ncowpath-{command} - " in text
    for action in cli.command_parser(command)._actions:
        for option in action.option_strings:
            assert option in text or option == "--help"  # everybody knows it: the synopsis has -h


@pytest.mark.parametrize("name", PAGES)
def test_groff_has_nothing_against_it(name: str) -> None:
    need("groff")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z"], input=PAGES[name], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
