# SPDX-License-Identifier: MIT
"""The place in the kernel of each `yield` of the model: inside which function, before or after which call.

A yield goes by the model's file, its function, and its number in there.  Kernels rename functions and
compilers inline them, so a place has alternatives: of each, the first that a kernel has is taken.
`ELSEWHERE` says of the other yields why no thread of a test can be stopped there.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cowpath import linux
from cowpath.machine.replay.code import Code, NoSuchPlaceError

Names = tuple[str, ...]


@dataclass(frozen=True)
class Spot:
    """In the first of some functions that is there: before, or after, the first of some calls that it has.

    `nonzero`: only where the call has returned something.
    """

    functions: Names
    before: Names = ()
    after: Names = ()
    nonzero: bool = False


@dataclass(frozen=True)
class KernelPlace:
    """A place in the kernel's terms, and the spots that stand for it: whichever comes first.

    `atomic`: a spinlock is held there, so that who waits must not sleep.
    """

    words: str
    spots: tuple[Spot, ...]
    atomic: bool = False


FAULT = ("handle_pte_fault", "__handle_mm_fault", "handle_mm_fault")
LOCK = ("__pte_offset_map_lock", "pte_offset_map_lock", "_raw_spin_lock")
READ = ("swap_read_folio", "swap_readpage")
LOOKUP = ("swap_cache_get_folio", "lookup_swap_cache")
RECLAIM = ("shrink_folio_list", "shrink_page_list")
COPY = ("copy_present_ptes", "copy_present_pte", "copy_pte_range", "copy_page_range")
FORK = ("dup_mmap", "copy_process", "copy_mm")
ALLOCATE = ("folio_alloc_mpol", "vma_alloc_folio", "alloc_pages_vma", "vma_alloc_folio_noprof")
SWAPOFF = ("__do_sys_swapoff", "__se_sys_swapoff", "__x64_sys_swapoff")
FIND = (
    "swap_cache_get_folio",
    "filemap_get_folio",
    "__filemap_get_folio",
    "find_get_page",
    "pagecache_get_page",
)
ZAP = (
    "zap_page_range_single_batched",
    "zap_page_range_single",
    "zap_page_range",
    "madvise_dontneed_single_vma",
    "do_madvise",
)
MOVE = ("move_present_ptes", "move_present_pte", "move_pages_pte", "move_pages_ptes", "move_pages")
UNUSE = ("unuse_pte_range", "unuse_mm", "try_to_unuse", *SWAPOFF)


def spot(functions: Names | str, *, before: Names = (), after: Names = (), nonzero: bool = False) -> Spot:
    """Return a spot; one name may stand for a row of them."""
    return Spot((functions,) if isinstance(functions, str) else functions, before, after, nonzero)


PLACES: dict[str, KernelPlace] = {
    "mm/memory.py handle_pte_fault 1": KernelPlace(
        "handle_pte_fault: the entry is present, before its lock", (spot(FAULT, before=("_raw_spin_lock",)),)
    ),
    "mm/memory.py do_anonymous_page 1": KernelPlace(
        "do_anonymous_page: before the page-table lock",
        (spot(("do_anonymous_page", *FAULT), before=LOCK),),
    ),
    "mm/memory.py wp_page_copy 1": KernelPlace(
        "wp_page_copy: copied, before the page-table lock",
        (spot(("wp_page_copy", "do_wp_page"), before=LOCK),),
    ),
    "mm/memory.py do_swap_page 1": KernelPlace(
        "do_swap_page: the entry was read without a lock",
        (spot("do_swap_page", before=("get_swap_device", "lookup_swap_cache")),),
    ),
    "mm/memory.py do_swap_page 2": KernelPlace(
        "do_swap_page: has a folio, before folio_lock",
        (
            spot("do_swap_page", after=LOOKUP, nonzero=True),
            spot("do_swap_page", after=("swapin_readahead",)),
            spot("do_swap_page", after=("swapin_sync",)),
            spot("do_swap_page", after=READ),
        ),
    ),
    "mm/memory.py do_swap_page 3": KernelPlace(
        "do_swap_page: the folio is locked, before the page-table lock", (spot("do_swap_page", before=LOCK),)
    ),
    "mm/memory.py do_swap_page 4": KernelPlace(
        "do_swap_page: mapped, before do_wp_page",
        (spot("do_swap_page", before=("do_wp_page",)),),
        atomic=True,
    ),
    "mm/memory.py alloc_swap_folio 1": KernelPlace(
        "do_swap_page: past the swap cache, before the read", (spot("do_swap_page", before=READ),)
    ),
    "mm/memory.py copy_page_range 1": KernelPlace(
        "copy_page_range: write_protect_seq is odd", (spot(COPY, before=LOCK),)
    ),
    "mm/memory.py copy_page_range 2": KernelPlace(
        "copy_page_range: before write_protect_seq is even",
        (spot(COPY, after=("_raw_spin_unlock",)),),
        atomic=True,
    ),
    "mm/memory.py copy_present_pte 1": KernelPlace(
        "copy_present_pte: the page is shared, before its entry is copied",
        (spot(COPY, after=("vm_normal_page",)),),
        atomic=True,
    ),
    "kernel/fork.py dup_mmap 1": KernelPlace(
        "dup_mmap: after one mapping", (spot(FORK, after=("copy_page_range",)),)
    ),
    "mm/swap_state.py _read_into_swap_cache 1": KernelPlace(
        "swapin_readahead: in the swap cache, before the read",
        (
            spot(("swap_vma_readahead", "swapin_readahead"), before=READ),
            spot("swap_cluster_readahead", before=READ),
            spot("read_swap_cache_async", before=READ),
            spot("swapin_sync", before=READ),
        ),
    ),
    "mm/madvise.py madvise_pageout 1": KernelPlace(
        "madvise_cold_or_pageout_pte_range: isolated, before reclaim_pages",
        (spot("madvise_cold_or_pageout_pte_range", before=("reclaim_pages",)),),
    ),
    "mm/vmscan.py _unmap_and_write 1": KernelPlace(
        "shrink_folio_list: locked, before add_to_swap",
        (spot(RECLAIM, before=("add_to_swap", "folio_alloc_swap")),),
    ),
    "mm/vmscan.py _unmap_and_write 2": KernelPlace(
        "shrink_folio_list: before try_to_unmap", (spot(RECLAIM, before=("try_to_unmap",)),)
    ),
    "mm/vmscan.py _unmap_and_write 3": KernelPlace(
        "shrink_folio_list: after pageout", (spot(RECLAIM, after=("pageout", "swap_writeout")),)
    ),
    "mm/vmscan.py shrink_folio_list 1": KernelPlace(
        "shrink_folio_list: before try_to_unmap_flush", (spot(RECLAIM, before=("try_to_unmap_flush",)),)
    ),
    "mm/rmap.py try_to_unmap 1": KernelPlace(
        "shrink_folio_list: after try_to_unmap", (spot(RECLAIM, after=("try_to_unmap",)),)
    ),
    "mm/rmap.py _unmap_batch 1": KernelPlace(
        "try_to_unmap_one: the entry is cleared",
        (spot("try_to_unmap_one", before=("swap_duplicate", "folio_dup_swap")),),
        atomic=True,
    ),
    "mm/rmap.py _unmap_batch 2": KernelPlace(
        "try_to_unmap_one: before the swap entry is set",
        (spot("try_to_unmap_one", before=("set_ptes", "native_set_pte", "set_pte")),),
        atomic=True,
    ),
    "mm/swapfile.py swapoff 1": KernelPlace(
        "swapoff: all is read back, before the device is freed", (spot(SWAPOFF, after=("try_to_unuse",)),)
    ),
    "mm/swapfile.py unuse_pte_range 1": KernelPlace(
        "unuse_pte_range: has a folio, before folio_lock",
        (spot(UNUSE, after=LOOKUP, nonzero=True), spot(UNUSE, after=("swapin_readahead",))),
    ),
    "mm/swapfile.py unuse_pte_range 2": KernelPlace(
        "unuse_pte_range: locked, before the writeback is waited for",
        (spot(UNUSE, before=("folio_wait_writeback", "wait_on_page_writeback")),),
    ),
    "mm/swapfile.py _unuse_cached 1": KernelPlace(
        "try_to_unuse: has a folio of the swap cache, before folio_lock",
        (spot(("try_to_unuse", *SWAPOFF), after=FIND, nonzero=True),),
    ),
    "mm/swapfile.py _unuse_cached 2": KernelPlace(
        "try_to_unuse: locked, before the writeback is waited for",
        (spot(("try_to_unuse", *SWAPOFF), before=("folio_wait_writeback", "wait_on_page_writeback")),),
    ),
    "mm/swapfile.py free_swap_and_cache 1": KernelPlace(
        "free_swap_and_cache: the slot is given back, before the swap cache is looked at",
        (
            spot(
                ("free_swap_and_cache_nr", "free_swap_and_cache", "swap_put_entries_direct"),
                before=("__try_to_reclaim_swap", "find_get_page"),
            ),
        ),
    ),
    "mm/memory.py zap_pte_range 1": KernelPlace(
        "zap_page_range: unmapped, before tlb_finish_mmu",
        tuple(spot(function, before=("tlb_finish_mmu",)) for function in ZAP),
    ),
    "mm/userfaultfd.py move_present_pte 4": KernelPlace(
        "move_present_ptes: mapped at its new address, before the flush",
        (spot(MOVE, before=("flush_tlb_mm_range",)),),
        atomic=True,
    ),
    "mm/zswap.py shrink_worker 2": KernelPlace(
        "shrink_memcg_cb: has an entry, before it is written back",
        (
            spot(
                "shrink_memcg_cb",
                before=("zswap_writeback_entry", "__read_swap_cache_async", "swap_cache_alloc_folio"),
            ),
        ),
    ),
    "mm/zswap.py zswap_writeback_entry 1": KernelPlace(
        "zswap_writeback_entry: read back into the swap cache",
        (spot(("zswap_writeback_entry", "shrink_memcg_cb"), after=("zswap_decompress",)),),
    ),
    "mm/gup.py get_user_pages 1": KernelPlace(
        "__get_user_pages: after a fault", (spot("__get_user_pages", after=("handle_mm_fault",)),)
    ),
    "hardware.py load 1": KernelPlace(
        "the fault is over, the access comes again",
        (spot(("do_user_addr_fault", "exc_page_fault"), after=("handle_mm_fault",)),),
    ),
    "hardware.py store 1": KernelPlace(
        "the fault is over, the access comes again",
        (spot(("do_user_addr_fault", "exc_page_fault"), after=("handle_mm_fault",)),),
    ),
}
"""By the yields of the model."""

ELSEWHERE: dict[str, str] = {
    "client.py": "a most general client is no test",
    "model.py": "any batch may be drained at any moment: the kernel decides",
    "task.py run_thread": "between two statements: the test's own marker is there",
    "fs/": "statements that are not driven yet",
    "kernel/fork.py mmput": "fork fails half way only where memory runs out",
    "mm/vmscan.py _split_before_swap": "large folios are not driven yet",
    "mm/ksm.py": "ksmd goes through all memory: which pages it has in hand is not the test's to choose",
    "mm/migrate.py": "not driven yet",
    "mm/userfaultfd.py": "not driven yet",
    "mm/zswap.py": "between two entries: zswap's shrinker is idle there",
    "mm/page_io.py": "the device ends its writes when it likes",
    "mm/mmap.py": "no call of the kernel lies between the two steps",
    "mm/mprotect.py": "no call of the kernel lies between the two steps",
    "mm/gup.py": "inside GUP-fast, with interrupts off",
    "mm/swap_state.py swap_vma_readahead": "readahead of a page nearby: not driven yet",
    "mm/vmscan.py kswapd": "between two passes: kswapd is idle there",
    "mm/madvise.py": "no call of the kernel lies between the two steps",
    "mm/memory.py copy_user_highpage": "in the middle of one copy: no call of the kernel lies there",
    "mm/memory.py do_numa_page": "NUMA balancing is not driven",
    "mm/memory.py _wp_by_mapcount": "before v5.9 only: Debian ships no such kernel",
    "mm/rmap.py try_to_migrate": "not driven yet",
    "mm/rmap.py folio_try_dup_anon_rmap_pte": "no call of the kernel lies between the two steps",
    "mm/swapfile.py": "not driven yet",
}
"""Why a thread cannot be stopped at the yields of a file or a function that `PLACES` does not have."""


OF_FAULTS = ("mm/memory.py", "mm/swap_state.py", "hardware.py")
"""Files whose yields a load or a store comes to by a fault: the processor's cr2 tells of which page."""


def is_in_fault(name: str) -> bool:
    """Tell whether a thread comes to a yield's place in a fault of its own.

    >>> is_in_fault("mm/memory.py do_swap_page 1"), is_in_fault("mm/rmap.py try_to_unmap 1")
    (True, False)
    """
    return name.startswith(OF_FAULTS)


def why_nowhere(name: str) -> str:
    """Return why there is no place for a yield; empty where nobody has said."""
    reasons = [why for start, why in ELSEWHERE.items() if name.startswith(start)]
    return reasons[-1] if reasons else ""


def yields() -> list[str]:
    """Return every yield of the model, in the order of its files."""
    root = Path(next(iter(linux.__path__)))
    return [name for file in sorted(root.rglob("*.py")) for name in _yields_of(file).values()]


def yield_at(file: str, line: int) -> str:
    """Return the name of the yield at a line of the model; empty where there is none."""
    return _yields_of(Path(file)).get(line, "")


@functools.cache
def _yields_of(file: Path) -> dict[int, str]:
    root = Path(next(iter(linux.__path__)))
    found = {}
    for function in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(function, ast.FunctionDef):
            lines = sorted(node.lineno for node in ast.walk(function) if isinstance(node, ast.Yield))
            for number, line in enumerate(lines, 1):
                found[line] = f"{file.relative_to(root)} {function.name} {number}"
    return found


def find(code: Code, name: str) -> dict[int, bool]:
    """Return the addresses of a yield's place, with whether only a nonzero result counts there.

    Raises NoSuchPlaceError, which says for each alternative why this kernel has not got it.
    """
    if name not in PLACES:
        raise NoSuchPlaceError(why_nowhere(name) or f"nobody has said where {name} is")
    found: dict[int, bool] = {}
    why: list[str] = []
    for one in PLACES[name].spots:
        try:
            found |= dict.fromkeys(_addresses(code, one), one.nonzero)
        except NoSuchPlaceError as error:
            why.append(str(error))
    if not found:
        raise NoSuchPlaceError("; ".join(why))
    return found


def _addresses(code: Code, one: Spot) -> list[int]:
    look: Callable[[str, str], list[int]] = code.before if one.before else code.after
    why: list[str] = []
    for function in one.functions:
        for callee in one.before or one.after:
            try:
                return look(function, callee)
            except NoSuchPlaceError as error:
                why.append(str(error))
    raise NoSuchPlaceError("; ".join(dict.fromkeys(why)))
