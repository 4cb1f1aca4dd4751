# SPDX-License-Identifier: MIT
"""arc (ARCv2; before 5.15 the same lines were in asm/pgtable.h)."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

_FIRST = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("0-4"),
    offset=bits("13-31"),
    zero={"9": "_PAGE_PRESENT", "6-8 10-12": "unused"},
    present=any_set("9"),
    pte_bits=32,
    long_bits=32,
)

ARC = Architecture(
    name="arc",
    title="arc",
    header="arch/arc/include/asm/pgtable-bits-arcv2.h",
    layouts=(
        _FIRST,
        replace(_FIRST, since=Release(6, 3), commit="4a446b3dd335", exclusive=5),  # _PAGE_DIRTY
    ),
)

ARCHITECTURES = (ARC,)
