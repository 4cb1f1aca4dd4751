# SPDX-License-Identifier: MIT
"""Two kernels beside each other."""

from cowpath.explore.engine import Method
from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.litmus.resolve import program_from_text
from cowpath.prove.apart import tell_apart, telling_test
from cowpath.prove.themes import Combination

SWAP = Combination(("swap",)).program()
GUP = Combination(("swap", "gup")).program()


def test_no_program_tells_a_kernel_from_itself() -> None:
    assert tell_apart(SWAP, version("6.1"), version("6.1")).verdict == "kept"


def test_loads_stores_and_reclaim_do_not_tell_5_18_from_6_1() -> None:
    assert tell_apart(SWAP, version("5.18"), version("6.1")).verdict == "kept"
    assert tell_apart(SWAP, version("6.1"), version("5.18")).verdict == "kept"


def test_a_reference_does_and_the_test_shows_it_on_both() -> None:
    known, other = version("5.18"), version("6.1")
    found = tell_apart(GUP, known, other)
    assert found.verdict == "broken"
    assert "on 5.18" in found.why
    text, statements = telling_test(found, known)
    assert statements == 4
    seen = [
        {outcome.text() for outcome in judge(program_from_text(text), k).outcomes} for k in (known, other)
    ]
    assert not seen[1] <= seen[0]


def test_a_bound_decides_nothing() -> None:
    found = tell_apart(GUP, version("6.1"), version("6.8"), method=Method(max_states=1000))
    assert found.verdict == "not decided"
