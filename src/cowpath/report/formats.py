# SPDX-License-Identifier: MIT
"""The formats for other tools that are written from cases, whether `check` or `run` made them."""

from __future__ import annotations

from collections.abc import Sequence

from cowpath.report.case import Case

NAMES = ("herd", "ktap", "junit", "sarif")

WITH_PATHS = ("junit", "sarif")
"""Those that show how it came about; for the others nobody needs to look for a path."""


def document(form: str, cases: Sequence[Case]) -> str:
    """The cases in one of these formats; only its writer is loaded.

    >>> document("ktap", [])
    'KTAP version 1\\n1..0\\n'
    """
    if form == "herd":
        from cowpath.report import herd

        return herd.document(cases)
    if form == "ktap":
        from cowpath.report import ktap

        return ktap.document(cases)
    if form == "junit":
        from cowpath.report import junit

        return junit.document(cases)
    from cowpath.report import sarif

    return sarif.document(cases)
