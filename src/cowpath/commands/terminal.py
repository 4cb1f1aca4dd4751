# SPDX-License-Identifier: MIT
"""The abilities of a stream: colours and columns."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import TextIO

from cowpath.printable import brief
from cowpath.report.style import Style


def coloured(stream: TextIO) -> bool:
    """Tell whether a stream gets colours: on a terminal, unless NO_COLOR is set; everywhere with FORCE_COLOR.

    Both count if they are not empty (no-color.org, force-color.org); NO_COLOR is the stronger.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def style_of(stream: TextIO | None = None) -> Style:
    """Return the style for a stream, by default stdout; only a terminal has a width."""
    stream = stream or sys.stdout
    return Style(coloured(stream), shutil.get_terminal_size().columns if stream.isatty() else None)


def complain(text: str) -> None:
    """Print an error message or a warning on stderr, whatever is in it, so that it controls no terminal.

    Where that fails there is nobody to be told.
    """
    with contextlib.suppress(OSError):
        print(style_of(sys.stderr).complaint(brief(text)), file=sys.stderr, flush=True)
