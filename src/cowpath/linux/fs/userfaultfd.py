# SPDX-License-Identifier: MIT
"""fs/userfaultfd.c: a write that user space wants to know of before it happens waits here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked
from cowpath.history import changes, mutants, swap_bits
from cowpath.litmus.ast import NO, YES

from ..include.mmap_lock import mmap_read_lock, mmap_read_unlock
from ..include.pgtable import ptep_get
from ..state import Kernel, Pte, Register, Task, still

if TYPE_CHECKING:
    from ..include.mm import Fault

SIGBUS = "sigbus"
"""VM_FAULT_SIGBUS: what a fault returns that would have to wait and must not."""


def handle_userfault(k: Kernel, vmf: Fault) -> Code:
    """Tell who listens to the userfaultfd, and wait until the write is allowed; then fault again.

    Meanwhile no lock is held.  KSM's own faults must not wait (they lack FAULT_FLAG_ALLOW_RETRY): they fail.
    """
    if not vmf.may_wait:
        k.say("userfaultfd write-protects the page, and this fault cannot wait for it")
        return SIGBUS
    yield
    task = k.tasks[vmf.cpu]
    if not still(k, mutants.NO_MUST_WAIT_IN_USERFAULT, userfaultfd_must_wait(k, vmf.pte)):
        return False
    task.userfault = vmf.pte
    k.say(f"userfaultfd write-protects {vmf.pte}: the write waits until it is allowed")
    mmap_read_unlock(vmf.pte.mm)
    yield
    if task.userfault is not None:
        raise Blocked(f"leave to write to {vmf.pte}")
    mmap_read_lock(vmf.pte.mm)
    return False


def userfaultfd_must_wait(k: Kernel, pte: Pte) -> bool:
    """Whether the write is not possible by now; looked at without the page-table lock.

    Until 8e80af52db65 (v7.2) pte_write was asked of swap and migration entries, too, where it is whatever bit
    lies there: on x86 the soft-dirty bit, where there is one, elsewhere one that is not set.
    """
    value = ptep_get(pte)
    if value.kind == "none" or value.present:
        return not value.write
    if k.has(changes.MUST_WAIT_ASKS_PRESENT):
        return False
    return not (value.soft_dirty and k.ask(swap_bits.soft_dirty_is_pte_write))


def userfaultfd_read(k: Kernel, task: Task, pte: Pte, register: Register) -> None:
    """Read a message: that a thread waits to write to a page.  Where none can come any more, that is told."""
    threads = k.program.threads
    peers = [k.tasks[thread.index] for thread in threads if k.mms[thread.process] is pte.mm]
    for peer in peers:
        if peer.userfault is pte and not peer.reported:
            peer.reported = True
            register.value[0] = k.content(YES)
            return
    if not all(peer.done for peer in peers if peer is not task):
        raise Blocked(f"a write to {pte}")
    register.value[0] = k.content(NO)


def wake_userfault(k: Kernel, pte: Pte) -> None:
    """Whoever waits to write to a page faults again."""
    for task in k.tasks:
        if task.userfault is pte:
            task.userfault = None
            task.reported = False
