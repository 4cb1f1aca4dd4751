# SPDX-License-Identifier: MIT
"""The founding test, judged once per kernel for every test that looks at it."""

import functools
from pathlib import Path

from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.resolve import load_program

ROOT = Path(__file__).parent.parent
FOUNDING = ROOT / "litmus/founding/get-write-read-refault.litmus"


@functools.cache
def judged(release: str, test: str = FOUNDING.stem) -> Result:
    """The result of a test on a kernel: of the founding one, or of another of the corpus."""
    file = next((ROOT / "litmus").glob(f"*/{test}.litmus"))
    return judge(load_program(file), version(release))
