# SPDX-License-Identifier: MIT
"""Each statement of the litmus language as system calls."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from . import calls, ksm, numa, userfault
from .board import DONE, ENDED, FAILED, FAULTED, HELD, OK, SEEN, UNMET, byte_of
from .memory import (
    PAGEOUT_TRIES,
    SOFT_DIRTY,
    FaultError,
    forget_writes,
    frame,
    is_zero_page,
    may_be_paged_out,
    pagemap,
)
from .process import Process
from .references import POLL
from .setting import UnmetError, write
from .swap import ZSWAP

Statement = dict[str, Any]


def execute(process: Process, thread: int, statement: Statement) -> bytes:
    """Do one statement and return its status byte; if it went wrong, the board says why."""
    try:
        DOERS[statement["do"]](process, thread, statement)
    except FaultError:
        if "register" in statement:
            process.board.seen[statement["register"]] = FAULTED
        return ENDED
    except UnmetError as reason:
        process.board.say(thread, str(reason))
        return UNMET
    except OSError as error:
        process.board.say(thread, f"{statement['text']}: {error.strerror or error}")
        return FAILED
    return OK


# -- the CPU and the device ------------------------------------------------------------------------


def load(process: Process, thread: int, s: Statement) -> None:
    """`r = x[i]`"""
    _assign(process, s["register"], process.memory.load(s["page"], s["place"]))


def store(process: Process, thread: int, s: Statement) -> None:
    """`x[i] = v`"""
    process.memory.store(s["page"], s["place"], _value(process, s))


def get_user_page(process: Process, thread: int, s: Statement) -> None:
    """`g = get_user_page(x)`, `pin_user_page(x)`"""
    process.references[s["reference"]].take()


def device_write(process: Process, thread: int, s: Statement) -> None:
    """`device_write(g, i, v)`"""
    reference = process.references[s["reference"]]
    if reference.held():
        reference.write(s["slot"], s["place"], _value(process, s))


def device_read(process: Process, thread: int, s: Statement) -> None:
    """`r = device_read(g, i)`"""
    reference = process.references[s["reference"]]
    if reference.held():
        byte = reference.read(s["slot"], s["place"])
        if byte is not None:  # else another thread has given the reference back meanwhile
            _assign(process, s["register"], byte)


def put_page(process: Process, thread: int, s: Statement) -> None:
    """`put_page(g)`, `unpin_user_page(g)`, `unpin_user_pages_dirty_lock(g)`"""
    process.references[s["reference"]].put()


# -- processes -------------------------------------------------------------------------------------


def fork(process: Process, thread: int, s: Statement) -> None:
    """`fork(P1)`"""
    process.fork(s["process"])


def exit_process(process: Process, thread: int, s: Statement) -> None:
    """`exit()`: when the other threads of the process are done."""
    for other in process.threads():
        if other != thread:
            _wait_for(process, other)
    process.board.exited[process.index] = 1
    process.board.thread[thread] = DONE
    os._exit(0)


def wait(process: Process, thread: int, s: Statement) -> None:
    """`wait(P1)`"""
    _wait_for(process, s["thread"])


# -- memory management -----------------------------------------------------------------------------


def madvise(process: Process, thread: int, s: Statement) -> None:
    """`madvise(x, MADV_...)`; MADV_PAGEOUT until the page is in swap.

    Where the page may stay it is asked for once: a second call finds what the first one has changed.
    """
    page, last, advice = s["page"], s["last"], s["advice"]
    if advice != "MADV_PAGEOUT":
        with _nothing_mapped():
            process.memory.advise(page, last, advice)
        if advice == "MADV_FREE":
            process.memory.lazyfree.update(range(page, last + 1))
        return
    stays = (
        not process.program["swap"]
        or _pinned(process, page)
        or (process.memory.is_large(page) and _folio_may_stay(process, page))
        or (page in process.memory.lazyfree and _referenced(process, page))  # faeb2831b517, v6.15
    )
    demand = process.demanding and not stays
    with _nothing_mapped():
        if not process.memory.page_out(page, last, PAGEOUT_TRIES if demand else 1) and demand:
            raise UnmetError(f"{s['name']} was not swapped out")


def mprotect(process: Process, thread: int, s: Statement) -> None:
    """`mprotect(x, PROT_...)`"""
    with _nothing_mapped():
        process.memory.protect(s["page"], s["last"], s["protection"])


def munmap(process: Process, thread: int, s: Statement) -> None:
    """`munmap(x)`"""
    process.memory.unmap(s["page"], s["last"])


def swapoff(process: Process, thread: int, s: Statement) -> None:
    """`swapoff()`: everything comes back in; then the device is on again, for the next time.

    Where another thread is at it, there is nothing to do.
    """
    for path in process.job["swap_paths"]:
        with _answered(errno.EINVAL):
            calls.swapoff(path)
    for path in process.job["swap_paths"]:
        with _answered(errno.EBUSY):
            calls.swapon(path)


def migrate(process: Process, thread: int, s: Statement) -> None:
    """`migrate(x)`"""
    address = process.memory.address(s["page"])
    there = bool(frame(address)) and not is_zero_page(address)
    demand = process.demanding and there and not _referenced(process, s["page"])
    if not numa.migrate(address, demand) and demand:
        raise UnmetError(f"{s['name']} was not migrated")


def ksm_merge(process: Process, thread: int, s: Statement) -> None:
    """`ksm_merge(x, y)`"""
    first, second = s["page"], s["other"]
    demand = process.demanding and _alike(process, first, second)
    if not ksm.merge(process.memory.address(first), process.memory.address(second), demand) and demand:
        raise UnmetError(f"{s['name']} were not merged")


def mincore(process: Process, thread: int, s: Statement) -> None:
    """`r = mincore(x)`"""
    with _nothing_mapped():
        in_memory = calls.mincore(process.memory.address(s["page"]))
        _assign(process, s["register"], byte_of(str(int(in_memory))))


def clear_refs(process: Process, thread: int, s: Statement) -> None:
    """`clear_refs()`"""
    forget_writes()


def soft_dirty(process: Process, thread: int, s: Statement) -> None:
    """`r = soft_dirty(x)`"""
    dirty = pagemap(process.memory.address(s["page"])) >> SOFT_DIRTY & 1
    _assign(process, s["register"], byte_of(str(dirty)))


def userfaultfd_wp(process: Process, thread: int, s: Statement) -> None:
    """`userfaultfd_wp(x)`, `userfaultfd_wp(x, 0)`; nothing happens where no memory is mapped."""
    address = process.memory.address(s["page"])
    try:
        if s["protect"]:
            process.writes.protect(address)
        else:
            process.writes.allow(address)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EINVAL, errno.ENOMEM):
            raise


def userfaultfd_read(process: Process, thread: int, s: Statement) -> None:
    """`r = userfaultfd_read(x)`: until a write waits, or the other threads of the process are done."""
    others = [other for other in process.threads() if other != thread]
    waits = process.writes.wait(
        process.memory.address(s["page"]),
        over=lambda: all(process.board.thread[other] == DONE for other in others),
    )
    _assign(process, s["register"], byte_of(str(int(waits))))


def userfaultfd_move(process: Process, thread: int, s: Statement) -> None:
    """`userfaultfd_move(x, y)`"""
    memory = process.memory
    userfault.move(memory.address(s["page"]), memory.address(s["source"]), process.writes)


def pagemap_scan(process: Process, thread: int, s: Statement) -> None:
    """`r = pagemap_scan(x)`; nothing happens where no memory is mapped."""
    try:
        written = process.noted.scan(process.memory.address(s["page"]))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EINVAL, errno.ENOMEM):
            raise
        return
    _assign(process, s["register"], byte_of(str(int(written))))


def zswap_enabled(process: Process, thread: int, s: Statement) -> None:
    """`zswap_enabled()`, `zswap_enabled(0)`; who set up the device gives the setting back as it was."""
    write(ZSWAP, "Y" if s["on"] else "N")


DOERS: dict[str, Callable[[Process, int, Statement], None]] = {
    "Load": load, "Store": store, "GetUserPage": get_user_page, "DeviceWrite": device_write,
    "DeviceRead": device_read, "PutPage": put_page, "Fork": fork, "Exit": exit_process, "Wait": wait,
    "Madvise": madvise, "Mprotect": mprotect, "Munmap": munmap, "Swapoff": swapoff, "Migrate": migrate,
    "KsmMerge": ksm_merge, "Mincore": mincore, "ClearRefs": clear_refs, "SoftDirty": soft_dirty,
    "UserfaultfdWp": userfaultfd_wp, "UserfaultfdRead": userfaultfd_read,
    "UserfaultfdMove": userfaultfd_move, "PagemapScan": pagemap_scan,
    "ZswapEnabled": zswap_enabled,
}  # fmt: skip
"""The system calls of each statement, by the name of its class; held by tests/test_statements.py."""


def _value(process: Process, s: Statement) -> int:
    if "from" in s:
        return process.board.value[s["from"]]
    return byte_of(s["value"])


def _assign(process: Process, register: int, value: int) -> None:
    process.board.value[register] = value
    process.board.seen[register] = SEEN


def _wait_for(process: Process, thread: int) -> None:
    """Wait until a thread is done; where its process ends with it, until the process has gone."""
    board, index = process.board, process.program["threads"][thread]["process"]
    while board.thread[thread] != DONE:
        time.sleep(POLL)
    while board.exited[index] and index != process.index and not calls.has_ended(board.pid(index)):
        time.sleep(POLL)


def _nothing_mapped() -> contextlib.AbstractContextManager[None]:
    """Let a call about memory that is not mapped any more do nothing."""
    return _answered(errno.ENOMEM)


@contextlib.contextmanager
def _answered(number: int) -> Iterator[None]:
    """Take an error for an answer of the kernel: there was nothing to do."""
    try:
        yield
    except OSError as error:
        if error.errno != number:
            raise


def _alike(process: Process, first: int, second: int) -> bool:
    """Tell whether KSM must be able to merge two pages: present, equal, and nobody holds a reference."""
    memory = process.memory
    addresses = [memory.address(page) for page in (first, second)]
    if not all(frame(address) and not is_zero_page(address) for address in addresses):
        return False
    if _referenced(process, first) or _referenced(process, second):
        return False
    places = range(memory.pages[first]["places"])
    contents = [[memory.peek(page, place) for place in places] for page in (first, second)]
    return contents[0] == contents[1] and None not in contents[0]


def _folio_may_stay(process: Process, page: int) -> bool:
    """Tell whether a large folio may stay in memory: somebody refers to a page of it, or shares one."""
    pages = process.memory.folio_of(page)
    alone = all(may_be_paged_out(pagemap(process.memory.address(each))) for each in pages)
    return not alone or any(_referenced(process, each) for each in pages)


def _referenced(process: Process, page: int) -> bool:
    return any(r.page == page and process.board.reference[r.index] == HELD for r in process.references)


def _pinned(process: Process, page: int) -> bool:
    held = (r for r in process.references if r.page == page and process.board.reference[r.index] == HELD)
    return any(reference.pins for reference in held)
