# SPDX-License-Identifier: MIT
"""What private memory promises: no pages, no swap, only values per process.

Explored like the kernel, every interleaving, so that races of the program itself are never called breakage.

A load sees the last store of its own process.  fork gives the child what the parent has, page by page, and
from then on neither sees what the other writes.  Reclaim, swapoff and whatever else the kernel does change
nothing.  A reference (GUP) is *attached* to the memory it was taken from, and then both are the same bytes:

- FOLL_PIN stays attached, whatever happens, until the memory is given up (munmap, MADV_DONTNEED, exit);
- FOLL_GET | FOLL_WRITE likewise, but nothing is promised once the process forks;
- a read-only FOLL_GET may be parted by any store of its process, and then it is stale;
- never may a reference show one process what another one wrote after fork.

A page that its process wrote after clear_refs (or took a reference to for writing) is soft-dirty; any other
may be.  Nothing is said of what devices write, and of writes while clear_refs runs.

Writes to a page that userfaultfd write-protects, and references for writing, are announced and wait until
the protection is taken away.  Nothing is said of a page that was never touched, or was given up.

After MADV_FREE memory may turn into zeros at any moment until it is written again, but not under a promised
reference.  Where nothing is promised, every choice that does not leak is allowed.

The *strict* promise is what one might wish for: every reference is treated as FOLL_PIN is.  No kernel keeps
it; what breaks it and not the promise is what the patch's note warns of (reliability.py).
"""

from __future__ import annotations

from functools import partial

from cowpath.explore.cells import Choice, Contents, Flag, Layout, Pointer, Record
from cowpath.explore.recorder import IDLE, Actor, Code, Constant, Model
from cowpath.explore.step import Blocked, Content
from cowpath.features import features
from cowpath.litmus import ast
from cowpath.program import DISCARDED, SEGV, UNASSIGNED, Program


class Process(Record):
    """One process."""

    alive = Flag("it runs")
    clearing = Flag("clear_refs runs", feature="soft_dirty")


class Memory(Record):
    """One page of one process."""

    data = Contents("places", "what it reads there")
    mapped = Flag("it is there")
    read = Flag("it may be read")
    write = Flag("it may be written")
    lazy = Flag("MADV_FREE: it may turn into zeros until it is written again", feature="lazyfree")
    written = Flag("since clear_refs, or since ever: it is soft-dirty", feature="soft_dirty")
    populated = Flag("it is certain that there is a page", feature="uffd_wp")
    registered = Flag("a userfaultfd may write-protect it", feature="uffd_wp")
    protected = Flag("userfaultfd: writes wait", feature="uffd_wp")


class Reference(Record):
    """A reference that somebody outside holds."""

    state = Choice(("none", "held", "put"), "not taken yet, held, given back")
    owner = Pointer[Memory]("Memory", "the memory it was taken from")
    data = Contents("places", "what is read through it")
    pin = Flag("FOLL_PIN")
    promised = Flag("it stays attached to its owner")


class Attachment(Record):
    """Whether one reference and the memory of one process are the same bytes."""

    attached = Flag("they are")


class Task(Record):
    """A thread."""

    done = Flag("it has run its last statement")
    waits = Pointer[Memory]("Memory", "what it waits to write to", feature="uffd_wp")
    reported = Flag("somebody has read so from the userfaultfd", feature="uffd_wp")


class Register(Record):
    """A register."""

    value = Contents(None, "its content")


class Promise(Constant):
    """The promise for one test."""

    def __init__(self, program: Program, strict: bool = False) -> None:
        self.program, self.strict = program, strict
        self.width = len(program.pages)
        processes = len(program.parents)
        counts: dict[type[Record], int] = {
            Process: processes,
            Memory: processes * self.width,
            Reference: len(program.references),
            Attachment: processes * len(program.references),
            Task: len(program.threads),
            Register: len(program.registers),
        }
        places = max((page.places for page in program.pages), default=1)
        values = (*program.values, DISCARDED, UNASSIGNED, SEGV)
        self.layout = Layout(counts, values, {"places": places}, features=features(program))
        self.processes, self.memories = self.layout.all(Process), self.layout.all(Memory)
        self.references, self.attachments = self.layout.all(Reference), self.layout.all(Attachment)
        self.tasks, self.registers = self.layout.all(Task), self.layout.all(Register)

    def memory(self, process: int, page: str | int) -> Memory:
        """The memory of a process at a page."""
        index = page if isinstance(page, int) else self.program.page_index[page]
        return self.memories[process * self.width + index]

    def attachment(self, reference: Reference, memory: Memory) -> Attachment:
        """The link between a reference and the memory of a process; only one page of it can be meant."""
        return self.attachments[memory.number // self.width * len(self.references) + reference.number]

    def attached(self, memory: Memory) -> list[Reference]:
        """The references that are the same bytes as this memory."""
        return [
            r for r in self.references if self.same_page(r, memory) and self.attachment(r, memory).attached
        ]

    def same_page(self, reference: Reference, memory: Memory) -> bool:
        """Whether a held reference was taken at this page, in whatever process."""
        owner = reference.owner
        return owner is not None and owner.number % self.width == memory.number % self.width

    def reference(self, name: str) -> Reference:
        """A reference by name."""
        return self.references[self.program.reference_index[name]]

    def register(self, task: Task, name: str) -> Register:
        """A register by name."""
        return self.registers[self.program.registers.index((task.number, name))]

    def choose(self) -> bool:
        """Either, and the search takes both."""
        return self.layout.step.choose(2) == 1


# -- what each statement may do --------------------------------------------------------------------


def store(p: Promise, memory: Memory, place: int, value: Content) -> None:
    """A process writes its own memory, and what is attached to it by promise."""
    memory.data[place] = value
    memory.lazy = False
    note_write(p, memory)
    process = memory.number // p.width
    for reference in p.attached(memory):
        own = reference.owner is memory
        alone = not any(
            p.attachment(reference, p.memory(other, memory.number % p.width)).attached
            for other in range(len(p.processes))
            if other != process
        )
        if own and (reference.promised or (alone and p.choose())):
            reference.data[place] = value
        else:
            p.attachment(reference, memory).attached = False


def note_write(p: Promise, memory: Memory) -> None:
    """The page is there, and soft-dirty from now on."""
    if "soft_dirty" in p.layout.features:
        memory.written = not p.processes[memory.number // p.width].clearing
    memory.populated = "uffd_wp" in p.layout.features


def device_write(p: Promise, reference: Reference, place: int, value: Content) -> None:
    """A device writes: every memory that the reference is attached to changes, and what is attached there."""
    owner = reference.owner
    if owner is None:
        return
    reference.data[place] = value
    for process in range(len(p.processes)):
        memory = p.memory(process, owner.number % p.width)
        if p.attachment(reference, memory).attached:
            memory.data[place] = value
            memory.lazy = False
            for other in p.attached(memory):
                other.data[place] = value
    for other in p.references:
        parted = other.owner is owner and not p.attachment(other, owner).attached
        if other is not reference and parted and not reference.promised and p.choose():
            other.data[place] = value  # two references that lost their memory may still share a page


def take(p: Promise, reference: Reference, memory: Memory, flags: tuple[str, ...], pin: bool) -> None:
    """get_user_page or pin_user_page; it fails where the process itself could not do that access.

    FOLL_FORCE is for debuggers: it does not ask what the mapping permits.
    """
    write, force = "FOLL_WRITE" in flags, "FOLL_FORCE" in flags
    pin = pin or p.strict
    if not memory.mapped or not (force or (memory.write if write else memory.read)):
        reference.state = "put"
        return
    reference.state, reference.owner = "held", memory
    reference.data = memory.data
    reference.pin, reference.promised = pin, pin or write
    p.attachment(reference, memory).attached = True
    if write:
        note_write(p, memory)


def put(p: Promise, reference: Reference) -> None:
    """put_page or unpin_user_page."""
    reference.state, reference.owner = "put", None
    reference.pin = reference.promised = False
    reference.data.fill(p.layout.content(ast.ZERO))
    for process in range(len(p.processes)):
        p.attachment(reference, p.memory(process, 0)).attached = False


def give_up(p: Promise, memory: Memory) -> None:
    """munmap, MADV_DONTNEED, exit: the content goes, and references keep what they see now."""
    for reference in p.attached(memory):
        p.attachment(reference, memory).attached = False
        if reference.owner is memory:
            reference.promised = False
    memory.data.fill(p.layout.content(ast.ZERO))
    memory.lazy = memory.written = memory.populated = memory.protected = False


def move(p: Promise, target: Memory, source: Memory) -> None:
    """UFFDIO_MOVE, where it does not fail: the content goes to the target, and its own references with it."""
    if not (source.mapped and source.write and target.mapped and target.write):
        return
    give_up(p, target)
    target.data, target.lazy = source.data, source.lazy
    note_write(p, target)
    target.protected = target.registered and source.protected
    for reference in p.attached(source):
        if reference.owner is source:
            reference.owner = target
    give_up(p, source)


def discard_lazily(p: Promise, memory: Memory) -> Code:
    """After MADV_FREE the content may go at any moment, but not under a reference that is promised."""
    while True:
        yield IDLE
        if not memory.lazy or any(reference.promised for reference in p.attached(memory)):
            raise Blocked("MADV_FREE")
        give_up(p, memory)


def fork_page(p: Promise, parent: Memory, child: Memory) -> None:
    """The child gets the parent's content; a FOLL_GET for writing is without promise from now on."""
    child.data = parent.data
    child.mapped, child.read, child.write = parent.mapped, parent.read, parent.write
    child.lazy, child.written, child.populated = parent.lazy, parent.written, parent.populated
    for reference in p.attached(parent):
        if not reference.pin and reference.promised:
            reference.promised = False
        if not reference.pin:
            p.attachment(reference, child).attached = p.choose()


# -- threads ---------------------------------------------------------------------------------------


def run_thread(p: Promise, task: Task) -> Code:
    """Every statement in order, from when the process exists."""
    if not p.processes[p.program.threads[task.number].process].alive:
        raise Blocked(f"the fork of {task}")
    position = 0
    while position < len(p.program.threads[task.number].body):
        if "uffd_wp" in p.layout.features:
            yield from announce(p, task, written_by(p, task, position))
        statement = p.program.threads[task.number].body[position]
        if isinstance(statement, ast.Fork):
            yield from fork(p, task, p.program.threads[p.program.thread_index[statement.thread]].process)
        elif isinstance(statement, ast.ClearRefs):
            yield from clear_refs(p, task)
        elif isinstance(statement, ast.Exit):
            yield from leave(p, task)
            break
        elif not execute(p, task, statement):
            break
        yield
        position += 1
    task.done = True


def written_by(p: Promise, task: Task, position: int) -> Memory | None:
    """The memory that a statement writes to through its process, where it may."""
    process = p.program.threads[task.number].process
    match p.program.threads[task.number].body[position]:
        case ast.Store(page=page):
            memory, force = p.memory(process, page), False
        case ast.GetUserPage(page=page, flags=flags) if "FOLL_WRITE" in flags:
            memory, force = p.memory(process, page), "FOLL_FORCE" in flags
        case _:
            return None
    return memory if memory.mapped and (force or memory.write) else None


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


def protect(p: Promise, memory: Memory, on: bool) -> None:
    """UFFDIO_WRITEPROTECT.  Where there may be no page nothing is remembered; off lets writers go."""
    if not memory.mapped:
        return
    if on:
        memory.registered = True
        memory.protected = memory.populated or p.choose()
        return
    memory.protected = False
    for task in p.tasks:
        if task.waits is memory:
            task.waits, task.reported = None, False


def listen(p: Promise, task: Task, memory: Memory) -> bool:
    """Whether a thread waits to write here: known when one does, or when none can any more."""
    process = memory.number // p.width
    peers = [p.tasks[thread.index] for thread in p.program.threads if thread.process == process]
    for peer in peers:
        if peer.waits is memory and not peer.reported:
            peer.reported = True
            return True
    if not all(peer.done for peer in peers if peer is not task):
        raise Blocked(f"a write to {memory}")
    return False


def fork(p: Promise, task: Task, child: int) -> Code:
    """The child's memory is filled page by page; it runs when all of it is there."""
    page = 0
    while page < p.width:
        fork_page(p, p.memory(p.program.threads[task.number].process, page), p.memory(child, page))
        yield
        page += 1
    p.processes[child].alive = True


def clear_refs(p: Promise, task: Task) -> Code:
    """Nothing counts as written; writes meanwhile may be noted or not."""
    process = p.program.threads[task.number].process
    p.processes[process].clearing = True
    for page in range(p.width):
        p.memory(process, page).written = False
    yield
    p.processes[process].clearing = False


def leave(p: Promise, task: Task) -> Code:
    """exit, once the other threads of the process are done."""
    process = p.program.threads[task.number].process
    for thread in p.program.threads:
        other = p.tasks[thread.index]
        if other is not task and thread.process == process and not other.done:
            raise Blocked(f"the end of {other}")
    page = 0
    while page < p.width:
        give_up(p, p.memory(process, page))
        yield
        page += 1
    p.processes[process].alive = False


def execute(p: Promise, task: Task, statement: ast.Statement) -> bool:
    """One statement at one instant; False where the process is killed by SIGSEGV."""
    process = p.program.threads[task.number].process
    match statement:
        case ast.Load(register=name, page=page, place=place):
            memory, register = p.memory(process, page), p.register(task, name)
            readable = memory.mapped and memory.read
            register.value[0] = memory.data[place] if readable else p.layout.content(SEGV)
            return readable
        case ast.Store(page=page, place=place, value=value):
            memory = p.memory(process, page)
            if not (memory.mapped and memory.write):
                return False
            store(p, memory, place, content(p, task, value))
        case ast.GetUserPage(reference=name, page=page, flags=flags, pin=pin):
            take(p, p.reference(name), p.memory(process, page), flags, pin)
        case ast.DeviceWrite(reference=name, place=place, value=value):
            device_write(p, taken(p, name), place, content(p, task, value))
        case ast.DeviceRead(register=name, reference=reference, place=place):
            if taken(p, reference).state == "held":
                p.register(task, name).value[0] = p.reference(reference).data[place]
        case ast.SoftDirty(register=name, page=page):
            noted = p.memory(process, page).written or p.choose()
            p.register(task, name).value[0] = p.layout.content(ast.YES if noted else ast.NO)
        case ast.UserfaultfdWp(page=page, mode=mode):
            protect(p, p.memory(process, page), on=not mode)
        case ast.UserfaultfdRead(register=name, page=page):
            waits = listen(p, task, p.memory(process, page))
            p.register(task, name).value[0] = p.layout.content(ast.YES if waits else ast.NO)
        case ast.PutPage(reference=name):
            put(p, taken(p, name))
        case ast.Mprotect(page=page, protection=protection):
            memory = p.memory(process, page)
            memory.write = "PROT_WRITE" in protection
            memory.read = memory.write or "PROT_READ" in protection
        case ast.Munmap(page=page):
            give_up(p, p.memory(process, page))
            p.memory(process, page).mapped = False
        case ast.Madvise(page=page, advice="MADV_DONTNEED"):
            give_up(p, p.memory(process, page))
        case ast.Madvise(page=page, advice="MADV_FREE"):
            memory = p.memory(process, page)
            if p.choose():
                give_up(p, memory)  # what is in swap goes at once
            else:
                memory.lazy = True
        case ast.UserfaultfdMove(destination=destination, source=page):
            if p.choose():
                move(p, p.memory(process, destination), p.memory(process, page))
        case ast.Wait(thread=thread):
            if not p.tasks[p.program.thread_index[thread]].done:
                raise Blocked(f"the end of {thread}")
    return True


def content(p: Promise, task: Task, value: ast.Value) -> Content:
    """A constant, or what a register holds."""
    if isinstance(value, ast.Register):
        return p.register(task, value.name).value[0]
    return p.layout.content(value)


def taken(p: Promise, name: str) -> Reference:
    """A reference by name, once somebody has taken it."""
    reference = p.reference(name)
    if reference.state == "none":
        raise Blocked(f"reference {name}")
    return reference


# -- the promise as something to explore -----------------------------------------------------------


def build(program: Program, strict: bool = False) -> Model:
    """The promise of a test, to be explored; `strict` treats every reference as FOLL_PIN."""
    p = Promise(program, strict)
    actors = tuple(
        Actor(thread.name, partial(run_thread, p, task), optional=thread.forked_by is not None)
        for thread, task in zip(program.threads, p.tasks, strict=True)
    )
    if "lazyfree" in p.layout.features:
        actors += tuple(
            Actor(f"MADV_FREE of {memory}", partial(discard_lazily, p, memory), background=True)
            for memory in p.memories
        )
    return Model(p.layout, actors, p.layout.initial(partial(begin, p)), partial(observe, p))


def begin(p: Promise) -> None:
    """Process 0 with its pages."""
    p.processes[0].alive = True
    for register in p.registers:
        register.value.fill(p.layout.content(UNASSIGNED))
    for page in p.program.pages:
        memory = p.memory(0, page.index)
        memory.mapped = memory.read = memory.write = True
        memory.written = "soft_dirty" in p.layout.features
        memory.populated = "uffd_wp" in p.layout.features and page.content is not None
        for place, value in enumerate(page.content or ()):
            memory.data[place] = p.layout.content(value)


def observe(p: Promise) -> tuple[object, ...]:
    """Registers, then the memory of every living process."""
    seen: list[object] = [register.value[0] for register in p.registers]
    for process, record in enumerate(p.processes):
        alive = record.alive
        for page in p.program.pages:
            memory = p.memory(process, page.index)
            visible = alive and memory.mapped
            seen += [memory.data[place] if visible else "" for place in range(page.places)]
    return tuple(seen)
