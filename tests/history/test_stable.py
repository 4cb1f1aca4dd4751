# SPDX-License-Identifier: MIT
"""What stable updates have beyond their mainline release."""

import pytest

from cowpath.history.release import Release
from cowpath.history.stable import READ, UPDATES, Update, doubt, early, updates
from cowpath.history.version import version


@pytest.mark.parametrize("update", UPDATES, ids=str)
def test_an_update_says_what_its_mainline_release_does_not(update: Update) -> None:
    assert version(update.series).has(update.change) is update.gone


@pytest.mark.parametrize(
    ("release", "gained", "lost"),
    [
        ("5.10.3", set(), set()),
        ("5.10.8", {"fork-sequence"}, set()),
        ("5.10.9", {"pinned-not-swapped", "clear-refs-spares-pinned", "clear-refs-excludes"}, set()),
        ("5.10.46", {"uffd-wp-flushes", "uffd-wp-is-a-flag"}, set()),
        ("5.10.52", {"fork-sequence", "pinned-not-swapped", "get-swap-device"}, set()),
        ("5.10.102", {"numa-skips-referenced"}, set()),
        ("6.1.176", {"pinned-after-unmap", "zswap-rechecks-entry", "bypass-takes-slot"}, set()),
        ("6.12.37", {"move-takes-cached", "move-marks-soft-dirty", "move-rechecks-cache"}, set()),
        ("6.12.117", {"move-rechecks-cache"}, {"batch-clears-lru"}),
        ("6.6.15", set(), {"migration-drains-lru"}),
        ("7.2.13", set(), set()),
    ],
)
def test_from_which_update_on(release: str, gained: set[str], lost: set[str]) -> None:
    found, gone = early(Release.parse(release))
    assert {change.name for change in found} >= gained
    assert {change.name for change in gone} == lost


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("5.10.8", "clear-refs-excludes"),
        ("5.10.23", "uffd-wp-flushes"),
        ("5.10.45", "uffd-wp-is-a-flag"),
        ("5.10.53", "get-swap-device"),
        ("5.10.101", "numa-skips-referenced"),
        ("6.1.79", "bypass-takes-slot"),
    ],
)
def test_not_before(release: str, name: str) -> None:
    assert name not in {change.name for change in early(Release.parse(release))[0]}


def test_updates_to_come() -> None:
    assert [str(update) for update in updates(Release(6, 1, 30))] == [
        "6.1.80 bypass-takes-slot",
        "6.1.80 zswap-cleans-up",
        "6.1.84 free-swap-holds-device",
        "6.1.178 must-wait-asks-present",
    ]


def test_what_was_not_read_is_said() -> None:
    assert not any(doubt(Release(series.major, series.minor, last)) for series, last in READ.items())
    assert "up to 6.1.192" in doubt(Release(6, 1, 193))
    assert "were not read one by one" in doubt(Release(6, 18, 15))


def test_an_update_that_was_taken_back_is_named_so() -> None:
    assert "5.10.50 get-swap-device (until 5.10.53)" in [str(update) for update in UPDATES]
