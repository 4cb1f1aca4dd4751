# SPDX-License-Identifier: MIT
"""Litmus tests made from parts: a kind of reference, and a situation it may get into.

Each test asks one question: does this reference stay coherent with the memory it was taken from?  A writable
one is asked by the device writing one place while the CPU writes another; a read-only one by the CPU writing
and the device reading the same place.  `x[0]` is the device's place, `x[1]` the CPU's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cowpath.litmus import ast
from cowpath.litmus.ast import Statement
from cowpath.litmus.large import in_large_folios
from cowpath.litmus.statements import (
    DeviceRead,
    DeviceWrite,
    Fork,
    GetUserPage,
    KsmMerge,
    Load,
    Madvise,
    Migrate,
    Mprotect,
    Munmap,
    PutPage,
    Store,
    Swapoff,
    Wait,
)

REFERENCE = "g"


@dataclass(frozen=True, slots=True)
class ReferenceKind:
    """A kind of reference: which GUP flags it was taken with."""

    name: str
    pin: bool = False
    write: bool = False
    fast: bool = False
    longterm: bool = False

    @property
    def title(self) -> str:
        """The flags as kernel people write them.

        >>> ReferenceKind("pin-write-fast", pin=True, write=True, fast=True).title
        'FOLL_PIN | FOLL_WRITE, GUP-fast'
        """
        flags = ["FOLL_PIN" if self.pin else "FOLL_GET"]
        flags += ["FOLL_WRITE"] * self.write + ["FOLL_LONGTERM"] * self.longterm
        return " | ".join(flags) + ", read-only" * (not self.write) + ", GUP-fast" * self.fast

    def take(self, page: str = "x") -> GetUserPage:
        """The statement that takes such a reference."""
        flags = ("FOLL_WRITE",) * self.write + ("FOLL_LONGTERM",) * self.longterm
        return GetUserPage(REFERENCE, page, flags, self.pin, self.fast)

    def put(self) -> PutPage:
        """The statement that gives it back, as a driver should that may have written: dirty."""
        return PutPage(REFERENCE, self.pin, dirty=True)


KINDS = (
    ReferenceKind("get-read"),
    ReferenceKind("get-write", write=True),
    ReferenceKind("pin-read", pin=True),
    ReferenceKind("pin-write", pin=True, write=True),
)
"""The four kinds of the founding patch's note."""

MORE_KINDS = (
    ReferenceKind("get-read-fast", fast=True),
    ReferenceKind("get-write-fast", write=True, fast=True),
    ReferenceKind("pin-read-fast", pin=True, fast=True),
    ReferenceKind("pin-write-fast", pin=True, write=True, fast=True),
    ReferenceKind("pin-read-longterm", pin=True, longterm=True),
    ReferenceKind("pin-write-longterm", pin=True, write=True, longterm=True),
)
"""The same without the mmap lock first, and FOLL_LONGTERM."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Something that happens to a page while a reference to it exists."""

    name: str
    title: str
    question: str
    make: Callable[[ReferenceKind], ast.Litmus]
    large: bool = False  # with its pages in large folios

    def test(self, kind: ReferenceKind) -> ast.Litmus:
        """The test that asks whether this kind of reference survives the situation.

        >>> situation("swap-read").test(KINDS[1]).name
        'get-write-swap-read'
        """
        made = self.make(kind)
        if self.large:
            made = in_large_folios(made)
        name = f"{kind.name}-{self.name}" + "-large" * self.large
        comment = f"{kind.title}: {self.question}"
        return ast.Litmus(
            name, comment, made.pages, made.settings, made.background, made.threads, made.condition
        )


# -- parts -----------------------------------------------------------------------------------------

PAGEOUT = Madvise("x", "MADV_PAGEOUT")
READ_ONLY = Mprotect("x", ("PROT_READ",))
WRITABLE = Mprotect("x", ("PROT_READ", "PROT_WRITE"))
CPU_READS = Load("r0", "x", 1)
CPU_WRITES = Store("x", 1, "c")
FORK = Fork("P1")


def use(kind: ReferenceKind) -> tuple[Statement, ...]:
    """The CPU writes, the device writes or reads, the reference goes, and r1 tells."""
    if kind.write:
        return CPU_WRITES, DeviceWrite(REFERENCE, 0, "D"), kind.put(), Load("r1", "x", 0)
    return CPU_WRITES, DeviceRead("r1", REFERENCE, 1), kind.put()


def incoherent(kind: ReferenceKind, thread: int = 0) -> ast.Condition:
    """The condition that `use` shows the value from before: the reference and the memory have parted."""
    return ast.Condition("exists", ast.RegisterIs(thread, "r1", "a" if kind.write else "b"))


def scene(
    bodies: tuple[tuple[Statement, ...], ...],
    condition: ast.Condition,
    of: tuple[str | None, ...] = (None, None, None),
    background: tuple[ast.Background, ...] = (),
    pages: tuple[str, ...] = ("x",),
) -> ast.Litmus:
    """Threads P0, P1, ... with these bodies on pages that hold "ab"; name and comment come later."""
    declarations = tuple(ast.PageDeclaration(page, 2, ("a", "b")) for page in pages)
    threads = tuple(
        ast.ThreadDeclaration(f"P{number}", pages, of[number], body) for number, body in enumerate(bodies)
    )
    return ast.Litmus("", "", declarations, (), background, threads, condition)


def while_held(*between: Statement) -> Callable[[ReferenceKind], ast.Litmus]:
    """A test of one process: the reference is taken, something happens, it is used."""

    def make(kind: ReferenceKind) -> ast.Litmus:
        return scene(((kind.take(), *between, *use(kind)),), incoherent(kind))

    return make


CHILD = (Load("r0", "x", 1),)
"""The statements of a fork's child, which looks for what its parent wrote."""


def around_fork(
    before: tuple[Statement, ...], after: tuple[Statement, ...]
) -> Callable[[ReferenceKind], ast.Litmus]:
    """A fork with something before it and after it; None in either stands for taking the reference."""

    def make(kind: ReferenceKind) -> ast.Litmus:
        return scene(((*before, FORK, *after, *use(kind)), CHILD), incoherent(kind))

    return make


# -- situations that are not one statement ---------------------------------------------------------


def fork_before(kind: ReferenceKind) -> ast.Litmus:
    """The page is shared already when the reference is taken."""
    return around_fork((), (kind.take(),))(kind)


def fork_after(kind: ReferenceKind) -> ast.Litmus:
    """The page is shared while the reference is held."""
    return around_fork((kind.take(),), ())(kind)


def fork_after_pageout(kind: ReferenceKind) -> ast.Litmus:
    """As fork_after, but reclaim came first."""
    return around_fork((kind.take(), PAGEOUT), ())(kind)


def fork_during(kind: ReferenceKind) -> ast.Litmus:
    """Another thread of the process takes the reference while one forks."""
    return scene(((FORK,), CHILD, (kind.take(), *use(kind))), incoherent(kind, 2))


def kswapd(kind: ReferenceKind) -> ast.Litmus:
    """Reclaim at any moment, before, between and after everything else."""
    body = (kind.take(), CPU_READS, *use(kind))
    return scene((body,), incoherent(kind), background=(ast.Background("kswapd", ("x",)),))


def taken_from_swap(kind: ReferenceKind) -> ast.Litmus:
    """GUP itself brings the page back."""
    return scene(((PAGEOUT, kind.take(), *use(kind)),), incoherent(kind))


def dontneed(kind: ReferenceKind) -> ast.Litmus:
    """The reference keeps the old page; the memory starts anew, and neither shows the other."""
    access: tuple[Statement, ...] = (DeviceRead("r1", REFERENCE, 1), kind.put())
    if kind.write:
        access = (DeviceWrite(REFERENCE, 0, "D"), kind.put(), Load("r1", "x", 0))
    body = (kind.take(), Madvise("x", "MADV_DONTNEED"), *access)
    return scene((body,), ast.Condition("exists", ast.RegisterIs(0, "r1", "D" if kind.write else "\\0")))


def munmap(kind: ReferenceKind) -> ast.Litmus:
    """The mapping goes; the device can still use its page."""
    access: tuple[Statement, ...] = (DeviceRead("r1", REFERENCE, 1),)
    if kind.write:
        access = (DeviceWrite(REFERENCE, 1, "D"), *access)
    body = (kind.take(), Munmap("x"), *access, kind.put())
    expected = ast.RegisterIs(0, "r1", "D" if kind.write else "b")
    return scene((body,), ast.Condition("exists", ast.Not(expected)))


def child_keeps(*parent: Statement) -> Callable[[ReferenceKind], ast.Litmus]:
    """A child takes the reference and gives up its mapping; then the parent writes (CVE-2020-29374)."""

    def make(kind: ReferenceKind) -> ast.Litmus:
        first = (FORK, Wait("P1"), *parent, Store("x", 1, "p"))
        child = (kind.take(), Munmap("x"))
        device: tuple[Statement, ...] = (DeviceRead("r1", REFERENCE, 1),)
        if kind.write:
            device = (DeviceWrite(REFERENCE, 0, "D"), *device)
        seen = ast.Condition("exists", ast.RegisterIs(2, "r1", "p"))
        return scene((first, child, device), seen, of=(None, None, "P1"))

    return make


def ksm(kind: ReferenceKind) -> ast.Litmus:
    """KSM tries to merge the page with an equal one."""
    merge = (
        Madvise("x", "MADV_MERGEABLE"), Madvise("y", "MADV_MERGEABLE"), KsmMerge("x", "y"),
    )  # fmt: skip
    return scene(((kind.take(), *merge, *use(kind)),), incoherent(kind), pages=("x", "y"))


SITUATIONS = (
    Situation("plain", "nothing happens", "nothing else happens to the page.", while_held()),
    Situation("fork-before", "fork before it is taken", "taken after fork shared the page.", fork_before),
    Situation("fork-during", "fork while it is taken", "taken by a thread while another forks.", fork_during),
    Situation("fork-after", "fork while it is held", "the process forks while it is held.", fork_after),
    Situation(
        "fork-swapped", "swapped out, then fork", "reclaim unmaps the page, then the process forks.",
        fork_after_pageout,
    ),
    Situation(
        "swap-read", "swapped out, read back",
        "the page is reclaimed and read back in by a load, then written.", while_held(PAGEOUT, CPU_READS),
    ),
    Situation(
        "swap-write", "swapped out, written back",
        "the page is reclaimed, and a store is what brings it back.", while_held(PAGEOUT),
    ),
    Situation("kswapd", "kswapd at any moment", "kswapd may reclaim the page at any moment.", kswapd),
    Situation("swapped", "taken from swap", "the page is in swap when it is taken.", taken_from_swap),
    Situation(
        "swapoff", "swapped out, swapoff", "the page is reclaimed and swapoff brings it back.",
        while_held(PAGEOUT, Swapoff()),
    ),
    Situation(
        "mprotect", "mprotect to read-only and back", "the page is write-protected for a while.",
        while_held(READ_ONLY, WRITABLE),
    ),
    Situation("dontneed", "MADV_DONTNEED", "the process gives up the content.", dontneed),
    Situation("munmap", "munmap", "the process gives up the mapping.", munmap),
    Situation(
        "child-munmap", "held by a child that unmapped",
        "a child holds it and has unmapped the page; the parent writes.", child_keeps(),
    ),
    Situation(
        "child-munmap-swap", "the same, parent swapped out",
        "a child holds it and has unmapped the page; the parent writes to it from swap.",
        child_keeps(PAGEOUT),
    ),
    Situation("ksm", "KSM", "KSM tries to merge the page with an equal one.", ksm),
    Situation("migration", "migration", "the page is migrated.", while_held(Migrate("x"))),
)  # fmt: skip
"""In the order of the table.  Those whose statements are not modelled yet say so in their cells."""


def situation(name: str) -> Situation:
    """A situation by name; KeyError if there is none."""
    return {one.name: one for one in SITUATIONS}[name]
