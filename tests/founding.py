# SPDX-License-Identifier: MIT
"""The founding test, judged once per kernel for every test that looks at it."""

import functools
from pathlib import Path

from cowpath.kernel.version import version
from cowpath.litmus.resolve import load_program
from cowpath.verdict import Result, judge

ROOT = Path(__file__).parent.parent
FOUNDING = ROOT / "litmus/founding/get-write-read-refault.litmus"


@functools.cache
def judged(release: str, test: str = FOUNDING.stem) -> Result:
    """The result of a founding test on a kernel."""
    return judge(load_program(FOUNDING.with_name(f"{test}.litmus")), version(release))
