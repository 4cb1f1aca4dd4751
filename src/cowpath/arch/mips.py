# SPDX-License-Identifier: MIT
"""mips: 64-bit; 32-bit with the usual TLB, with that of the R3000, with XPA, and with 64-bit addresses.

Where a pte has two words, it is written here as pte_val() makes it: pte_high above pte_low.  The
drawings in the header put pte_low on top; their text (bit 25, bit 7 of the low word) agrees with this.
"""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

HEADER_32 = "arch/mips/include/asm/pgtable-32.h"
COMMIT = "83d3b2b46ea3"

_64 = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("16-23"),
    offset=bits("24-63"),
    zero={"0-15": "_PAGE_PRESENT (0), _PAGE_GLOBAL, _PAGE_VALID and others"},
    present=any_set("0"),
    none_ignores="7-8",  # _PAGE_GLOBAL is one of them, depending on the configuration
)

MIPS64 = Architecture(
    name="mips64",
    title="mips, 64-bit",
    header="arch/mips/include/asm/pgtable-64.h",
    aliases=("mips", "mips64el", "mips64r2"),
    layouts=(_64, replace(_64, since=Release(6, 3), commit=COMMIT, type=bits("16-22"), exclusive=23)),
)


def _variant(name: str, title: str, layout: PteLayout, exclusive: int) -> Architecture:
    after = replace(layout, since=Release(6, 3), commit=COMMIT, exclusive=exclusive)
    return Architecture(name=name, title=f"mips, 32-bit, {title}", header=HEADER_32, layouts=(layout, after))


_32 = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("8-12"),
    offset=bits("13-31"),
    zero={"0": "_PAGE_PRESENT", "6": "_PAGE_GLOBAL", "7": "_PAGE_VALID"},
    present=any_set("0"),
    none_ignores="6",
    pte_bits=32,
    long_bits=32,
)

MIPS32 = _variant("mips32", "usual TLB", _32, 1)

R3K = _variant(
    "mips32-r3k",
    "R3000 TLB",
    replace(
        _32,
        type=bits("10-14"),
        offset=bits("15-31"),
        zero={"0": "_PAGE_PRESENT", "8": "_PAGE_GLOBAL", "9": "_PAGE_VALID"},
        none_ignores="8",
    ),
    7,
)

XPA = _variant(
    "mips32-xpa",
    "extended physical addresses (XPA)",
    replace(
        _32,
        type=bits("36-40"),  # pte_high bits 4-8
        offset=bits("41-63"),
        zero={
            "24": "_PAGE_PRESENT",
            "34": "_PAGE_GLOBAL",
            "35": "_PAGE_VALID",
            "0-23 26-31": "rest of pte_low",
        },
        present=any_set("24"),
        none_ignores="0-31 34",  # pte_none() looks at pte_high only
        pte_bits=64,
    ),
    25,
)

PHYS64 = _variant(
    "mips32-phys64",
    "64-bit physical addresses without XPA",
    replace(
        _32,
        type=bits("34-38"),  # pte_high bits 2-6
        offset=bits("39-63"),
        zero={"6": "_PAGE_PRESENT", "32": "_PAGE_GLOBAL", "33": "_PAGE_VALID", "0-5 8-31": "rest of pte_low"},
        present=any_set("6"),
        none_ignores="0 32",
        pte_bits=64,
    ),
    7,
)

ARCHITECTURES = (MIPS64, MIPS32, R3K, XPA, PHYS64)
