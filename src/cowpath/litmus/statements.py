# SPDX-License-Identifier: MIT
"""The statements of the language, each with its row, in the order of docs/litmus.md.

A new statement is a class here.  Whoever runs statements has one table keyed by these classes: linux/task.py
(the mechanism), promise/task.py (the promise), machine/compile.py and machine/agent/statements.py (the
machine).  docs/adding-a-statement.md shows how; tests/test_statements.py holds that no table has a gap.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cowpath.litmus.ast import NO, YES, Statement, Value
from cowpath.litmus.form import Form, Kind, Operand, subsets

_PAGE = Operand("page", Kind.PAGE)
_RANGE = Operand("page", Kind.RANGE)  # and `last`, where it is x..y
_PLACE = Operand("place", Kind.PLACE)
_VALUE = Operand("value", Kind.VALUE)
_REFERENCE = Operand("reference", Kind.REFERENCE)
_THREAD = Operand("thread", Kind.THREAD)
_GET_FLAGS = Operand("flags", Kind.FLAGS, subsets("FOLL_WRITE", "FOLL_FORCE"))
_PIN_FLAGS = Operand(
    "flags", Kind.FLAGS, subsets("FOLL_WRITE", "FOLL_LONGTERM", "FOLL_FORCE"),
    {(): "occupied", ("FOLL_FORCE",): "occupied"},  # they may find the shared zero page
)  # fmt: skip

# -- loads and stores ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Load(Statement):
    """`r0 = x[1]`: a load through the page table."""

    register: str
    page: str
    place: int

    forms = (Form("", (_PAGE, _PLACE), "a load through the page table", "register"),)


@dataclass(frozen=True, slots=True)
class Store(Statement):
    """`x[1] = 'c'`: a store through the page table."""

    page: str
    place: int
    value: Value

    forms = (Form("", (_PAGE, _PLACE, _VALUE), "a store through the page table"),)


# -- references ------------------------------------------------------------------------------------


def _take(name: str, flags: Operand, meaning: str, *, pin: bool, fast: bool) -> Form:
    implied = {"pin": pin, "fast": fast}
    return Form(name, (_PAGE, flags), meaning, "reference", implied, "gup_fast" if fast else "")


@dataclass(frozen=True, slots=True)
class GetUserPage(Statement):
    """`g = get_user_page(x, FOLL_WRITE)`, `pin_user_page(...)`, and their `_fast` forms."""

    reference: str
    page: str
    flags: tuple[str, ...]  # FOLL_WRITE, FOLL_LONGTERM, FOLL_FORCE, in this order
    pin: bool  # FOLL_PIN instead of FOLL_GET
    fast: bool  # without the mmap lock

    forms = (
        _take("get_user_page", _GET_FLAGS, "take a reference: FOLL_GET", pin=False, fast=False),
        _take("get_user_page_fast", _GET_FLAGS, "FOLL_GET without the mmap lock", pin=False, fast=True),
        _take("pin_user_page", _PIN_FLAGS, "take a pin: FOLL_PIN", pin=True, fast=False),
        _take("pin_user_page_fast", _PIN_FLAGS, "FOLL_PIN without the mmap lock", pin=True, fast=True),
    )


@dataclass(frozen=True, slots=True)
class DeviceWrite(Statement):
    """`device_write(g, 0, 'D')`: through the reference, not through any pte."""

    reference: str
    place: int
    value: Value

    forms = (Form("device_write", (_REFERENCE, _PLACE, _VALUE), "a device writes, through no pte"),)


@dataclass(frozen=True, slots=True)
class DeviceRead(Statement):
    """`r0 = device_read(g, 0)`: through the reference, not through any pte."""

    register: str
    reference: str
    place: int

    forms = (Form("device_read", (_REFERENCE, _PLACE), "a device reads, through no pte", "register"),)


@dataclass(frozen=True, slots=True)
class PutPage(Statement):
    """`put_page(g)`, `unpin_user_page(g)` or `unpin_user_pages_dirty_lock(g)`."""

    reference: str
    pin: bool
    dirty: bool  # what was written is marked dirty first

    forms = (
        Form(
            "put_page", (_REFERENCE,), "mark what was written dirty, and give a FOLL_GET reference back",
            implied={"pin": False, "dirty": True},
        ),
        Form(
            "unpin_user_page", (_REFERENCE,), "give a FOLL_PIN back, and say nothing of what was written",
            implied={"pin": True, "dirty": False},
        ),
        Form(
            "unpin_user_pages_dirty_lock", (_REFERENCE,), "mark the page dirty, and give a FOLL_PIN back",
            implied={"pin": True, "dirty": True},
        ),
    )  # fmt: skip


# -- processes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fork(Statement):
    """`fork(P1)`: P1 starts in a child of this process."""

    thread: str

    forms = (Form("fork", (_THREAD,), "the thread starts in a child of this process", everywhere=True),)


@dataclass(frozen=True, slots=True)
class Exit(Statement):
    """`exit()`: the whole process ends; its memory goes."""

    forms = (Form("exit", (), "the whole process ends and its memory goes", everywhere=True),)


@dataclass(frozen=True, slots=True)
class Wait(Statement):
    """`wait(P1)`: until P1 has done its last statement."""

    thread: str

    forms = (Form("wait", (_THREAD,), "until that thread has done its last statement"),)


# -- system calls ----------------------------------------------------------------------------------

_ADVICE = Operand(
    "advice",
    Kind.WORD,
    (
        ("MADV_PAGEOUT",), ("MADV_DONTNEED",), ("MADV_FREE",), ("MADV_MERGEABLE",), ("MADV_UNMERGEABLE",),
        ("MADV_DONTFORK",), ("MADV_DOFORK",),
    ),
    {
        "MADV_FREE": "lazyfree", "MADV_MERGEABLE": "ksm",
        "MADV_DONTFORK": "dontfork", "MADV_DOFORK": "dontfork",
    },
)  # fmt: skip
_PROTECTION = Operand("protection", Kind.FLAGS, (("PROT_NONE",), ("PROT_READ",), ("PROT_READ", "PROT_WRITE")))


@dataclass(frozen=True, slots=True)
class Madvise(Statement):
    """`madvise(x, MADV_PAGEOUT)`, `madvise(x..y, MADV_FREE)`."""

    page: str
    advice: str  # a word of _ADVICE
    last: str = ""  # the last page of a range

    forms = (Form("madvise", (_RANGE, _ADVICE), "as madvise(2)"),)


@dataclass(frozen=True, slots=True)
class Mprotect(Statement):
    """`mprotect(x, PROT_READ | PROT_WRITE)`, `mprotect(x..y, PROT_READ)`."""

    page: str
    protection: tuple[str, ...]  # PROT_READ, PROT_WRITE in this order, or PROT_NONE alone
    last: str = ""  # the last page of a range

    forms = (Form("mprotect", (_RANGE, _PROTECTION), "as mprotect(2)"),)


@dataclass(frozen=True, slots=True)
class Munmap(Statement):
    """`munmap(x)`, `munmap(x..y)`."""

    page: str
    last: str = ""  # the last page of a range

    forms = (Form("munmap", (_RANGE,), "as munmap(2)"),)


@dataclass(frozen=True, slots=True)
class Swapoff(Statement):
    """`swapoff()`: every slot of the test's swap device is read back in."""

    forms = (
        Form(
            "swapoff", (), "every slot of the test's swap is read back in",
            feature="swapoff", needs_swap=True, everywhere=True,
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Migrate(Statement):
    """`migrate(x)`: the page moves to another folio."""

    page: str

    forms = (Form("migrate", (_PAGE,), "the page moves to another folio", feature="migration"),)


@dataclass(frozen=True, slots=True)
class KsmMerge(Statement):
    """`ksm_merge(x, y)`: ksmd finds the two pages and tries to merge them."""

    page: str
    other: str

    forms = (
        Form("ksm_merge", (_PAGE, Operand("other", Kind.PAGE)), "ksmd tries to merge the two", feature="ksm"),
    )


@dataclass(frozen=True, slots=True)
class NumaHint(Statement):
    """`numa_hint(x)`: the next access faults, for the kernel to learn where it comes from."""

    page: str

    forms = (Form("numa_hint", (_PAGE,), "NUMA balancing lets the next access fault", feature="numa"),)


@dataclass(frozen=True, slots=True)
class Mincore(Statement):
    """`r0 = mincore(x)`: YES where the page is in memory, mapped or in the swap cache, else NO."""

    register: str
    page: str

    forms = (Form("mincore", (_PAGE,), "as mincore(2)", "register", answers=(NO, YES)),)


# -- what user space is told of writes -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClearRefs(Statement):
    """`clear_refs()`: from now on the process's writes are noted (soft-dirty)."""

    forms = (
        Form(
            "clear_refs", (), "4 is written to /proc/self/clear_refs", feature="soft_dirty", everywhere=True
        ),
    )


@dataclass(frozen=True, slots=True)
class SoftDirty(Statement):
    """`r0 = soft_dirty(x)`: YES where pagemap calls the page soft-dirty, else NO."""

    register: str
    page: str

    forms = (
        Form(
            "soft_dirty", (_PAGE,), "bit 55 of /proc/self/pagemap", "register",
            feature="soft_dirty", answers=(NO, YES), told=True,
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class UserfaultfdWp(Statement):
    """`userfaultfd_wp(x)`: writes wait until `userfaultfd_wp(x, 0)`."""

    page: str
    mode: tuple[str, ...]  # of UFFDIO_WRITEPROTECT, NO: off; empty: on

    forms = (
        Form(
            "userfaultfd_wp", (_PAGE, Operand("mode", Kind.FLAGS, ((), (NO,)))),
            "UFFDIO_WRITEPROTECT: writes wait; with 0 they need not any more", feature="uffd_wp",
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class UserfaultfdRead(Statement):
    """`r0 = userfaultfd_read(x)`: wait for a write that waits; NO where none can come any more, else YES."""

    register: str
    page: str

    forms = (
        Form(
            "userfaultfd_read", (_PAGE,), "wait for a write that waits", "register",
            feature="uffd_wp", answers=(NO, YES), told=True,
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class UserfaultfdMove(Statement):
    """`userfaultfd_move(x, y)`: UFFDIO_MOVE to x from y."""

    destination: str
    source: str

    forms = (
        Form(
            "userfaultfd_move", (Operand("destination", Kind.PAGE), Operand("source", Kind.PAGE)),
            "UFFDIO_MOVE to the first page from the second", feature="move",
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PagemapScan(Statement):
    """`r0 = pagemap_scan(x)`: YES where the page was written since the last one; writes are noted again."""

    register: str
    page: str

    forms = (
        Form(
            "pagemap_scan", (_PAGE,), "PAGEMAP_SCAN: get and clear PAGE_IS_WRITTEN", "register",
            feature="wp_async", answers=(NO, YES), told=True,
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ZswapEnabled(Statement):
    """`zswap_enabled(0)`: zswap takes no new pages, until `zswap_enabled()`."""

    mode: tuple[str, ...]  # NO: off; empty: on

    forms = (
        Form(
            "zswap_enabled", (Operand("mode", Kind.FLAGS, ((), (NO,))),),
            "zswap takes new pages; with 0 it takes none", feature="zswap_switch",
            needs_swap=True, devices=("zswap", "zswap_zram"), everywhere=True,
        ),
    )  # fmt: skip


# -- all of them -----------------------------------------------------------------------------------

STATEMENTS: tuple[type[Statement], ...] = (
    Load, Store, GetUserPage, DeviceWrite, DeviceRead, PutPage, Fork, Exit, Wait, Madvise, Mprotect, Munmap,
    Swapoff, Migrate, KsmMerge, NumaHint, Mincore, ClearRefs, SoftDirty, UserfaultfdWp, UserfaultfdRead,
    UserfaultfdMove, PagemapScan, ZswapEnabled,
)  # fmt: skip
"""Every kind of statement, in the order of docs/litmus.md."""

CALLS: Mapping[str, Form] = {form.name: form for kind in STATEMENTS for form in kind.forms if form.name}
"""Every row that is written as a call, by its name."""

KINDS: Mapping[str, type[Statement]] = {form.name: kind for kind in STATEMENTS for form in kind.forms}
"""The class of each call, by the name of the call."""
