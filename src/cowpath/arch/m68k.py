# SPDX-License-Identifier: MIT
"""m68k: Motorola's MMUs, ColdFire, and Sun-3."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

COMMIT = "ed4154067a08"
V63 = Release(6, 3)

_MOTOROLA = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("4-11"),
    offset=bits("12-31"),
    zero={"0": "_PAGE_PRESENT", "1": "unused", "2": "_PAGE_PROTNONE", "3": "unused"},
    present=any_set("0 2"),
    pte_bits=32,
    long_bits=32,
)

M68K = Architecture(
    name="m68k",
    title="m68k, Motorola MMU",
    header="arch/m68k/include/asm/motorola_pgtable.h",
    layouts=(_MOTOROLA, replace(_MOTOROLA, since=V63, commit=COMMIT, type=bits("4-10"), exclusive=11)),
)

_COLDFIRE = replace(
    _MOTOROLA,
    type=bits("0-7"),
    offset=bits("11-31"),
    zero={"8-9": "unused", "10": "CF_PAGE_VALID"},
    present=any_set("10"),
)

COLDFIRE = Architecture(
    name="m68k-coldfire",
    title="m68k, ColdFire MMU",
    header="arch/m68k/include/asm/mcf_pgtable.h",
    page_shift=13,
    layouts=(_COLDFIRE, replace(_COLDFIRE, since=V63, commit=COMMIT, type=bits("0-6"), exclusive=7)),
)

_SUN3 = replace(
    _MOTOROLA,
    type=bits("0-6"),
    offset=bits("7-31"),
    zero={},
    present=any_set("31"),
    flaw="the highest bit of the offset is SUN3_PAGE_VALID: such a pte would be present",
)

SUN3 = Architecture(
    name="m68k-sun3",
    title="m68k, Sun-3 MMU",
    header="arch/m68k/include/asm/sun3_pgtable.h",
    page_shift=13,
    layouts=(
        _SUN3,
        replace(
            _SUN3,
            since=V63,
            commit=COMMIT,
            type=bits("0-5"),
            offset=bits("7-30"),
            exclusive=6,
            zero={"31": "SUN3_PAGE_VALID"},
            flaw="",
        ),
    ),
)

ARCHITECTURES = (M68K, COLDFIRE, SUN3)
