# SPDX-License-Identifier: MIT
"""microblaze: the pte is the swp_entry_t, shifted by 2.  (Its header draws bit 0 as the highest.)"""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

_FIRST = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("2-7"),
    offset=bits("8-31"),
    zero={"0": "_PAGE_GUARDED", "1": "_PAGE_PRESENT"},
    present=any_set("1"),
    pte_bits=32,
    long_bits=32,
)

MICROBLAZE = Architecture(
    name="microblaze",
    title="microblaze",
    header="arch/microblaze/include/asm/pgtable.h",
    layouts=(
        _FIRST,
        replace(
            _FIRST, since=Release(6, 3), commit="b5c88f21531c", type=bits("2-6"), exclusive=7
        ),  # _PAGE_DIRTY
    ),
)

ARCHITECTURES = (MICROBLAZE,)
