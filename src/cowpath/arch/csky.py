# SPDX-License-Identifier: MIT
"""csky: the first ABI (610, 807, 810) and the second (860), with hardware bits at different places."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

SWAPON = "af94002bda1d"  # "csky: Fixup swapon", v5.12: until then the format was simply wrong
EXCLUSIVE = "41e0d49104db"

_ABIV1 = PteLayout(
    since=Release(5, 12),
    commit=SWAPON,
    type=bits("2-5 8"),
    offset=bits("9-31"),
    zero={"0": "_PAGE_PRESENT", "1": "_PAGE_PROT_NONE (_PAGE_READ)", "6": "_PAGE_GLOBAL", "7": "_PAGE_VALID"},
    present=any_set("0"),
    none_ignores="6",
    pte_bits=32,
    long_bits=32,
)

_ABIV2 = replace(
    _ABIV1,
    type=bits("2-6"),
    offset=bits("7-8 11-31"),
    zero={
        "0": "_PAGE_GLOBAL",
        "1": "_PAGE_VALID",
        "9": "_PAGE_PROT_NONE (_PAGE_WRITE)",
        "10": "_PAGE_PRESENT",
    },
    present=any_set("10"),
    none_ignores="0",
)


def _broken(later: PteLayout, flaw: str) -> PteLayout:
    return replace(later, since=OLDEST, commit="", type=bits("4-11"), offset=bits("12-31"), flaw=flaw)


CSKY = Architecture(
    name="csky",
    title="csky, second ABI",
    header="arch/csky/abiv2/inc/abi/pgtable-bits.h",
    layouts=(
        _broken(_ABIV2, "the type field covers _PAGE_PRESENT and the bit of PROT_NONE"),
        _ABIV2,
        replace(_ABIV2, since=Release(6, 3), commit=EXCLUSIVE, offset=bits("8 11-31"), exclusive=7),
    ),
)

CSKY_ABIV1 = Architecture(
    name="csky-abiv1",
    title="csky, first ABI",
    header="arch/csky/abiv1/inc/abi/pgtable-bits.h",
    layouts=(
        _broken(_ABIV1, "types 4 to 15 set _PAGE_GLOBAL or _PAGE_VALID"),
        _ABIV1,
        replace(_ABIV1, since=Release(6, 3), commit=EXCLUSIVE, offset=bits("10-31"), exclusive=9),
    ),
)

ARCHITECTURES = (CSKY, CSKY_ABIV1)
