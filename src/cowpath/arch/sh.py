# SPDX-License-Identifier: MIT
"""sh: 32-bit ptes, and the 64-bit ptes of the extended TLB (X2TLB)."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

COMMIT = "cca10df10293"
HEADER = "arch/sh/include/asm/pgtable_32.h"

_32 = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("1-7"),  # the pte is the swp_entry_t, shifted by 1; the eighth bit would be _PAGE_PRESENT
    offset=bits("11-31"),
    zero={"0": "unused", "8": "_PAGE_PRESENT", "9": "_PAGE_PROTNONE", "10": "unused"},
    present=any_set("8-9"),
    pte_bits=32,
    long_bits=32,
)

SH = Architecture(
    name="sh",
    title="sh",
    header=HEADER,
    aliases=("sh4",),
    layouts=(
        _32,
        replace(_32, since=Release(6, 3), commit=COMMIT, type=bits("1-5"), exclusive=6),
    ),  # _PAGE_USER
)

_X2TLB = replace(
    _32,
    type=bits("32-36"),
    offset=bits("37-63"),
    zero={"8": "_PAGE_PRESENT", "9": "_PAGE_PROTNONE", "0-5 7 10-31": "unused"},
    pte_bits=64,
)

SH_X2TLB = Architecture(
    name="sh-x2tlb",
    title="sh, extended TLB",
    header=HEADER,
    layouts=(_X2TLB, replace(_X2TLB, since=Release(6, 3), commit=COMMIT, exclusive=6)),
)

ARCHITECTURES = (SH, SH_X2TLB)
