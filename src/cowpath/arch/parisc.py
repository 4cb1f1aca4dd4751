# SPDX-License-Identifier: MIT
"""parisc, 32 and 64 bits.  (Its header draws bit 0 as the highest.)"""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release


def _layouts(width: int) -> tuple[PteLayout, ...]:
    first = PteLayout(
        since=OLDEST,
        commit="",
        type=bits("0-4"),
        offset=bits(f"6-8 11-{width - 1}"),
        zero={"9": "_PAGE_PRESENT"},
        present=any_set("9"),
        pte_bits=width,
        long_bits=width,
    )
    overlap = replace(
        first,
        since=Release(6, 3),
        commit="6d239fc78c0b",
        exclusive=8,  # _PAGE_ACCESSED
        flaw="the exclusive marker is also bit 2 of the offset (corrected in 6.4 and 6.3.3)",
    )
    fixed = replace(
        overlap, since=Release(6, 4), commit="6f9e98849eda", offset=bits(f"5-7 10-{width - 1}"), flaw=""
    )
    return first, overlap, fixed


HEADER = "arch/parisc/include/asm/pgtable.h"

PARISC = Architecture(
    name="parisc",
    title="parisc, 32-bit",
    header=HEADER,
    aliases=("hppa",),
    memory_failure=True,
    layouts=_layouts(32),
)
PARISC64 = replace(PARISC, name="parisc64", title="parisc, 64-bit", aliases=("hppa64",), layouts=_layouts(64))

ARCHITECTURES = (PARISC, PARISC64)
