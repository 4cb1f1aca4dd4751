# SPDX-License-Identifier: MIT
"""A counterexample becomes a minimal test that check finds broken in the same way."""

import pytest

from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.litmus.print import to_text
from cowpath.litmus.resolve import program_from_text
from cowpath.prove.minimise import smaller_ones
from cowpath.prove.proof import prove
from cowpath.prove.reproduce import broken, counterexample, kind
from cowpath.prove.themes import Combination

FOUND = [
    ("5.18", Combination(("swap", "gup")), "lost write", 4),
    ("5.10", Combination(("swap", "pin")), "lost write", 5),
    ("5.18", Combination(("swap", "pin-read")), "stale data", 4),
    ("5.7", Combination((), (("gup-read",),)), "leak", 5),
    ("7.3", Combination(("swap", "io-uring")), "lost write", 6),
]


@pytest.mark.parametrize(("release", "combination", "breakage", "statements"), FOUND)
def test_it_is_found_and_written_down(
    release: str, combination: Combination, breakage: str, statements: int
) -> None:
    kernel = version(release)
    found = counterexample("found", prove(combination.program(), kernel))
    assert found is not None
    assert found.breakage == breakage
    assert found.statements <= statements
    checked = judge(program_from_text(to_text(found.litmus)), kernel)
    assert checked.breakage == found.result.breakage
    assert checked.condition is True


def test_nothing_can_be_left_out() -> None:
    kernel = version("5.18")
    found = counterexample("found", prove(Combination(("swap", "gup")).program(), kernel))
    assert found is not None
    for smaller in smaller_ones(found.litmus):
        result = broken(smaller, kernel)
        assert result is None or kind(result) != found.breakage
