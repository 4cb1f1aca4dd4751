# SPDX-License-Identifier: MIT
"""hexagon: the offset lies on both sides of the permission bits."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

_FIRST = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("1-5"),
    offset=bits("6-9 13-31"),
    zero={"0": "_PAGE_PRESENT", "10-12": "permissions, so that the miss handler need not look at bit 0"},
    present=any_set("0"),
    pte_bits=32,
    long_bits=32,
)

HEXAGON = Architecture(
    name="hexagon",
    title="hexagon",
    header="arch/hexagon/include/asm/pgtable.h",
    layouts=(
        _FIRST,
        replace(_FIRST, since=Release(6, 3), commit="61f4a896e62d", offset=bits("7-9 13-31"), exclusive=6),
    ),
)

ARCHITECTURES = (HEXAGON,)
