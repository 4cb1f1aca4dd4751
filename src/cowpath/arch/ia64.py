# SPDX-License-Identifier: MIT
"""ia64, until Linux 6.7 removed it."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

_FIRST = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("1-7"),
    offset=bits("8-62"),
    zero={"0": "_PAGE_P", "63": "_PAGE_PROTNONE"},
    present=any_set("0 63"),
)

IA64 = Architecture(
    name="ia64",
    title="ia64",
    header="arch/ia64/include/asm/pgtable.h",
    removed=Release(6, 7),
    page_shift=14,
    layouts=(
        _FIRST,
        replace(_FIRST, since=Release(6, 3), commit="3151cc26565e", type=bits("1-6"), exclusive=7),
    ),
)

ARCHITECTURES = (IA64,)
