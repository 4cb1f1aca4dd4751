# SPDX-License-Identifier: MIT
"""Swap types that are no swap device: migration, hwpoison, device memory, markers (include/linux/swap.h).

They take the highest of the 32 types, as many as the configuration asks for; MAX_SWAPFILES is what is
left for swap devices.  Their numbers therefore depend on the release and on the configuration.
"""

from dataclasses import dataclass

from cowpath.arch.architecture import Architecture
from cowpath.arch.layout import MAX_SWAPFILES_SHIFT
from cowpath.history.release import Release

FEATURES = {
    "hwpoison": "CONFIG_MEMORY_FAILURE",
    "migration": "CONFIG_MIGRATION",
    "device": "CONFIG_DEVICE_PRIVATE",
    "marker": "CONFIG_PTE_MARKER (always on since 6.2)",
}
"""What a kernel may be built without, by the name used on the command line."""


@dataclass(frozen=True, slots=True)
class SwpType:
    """A special type: its name in the kernel, what a pte of it says, and whether its offset is a pfn."""

    name: str
    meaning: str
    pfn: bool = True


HWPOISON = SwpType("SWP_HWPOISON", "the page has a memory error: an access gets SIGBUS")
MIGRATION_READ = SwpType(
    "SWP_MIGRATION_READ", "the page is being migrated; it was not exclusive, and not writable"
)
MIGRATION_READ_OLD = SwpType("SWP_MIGRATION_READ", "the page is being migrated; it was not writable")
MIGRATION_READ_EXCLUSIVE = SwpType(
    "SWP_MIGRATION_READ_EXCLUSIVE",
    "the page is being migrated; it was exclusive to this process, but not writable",
)
MIGRATION_WRITE = SwpType("SWP_MIGRATION_WRITE", "the page is being migrated; it was writable")
DEVICE_WRITE = SwpType("SWP_DEVICE_WRITE", "the page is in device memory; writable")
DEVICE_READ = SwpType("SWP_DEVICE_READ", "the page is in device memory; not writable")
EXCLUSIVE_WRITE = SwpType("SWP_DEVICE_EXCLUSIVE_WRITE", "a device has the page to itself; writable")
EXCLUSIVE_READ = SwpType("SWP_DEVICE_EXCLUSIVE_READ", "a device has the page to itself; not writable")
EXCLUSIVE = SwpType("SWP_DEVICE_EXCLUSIVE", "a device has the page to itself")
MARKER = SwpType("SWP_PTE_MARKER", "no page: a marker, whose bits are in the offset", pfn=False)
SWAPIN_ERROR = SwpType(
    "SWP_SWAPIN_ERROR", "the page could not be read back by swapoff: an access gets SIGBUS"
)

MARKERS = (
    (0, Release(5, 19), "PTE_MARKER_UFFD_WP", "userfaultfd write protection of a page that is not there"),
    (
        1,
        Release(6, 2),
        "PTE_MARKER_POISONED",
        "an access gets SIGBUS (until 6.5 called PTE_MARKER_SWAPIN_ERROR)",
    ),
    (2, Release(6, 13), "PTE_MARKER_GUARD", "guard region: an access gets SIGSEGV"),
)
"""The bits of a marker: bit of the offset, first release, name, meaning (include/linux/swapops.h)."""


def default_features(arch: Architecture, release: Release) -> frozenset[str]:
    """The features of a kernel of this architecture in which everything is configured that can be."""
    device = arch.device_private is not None and release >= arch.device_private
    # Until 6.2 markers existed only for userfaultfd write protection, which only x86-64 had.
    marker = release >= Release(6, 2) or (release >= Release(5, 19) and arch.name == "x86_64")
    wanted = {"hwpoison": arch.memory_failure, "migration": True, "device": device, "marker": marker}
    return frozenset(name for name, have in wanted.items() if have)


def _groups(release: Release, features: frozenset[str]) -> list[SwpType]:
    """The special types in the order of their numbers, from MAX_SWAPFILES up."""
    v519 = release >= Release(5, 19)
    found: list[SwpType] = []
    if "hwpoison" in features:
        found += [HWPOISON]
    if "migration" in features:  # read-exclusive: 6c287605fd56
        found += [MIGRATION_READ, MIGRATION_READ_EXCLUSIVE] if v519 else [MIGRATION_READ_OLD]
        found += [MIGRATION_WRITE]
    if "device" in features:
        found += [DEVICE_WRITE, DEVICE_READ]
        if release >= Release(6, 15):  # c25465eb7630
            found += [EXCLUSIVE]
        elif release >= Release(5, 14):  # b756a3b5e7ea
            found += [EXCLUSIVE_WRITE, EXCLUSIVE_READ]
    if "marker" in features and v519:  # 679d10331910
        found += [MARKER]
    if v519 and release < Release(6, 2):  # 9f186f9e5fa9; a marker since 15520a3f0469
        found += [SWAPIN_ERROR]
    return found


def special_types(release: Release, features: frozenset[str]) -> dict[int, SwpType]:
    """The special types of a kernel, by number.  What is below the smallest is a swap device.

    >>> min(special_types(Release(6, 1), frozenset(FEATURES)))
    22
    """
    found = _groups(release, features)
    first = (1 << MAX_SWAPFILES_SHIFT) - len(found)
    return dict(enumerate(found, first))


def max_swapfiles(release: Release, features: frozenset[str]) -> int:
    """MAX_SWAPFILES: how many swap devices such a kernel can have.

    >>> max_swapfiles(Release(5, 10), frozenset(FEATURES))
    27
    """
    return (1 << MAX_SWAPFILES_SHIFT) - len(_groups(release, features))


def marker_bits(release: Release) -> dict[int, tuple[str, str]]:
    """The marker bits that `release` knows: bit of the offset to name and meaning."""
    return {bit: (name, meaning) for bit, first, name, meaning in MARKERS if release >= first}
