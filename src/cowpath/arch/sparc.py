# SPDX-License-Identifier: MIT
"""sparc: 32-bit (SRMMU) and 64-bit (sun4u and sun4v)."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import Pattern, PteLayout, any_set, bits
from cowpath.history.release import Release

_32 = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("7-11"),
    offset=bits("12-31"),
    zero={"0-1": "SRMMU_ET_MASK", "2-5": "unused"},
    present=(Pattern(0x3, 0x2),),  # SRMMU_ET_PTE
    pte_bits=32,
    long_bits=32,
)

SPARC = Architecture(
    name="sparc",
    title="sparc, 32-bit",
    header="arch/sparc/include/asm/pgtable_32.h, pgtsrmmu.h",
    aliases=("sparc32",),
    layouts=(_32, replace(_32, since=Release(6, 3), commit="e6b37d7f6f17", exclusive=6)),  # SRMMU_DIRTY
)

_64 = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("13-20"),
    offset=bits("21-63"),
    zero={"4": "_PAGE_PRESENT_4V", "7": "_PAGE_PRESENT_4U", "0-3 5-6 8-12": "unused"},
    present=any_set("4 7"),
)

SPARC64 = Architecture(
    name="sparc64",
    title="sparc, 64-bit",
    header="arch/sparc/include/asm/pgtable_64.h",
    page_shift=13,
    layouts=(
        _64,
        replace(_64, since=Release(6, 3), commit="adf8e329ff56", type=bits("13-19"), exclusive=20),
    ),
)

ARCHITECTURES = (SPARC, SPARC64)
