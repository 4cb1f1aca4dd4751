# SPDX-License-Identifier: MIT
"""What stable updates have beyond their mainline release."""

import pytest

from cowpath.history.stable import UPDATES, Update, backports
from cowpath.history.version import version


@pytest.mark.parametrize("update", UPDATES, ids=str)
def test_an_update_says_what_its_mainline_release_does_not(update: Update) -> None:
    assert version(update.series).has(update.change) is update.gone


@pytest.mark.parametrize(
    ("release", "gained", "lost"),
    [
        ("5.10.46", {"fork-sequence", "pinned-not-swapped"}, set()),
        ("5.10.52", {"fork-sequence", "pinned-not-swapped", "get-swap-device"}, set()),
        ("5.10.53", {"fork-sequence", "pinned-not-swapped"}, set()),
        ("6.1.176", {"pinned-after-unmap", "zswap-rechecks-entry", "bypass-takes-slot"}, set()),
        ("6.12.37", {"move-takes-cached", "move-marks-soft-dirty", "move-rechecks-cache"}, set()),
        ("6.12.117", {"move-rechecks-cache"}, {"batch-clears-lru"}),
        ("6.6.15", set(), {"migration-drains-lru"}),
        ("7.2.13", set(), set()),
        ("banana", set(), set()),
    ],
)
def test_from_which_update_on(release: str, gained: set[str], lost: set[str]) -> None:
    found = backports(release)
    assert set(found[0]) >= gained
    assert set(found[1]) == lost


def test_an_update_that_was_taken_back_is_named_so() -> None:
    assert "5.10.50 get-swap-device (until 5.10.53)" in [str(update) for update in UPDATES]
