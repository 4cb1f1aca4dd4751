# SPDX-License-Identifier: MIT
"""Kernels that are wrong on purpose: a recheck that always succeeds, a lock that is not taken.

Each is a change that no release has, so `--with NAME` builds a kernel with it.  `cowpath mutate` builds them
all, to see whether the corpus would notice.  Where the model rechecks, it asks `still(k, MUTANT, condition)`;
where it takes a lock, it does so `unless=k.has(MUTANT)`.

Not here is what no test could miss: a lock around a section without a `yield`, which is one step anyway, and
a folio lock where the references of its other holders are counted as well (KSM, UFFDIO_MOVE, put_page).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cowpath.history.change import Change

if TYPE_CHECKING:
    pass


def recheck(name: str, file: str, rule: str, unobservable: str = "") -> Change:
    """A mutant that skips a recheck."""
    return Change(name, "a mutant", None, file, rule, "it compares again", unobservable=unobservable)


def lock(name: str, file: str, rule: str, unobservable: str = "") -> Change:
    """A mutant that does not take a lock."""
    return Change(name, "a mutant", None, file, rule, "it holds the lock", unobservable=unobservable)


# -- page faults -----------------------------------------------------------------------------------

NO_PTE_SAME_IN_FAULT = recheck(
    "no-pte-same-in-fault", "mm/memory.c",
    "handle_pte_fault goes on to do_wp_page with the pte that it read without the page-table lock",
)  # fmt: skip
NO_PTE_SAME_IN_NUMA = recheck(
    "no-pte-same-in-numa", "mm/memory.c",
    "do_numa_page makes the pte accessible that it read without the page-table lock",
)  # fmt: skip
NO_PTE_SAME_IN_ANONYMOUS = recheck(
    "no-pte-same-in-anonymous", "mm/memory.c",
    "do_anonymous_page maps its page over whatever another thread has mapped meanwhile",
)  # fmt: skip
NO_PTE_SAME_IN_WP_SLEEP = recheck(
    "no-pte-same-in-wp-sleep", "mm/memory.c",
    "do_wp_page (v5.7) does not look at the pte again after it has slept for the page lock",
)  # fmt: skip
NO_PTE_SAME_IN_WP_COPY = recheck(
    "no-pte-same-in-wp-copy", "mm/memory.c",
    "wp_page_copy maps the copy over whatever another thread has mapped meanwhile",
)  # fmt: skip
NO_TRYLOCK_IN_WP_REUSE = lock(
    "no-trylock-in-wp-reuse", "mm/memory.c",
    "do_wp_page counts the references of a folio that somebody else has locked",
    "whoever has locked a folio also holds a reference to it, and the count sees that",
)  # fmt: skip
NO_FOLIO_LOCK_IN_WP_BY_MAPCOUNT = lock(
    "no-folio-lock-in-wp-by-mapcount", "mm/memory.c",
    "do_wp_page (v5.7) counts the users of a folio that somebody else has locked",
)  # fmt: skip
NO_RECOUNT_IN_WP_REUSE = recheck(
    "no-recount-in-wp-reuse", "mm/memory.c",
    "do_wp_page does not count references again under the folio lock",
)  # fmt: skip
NO_PTE_SAME_IN_SWAPIN = recheck(
    "no-pte-same-in-swapin", "mm/memory.c",
    "do_swap_page maps its folio over whatever another thread has mapped meanwhile",
)  # fmt: skip
NO_UPTODATE_IN_SWAPIN = recheck(
    "no-uptodate-in-swapin", "mm/memory.c",
    "do_swap_page maps a page that could not be read",
)  # fmt: skip
NO_FOLIO_LOCK_IN_SWAPIN = lock(
    "no-folio-lock-in-swapin", "mm/memory.c",
    "do_swap_page does not wait for the folio lock, so the content may not have arrived",
)  # fmt: skip

NO_MUST_WAIT_IN_USERFAULT = recheck(
    "no-must-wait-in-userfault", "fs/userfaultfd.c",
    "handle_userfault waits though the write has been allowed meanwhile",
)  # fmt: skip

NO_MMAP_LOCK_IN_FAULT = lock(
    "no-mmap-lock-in-fault", "arch/x86/mm/fault.c", "a page fault does not take the mmap_lock"
)  # fmt: skip
NO_CACHE_WAIT_IN_READAHEAD = lock(
    "no-cache-wait-in-readahead", "mm/swap_state.c",
    "__read_swap_cache_async does not wait for whoever has marked the slot (SWAP_HAS_CACHE)",
)  # fmt: skip

# -- fork, munmap, mprotect ------------------------------------------------------------------------

NO_MMAP_LOCK_IN_FORK = lock(
    "no-mmap-lock-in-fork", "kernel/fork.c",
    "dup_mmap does not hold the parent's mmap_lock, so its threads fault while the page table is copied",
)  # fmt: skip
NO_PIN_CHECK_IN_FORK = recheck(
    "no-pin-check-in-fork", "mm/memory.c", "fork shares a page that may be pinned"
)  # fmt: skip

NO_VM_WRITE_IN_FORK = recheck(
    "no-vm-write-in-fork", "mm/memory.c",
    "fork maps its copy of a pinned page writable, whatever the mapping permits",
)  # fmt: skip
NO_MMAP_LOCK_IN_MUNMAP = lock(
    "no-mmap-lock-in-munmap", "mm/mmap.c", "munmap takes the mapping away without the mmap_lock"
)  # fmt: skip

NO_VMA_LOCK_IN_MUNMAP = lock(
    "no-vma-lock-in-munmap", "mm/mmap.c",
    "munmap does not wait for page faults that hold the lock of the VMA only",
)  # fmt: skip

# -- the reverse map -------------------------------------------------------------------------------

NO_FORK_ORDER_IN_RMAP = recheck(
    "no-fork-order-in-rmap", "mm/rmap.c",
    "the reverse map meets a child before its parent, so that fork can copy an entry behind its back",
)  # fmt: skip

# -- reclaim ---------------------------------------------------------------------------------------

NO_TRYLOCK_IN_RECLAIM = lock(
    "no-trylock-in-reclaim", "mm/vmscan.c",
    "shrink_folio_list goes on with a folio that somebody else has locked, and unlocks it",
)  # fmt: skip
NO_TRYLOCK_AFTER_PAGEOUT = lock(
    "no-trylock-after-pageout", "mm/vmscan.c",
    "shrink_folio_list frees a folio that somebody else has locked since it was written",
)  # fmt: skip
NO_RECHECK_IN_UNMAP = recheck(
    "no-recheck-in-unmap", "mm/rmap.c",
    "try_to_unmap_one replaces a pte though it maps another page by now",
)  # fmt: skip
NO_PIN_CHECK_IN_UNMAP = recheck(
    "no-pin-check-in-unmap", "mm/rmap.c",
    "page_try_share_anon_rmap takes exclusivity from a page that may be pinned",
)  # fmt: skip
NO_REFCOUNT_IN_PAGEOUT = recheck(
    "no-refcount-in-pageout", "mm/vmscan.c", "pageout writes a page that others refer to"
)  # fmt: skip

NO_FLUSH_BEFORE_PAGEOUT = recheck(
    "no-flush-before-pageout", "mm/vmscan.c",
    "reclaim writes a page to which CPUs may still write through their TLBs (try_to_unmap_flush_dirty)",
)  # fmt: skip
NO_WRITEBACK_CHECK_IN_RECLAIM = recheck(
    "no-writeback-check-in-reclaim", "mm/vmscan.c", "reclaim takes a folio that is being written already"
)  # fmt: skip
NO_MAPCOUNT_AFTER_UNMAP = recheck(
    "no-mapcount-after-unmap", "mm/vmscan.c", "reclaim goes on with a folio that some pte still maps"
)  # fmt: skip
NO_FREEZE_IN_REMOVE_MAPPING = recheck(
    "no-freeze-in-remove-mapping", "mm/vmscan.c", "__remove_mapping frees a folio that others refer to"
)  # fmt: skip

# -- the swap cache --------------------------------------------------------------------------------

NO_TRYLOCK_IN_FREE_SWAP_CACHE = lock(
    "no-trylock-in-free-swap-cache", "mm/swap_state.c",
    "free_swap_cache takes a folio out of the swap cache that somebody else has locked",
)  # fmt: skip
NO_WRITEBACK_CHECK_IN_FREE_SWAP = recheck(
    "no-writeback-check-in-free-swap", "mm/swapfile.c",
    "folio_free_swap gives a slot back that is being written",
)  # fmt: skip
NO_SWAP_COUNT_IN_FREE_SWAP = recheck(
    "no-swap-count-in-free-swap", "mm/swapfile.c",
    "folio_free_swap gives a slot back that a pte refers to",
)  # fmt: skip

# -- swapoff ---------------------------------------------------------------------------------------

NO_PTE_SAME_IN_SWAPOFF = recheck(
    "no-pte-same-in-swapoff", "mm/swapfile.c",
    "unuse_pte maps its folio over whatever the process has mapped meanwhile",
)  # fmt: skip
NO_FOLIO_LOCK_IN_SWAPOFF = lock(
    "no-folio-lock-in-swapoff", "mm/swapfile.c", "swapoff does not lock the folio that it maps"
)  # fmt: skip
NO_WRITEBACK_WAIT_IN_SWAPOFF = lock(
    "no-writeback-wait-in-swapoff", "mm/swapfile.c",
    "swapoff maps a folio that is still being written",
)  # fmt: skip

NO_FOLIO_LOCK_IN_UNUSE_CACHED = lock(
    "no-folio-lock-in-unuse-cached", "mm/swapfile.c",
    "swapoff does not lock a folio that only the swap cache holds",
)  # fmt: skip

# -- KSM -------------------------------------------------------------------------------------------

NO_RECHECK_IN_WRITE_PROTECT = recheck(
    "no-recheck-in-write-protect", "mm/ksm.c",
    "write_protect_page changes a pte though it maps another page by now",
)  # fmt: skip
NO_COMPARE_IN_KSM = recheck(
    "no-compare-in-ksm", "mm/ksm.c",
    "the contents are not compared again once the page is write-protected",
)  # fmt: skip
NO_PTE_SAME_IN_KSM = recheck(
    "no-pte-same-in-ksm", "mm/ksm.c", "replace_page maps the KSM page over whatever is mapped meanwhile"
)  # fmt: skip

# -- migration, GUP-fast ---------------------------------------------------------------------------

NO_FOLIO_LOCK_IN_MIGRATION = lock(
    "no-folio-lock-in-migration", "mm/migrate.c", "the page that is moved is not locked"
)  # fmt: skip
NO_WRITEBACK_WAIT_IN_MIGRATION = lock(
    "no-writeback-wait-in-migration", "mm/migrate.c", "a page is moved while it is being written"
)  # fmt: skip
NO_RECHECK_IN_MIGRATE = recheck(
    "no-recheck-in-migrate", "mm/rmap.c",
    "try_to_migrate_one replaces a pte though it maps another page by now",
)  # fmt: skip
NO_RECHECK_IN_REMOVE_MIGRATION = recheck(
    "no-recheck-in-remove-migration", "mm/migrate.c",
    "remove_migration_pte fills a migration entry that is another page's",
)  # fmt: skip
NO_REFCOUNT_IN_MIGRATION = recheck(
    "no-refcount-in-migration", "mm/migrate.c", "a page that others refer to moves away from them"
)  # fmt: skip
NO_PTE_SAME_IN_GUP_FAST = recheck(
    "no-pte-same-in-gup-fast", "mm/gup.c",
    "gup_pte_range keeps a page though the entry it was found through has changed since",
)  # fmt: skip

NO_TRY_GET_IN_GUP_FAST = recheck(
    "no-try-get-in-gup-fast", "mm/gup.c", "gup_pte_range takes a reference to a page that is free by now"
)  # fmt: skip
NO_MMAP_LOCK_IN_GUP = lock(
    "no-mmap-lock-in-gup", "mm/gup.c", "get_user_pages does not take the mmap_lock"
)  # fmt: skip

# -- MADV_FREE, UFFDIO_MOVE, zswap -----------------------------------------------------------------

NO_TRYLOCK_IN_MADV_FREE = lock(
    "no-trylock-in-madv-free", "mm/madvise.c", "MADV_FREE marks a page clean that somebody else has locked"
)  # fmt: skip
NO_PTE_SAME_IN_MOVE = recheck(
    "no-pte-same-in-move", "mm/userfaultfd.c", "UFFDIO_MOVE moves what it saw, whatever is mapped meanwhile"
)  # fmt: skip
NO_EMPTY_TARGET_IN_MOVE = recheck(
    "no-empty-target-in-move", "mm/userfaultfd.c", "UFFDIO_MOVE overwrites what is at the target"
)  # fmt: skip
NO_VMA_CHECK_IN_MOVE = recheck(
    "no-vma-check-in-move", "mm/userfaultfd.c",
    "UFFDIO_MOVE does not ask whether anything is mapped at the target",
)  # fmt: skip
NO_INVALIDATE_IN_ZSWAP = recheck(
    "no-invalidate-in-zswap", "mm/zswap.c",
    "zswap refuses a page and keeps the older copy of its slot, which is read then (v6.6-rc1 to rc3)",
)  # fmt: skip
NO_SLOT_CHECK_IN_ZSWAP = recheck(
    "no-slot-check-in-zswap", "mm/zswap.c",
    "zswap writes to a slot that is in the swap cache, or that no pte refers to any more",
)  # fmt: skip

# -- large folios ----------------------------------------------------------------------------------

BATCH_FROM_HEAD_IN_MPROTECT = recheck(
    "batch-from-head-in-mprotect", "mm/mprotect.c",
    "change_pte_range asks the first page of a large folio whether another one is exclusive",
)  # fmt: skip
NO_SHARED_BIT_IN_LARGE_REUSE = recheck(
    "no-shared-bit-in-large-reuse", "mm/memory.c",
    "do_wp_page reuses a page of a large folio that other processes map, too",
)  # fmt: skip
NO_REFCOUNT_IN_LARGE_REUSE = recheck(
    "no-refcount-in-large-reuse", "mm/memory.c",
    "do_wp_page reuses a page of a large folio that somebody else refers to",
)  # fmt: skip
NO_EXCLUSIVE_IN_SWAP_PTE_BATCH = recheck(
    "no-exclusive-in-swap-pte-batch", "mm/memory.c",
    "do_swap_page maps all pages of a large folio as the faulting swap pte is marked, exclusive or not",
)  # fmt: skip

MUTANTS: tuple[Change, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Change))
