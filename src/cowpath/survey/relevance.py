# SPDX-License-Identifier: MIT
"""The themes of programs (prove/themes.py) that a change to the kernel can matter to.

A theme is near a change if its programs come to it within a few thousand states: if the model asks for the
change, or calls the function that is changed.  That is quick to find out and leaves out most themes.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method, explore
from cowpath.history.asked import Asked
from cowpath.history.change import Change
from cowpath.history.version import Version
from cowpath.prove.campaign import all_themes, combinations
from cowpath.prove.product import USUAL, watched
from cowpath.prove.themes import Combination
from cowpath.survey.functions import LINUX, TreeFunction
from cowpath.survey.parallel import ALONE, Workers, each

NEAR = Method("reference", max_states=2_000)
"""How far a theme's programs are followed to see whether they come to a change."""


@dataclass(frozen=True, slots=True)
class Approach:
    """A theme, and the changes and functions that its programs are to come to on a kernel."""

    combination: Combination
    kernel: Version
    changes: frozenset[Change]
    functions: tuple[TreeFunction, ...] = ()


def usual_combinations() -> list[Combination]:
    """Every theme beside swap, and swap with a child and with a second thread, which no other has."""
    more = [Combination(("swap",), ((),)), Combination(("swap",), (), (("swap",),))]
    return [*combinations(all_themes(), 1, 1, 1), *more]


def near(
    kernel: Version,
    changes: frozenset[Change],
    functions: Sequence[TreeFunction] = (),
    workers: Workers = ALONE,
) -> list[Combination]:
    """The usual combinations that come to any of these changes or functions; all where neither is named."""
    found = usual_combinations()
    if not changes and not functions:
        return found
    asked = [Approach(one, kernel, changes, tuple(functions)) for one in found]
    return [one for one, comes in zip(found, each(comes_near, asked, workers), strict=True) if comes]


def comes_near(one: Approach) -> bool:
    """True if programs of a theme come to a change or a function; False where the kernel has no such thing.

    >>> from cowpath.history.version import find, version
    >>> H6 = frozenset(find("H6"))
    >>> [comes_near(Approach(Combination(("swap", name)), version("6.1"), H6)) for name in ("gup", "swapoff")]
    [False, True]
    """
    asked = Asked(one.kernel)
    try:
        with calls() as called:
            explore(watched(one.combination.program(), asked, USUAL)[0], NEAR)
    except CowpathError:
        return False
    if one.changes & asked.changes.keys():
        return True
    wanted = {(str(LINUX / function.path), function.name) for function in one.functions}
    return any((code.co_filename, code.co_name) in wanted for code in called)


@contextlib.contextmanager
def calls() -> Iterator[set[CodeType]]:
    """The code of all that Python calls meanwhile."""
    before, found = sys.getprofile(), set[CodeType]()

    def seen(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            found.add(frame.f_code)

    sys.setprofile(seen)
    try:
        yield found
    finally:
        sys.setprofile(before)
