# SPDX-License-Identifier: MIT
"""Releases: what can be read, and how they compare."""

import pytest

from cowpath.history.release import Release, ReleaseError


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("6.1", Release(6, 1)),
        ("v5.10", Release(5, 10)),
        (" 5.10 ", Release(5, 10)),
        ("6.1.176", Release(6, 1)),
        ("6.1.0-50-amd64", Release(6, 1)),
        ("5.19-rc3", Release(5, 19)),
        ("5.18+", Release(5, 18)),
    ],
)
def test_read(text: str, release: Release) -> None:
    assert Release.parse(text) == release


@pytest.mark.parametrize("text", ["", "6", "6.", ".1", "sid", "v", "-5.10", "five.ten", "linux-5.10", "6,1"])
def test_refused(text: str) -> None:
    with pytest.raises(ReleaseError, match="is not a kernel release"):
        Release.parse(text)


def test_order_is_by_number() -> None:
    assert sorted(map(Release.parse, ["5.10", "5.9", "6.0", "5.19"])) == [
        Release(5, 9),
        Release(5, 10),
        Release(5, 19),
        Release(6, 0),
    ]
