# SPDX-License-Identifier: MIT
"""Traces in full, as a kernel developer reads them.

To accept a change run `pytest tests/report --accept`, then read the diff.
"""

from pathlib import Path

import pytest

from cowpath.cli import main

HERE = Path(__file__).parent
FOUNDING = HERE.parents[1] / "litmus" / "founding"

TRACES = {
    "get-write-read-refault": ["--kernel", "5.18"],
    "stable-writes": ["--kernel", "6.1", "--with", "as-posted", "--to", "I8"],
    "swapoff-finishes": ["--kernel", "6.1", "--without", "H2"],
}


@pytest.mark.parametrize("name", TRACES)
def test_trace(name: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> None:
    assert main(["trace", str(FOUNDING / f"{name}.litmus"), *TRACES[name]]) == 0
    shown = capsys.readouterr().out
    golden = HERE / "golden" / f"{name}.txt"
    if request.config.getoption("--accept"):
        golden.write_text(shown)
    assert shown == golden.read_text()
