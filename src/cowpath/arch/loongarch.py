# SPDX-License-Identifier: MIT
"""loongarch, 64 and 32 bits."""

from dataclasses import replace

from cowpath.arch.architecture import Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

_64 = PteLayout(
    since=Release(5, 19),
    commit="",
    type=bits("16-23"),
    offset=bits("24-63"),
    zero={"0-15": "_PAGE_PRESENT (7), _PAGE_PROTNONE (10) and others"},
    present=any_set("7 10"),
    none_ignores="6",  # _PAGE_GLOBAL
)

LOONGARCH = Architecture(
    name="loongarch",
    title="loongarch, 64-bit",
    header="arch/loongarch/include/asm/pgtable.h",
    aliases=("loongarch64", "loong64"),
    device_private=Release(6, 12),
    phys_bits=48,
    layouts=(
        _64,
        replace(_64, since=Release(6, 3), commit="ad3150f11b09", type=bits("16-22"), exclusive=23),
    ),
)

LOONGARCH32 = Architecture(
    name="loongarch32",
    title="loongarch, 32-bit",
    header="arch/loongarch/include/asm/pgtable.h",
    layouts=(
        PteLayout(
            since=Release(6, 19),
            commit="",
            type=bits("8-12"),
            offset=bits("14-31"),
            exclusive=13,
            zero={"0-7": "_PAGE_PRESENT (7) and others"},
            present=any_set("7"),  # there is no _PAGE_PROTNONE on 32 bits
            none_ignores="6",
            pte_bits=32,
            long_bits=32,
        ),
    ),
)

ARCHITECTURES = (LOONGARCH, LOONGARCH32)
