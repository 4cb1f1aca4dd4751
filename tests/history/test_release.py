# SPDX-License-Identifier: MIT
"""Releases: what can be read, and how they compare."""

import re

import pytest

from cowpath.history.release import Release, ReleaseError


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("6.1", Release(6, 1)),
        ("v5.10", Release(5, 10)),
        (" 5.10 ", Release(5, 10)),
        ("6.1.0", Release(6, 1)),
        ("6.1.176", Release(6, 1, 176)),
        ("6.1.176-1", Release(6, 1, 176)),
        ("6.12.107+deb13-amd64", Release(6, 12, 107)),
    ],
)
def test_written(text: str, release: Release) -> None:
    assert Release.parse(text) == release


@pytest.mark.parametrize("text", ["", "6", "6.", ".1", "sid", "v", "-5.10", "five.ten", "linux-5.10", "6,1"])
def test_refused(text: str) -> None:
    with pytest.raises(ReleaseError, match="is not a kernel release"):
        Release.parse(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5.7-6.1", "did you mean 5.7..6.1?"),
        ("5.7..6.1", "names several: one is needed here"),
        ("all", "names several: one is needed here"),
        ("6.1.x", "name one, 6.1 or an update of it such as 6.1.5"),
        ("6.1.*", "name one, 6.1 or an update of it"),
        ("5.18+", "name one, 5.18 or an update of it"),
        ("6.1-rc3", "did you mean 6.0 or 6.1?"),
        ("v6.1.0-rc3", "did you mean 6.0 or 6.1?"),
        ("6.0-rc1", "did you mean 5.19 or 6.0?"),
        ("6.1.0-50-amd64", "does not say which stable update it is"),
        ("5.10,6.1", "give each one an option of its own"),
        ("510", "did you mean 5.10?"),
        ("6", "a minor number is missing"),
        ("5.99", "the 5.x series ended with 5.19"),
    ],
)
def test_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(ReleaseError, match=re.escape(meant)):
        Release.parse(text)


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("6.1.0-50-amd64", Release(6, 1)),
        ("6.18.44", Release(6, 18, 44)),
        ("6.1.176-1", Release(6, 1, 176)),
        ("6.12.107+deb13-amd64", Release(6, 12, 107)),
        ("7.3.0-rc3+", Release(7, 3)),
        ("5.18+", Release(5, 18)),
        ("6.8.0-45-generic", Release(6, 8)),
    ],
)
def test_reported_by_a_machine(text: str, release: Release) -> None:
    assert Release.reported(text) == release


def test_a_machine_that_is_no_linux() -> None:
    with pytest.raises(ReleaseError, match="not what a Linux kernel calls itself"):
        Release.reported("FreeBSD")


def test_order_is_by_number() -> None:
    assert sorted(map(Release.parse, ["5.10", "5.9", "6.0", "5.10.3", "5.19", "5.10.20"])) == [
        Release(5, 9),
        Release(5, 10),
        Release(5, 10, 3),
        Release(5, 10, 20),
        Release(5, 19),
        Release(6, 0),
    ]


def test_the_one_before() -> None:
    assert [str(Release(*two).previous()) for two in ((6, 1), (6, 0), (7, 0))] == ["6.0", "5.19", "6.19"]
