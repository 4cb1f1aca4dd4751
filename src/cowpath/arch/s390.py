# SPDX-License-Identifier: MIT
"""s390: its header counts bits from the most significant one; `msb` turns them round.

A swap pte is recognised by (pte & 0x201) == 0x200, an empty one by pte == 0x400.
"""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, msb
from cowpath.history.release import Release

_510 = PteLayout(
    since=OLDEST,
    commit="",
    type=msb("57-61"),
    offset=msb("0-51"),
    soft_dirty=1,  # MSB 62, _PAGE_SOFT_DIRTY
    zero={"0": "_PAGE_PRESENT"},
    ones={"9": "_PAGE_PROTECT", "10": "_PAGE_INVALID"},
    present=any_set("0"),
    none=0x400,
)

S390 = Architecture(
    name="s390",
    title="s390, 64-bit",
    header="arch/s390/include/asm/pgtable.h",
    aliases=("s390x",),
    phys_bits=46,
    present_bits={
        "12-63": "page frame",
        "0": "_PAGE_PRESENT",
        "1": "_PAGE_SOFT_DIRTY",
        "2": "_PAGE_YOUNG",
        "3": "_PAGE_DIRTY",
        "4": "_PAGE_READ",
        "5": "_PAGE_WRITE",
        "6": "_PAGE_SPECIAL: no struct page, as for the zero page",
        "8": "_PAGE_NOEXEC",
        "9": "_PAGE_PROTECT: the hardware refuses writes",
        "10": "_PAGE_INVALID: the hardware refuses access",
    },
    layouts=(
        _510,
        # 8043d26c4659 tidied the comment; MSB 52 is _PAGE_LARGE
        replace(_510, since=Release(5, 19), commit="92cd58bd2566", exclusive=11),
    ),
)

ARCHITECTURES = (S390,)
