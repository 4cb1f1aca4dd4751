# SPDX-License-Identifier: MIT
"""arm64: the same for all page sizes, and for LPA2, which changes only present descriptors."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

VALID = {"0-1": "PTE_VALID and the descriptor type"}

_510 = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("2-7"),
    offset=bits("8-57"),
    zero=VALID | {"58": "PTE_PROT_NONE"},
    present=any_set("0 58"),
)

# One bit of the type made room for the marker: generic code uses five of the six.
_519 = replace(_510, since=Release(5, 19), commit="570ef363509b", type=bits("3-7"), exclusive=2)

# PTE_PROT_NONE gave way to PTE_PRESENT_INVALID (f0f5863a0fb0), which then moved onto PTE_NG.
_610 = replace(
    _519,
    since=Release(6, 10),
    commit="55564814a838",
    type=bits("6-10"),
    offset=bits("12-61"),
    uffd_wp=3,  # 5b32510af77b
    zero=VALID | {"11": "PTE_PRESENT_INVALID (PTE_NG)"},
    present=any_set("0 11"),
)

ARM64 = Architecture(
    name="arm64",
    title="arm64",
    header="arch/arm64/include/asm/pgtable.h",
    aliases=("aarch64",),
    memory_failure=True,
    device_private=OLDEST,
    phys_bits=48,
    present_bits={
        "12-47": "address of the page (4K pages, 48 bits)",
        "0": "PTE_VALID",
        "6": "PTE_USER",
        "7": "PTE_RDONLY: the hardware refuses writes",
        "10": "PTE_AF: accessed",
        "11": "PTE_NG: not global (from 6.10: with PTE_VALID clear, present but invalid)",
        "51": "PTE_WRITE (PTE_DBM): writable",
        "54": "PTE_UXN: not executable for the user",
        "55": "PTE_DIRTY, by software",
        "56": "PTE_SPECIAL: no struct page, as for the zero page",
        "58": "PTE_PROT_NONE before 6.10, then PTE_UFFD_WP",
    },
    layouts=(_510, _519, _610),
)

ARCHITECTURES = (ARM64,)
