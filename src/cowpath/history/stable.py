# SPDX-License-Identifier: MIT
"""Stable updates: the fixes that each has in advance of the mainline release that it updates.

Read in the changelogs of Debian's linux packages, which quote those of kernel.org update by update
(linux-libc-dev carries them whole), and held against the trees of 5.10.223, 6.1.176, 6.12.117 and 6.12.118.
`READ` says of which series every update was read and up to which one; of the others what was come across is
here.  Only changes that the model knows are listed.
"""

from __future__ import annotations

from dataclasses import dataclass

from cowpath.history import changes
from cowpath.history.change import Change
from cowpath.history.release import Release


@dataclass(frozen=True, slots=True)
class Update:
    """A change that came to (or, where `gone`, left) a stable series early, with update number `since`.

    `until` is the update that took it back, if one did.
    """

    series: Release
    since: int
    change: Change
    until: int | None = None
    gone: bool = False

    @property
    def release(self) -> Release:
        """The update with which the change came or went."""
        return Release(self.series.major, self.series.minor, self.since)

    def holds_in(self, release: Release) -> bool:
        """True where the change is in force in a release."""
        return (
            release.mainline == self.series
            and self.since <= release.patch
            and (self.until is None or release.patch < self.until)
        )

    def __str__(self) -> str:
        """As `cowpath kernels` names it: "6.1.80 bypass-takes-slot"."""
        name = f"no {self.change.name}" if self.gone else self.change.name
        until = f" (until {self.series}.{self.until})" if self.until is not None else ""
        return f"{self.release} {name}{until}"


V5_9, V5_10, V5_16, V5_17, V5_19 = (
    Release(5, 9), Release(5, 10), Release(5, 16), Release(5, 17), Release(5, 19),
)  # fmt: skip
V6_1, V6_4, V6_6, V6_7, V6_12, V6_18 = (
    Release(6, 1), Release(6, 4), Release(6, 6), Release(6, 7), Release(6, 12), Release(6, 18),
)  # fmt: skip

READ = {V5_10: 262, V6_1: 192, V6_12: 118, Release(7, 2): 13, Release(7, 3): 4}
"""The series of which every update was read (of the last two the tree), and the last one there was."""

UPDATES = (
    Update(V5_9, 12, changes.WRPROTECT_KEEPS_DIRTY),
    Update(V5_10, 4, changes.FORK_SEQUENCE),
    Update(V5_10, 9, changes.PINNED_NOT_SWAPPED),
    Update(V5_10, 9, changes.CLEAR_REFS_SPARES_PINNED),
    Update(V5_10, 9, changes.CLEAR_REFS_EXCLUDES),
    Update(V5_10, 20, changes.CLEAR_REFS_FLUSHES),
    Update(V5_10, 24, changes.UFFD_WP_FLUSHES),
    Update(V5_10, 46, changes.UFFD_WP_IS_A_FLAG),
    Update(V5_10, 50, changes.GET_SWAP_DEVICE, until=53),
    Update(V5_10, 53, changes.FORK_CLEARS_UFFD_WP),
    Update(V5_10, 102, changes.NUMA_SKIPS_REFERENCED),
    Update(V5_10, 111, changes.LAZYFREE_COUNTS_REFERENCES),
    Update(V5_10, 112, changes.SLOT_KEPT_AFTER_READ),
    Update(V5_10, 215, changes.FREE_SWAP_HOLDS_DEVICE),
    Update(V5_10, 261, changes.MUST_WAIT_ASKS_PRESENT),
    Update(V5_16, 11, changes.NUMA_SKIPS_REFERENCED),
    Update(V5_17, 4, changes.SLOT_KEPT_AFTER_READ),
    Update(V5_19, 6, changes.FORCE_NEEDS_EXCLUSIVE),  # or one to three updates earlier
    Update(V6_1, 28, changes.PINNED_AFTER_UNMAP),
    Update(V6_1, 30, changes.ZSWAP_RECHECKS_ENTRY),
    Update(V6_1, 80, changes.BYPASS_TAKES_SLOT),
    Update(V6_1, 80, changes.ZSWAP_CLEANS_UP),
    Update(V6_1, 84, changes.FREE_SWAP_HOLDS_DEVICE),
    Update(V6_1, 178, changes.MUST_WAIT_ASKS_PRESENT),
    Update(V6_4, 3, changes.FORK_LOCKS_VMAS),
    Update(V6_4, 13, changes.FOLLOW_PAGE_HEEDS_PROTNONE, gone=True),
    Update(V6_4, 13, changes.GUP_FOLLOWS_PROTNONE),
    Update(V6_6, 15, changes.MIGRATION_DRAINS_LRU, gone=True),
    Update(V6_7, 12, changes.FREE_SWAP_HOLDS_DEVICE),
    Update(Release(6, 8), 10, changes.SCAN_KEEPS_DIRTY),
    Update(Release(6, 8), 10, changes.SCAN_ASKS_PRESENT),
    Update(V6_12, 20, changes.MOVE_TAKES_CACHED),
    Update(V6_12, 30, changes.MOVE_MARKS_SOFT_DIRTY),
    Update(V6_12, 35, changes.ARM64_FLUSHES_BATCHED),
    Update(V6_12, 37, changes.MOVE_RECHECKS_CACHE),
    Update(V6_12, 50, changes.BATCH_CLEARS_LRU, gone=True),
    Update(V6_12, 51, changes.SWAPOFF_CHECKS_STABLE),
    Update(V6_12, 57, changes.ZEROPAGE_KEEPS_BITS),
    Update(V6_12, 83, changes.HALF_FORK_IS_UNSTABLE),
    Update(V6_12, 96, changes.MUST_WAIT_ASKS_PRESENT),
    Update(V6_12, 118, changes.MADV_FREE_SPARES_KSM),
    Update(V6_12, 118, changes.KSM_KEEPS_SOFT_DIRTY),
    Update(V6_18, 20, changes.LAZYFREE_BATCH_RESPECTS_WRITE),
)


def updates(release: Release) -> tuple[Update, ...]:
    """Return what the updates of a release bring, oldest first; for an update, what later ones bring.

    >>> [str(update) for update in updates(Release(6, 7))], updates(Release(6, 7, 12))
    (['6.7.12 free-swap-holds-device'], ())
    """
    return tuple(
        update for update in UPDATES if update.series == release.mainline and update.since > release.patch
    )


def early(release: Release) -> tuple[frozenset[Change], frozenset[Change]]:
    """Return the changes that a stable update has beyond its mainline release, and those that it has lost.

    >>> sorted(change.name for change in early(Release(5, 10, 4))[0])
    ['fork-sequence']
    >>> [change.name for change in early(Release(6, 12, 117))[1]]
    ['batch-clears-lru']
    """
    there = [update for update in UPDATES if update.holds_in(release)]
    return (
        frozenset(update.change for update in there if not update.gone),
        frozenset(update.change for update in there if update.gone),
    )


def doubt(release: Release) -> str:
    """Return why an update may have more of later changes than is known here; "" if all of it was read.

    >>> doubt(Release(6, 1)), doubt(Release(6, 1, 176))
    ('', '')
    >>> doubt(Release(6, 6, 40))
    'the updates of 6.6 were not read one by one: 6.6.40 may have fixes that are missing here'
    """
    last = READ.get(release.mainline)
    if not release.patch or (last is not None and release.patch <= last):
        return ""
    if last is None:
        known = f"the updates of {release.mainline} were not read one by one"
    else:
        known = f"the updates of {release.mainline} were read up to {release.mainline}.{last}"
    return f"{known}: {release} may have fixes that are missing here"
