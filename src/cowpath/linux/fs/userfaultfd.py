# SPDX-License-Identifier: MIT
"""fs/userfaultfd.c: a write waits here until the listener of the userfaultfd allows it."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked
from cowpath.history import changes, mutants, swap_bits
from cowpath.litmus.ast import NO, YES

from ..include.mm import SIGBUS, Fault
from ..include.mmap_lock import mmap_read_lock, mmap_read_unlock
from ..include.pgtable import ptep_get
from ..state import Kernel, Pte, Register, Task, still


def handle_userfault(k: Kernel, vmf: Fault) -> Code:
    """Report the write to the userfaultfd's listener and wait, without locks, until it is allowed.

    Then the access faults again (False is returned).  KSM's own faults must not wait (they lack
    FAULT_FLAG_ALLOW_RETRY): for them SIGBUS is returned.
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
    mmap_read_unlock(vmf.pte.mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_FAULT))
    yield
    if task.userfault is not None:
        raise Blocked(f"leave to write to {vmf.pte}")
    mmap_read_lock(vmf.pte.mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_FAULT))
    return False


def userfaultfd_must_wait(k: Kernel, pte: Pte) -> bool:
    """True where the write is still not possible, as seen without the page-table lock.

    Until 8e80af52db65 (v7.2) pte_write was asked of swap and migration entries, too, where it reads some
    other bit: on x86 the soft-dirty bit, if there is one, elsewhere a bit that is not set.
    """
    value = ptep_get(pte)
    if value.kind == "none" or value.present:
        return not value.write
    if k.has(changes.MUST_WAIT_ASKS_PRESENT):
        return False
    return not (value.soft_dirty and k.ask(swap_bits.soft_dirty_is_pte_write))


def userfaultfd_read(k: Kernel, task: Task, pte: Pte, register: Register) -> None:
    """Read a message: YES if a thread waits to write to the page, NO if no thread will any more.

    It waits while there is no message but one may still come.
    """
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
    """Wake the threads that wait to write to a page, which fault again."""
    for task in k.tasks:
        if task.userfault is pte:
            task.userfault = None
            task.reported = False
