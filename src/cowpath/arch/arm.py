# SPDX-License-Identifier: MIT
"""arm, with two levels of page tables and with three (LPAE)."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

_2LEVEL = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("2-6"),
    offset=bits("7-31"),
    zero={"0-1": "L_PTE_PRESENT and the descriptor type"},
    present=any_set("0"),
    pte_bits=32,
    long_bits=32,
)


def _exclusive(before: PteLayout) -> tuple[PteLayout, PteLayout]:
    """The marker took the lowest bit of the offset; 6f74c0ec2095 corrected the masking of the type."""
    after = replace(before, since=Release(6, 3), commit="20aae9eff5ac", offset=bits("8-31"), exclusive=7)
    return before, after


ARM = Architecture(
    name="arm",
    title="arm, two levels of page tables",
    header="arch/arm/include/asm/pgtable.h",
    aliases=("armv7", "armv7l", "armmp", "armhf"),
    layouts=_exclusive(_2LEVEL),
)

ARM_LPAE = Architecture(
    name="arm-lpae",
    title="arm, three levels of page tables (LPAE)",
    header="arch/arm/include/asm/pgtable.h",
    aliases=("armmp-lpae",),
    layouts=_exclusive(
        replace(
            _2LEVEL,
            pte_bits=64,
            present=any_set("0-1"),
            zero={**_2LEVEL.zero, "32-63": "upper word: the swp_entry_t has 32 bits"},
        )
    ),
)

ARCHITECTURES = (ARM, ARM_LPAE)
