# SPDX-License-Identifier: MIT
"""x86: 64-bit, and 32-bit with two and with three levels of page tables (PAE).

The offset is kept inverted, so that a swap pte points to physical memory that does not exist (L1TF).
"""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

PRESENT = any_set("0 8")
ZERO = {"0": "_PAGE_PRESENT", "8": "_PAGE_PROTNONE (_PAGE_GLOBAL)"}
ERRATUM = "5-6"  # _PAGE_ACCESSED and _PAGE_DIRTY: hardware may set them in a pte that is not present

_64 = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("59-63"),
    offset=bits("9-58", inverted=True),
    soft_dirty=1,  # _PAGE_RW
    uffd_wp=2,  # _PAGE_USER
    zero=ZERO | {"7": "_PAGE_PSE: pmd_present() tests it"},
    present=PRESENT,
    none_ignores=ERRATUM,
    note="type 0 with every offset bit set would read as no pte; no device is that large",
)

X86_64 = Architecture(
    name="x86_64",
    title="x86, 64-bit",
    header="arch/x86/include/asm/pgtable_64.h",
    aliases=("amd64", "x86-64", "x64"),
    memory_failure=True,
    device_private=OLDEST,
    phys_bits=46,
    present_bits={
        "12-51": "page frame, inverted if _PAGE_PRESENT is clear (PROT_NONE)",
        "0": "_PAGE_PRESENT",
        "1": "_PAGE_RW: writable",
        "2": "_PAGE_USER",
        "5": "_PAGE_ACCESSED",
        "6": "_PAGE_DIRTY",
        "8": "_PAGE_GLOBAL; without _PAGE_PRESENT it means PROT_NONE",
        "9": "_PAGE_SPECIAL: no struct page, as for the zero page",
        "10": "_PAGE_UFFD_WP: write-protected by userfaultfd",
        "11": "_PAGE_SOFT_DIRTY",
        "63": "_PAGE_NX: not executable",
    },
    layouts=(
        _64,
        replace(_64, since=Release(5, 19), commit="3e20889cfbee", exclusive=3),  # _PAGE_PWT
    ),
)

_2LEVEL = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("1-5"),
    offset=bits("9-31"),
    zero=ZERO,
    present=PRESENT,
    pte_bits=32,
    long_bits=32,
)

I386 = Architecture(
    name="i386",
    title="x86, 32-bit, two levels of page tables",
    header="arch/x86/include/asm/pgtable-2level.h",
    aliases=("i486", "i586"),
    memory_failure=True,
    layouts=(
        _2LEVEL,
        replace(_2LEVEL, since=Release(6, 3), commit="93c0eac40d4e", exclusive=7),  # _PAGE_PSE
    ),
)

_PAE = PteLayout(
    since=OLDEST,
    commit="",
    type=bits("59-63"),
    offset=bits("9-58", inverted=True),
    zero=ZERO,
    present=PRESENT,
    none_ignores=ERRATUM,
    long_bits=32,
    note="the 32-bit swp_entry_t carries only 26 of the 50 offset bits; the others read as inverted zeros",
)

I386_PAE = Architecture(
    name="i386-pae",
    title="x86, 32-bit, three levels of page tables (PAE)",
    header="arch/x86/include/asm/pgtable-3level.h",
    aliases=("i686", "686-pae", "x86-pae"),
    memory_failure=True,
    layouts=(
        _PAE,
        replace(_PAE, since=Release(6, 3), commit="93c0eac40d4e", exclusive=7),  # _PAGE_PSE
    ),
)

ARCHITECTURES = (X86_64, I386, I386_PAE)
