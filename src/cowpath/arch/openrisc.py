# SPDX-License-Identifier: MIT
"""openrisc."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

_FIRST = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("5-11"),
    offset=bits("12-31"),
    zero={"0": "_PAGE_PRESENT (_PAGE_CC)", "1-4": "unused"},
    present=any_set("0"),
    pte_bits=32,
    long_bits=32,
)

OPENRISC = Architecture(
    name="openrisc",
    title="openrisc",
    header="arch/openrisc/include/asm/pgtable.h",
    page_shift=13,
    layouts=(
        _FIRST,
        replace(
            _FIRST, since=Release(6, 3), commit="5ae3e74474f8", type=bits("5-10"), exclusive=11
        ),  # _PAGE_U_SHARED
    ),
)

ARCHITECTURES = (OPENRISC,)
