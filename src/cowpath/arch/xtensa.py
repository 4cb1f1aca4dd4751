# SPDX-License-Identifier: MIT
"""xtensa: ptes that are not present have the cache attribute "invalid" and belong to the user's ring."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import Pattern, PteLayout, bits
from cowpath.history.release import Release

_FIRST = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("6-10"),
    offset=bits("11-31"),
    zero={"0": "_PAGE_HW_EXEC (with it, the attribute would be _PAGE_NONE)", "5": "unused"},
    ones={"2-3": "_PAGE_CA_INVALID", "4": "_PAGE_USER"},
    present=(Pattern(0x4, 0), Pattern(0x8, 0), Pattern(0xF, 0xF)),  # not invalid, or PROT_NONE
    none=0x1C,  # _PAGE_CA_INVALID | _PAGE_USER
    pte_bits=32,
    long_bits=32,
)

XTENSA = Architecture(
    name="xtensa",
    title="xtensa",
    header="arch/xtensa/include/asm/pgtable.h",
    layouts=(
        _FIRST,
        replace(_FIRST, since=Release(6, 3), commit="f5c3fe300c5b", exclusive=1),  # _PAGE_HW_WRITE
    ),
)

ARCHITECTURES = (XTENSA,)
