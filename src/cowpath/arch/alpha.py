# SPDX-License-Identifier: MIT
"""alpha."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

_FIRST = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("32-39"),
    offset=bits("40-63"),
    zero={"0-31": "_PAGE_VALID (0) and others"},
    present=any_set("0"),
)

ALPHA = Architecture(
    name="alpha",
    title="alpha",
    header="arch/alpha/include/asm/pgtable.h",
    page_shift=13,
    layouts=(
        _FIRST,
        replace(_FIRST, since=Release(6, 3), commit="a172d5128706", type=bits("32-38"), exclusive=39),
    ),
)

ARCHITECTURES = (ALPHA,)
