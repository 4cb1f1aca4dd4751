# SPDX-License-Identifier: MIT
"""Upstream fixes are found again without anybody's test."""

import pytest

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.litmus.resolve import program_from_text
from cowpath.prove.fixes import find_again, fixes, ladder


def test_every_test_of_the_corpus_about_a_fix_is_looked_at() -> None:
    found = {fix.name: fix for fix in fixes()}
    assert len(found) >= 30
    assert str(found["1493a1913e34"].without).startswith("7.3 x86_64 without")
    assert found["feb889fb40fa"].fixed == version("5.18")


def test_a_fix_that_is_none_is_refused() -> None:
    with pytest.raises(CowpathError, match="deadbeef"):
        fixes(("deadbeef",))


@pytest.mark.parametrize("name", ["1493a1913e34", "feb889fb40fa", "6c8e2a256915"])
def test_it_is_found_again_and_the_fix_mends_it(name: str) -> None:
    (fix,) = fixes((name,))
    found = find_again(fix, Method(max_states=100_000))
    assert found.breakage == "lost write"
    program = program_from_text(found.litmus)
    assert judge(program, fix.without).verdict == "broken"
    assert judge(program, fix.fixed).verdict == "kept"


def test_every_rung_is_a_program() -> None:
    for combination, _ in ladder():
        assert combination.is_possible
        assert combination.program().is_open
