# SPDX-License-Identifier: MIT
"""include/linux/mm.h: the arguments of a page fault."""

from __future__ import annotations

from typing import NamedTuple

from ..state import Pte, Vma
from .pgtable import PTE_NONE, PteValue

SIGBUS = "sigbus"
"""VM_FAULT_SIGBUS: what a fault returns that cannot be resolved."""


class Fault(NamedTuple):
    """struct vm_fault: the pte, the CPU, and the purpose; it is a read if neither flag is set."""

    pte: Pte
    cpu: int
    write: bool = False  # FAULT_FLAG_WRITE
    unshare: bool = False  # FAULT_FLAG_UNSHARE (c89357e27f20, v5.19)
    orig: PteValue = PTE_NONE  # the entry as the fault found it
    may_wait: bool = True  # FAULT_FLAG_ALLOW_RETRY: it may let go of its locks and wait


def is_mergeable_vma(one: Vma, other: Vma) -> bool:
    """True where pages side by side are one mapping: all that mmap says of them is equal (mm/vma.c)."""
    same = one.mapped == other.mapped and one.read == other.read and one.write == other.write
    return same and one.dontfork == other.dontfork
