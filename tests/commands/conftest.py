# SPDX-License-Identifier: MIT
"""Running the program as a user does, and small files to run it on."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cowpath.cli import main

FOUNDING = Path(__file__).parents[2] / "litmus" / "founding"

KEPT = """C kept
{ char x[1] = "a"; }
P0(char *x) { r0 = x[0]; x[0] = 'b'; }
exists (0:r0='a')
"""

LOST = """C lost
{ char x[2] = "ab"; }
P0(char *x)
{
    g = get_user_page(x, FOLL_WRITE);
    madvise(x, MADV_PAGEOUT);
    r0 = x[1];
    x[1] = 'c';
    device_write(g, 0, 'D');
    put_page(g);
    r1 = x[0];
}
exists (0:r1='a')
"""


class Ran(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("check", file)`: no traceback and no colour, whatever happens."""

    def run(*arguments: object) -> Ran:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as leaving:  # argparse
            status = leaving.code if isinstance(leaving.code, int) else 1
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert "\x1b" not in out + err
        return Ran(status, out, err)

    return run


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A test whose promise is kept everywhere."""
    path = tmp_path / "kept.litmus"
    path.write_text(KEPT)
    return path


@pytest.fixture
def lost(tmp_path: Path) -> Path:
    """A test that loses a write before 5.19."""
    path = tmp_path / "lost.litmus"
    path.write_text(LOST)
    return path
