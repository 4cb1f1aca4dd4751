# SPDX-License-Identifier: MIT
"""The promise of private memory: no pages, no swap, only values per process.

Explored like the kernel, every interleaving, so that races of the program itself are never called breakage.

A load sees the last store of its own process.  fork gives the child what the parent has, page by page, and
from then on neither sees what the other writes.  Reclaim, swapoff and whatever else the kernel does change
nothing.  A reference (GUP) is *attached* to the memory it was taken from, and then both are the same bytes:

- FOLL_PIN stays attached, whatever happens, until the memory is given up (munmap, MADV_DONTNEED, exit); but
  a pin that only reads and is not FOLL_LONGTERM may find the shared zero page where nothing has been written,
  and then it is as good as a read-only FOLL_GET;
- FOLL_GET | FOLL_WRITE likewise, but nothing is promised once the process forks;
- a read-only FOLL_GET may be parted by any store of its process, and then it is stale; taking a reference
  for writing breaks COW as a store does;
- never may a reference show one process what another one wrote after fork.

What user space is told of writes, if it asks, is in writes.py.

After MADV_FREE memory may turn into zeros at any moment until it is written again, but not under a promised
reference.  Where nothing is promised, every choice that does not leak is allowed.

The *strict* promise is what one might wish for: every reference is treated as FOLL_PIN is.  No kernel keeps
it; what breaks it and not the promise is what the patch's note warns of (reliability.py).

One function is one rule.  It happens at one instant, except where it yields.
"""

from __future__ import annotations

from cowpath.explore.record.recorder import IDLE, Code
from cowpath.explore.record.step import Blocked, Content
from cowpath.litmus.ast import ZERO
from cowpath.litmus.program import SEGV
from cowpath.promise import writes
from cowpath.promise.state import Memory, Process, Promise, Reference, Register

# -- loads and stores ------------------------------------------------------------------------------


def load(p: Promise, memory: Memory, place: int, register: Register) -> bool:
    """A load sees the last store of its own process.  False: SIGSEGV or SIGBUS."""
    readable = memory.readable and arrives(p, memory)
    register.value[0] = memory.data[place] if readable else p.content(SEGV)
    return readable


def store(p: Promise, memory: Memory, place: int, value: Content) -> bool:
    """A process writes its own memory, and what is attached to it by promise.  False: SIGSEGV or SIGBUS."""
    if not (memory.writable and arrives(p, memory)):
        return False
    memory.data[place] = value
    memory.lazy = False
    memory.occupy()
    writes.written(p, memory)
    for reference in p.attached(memory):
        if stays(p, reference, memory):
            reference.data[place] = value
        else:
            p.detach(reference, memory)
    return True


def arrives(p: Promise, memory: Memory) -> bool:
    """False where content cannot be read from swap.  SIGBUS is promised then, and nobody else's content."""
    return not (p.io_fails and (memory.lost or p.choose()))


def stays(p: Promise, reference: Reference, memory: Memory) -> bool:
    """True if a reference shows what its memory is given: never to another process, always by promise."""
    if reference.owner is not memory:
        return False
    return reference.promised or (p.seen_through(reference) == [memory] and p.choose())


# -- references ------------------------------------------------------------------------------------


def take(p: Promise, reference: Reference, memory: Memory, flags: tuple[str, ...], pin: bool) -> None:
    """get_user_page or pin_user_page; it fails where the process itself could not do that access.

    FOLL_FORCE is for debuggers: it does not ask what the mapping permits.
    """
    write, force = "FOLL_WRITE" in flags, "FOLL_FORCE" in flags
    permitted = memory.mapped if force else memory.writable if write else memory.readable
    if not (permitted and arrives(p, memory)):
        reference.state = "put"
        return
    reference.state, reference.owner = "held", memory
    reference.data = memory.data
    if write:
        memory.occupy()
    reference.pin = pin or p.strict
    reference.promised = p.strict or write or (pin and not may_be_zero_page(memory, flags))
    if write:
        for other in p.attached(memory):
            if not stays(p, other, memory):
                p.detach(other, memory)
    p.attach(reference, memory)
    if write:
        writes.written(p, memory)


def may_be_zero_page(memory: Memory, flags: tuple[str, ...]) -> bool:
    """True where a read-only pin may be one of the shared zero page: FOLL_LONGTERM unshares that, too."""
    return "FOLL_LONGTERM" not in flags and not memory.occupied


def device_read(reference: Reference, place: int, register: Register) -> None:
    """A device reads a place of the page that its reference holds."""
    if reference.state == "held":
        register.value[0] = reference.data[place]


def device_write(p: Promise, reference: Reference, place: int, value: Content) -> None:
    """A device writes: all memory that the reference is attached to changes, and what is attached there."""
    owner = reference.owner
    if owner is None:
        return
    reference.data[place] = value
    for memory in p.seen_through(reference):
        memory.data[place] = value
        memory.lazy = False
        memory.occupy()
        for other in p.attached(memory):
            other.data[place] = value
    for other in p.parted(owner):
        if other is not reference and not reference.promised and p.choose():
            other.data[place] = value  # references that lost their memory may still share a page


def put(p: Promise, reference: Reference) -> None:
    """put_page or unpin_user_page, dirty or not: a write through a reference is a write."""
    p.detach_all(reference)
    reference.state, reference.owner = "put", None
    reference.pin = reference.promised = False
    reference.data.fill(p.content(ZERO))


# -- fork and exit ---------------------------------------------------------------------------------


def fork(p: Promise, cpu: int, parent: Process, child: Process) -> Code:
    """The child's memory is filled page by page; it runs when all of it is there.

    False, and there is no child, where it fails; what fork does to references is done then, too.
    """
    page = 0
    while page < len(p.memory_of(parent)):
        yield from fork_page(p, cpu, p.memory_of(parent)[page], p.memory_of(child)[page])
        yield
        page += 1
    if p.fork_fails:
        yield from exit_process(p, child)
        return False
    child.alive = True
    return True


def fork_page(p: Promise, cpu: int, parent: Memory, child: Memory) -> Code:
    """The child gets the parent's content; a FOLL_GET is without promise from now on.

    After MADV_DONTFORK the child has no such memory.  A page that is pinned is copied at once, place by
    place, while others may write to it.
    """
    if parent.dontfork:
        return
    pinned = any(reference.pin for reference in p.attached(parent))
    place = 0
    while place < child.data.length:
        child.data[place] = parent.data[place]
        place += 1
        if (
            place < child.data.length
            and pinned
            and p.program.written_beside(cpu, p.process_of(parent).number)
        ):
            yield
    child.mapped, child.read, child.write = parent.mapped, parent.read, parent.write
    child.lazy, child.occupied, child.lost = parent.lazy, parent.occupied, parent.lost
    writes.shared(parent, child)
    for reference in p.attached(parent):
        if not reference.pin:
            reference.promised = False
            if p.choose():
                p.attach(reference, child)


def exit_process(p: Promise, process: Process) -> Code:
    """exit: its memory goes, page by page."""
    page = 0
    while page < len(p.memory_of(process)):
        give_up(p, p.memory_of(process)[page])
        yield
        page += 1
    process.alive = False


# -- system calls ----------------------------------------------------------------------------------


def give_up(p: Promise, memory: Memory) -> None:
    """MADV_DONTNEED, munmap, exit: the content goes, and references keep what they see now."""
    for reference in p.attached(memory):
        p.detach(reference, memory)
        if reference.owner is memory:
            reference.promised = False
    memory.data.fill(p.content(ZERO))
    memory.lazy = memory.occupied = memory.lost = False
    writes.gone(memory)


def swapoff(p: Promise) -> None:
    """Swapoff reads all content back, and what cannot be read is lost for good: SIGBUS from then on."""
    for memory in p.memories:
        memory.lost = memory.lost or (p.io_fails and memory.mapped and p.choose())


def munmap(p: Promise, memory: Memory) -> None:
    """The memory goes as well."""
    give_up(p, memory)
    memory.mapped = False


def mprotect(memory: Memory, protection: tuple[str, ...]) -> None:
    """Set what the process itself may do with its memory; references do not ask again."""
    memory.write = "PROT_WRITE" in protection
    memory.read = memory.write or "PROT_READ" in protection


def madvise_dontfork(memory: Memory, dontfork: bool) -> None:
    """MADV_DONTFORK, or MADV_DOFORK: whether fork leaves the memory out."""
    memory.dontfork = dontfork


def madvise_free(p: Promise, memory: Memory) -> None:
    """Discard what is in swap at once, the rest when the kernel likes."""
    if p.choose():
        give_up(p, memory)
    else:
        memory.lazy = True


def discard_lazily(p: Promise, memory: Memory) -> Code:
    """After MADV_FREE the content may go at any moment, but not under a reference that is promised."""
    while True:
        yield IDLE
        if not memory.lazy or any(reference.promised for reference in p.attached(memory)):
            raise Blocked("MADV_FREE")
        give_up(p, memory)


def userfaultfd_move(p: Promise, target: Memory, source: Memory) -> None:
    """UFFDIO_MOVE may fail; else the content goes to the target, and its own references with it.

    It does fail where something has been written at the target (EEXIST).  A child that a reference was still
    attached to stays behind, with what it sees now.
    """
    if target.occupied or source.lost or not (p.choose() and source.writable and target.writable):
        return
    give_up(p, target)
    target.data, target.lazy, target.occupied = source.data, source.lazy, source.occupied
    writes.moved(p, target, source)
    for reference in p.attached(source):
        if reference.owner is source:
            p.detach_all(reference)
            reference.owner = target
            p.attach(reference, target)
    give_up(p, source)
