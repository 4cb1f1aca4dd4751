# SPDX-License-Identifier: MIT
"""The worker: looks whether the machine can do all that the test asks for, then runs the rounds."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from . import calls, numa, userfault
from .board import HELD, Board
from .fuse import HeldFile
from .memory import MAPPED_ONCE, pagemap, tracks_writes
from .references import POLL
from .rounds import Tally, run_rounds
from .setting import CannotRunError
from .uring import Ring


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Run the rounds of a job and return the result, or why there is none."""
    program = job["program"]
    calls.reap_orphans()
    gc.collect()
    gc.freeze()  # a collection would touch, and so copy, every object in every forked process
    gc.disable()
    board = Board(program)
    try:
        check_machine(program)
        with contextlib.ExitStack() as stack:
            file = _held_file(job, board, stack) if program["slots"] else None
            tally = run_rounds(job, board, file)
    except CannotRunError as reason:
        return {"status": "cannot", "reason": str(reason)}
    return result_of(tally)


def result_of(tally: Tally) -> dict[str, Any]:
    """Return a tally as the result that is written as JSON.

    >>> tally = Tally()
    >>> tally.outcomes[("a",)] = 3
    >>> result_of(tally)["outcomes"]
    [{'observed': ['a'], 'count': 3, 'order': []}]
    """
    outcomes = [
        {"observed": list(seen), "count": count, "order": tally.orders.get(seen, [])}
        for seen, count in sorted(tally.outcomes.items())
    ]
    failed = bool(tally.failures) and not outcomes and not tally.unmet
    return {
        "status": "failed" if failed else "ran",
        "reason": "; ".join(tally.failures) if failed else "",
        "outcomes": outcomes,
        "unmet": tally.unmet,
        "failures": tally.failures,
        "hangs": tally.hangs,
    }


def check_machine(program: dict[str, Any]) -> None:
    """Try what the test needs and what some kernels lack.  Raises CannotRunError."""
    used = {s["do"] for thread in program["threads"] for s in thread["body"]}
    used |= {reference["means"] for reference in program["references"]}
    used |= {actor["kind"] for actor in program["background"]}
    for names, needs in NEEDS:
        if used & names:
            needs()


def _two_nodes() -> None:
    if len(numa.nodes()) < 2:
        raise CannotRunError("this machine has one memory node: a page cannot be made to migrate")


def _readahead() -> None:
    _attempt(_read_own_page_ahead, "this kernel's process_madvise knows no MADV_WILLNEED")


def _soft_dirty() -> None:
    if not tracks_writes():
        raise CannotRunError("this kernel has no soft-dirty tracking (CONFIG_MEM_SOFT_DIRTY)")


def _userfaultfd_move() -> None:
    _attempt(_open_for_moves, "this kernel has no UFFDIO_MOVE (v6.8)")


def _open_for_moves() -> None:
    os.close(userfault.open_userfaultfd(userfault.FEATURE_MOVE))


def _userfaultfd_wp() -> None:
    complaint = "this kernel has no UFFDIO_WRITEPROTECT, or does not let us use it"
    _attempt(userfault.attempt_write_protection, complaint)


def _pagemap_scan() -> None:
    _attempt(userfault.attempt_scan, "this kernel has no PAGEMAP_SCAN (v6.7), or does not let us use it")


def _io_uring() -> None:
    _attempt(lambda: Ring().close(), "this kernel has no io_uring, or does not let us use it")


def _process_vm_readv() -> None:
    _attempt(_copy_own_byte, "this kernel has no process_vm_readv, or does not let us use it")


def _fuse() -> None:
    if not os.path.exists("/dev/fuse"):
        raise CannotRunError("this kernel has no FUSE, or has it as a module that did not come with it")


NEEDS: tuple[tuple[frozenset[str], Callable[[], None]], ...] = (
    (frozenset(("Migrate", "migrated")), _two_nodes),
    (frozenset(("readahead",)), _readahead),
    (frozenset(("ClearRefs", "SoftDirty")), _soft_dirty),
    (frozenset(("UserfaultfdMove",)), _userfaultfd_move),
    (frozenset(("UserfaultfdWp", "UserfaultfdRead")), _userfaultfd_wp),
    (frozenset(("PagemapScan",)), _pagemap_scan),
    (frozenset(("fixed-buffer",)), _io_uring),
    (frozenset(("remote-read",)), _process_vm_readv),
    (frozenset(("held-read", "remote-read")), _fuse),
)
"""Needs that only some kernels meet: of which statements, actors and means of references, and a try."""


def _attempt(action: Callable[[], object], complaint: str) -> None:
    try:
        action()
    except OSError as error:
        raise CannotRunError(f"{complaint}: {error.strerror}") from None


def _read_own_page_ahead() -> None:
    there = calls.map_memory(calls.PAGE, calls.PROT_READ, calls.MAP_PRIVATE | calls.MAP_ANONYMOUS)
    try:
        calls.advise_other(os.getpid(), there, "MADV_WILLNEED")
    finally:
        calls.unmap(there, calls.PAGE)


def _copy_own_byte() -> None:
    there = ctypes.create_string_buffer(2)
    calls.read_through_pin(ctypes.addressof(there), 1, ctypes.addressof(there) + 1)


def _held_file(job: dict[str, Any], board: Board, stack: contextlib.ExitStack) -> HeldFile:
    try:
        file = HeldFile(os.path.join(job["directory"], "held"), board)
    except OSError as error:
        raise CannotRunError(f"no FUSE file: {error}") from None
    stack.callback(file.close)
    held_reads = any(reference["means"] == "held-read" for reference in job["program"]["references"])
    if held_reads and reads_pin(file, board):
        message = "FUSE takes FOLL_PIN here, and there is no other way to hold FOLL_GET|FOLL_WRITE"
        raise CannotRunError(message)
    return file


def reads_pin(file: HeldFile, board: Board) -> bool:
    """Find out whether a held read pins its page: fork copies a pinned page, and shares any other."""
    flags = calls.MAP_PRIVATE | calls.MAP_ANONYMOUS
    page = calls.map_memory(calls.PAGE, calls.PROT_READ | calls.PROT_WRITE, flags)
    ctypes.memmove(page, b"a", 1)
    fd = file.open()
    reader = threading.Thread(target=_read_quietly, args=(fd, page), daemon=True)
    reader.start()
    while board.slot[0] != HELD and reader.is_alive():
        time.sleep(POLL)
    child, end = _forked_child()
    pinned = bool(pagemap(page) >> MAPPED_ONCE & 1)
    os.close(end)
    os.waitpid(child, 0)
    file.answer(0, None)
    reader.join()
    os.close(fd)
    calls.unmap(page, calls.PAGE)
    return pinned


def _forked_child() -> tuple[int, int]:
    """Fork a child that lives until the returned descriptor is closed."""
    wait, end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(end)
        os.read(wait, 1)
        os._exit(0)
    os.close(wait)
    return child, end


def _read_quietly(fd: int, page: int) -> None:
    with contextlib.suppress(OSError):
        calls.pread_into(fd, page, 512, 0)
