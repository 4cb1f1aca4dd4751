# SPDX-License-Identifier: MIT
"""A test on many kernels, searched once for all of them that behave alike on it.

This is exact: history/asked.py says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from cowpath.errors import CowpathError
from cowpath.history.asked import Asked
from cowpath.history.version import Version
from cowpath.judge.result import Result

Found = TypeVar("Found")


class Judged(NamedTuple):
    """The judgement of a test on one kernel, or why there is none.

    `asked` is the kernel that was searched; this one gives the same answers to all that it was asked.
    """

    version: Version
    asked: Asked
    answer: Result | CowpathError


def once(
    versions: Iterable[Version], search: Callable[[Asked], Found]
) -> Iterator[tuple[Version, Asked, Found]]:
    """Each kernel with what a search finds on it, or has found on one that is alike; alike ones together.

    >>> from cowpath.history.version import find, version
    >>> H5 = find("H5")[0]
    >>> found = once(map(version, ("5.18", "5.19", "6.0")), lambda kernel: [kernel.has(H5)])
    >>> [(str(version.release), has) for version, _, has in found]
    [('5.18', [False]), ('5.19', [True]), ('6.0', [True])]
    """
    left = list(dict.fromkeys(versions))
    while left:
        asked, others = Asked(left[0]), []
        found = search(asked)
        for version in left:
            if asked.alike(version):
                yield version, asked, found
            else:
                others.append(version)
        left = others


def judge_each(versions: Iterable[Version], judge: Callable[[Asked], Result]) -> Iterator[Judged]:
    """The judgement of one test on each kernel; kernels that are alike come together.

    `judge` is `judge.judge` with all its arguments but the kernel.  The results of kernels that are alike
    share one exploration, and who looks at it may walk on where a search has stopped.  So only one that
    finished is shared: in whatever order it went, it has run every step that there is.
    """

    def attempt(asked: Asked) -> Result | CowpathError:
        try:
            result = judge(asked)
        except CowpathError as error:
            return error
        asked.alone |= not result.exploration.finished
        return result

    for version, asked, found in once(versions, attempt):
        yield Judged(version, asked, found.on(version) if isinstance(found, Result) else found)
