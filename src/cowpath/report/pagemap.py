# SPDX-License-Identifier: MIT
"""A pagemap entry for the terminal and for programs, with the ptes that it may stand for."""

from collections.abc import Iterator
from typing import Any

from cowpath.arch.architecture import Architecture
from cowpath.arch.pagemap import (
    PM_FILE,
    PM_GUARD_REGION,
    PM_MMAP_EXCLUSIVE,
    PM_SOFT_DIRTY,
    PM_UFFD_WP,
    PagemapEntry,
)
from cowpath.arch.swp_pte import hex_text, make
from cowpath.arch.swp_type import special_types
from cowpath.history.release import Release

HIDDEN = "hidden: the kernel shows it only to CAP_SYS_ADMIN"

# which flags a kernel reports in pagemap, and since when
REPORTED = (
    ("soft-dirty", PM_SOFT_DIRTY, Release(3, 11)),
    ("mapped once", PM_MMAP_EXCLUSIVE, Release(4, 2)),
    ("uffd-wp", PM_UFFD_WP, Release(5, 14)),
    ("guard region", PM_GUARD_REGION, Release(6, 15)),
    ("file or shared", PM_FILE, Release(3, 5)),
)


def state(entry: PagemapEntry) -> str:
    """present, swap or none."""
    return "present" if entry.present else "swap" if entry.swapped else "none"


def possible_ptes(entry: PagemapEntry, arch: Architecture, release: Release, special: bool) -> list[str]:
    """The raw swap ptes that would look like this in pagemap: one, or two if E may be set."""
    layout = arch.layout(release)
    if not entry.swapped or entry.hidden or entry.offset > layout.max_offset or entry.type > layout.max_type:
        return []
    # VM_SOFTDIRTY of the mapping sets the bit too, so soft-dirty stays open as well
    may_be_exclusive = layout.exclusive is not None and not special
    choices = [False, True] if may_be_exclusive else [False]
    return [
        hex_text(
            layout, make(layout, entry.type, entry.offset, exclusive=choice, uffd_wp=entry.flag(PM_UFFD_WP))
        )
        for choice in choices
    ]


def pagemap_json(
    entry: PagemapEntry,
    pid: int,
    address: int,
    arch: Architecture,
    release: Release,
    features: frozenset[str],
) -> dict[str, Any]:
    """The entry for programs; what the kernel hides is null."""
    special = special_types(release, features).get(entry.type) if entry.swapped and not entry.hidden else None
    shown = not entry.hidden
    return {
        "pid": pid,
        "address": hex(address),
        "pagemap": f"{entry.word:#018x}",
        "state": state(entry),
        "hidden": entry.hidden,
        "pfn": entry.pfn if entry.present and shown else None,
        "type": entry.type if entry.swapped and shown else None,
        "offset": entry.offset if entry.swapped and shown else None,
        "special": special.name if special else None,
        "flags": {name: entry.flag(mask) for name, mask, first in REPORTED if release >= first},
        "exclusive": None,
        "possible_ptes": possible_ptes(entry, arch, release, special is not None),
    }


def pagemap_lines(
    entry: PagemapEntry,
    pid: int,
    address: int,
    arch: Architecture,
    release: Release,
    features: frozenset[str],
) -> Iterator[str]:
    """The pagemap entry in lines of words."""
    yield f"process {pid}, address {address:#x}: {state(entry)}   (pagemap {entry.word:#018x})"
    yield ""
    special = None
    if entry.present:
        yield f"  page frame      {HIDDEN if entry.hidden else hex(entry.pfn)}"
    elif entry.swapped and entry.hidden:
        yield f"  swap slot       {HIDDEN}"
    elif entry.swapped:
        special = special_types(release, features).get(entry.type)
        meaning = f"{special.name}: {special.meaning}" if special else "swap device"
        yield f"  type            {entry.type}  ({meaning})"
        yield f"  offset          {entry.offset:#x}"
    for name, mask, first in REPORTED:
        if release >= first:
            yield f"  {name:14}  {'yes' if entry.flag(mask) else 'no'}"
    ptes = possible_ptes(entry, arch, release, special is not None)
    if ptes:
        choice = " or, if exclusive, ".join(ptes)
        yield f"  raw pte         {choice}  ({arch.name}, {release}; soft-dirty left out)"
    yield ""
    yield from (f"pagemap cannot tell: {text}" for text in _unknown(entry, special is not None))


def _unknown(entry: PagemapEntry, special: bool) -> Iterator[str]:
    """Says what pagemap leaves open for an entry of this kind."""
    yield "soft-dirty of the page alone: a new mapping is soft-dirty as a whole"
    if entry.present:
        yield 'PG_anon_exclusive: "mapped once" counts no swap ptes and no references (see kpageflags)'
        yield "whether the pte is writable or dirty"
    elif entry.swapped and not special:
        yield "the exclusive marker of the swap pte"
    elif not entry.swapped:
        yield "a pte that is none from a page that was never touched, or a huge mapping that has no ptes"
