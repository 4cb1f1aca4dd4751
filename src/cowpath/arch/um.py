# SPDX-License-Identifier: MIT
"""User-Mode Linux, on 64-bit and on 32-bit hosts."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release


def _layouts(width: int) -> tuple[PteLayout, PteLayout]:
    before = PteLayout(
        since=OLDEST,
        commit="",
        type=bits("5-9"),
        offset=bits(f"11-{width - 1}"),
        zero={"0": "_PAGE_PRESENT", "4": "_PAGE_PROTNONE"},
        ones={"1": "_PAGE_NEWPAGE (later _PAGE_NEEDSYNC): set_pte() sets it, pte_to_swp_entry() strips it"},
        present=any_set("0 4"),
        none_ignores="1",
        same_ignores="1",
        pte_bits=width,
        long_bits=width,
    )
    # The marker got a bit that nothing used.
    return before, replace(before, since=Release(6, 3), commit="e2858d778e68", exclusive=10)


HEADER = "arch/um/include/asm/pgtable.h"

UM = Architecture(
    name="um", title="User-Mode Linux, 64-bit", header=HEADER, aliases=("uml",), layouts=_layouts(64)
)
UM32 = Architecture(
    name="um32",
    title="User-Mode Linux, 32-bit, two levels of page tables",
    header=HEADER,
    layouts=_layouts(32),
)

ARCHITECTURES = (UM, UM32)
