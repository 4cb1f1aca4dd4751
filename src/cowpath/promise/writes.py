# SPDX-License-Identifier: MIT
"""The promise about writes: user space is told afterwards (soft-dirty), or before (userfaultfd).

A page that its process wrote after clear_refs, or took a reference to for writing, is soft-dirty; any other
may be.  Nothing is said of what devices write, and of writes while clear_refs runs.

Writes to a page that userfaultfd write-protects, and references for writing, are announced and wait until
they are allowed.  Nothing is said of a page that was never touched, or was given up.

Like rules.py: one function is one rule, at one instant, except where it yields.
"""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked
from cowpath.litmus.ast import NO, YES
from cowpath.promise.state import Memory, Process, Promise, Register, Task

# -- whoever writes, moves or shares memory says so here -------------------------------------------


def written(p: Promise, memory: Memory) -> None:
    """Note a write: there is a page from now on, and it is soft-dirty unless clear_refs runs."""
    if p.tells("soft_dirty"):
        memory.written = not p.process_of(memory).clearing
    memory.populated = p.tells("uffd_wp")
    memory.scanned = p.tells("wp_async")


def gone(memory: Memory) -> None:
    """Note that the memory was given up: nothing is promised about writes to it any more."""
    memory.written = memory.populated = memory.protected = memory.scanned = False


def moved(p: Promise, target: Memory, source: Memory) -> None:
    """Note a move: the target counts as written.  Within the memory of a userfaultfd it stays protected."""
    written(p, target)
    target.protected = target.registered and source.protected


def shared(parent: Memory, child: Memory) -> None:
    """Note a fork: the child's page is as soft-dirty as its parent's, and no userfaultfd listens there."""
    child.written, child.populated = parent.written, parent.populated


# -- soft-dirty ------------------------------------------------------------------------------------


def clear_refs(p: Promise, process: Process) -> Code:
    """Forget all writes of the process.  A write while this runs may be noted or not."""
    process.clearing = True
    for memory in p.memory_of(process):
        memory.written = False
    yield
    process.clearing = False


def soft_dirty(p: Promise, memory: Memory, register: Register) -> None:
    """Tell whether the page is soft-dirty: yes where it was written, else either answer is allowed."""
    register.value[0] = p.content(YES if memory.written or p.choose() else NO)


def pagemap_scan(p: Promise, memory: Memory, register: Register) -> None:
    """Tell whether the page was written since the last scan: yes where it was, else either answer."""
    if memory.mapped:
        register.value[0] = p.content(YES if memory.scanned or p.choose() else NO)
        memory.scanned = False


# -- userfaultfd -----------------------------------------------------------------------------------


def protect(p: Promise, memory: Memory) -> None:
    """UFFDIO_WRITEPROTECT: writes wait from now on.  Where there may be no page, it may have no effect."""
    if memory.mapped:
        memory.registered = True
        memory.protected = memory.populated or p.choose()


def allow(p: Promise, memory: Memory) -> None:
    """UFFDIO_WRITEPROTECT, mode 0: writes need not wait any more, and those that wait go on."""
    if memory.mapped:
        memory.protected = False
        for task in p.tasks:
            if task.waits is memory:
                task.waits, task.reported = None, False


def announce(p: Promise, task: Task, memory: Memory | None) -> Code:
    """A write to a protected page is announced, and waits until it is allowed.

    One that was about to be announced when the protection went may be announced still, and be allowed next.
    """
    while memory is not None and memory.protected:
        yield
        if not memory.protected and p.choose():
            return
        task.waits, task.reported = memory, False
        yield
        if task.waits is not None:
            raise Blocked(f"leave to write to {memory}")


def listen(p: Promise, memory: Memory, peers: list[Task], register: Register) -> None:
    """Tell whether one of `peers` waits to write here: YES when one does, NO when all of them are done."""
    for peer in peers:
        if peer.waits is memory and not peer.reported:
            peer.reported = True
            register.value[0] = p.content(YES)
            return
    if not all(peer.done for peer in peers):
        raise Blocked(f"a write to {memory}")
    register.value[0] = p.content(NO)
