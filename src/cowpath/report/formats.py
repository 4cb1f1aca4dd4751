# SPDX-License-Identifier: MIT
"""The formats for other tools that are written from cases, whether `check` or `run` made them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cowpath.report import herd, junit, ktap, sarif
from cowpath.report.case import Case

WRITERS: dict[str, Callable[[Sequence[Case]], str]] = {
    "herd": herd.document,
    "ktap": ktap.document,
    "junit": junit.document,
    "sarif": sarif.document,
}

WITH_PATHS = ("junit", "sarif")
"""Those that show how it came about; for the others nobody needs to look for a path."""
