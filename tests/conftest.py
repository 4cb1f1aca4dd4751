# SPDX-License-Identifier: MIT
"""What several test files need and is slow to make.

Nothing of cowpath is imported here before a test asks for it: with several processes, coverage begins after
this file, and would take the lines that an import runs for lines that no test does.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cowpath.survey import reliability


def pytest_addoption(parser: pytest.Parser) -> None:
    """--accept, for golden files."""
    parser.addoption("--accept", action="store_true", help="write golden files anew; then read the diff")


for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    # Ignored where the tests run in the background (nohup, a shell's &); all that we start would inherit it.
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)


TURNS = ("5.7", "5.8", "5.9", "5.11", "5.18", "5.19", "6.3")
"""Where the reliability table changes, newest release aside; those between change nothing and take long."""


@pytest.fixture(scope="session")
def whole_table() -> reliability.Table:
    """The reliability table of docs/reliability.md, with and without the marker."""
    from cowpath.history.version import NEWEST, version
    from cowpath.survey import reliability
    from cowpath.survey.parallel import Processes, default_jobs

    versions = [version(release) for release in (*TURNS, str(NEWEST))]
    versions += [version(release, "arm") for release in ("5.19", "6.3")]
    return reliability.build(versions, merge=True, workers=Processes(default_jobs()))
