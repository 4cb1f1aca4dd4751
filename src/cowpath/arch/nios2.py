# SPDX-License-Identifier: MIT
"""nios2."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

NONE = "pte_none() ignores bits 0-3 and 20: type 0 with an offset below 16 looks like no pte at all"

_FIRST = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("26-27"),
    offset=bits("0-19"),
    zero={"20-24": "_PAGE_GLOBAL, permissions, _PAGE_CACHED", "25": "_PAGE_PRESENT", "28-31": "unused"},
    present=any_set("25"),
    none_ignores="0-3 20",
    pte_bits=32,
    long_bits=32,
    flaw=f"two bits of type where generic code uses five; {NONE}",
)

NIOS2 = Architecture(
    name="nios2",
    title="nios2",
    header="arch/nios2/include/asm/pgtable.h",
    layouts=(
        _FIRST,
        replace(
            _FIRST,
            since=Release(6, 3),
            commit="4d1d955f7c0c",  # after 0a9ad8273ff4, which gave the type its five bits
            type=bits("26-30"),
            exclusive=31,
            zero={"20-24": "_PAGE_GLOBAL, permissions, _PAGE_CACHED", "25": "_PAGE_PRESENT"},
            flaw=NONE,
        ),
    ),
)

ARCHITECTURES = (NIOS2,)
