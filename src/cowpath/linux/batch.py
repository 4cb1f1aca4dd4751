# SPDX-License-Identifier: MIT
"""J8: a batch is unobservable.  What the kernel does to several entries at once must end as single steps do.

Where a rule changes the entries of a large folio together, the model works out for each of them what a step
for it alone would have left, and marks an entry that got more: that may be written where it could not be,
that counts as exclusive though its own marker says otherwise, or that has forgotten a write or who waits for
one.  Counts, order, and which of the neighbours are mapped may differ.
"""

from __future__ import annotations

from .include.pgtable import PteValue, ptep_get
from .state import Pte


def compare_with_single_step(pte: Pte, alone: PteValue, exclusive: bool = False) -> None:
    """Mark an entry that a batch has just set, if it got more than `alone`, what a single step would leave.

    `exclusive`: the batch made its page exclusive, which the entry's own step would not have.
    """
    value = ptep_get(pte)
    if not value.present:
        return
    wider = value.write and not alone.write
    forgets_write = (alone.dirty and not value.dirty) or (alone.soft_dirty and not value.soft_dirty)
    forgets_waiting = alone.uffd_wp and not value.uffd_wp
    pte.excess = wider or exclusive or forgets_write or forgets_waiting
