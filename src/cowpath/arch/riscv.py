# SPDX-License-Identifier: MIT
"""riscv, 64 and 32 bits: the offset reaches up to the last bit of the pte."""

from dataclasses import replace

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.layout import PteLayout, any_set, bits
from cowpath.history.release import Release

LEAF = "_PAGE_LEAF (read, write, execute)"


def _layouts(xlen: int) -> tuple[PteLayout, ...]:
    first = PteLayout(
        since=OLDEST,
        commit="",
        type=bits("2-6"),
        offset=bits(f"7-{xlen - 1}"),
        zero={"0": "_PAGE_PRESENT", "1": "_PAGE_PROT_NONE (_PAGE_READ)"},
        present=any_set("0-1"),
        pte_bits=xlen,
        long_bits=xlen,
    )
    v517 = replace(
        first,
        since=Release(5, 17),
        commit="fba88ede6a31",
        type=bits("6-10"),
        offset=bits(f"11-{xlen - 1}"),
        zero={"0": "_PAGE_PRESENT", "1-3": LEAF, "5": "_PAGE_PROT_NONE (_PAGE_GLOBAL)"},
        present=any_set("0 5"),
    )
    v63 = replace(
        v517,
        since=Release(6, 3),
        commit="51a1007d4113",
        type=bits("7-11"),
        offset=bits(f"12-{xlen - 1}"),
        exclusive=6,  # _PAGE_ACCESSED
    )
    return first, v517, v63


_64 = _layouts(64)

# Software owns pte bits 59 and 60 only with Svrsw60t59b; the bits of swap ptes go with them.
_619 = replace(
    _64[-1],
    since=Release(6, 19),
    commit="2a3ebad4db63",
    soft_dirty=3,  # _PAGE_EXEC
    uffd_wp=4,  # _PAGE_USER, c64da3950cf4
    zero={"0": "_PAGE_PRESENT", "1-2": "_PAGE_READ, _PAGE_WRITE", "5": "_PAGE_PROT_NONE (_PAGE_GLOBAL)"},
    note="soft-dirty and uffd-wp only on cores with the Svrsw60t59b extension",
)

RISCV = Architecture(
    name="riscv",
    title="riscv, 64-bit",
    header="arch/riscv/include/asm/pgtable.h",
    aliases=("riscv64",),
    device_private=Release(6, 12),
    phys_bits=56,
    layouts=(*_64, _619),
)

RISCV32 = Architecture(
    name="riscv32",
    title="riscv, 32-bit",
    header="arch/riscv/include/asm/pgtable.h",
    layouts=_layouts(32),
)

ARCHITECTURES = (RISCV, RISCV32)
