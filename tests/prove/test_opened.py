# SPDX-License-Identifier: MIT
"""What a test of the corpus finds, its statements in any order find, too."""

from pathlib import Path

import pytest

from cowpath import corpus
from cowpath.corpus.expected import Expected
from cowpath.explore.engine import Method
from cowpath.history.version import version
from cowpath.litmus.parse import parse_source
from cowpath.litmus.source import read_source
from cowpath.prove.opened import opened
from cowpath.prove.proof import prove

FOUNDING = Path(corpus.__file__).parent / "litmus" / "founding"
BROKEN = [
    file
    for file in sorted(FOUNDING.glob("*.litmus"))
    if not (Expected.beside(file).verdict(file.stem, version("5.18")) or "kept").startswith("kept")
]


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_a_broken_test_is_found_again_from_its_own_statements(file: Path) -> None:
    program = opened(parse_source(read_source(file)))
    found = prove(program, version("5.18"), method=Method(max_states=100_000))
    assert found.verdict == "broken"


def test_there_are_such_tests() -> None:
    assert len(BROKEN) >= 8
