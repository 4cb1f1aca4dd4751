# SPDX-License-Identifier: MIT
"""powerpc: book3s64 (radix and hash alike) with 4K and 64K pages, book3s32, and nohash 64 and 32.

On 32-bit kernels the shift that makes a pte of a swp_entry_t happens in an unsigned long: even where
ptes have 64 bits, only the lower word is used.
"""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import Pattern, PteLayout, any_set, bits
from cowpath.history.release import Release

PRESENT = 1 << 63
PTE = 1 << 62  # tells ptes from pointers to lower levels
INVALID = 1 << 61  # a pte that is being changed counts as present

# Hash translation keeps its own state in these bits of a pte and strips them in set_pte.
HPTEFLAGS = {
    "4k": {"6": "H_PAGE_BUSY", "53-56": "H_PAGE_F_GIX, F_SECOND", "60": "H_PAGE_HASHPTE"},
    "64k": {"6": "H_PAGE_BUSY", "12": "H_PAGE_COMBO", "55": "H_PAGE_HASHPTE"},
}


def _book3s64(pages: str, page_shift: int) -> tuple[PteLayout, PteLayout]:
    hash_bits = HPTEFLAGS[pages]
    before = PteLayout(
        since=OLDEST,
        commit="",
        type=bits("0-4"),  # _PAGE_BIT_SWAP_TYPE is 0
        offset=bits(f"{page_shift}-52"),  # PTE_RPN_MASK, up to _PAGE_PA_MAX
        soft_dirty=5,  # 1 << (SWP_TYPE_BITS + _PAGE_BIT_SWAP_TYPE)
        zero={"63": "_PAGE_PRESENT", "61": "_PAGE_INVALID"} | hash_bits,
        ones={"62": "_PAGE_PTE, not part of the swp_entry_t"},
        present=(Pattern(PRESENT, PRESENT), Pattern(INVALID | PTE, INVALID | PTE)),
        none_ignores=" ".join(hash_bits),
    )
    # 03ac1b71fca1 dropped _PAGE_BIT_SWAP_TYPE and put soft-dirty onto _PAGE_SOFT_DIRTY;
    # bff9beaa2e80 then took _PAGE_NON_IDEMPOTENT for the marker.
    after = replace(before, since=Release(5, 19), commit="bff9beaa2e80", exclusive=5, soft_dirty=9)
    return before, after


BOOK3S64 = Architecture(
    name="powerpc",
    title="powerpc book3s64, 64K pages",
    header="arch/powerpc/include/asm/book3s/64/pgtable.h",
    aliases=("powerpc-64k", "ppc64", "ppc64le", "ppc64el"),
    memory_failure=True,
    device_private=OLDEST,
    page_shift=16,
    present_bits={
        "12-52": "address of the page",
        "0": "_PAGE_EXEC",
        "1": "_PAGE_WRITE",
        "2": "_PAGE_READ",
        "3": "_PAGE_PRIVILEGED: kernel only",
        "7": "_PAGE_DIRTY",
        "8": "_PAGE_ACCESSED",
        "9": "_PAGE_SOFT_DIRTY",
        "10": "_PAGE_SPECIAL: no struct page, as for the zero page",
        "61": "_PAGE_INVALID: being changed",
        "62": "_PAGE_PTE",
        "63": "_PAGE_PRESENT",
    },
    layouts=_book3s64("64k", 16),
)

BOOK3S64_4K = replace(
    BOOK3S64,
    name="powerpc-4k",
    title="powerpc book3s64, 4K pages",
    aliases=(),
    page_shift=12,
    layouts=_book3s64("4k", 12),
)

_32 = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("3-7"),  # the pte is the swp_entry_t, shifted by 3
    offset=bits("8-31"),
    zero={"0": "_PAGE_PRESENT", "1": "_PAGE_HASHPTE"},
    present=any_set("0"),
    none_ignores="1",
    pte_bits=32,
    long_bits=32,
)

BOOK3S32 = Architecture(
    name="powerpc-book3s32",
    title="powerpc book3s, 32-bit",
    header="arch/powerpc/include/asm/book3s/32/pgtable.h",
    aliases=("ppc", "ppc32"),
    layouts=(
        _32,
        replace(_32, since=Release(6, 3), commit="8897ebff37fd", exclusive=2),  # _PAGE_READ
    ),
)

# Which of bits 0 and 1 is _PAGE_PRESENT depends on the core (8xx, 44x, 85xx, 40x).
_NOHASH32 = replace(_32, zero={"0-1": "_PAGE_PRESENT"}, present=any_set("0-1"), none_ignores="")

NOHASH32 = Architecture(
    name="powerpc-nohash32",
    title="powerpc without hash table (8xx, 44x, 85xx), 32-bit",
    header="arch/powerpc/include/asm/nohash/32/pgtable.h",
    layouts=(
        _NOHASH32,
        replace(_NOHASH32, since=Release(6, 3), commit="2bba2ffbe030", exclusive=2),
    ),
)

_NOHASH64 = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("2-6"),  # _PAGE_BIT_SWAP_TYPE is 2
    offset=bits("24-63"),  # from PTE_RPN_SHIFT
    zero={"0": "_PAGE_PRESENT", "1": "_PAGE_BAP_SR"},
    present=any_set("0"),
)

NOHASH64 = Architecture(
    name="powerpc-nohash64",
    title="powerpc without hash table (e500, e6500), 64-bit",
    header="arch/powerpc/include/asm/nohash/64/pgtable.h",
    layouts=(
        _NOHASH64,
        replace(_NOHASH64, since=Release(6, 3), commit="2bba2ffbe030", exclusive=7),
    ),
)

ARCHITECTURES = (BOOK3S64, BOOK3S64_4K, BOOK3S32, NOHASH32, NOHASH64)
