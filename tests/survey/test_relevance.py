# SPDX-License-Identifier: MIT
"""Which themes come to a change."""

from cowpath.history.version import find, version
from cowpath.prove.themes import Combination
from cowpath.survey.functions import functions
from cowpath.survey.relevance import Approach, comes_near, near, usual_combinations

KERNEL = version("6.1")


def test_a_fork_needs_a_child() -> None:
    h3 = frozenset(find("H3"))
    assert comes_near(Approach(Combination(("swap",), ((),)), KERNEL, h3))
    assert not comes_near(Approach(Combination(("swap", "gup")), KERNEL, h3))


def test_a_recheck_is_asked_for_where_two_race() -> None:
    recheck = frozenset(find("no-pte-same-in-swapin"))
    assert comes_near(Approach(Combination(("swap",), (), (("swap",),)), KERNEL, recheck))
    assert not comes_near(Approach(Combination(("swap", "gup")), KERNEL, recheck))


def test_a_function_that_is_called_is_near() -> None:
    wanted = tuple(one for one in functions() if one.name == "unuse_pte")
    assert wanted
    for name, comes in (("swapoff", True), ("gup", False)):
        assert comes_near(Approach(Combination(("swap", name)), KERNEL, frozenset(), wanted)) is comes


def test_what_names_nothing_may_be_near_to_all() -> None:
    assert near(KERNEL, frozenset()) == usual_combinations()
