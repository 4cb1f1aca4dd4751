# SPDX-License-Identifier: MIT
"""What stable updates have beyond the mainline release that they update: fixes from later releases.

Looked up in the changelogs of Debian's linux packages, which quote the stable ones update by update, and
held against the trees of 5.10.223, 6.1.176 and 6.12.117.  Only changes that the model knows are here.  For
5.10, 6.1 and 6.12 those changelogs are complete; of other series what was come across is here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cowpath.history import changes
from cowpath.history.change import Change
from cowpath.history.release import Release


@dataclass(frozen=True, slots=True)
class Update:
    """One change that came to (or, where `gone`, left) a stable series early, with update number `since`.

    `until` is the update that took it back, if one did.
    """

    series: Release
    since: int
    change: Change
    until: int | None = None
    gone: bool = False

    def __str__(self) -> str:
        """As `cowpath kernels` names it: "6.1.80 bypass-takes-slot"."""
        name = f"no {self.change.name}" if self.gone else self.change.name
        until = f" (until {self.series}.{self.until})" if self.until is not None else ""
        return f"{self.series}.{self.since} {name}{until}"


V5_10, V5_17, V6_1 = Release(5, 10), Release(5, 17), Release(6, 1)
V6_4, V6_6, V6_7, V6_12 = Release(6, 4), Release(6, 6), Release(6, 7), Release(6, 12)

UPDATES = (
    Update(V5_10, 4, changes.FORK_SEQUENCE),
    Update(V5_10, 9, changes.PINNED_NOT_SWAPPED),
    Update(V5_10, 46, changes.CLEAR_REFS_SPARES_PINNED),  # at the latest, and so the next one
    Update(V5_10, 46, changes.CLEAR_REFS_EXCLUDES),
    Update(V5_10, 50, changes.GET_SWAP_DEVICE, until=53),
    Update(V5_10, 111, changes.LAZYFREE_COUNTS_REFERENCES),
    Update(V5_10, 112, changes.SLOT_KEPT_AFTER_READ),
    Update(V5_10, 215, changes.FREE_SWAP_HOLDS_DEVICE),
    Update(V5_10, 223, changes.UFFD_WP_FLUSHES),  # at the latest, and so the next two
    Update(V5_10, 223, changes.UFFD_WP_IS_A_FLAG),
    Update(V5_10, 223, changes.NUMA_SKIPS_REFERENCED),
    Update(V5_17, 4, changes.SLOT_KEPT_AFTER_READ),
    Update(V6_1, 28, changes.PINNED_AFTER_UNMAP),
    Update(V6_1, 30, changes.ZSWAP_RECHECKS_ENTRY),
    Update(V6_1, 80, changes.BYPASS_TAKES_SLOT),
    Update(V6_1, 84, changes.FREE_SWAP_HOLDS_DEVICE),
    Update(V6_4, 3, changes.FORK_LOCKS_VMAS),
    Update(V6_6, 15, changes.MIGRATION_DRAINS_LRU, gone=True),
    Update(V6_7, 12, changes.FREE_SWAP_HOLDS_DEVICE),
    Update(V6_12, 20, changes.MOVE_TAKES_CACHED),
    Update(V6_12, 30, changes.MOVE_MARKS_SOFT_DIRTY),
    Update(V6_12, 37, changes.MOVE_RECHECKS_CACHE),
    Update(V6_12, 50, changes.BATCH_CLEARS_LRU, gone=True),
)


def updates(series: Release) -> tuple[Update, ...]:
    """What the updates of a release brought, oldest first.

    >>> [str(update) for update in updates(Release(6, 4))]
    ['6.4.3 fork-locks-vmas']
    """
    return tuple(update for update in UPDATES if update.series == series)


def backports(release: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The changes that a stable release has beyond its mainline release, and those that it lacks, by name.

    >>> backports("5.10.9")
    (('fork-sequence', 'pinned-not-swapped'), ())
    >>> backports("6.12.117+deb13-amd64")[1]
    ('batch-clears-lru',)
    >>> backports("6.1.0"), backports("6.1")
    (((), ()), ((), ()))
    """
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", release)
    if found is None:
        return (), ()
    major, minor, patch = map(int, found.groups())
    there = [
        update
        for update in updates(Release(major, minor))
        if update.since <= patch and (update.until is None or patch < update.until)
    ]
    return (
        tuple(update.change.name for update in there if not update.gone),
        tuple(update.change.name for update in there if update.gone),
    )
