# SPDX-License-Identifier: MIT
"""Several releases under one name."""

import itertools
import re

import pytest

from cowpath.errors import CowpathError
from cowpath.history.selection import releases
from cowpath.history.version import NEWEST, OLDEST


def test_all_is_every_mainline_release() -> None:
    found = releases("all")
    assert found[0] == OLDEST
    assert found[-1] == NEWEST
    assert all(one.previous() == before for before, one in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("6.1", "6.1"),
        ("6.1.176", "6.1.176"),
        ("5.18..6.1", "5.18 5.19 6.0 6.1"),
        ("6.19..7.1", "6.19 7.0 7.1"),
        ("6.1..6.1", "6.1"),
        ("5.10.48..5.10.60", "5.10.48 5.10.50 5.10.53 5.10.60"),
    ],
)
def test_a_range_has_both_ends(text: str, names: str) -> None:
    assert [str(release) for release in releases(text)] == names.split()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("6.1..5.10", "did you mean 5.10..6.1?"),
        ("5.10..", f"did you mean 5.10..{NEWEST}?"),
        ("..6.1", f"did you mean {OLDEST}..6.1?"),
        ("5.10..6.1.176", "from release to release (5.10..6.1) or through the updates of one"),
        ("5.10..6.1.x", "name one, 6.1 or an update"),
        ("4.9..5.10", "is not modelled"),
        ("5.7-6.1", "did you mean 5.7..6.1?"),
    ],
)
def test_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(CowpathError, match=re.escape(meant)):
        releases(text)
