# SPDX-License-Identifier: MIT
"""Upstream changes that alter a rule of the model, oldest first.

The model asks `k.has(CHANGE)` where a rule differs; nothing else in it knows what a release is.  Kernels are
sets of these: see version.py.
"""

from __future__ import annotations

from cowpath.history.change import Change
from cowpath.history.release import Release

V2_6, V4_13 = Release(2, 6), Release(4, 13)
V5_8, V5_9, V5_10 = Release(5, 8), Release(5, 9), Release(5, 10)
V5_11, V5_12, V5_13, V5_14 = Release(5, 11), Release(5, 12), Release(5, 13), Release(5, 14)
V5_17, V5_18, V5_19 = Release(5, 17), Release(5, 18), Release(5, 19)
V6_0, V6_1, V6_2, V6_3, V6_4 = Release(6, 0), Release(6, 1), Release(6, 2), Release(6, 3), Release(6, 4)
V6_5, V6_6, V6_7, V6_8, V6_9 = Release(6, 5), Release(6, 6), Release(6, 7), Release(6, 8), Release(6, 9)
V6_10, V6_11, V6_12, V6_14, V6_15 = (
    Release(6, 10), Release(6, 11), Release(6, 12), Release(6, 14), Release(6, 15),
)  # fmt: skip
V6_16, V6_17, V6_18 = Release(6, 16), Release(6, 17), Release(6, 18)
V7_0, V7_2, V7_3 = Release(7, 0), Release(7, 2), Release(7, 3)

FOUNDING = "1493a1913e34"
"""mm/swap: remember PG_anon_exclusive via a swp pte bit (v5.19), the founding patch."""

# -- before the founding patch ---------------------------------------------------------------------

SWAPIN_RECHECKS_ENTRY = Change(
    "swapin-rechecks-entry", "4969c1192d15", V2_6, "mm/memory.c",
    "do_swap_page, with the folio locked, compares its swap entry again (v2.6.36)",
    "a folio that had left the swap cache since it was looked up was mapped",
)  # fmt: skip
KSM_COUNTS_REFERENCES = Change(
    "ksm-counts-references", "31dbd01f3143", V2_6, "mm/ksm.c",
    "write_protect_page gives up if anybody else refers to the page (v2.6.32)",
    "a page that a device writes to could be merged away",
)  # fmt: skip
GATHERERS_FLUSH_ALL = Change(
    "gatherers-flush-all", "99baac21e458", V4_13, "mm/mmu_gather.c",
    "who has changed entries flushes all TLB entries of the process if others have, too, and not flushed yet",
    "who found an entry changed already did not flush: its CPU went on using what was given up",
)  # fmt: skip
KSM_MINDS_PENDING_FLUSHES = Change(
    "ksm-minds-pending-flushes", "b3a81d0841a9", V4_13, "mm/ksm.c",
    "KSM flushes for a read-only, clean page, too, if somebody has changed entries and not flushed yet",
    "a CPU could write to a page that was being merged away",
)  # fmt: skip
FLUSH_BATCHED_PENDING = Change(
    "flush-batched-pending", "3ea277194daa", V4_13, "mm/rmap.c",
    "who changes page tables flushes first what reclaim has unmapped and not flushed yet",
    "mprotect found nothing to change and returned, and another CPU could still write",
)  # fmt: skip
WP_REUSE_BY_REFCOUNT = Change(
    "wp-reuse-by-refcount", "09854ba94c6a", V5_9, "mm/memory.c",
    "do_wp_page reuses a page only if the faulting pte holds the one reference to it",
    "it reused any page mapped or swapped only once, whoever else held a reference",
)  # fmt: skip
FORK_COPIES_PINNED = Change(
    "fork-copies-pinned", "70e806e4e645", V5_9, "mm/memory.c",
    "fork copies a page that may be pinned for the child instead of sharing it",
    "fork shared every page, so the parent's next write parted it from its pins",
)  # fmt: skip
FORCED_COW_BREAK = Change(
    "forced-cow-break", "17839856fd58", V5_8, "mm/gup.c",
    "any reference to private memory looks for a writable page, so it breaks COW first",
    "a read-only reference took the shared page, and the other process's write could reuse it",
    until=V5_9, undone_by="a308c71bf1e6",
)  # fmt: skip
FORK_SEQUENCE = Change(
    "fork-sequence", "57efa1fe5957", V5_11, "mm/gup.c",
    "a pin without locks is given up if fork ran meanwhile (mm->write_protect_seq)",
    "fork could find no pin, and GUP-fast the pte still writable: a pinned page was shared",
)  # fmt: skip
PINNED_NOT_SWAPPED = Change(
    "pinned-not-swapped", "feb889fb40fa", V5_11, "mm/vmscan.c",
    "reclaim does not give a swap slot to a page that may be pinned",
    "a pinned page could enter the swap cache and be unmapped",
)  # fmt: skip
CLEAR_REFS_SPARES_PINNED = Change(
    "clear-refs-spares-pinned", "9348b73c2e1b", V5_11, "fs/proc/task_mmu.c",
    "clear_refs leaves a page that may be pinned writable and soft-dirty",
    "it write-protected the page, and the owner's next write parted it from its pins",
)  # fmt: skip
CLEAR_REFS_EXCLUDES = Change(
    "clear-refs-excludes", "29a951dfb3c3", V5_11, "fs/proc/task_mmu.c",
    "clear_refs holds mmap_lock for writing until it has flushed the TLB",
    "a fault could copy a page that another CPU's TLB still led to",
)  # fmt: skip
UFFD_WP_FLUSHES = Change(
    "uffd-wp-flushes", "6ce64428d620", V5_12, "mm/memory.c",
    "do_wp_page flushes the TLB first where userfaultfd has write-protected and not flushed yet",
    "it copied the page while another CPU still wrote to it",
)  # fmt: skip
UFFD_WP_IS_A_FLAG = Change(
    "uffd-wp-is-a-flag", "099dd6878b9b", V5_13, "mm/swapfile.c",
    "swapoff recognises a swap pte that userfaultfd has write-protected by its entry",
    "such a pte compared unequal to its own swap entry, and swapoff never ended",
)  # fmt: skip
GET_SWAP_DEVICE = Change(
    "get-swap-device", "2799e77529c2", V5_14, "mm/memory.c",
    "do_swap_page holds a reference to the swap device",
    "swapoff could free a synchronous device while a fault read from it, past the swap cache",
)  # fmt: skip
FREE_SWAP_CACHE_AFTER_COPY = Change(
    "free-swap-cache-after-copy", "f4c4a3f48480", V5_14, "mm/memory.c",
    "wp_page_copy frees the swap slot of the old page where nobody needs it any more",
    "the old page stayed in the swap cache until reclaim found it",
    unobservable="it frees an idle page earlier; nobody can tell who does not run out of memory",
)  # fmt: skip

NUMA_SKIPS_REFERENCED = Change(
    "numa-skips-referenced", "80d47f5de5e3", V5_17, "mm/mprotect.c",
    "NUMA balancing lets accesses to a page fault only if nothing but its pte refers to it",
    "also where a device held a reference, as long as it was mapped once",
    until=V6_10, undone_by="d2136d749d76",
    unobservable="unsettled: it cured CVE-2022-48797, but its author could not say what had taken the "
    "permission to write away; by the source a hinting fault gives it back",
)  # fmt: skip
LAZYFREE_COUNTS_REFERENCES = Change(
    "lazyfree-counts-references", "6c8e2a256915", V5_18, "mm/rmap.c",
    "reclaim discards a page after MADV_FREE only if nobody but its ptes refers to it",
    "it discarded any clean one, though a device held a reference and was about to write",
)  # fmt: skip

WRPROTECT_KEEPS_DIRTY = Change(
    "wrprotect-keeps-dirty", "ff1712f953e2", V5_10, "arch/arm64/include/asm/pgtable.h",
    "pte_wrprotect keeps what the CPU alone knows: that the page was written through this entry",
    "a dirty bit that the CPU had set, and not the kernel, was lost: the child of a fork got a clean entry",
    architectures=("arm64",),
)  # fmt: skip
CLEAR_REFS_FLUSHES = Change(
    "clear-refs-flushes", "912efa17e512", V5_12, "fs/proc/task_mmu.c",
    "clear_refs flushes the TLB at its end",
    "it left it to tlb_finish_mmu, which flushes only for what was gathered (since 0758cd830494, v5.6)",
)  # fmt: skip
FORK_CLEARS_UFFD_WP = Change(
    "fork-clears-uffd-wp", "8f34f1eac382", V5_14, "mm/memory.c",
    "fork asks the child's mapping whether its entries stay write-protected by userfaultfd",
    "it asked the parent's, so that the entries of a child without a userfaultfd stayed so, in swap too",
    unobservable="swapoff recognises such an entry since 099dd6878b9b (v5.13); nobody else looks at the mark",
)  # fmt: skip

# -- COW fixes part 1 (v5.18) ----------------------------------------------------------------------

WP_REUSE_FROM_SWAP_CACHE = Change(
    "wp-reuse-from-swap-cache", "53a05ad9f21d", V5_18, "mm/memory.c",
    "do_wp_page takes a page that only it uses out of the swap cache and reuses it",
    "the swap cache's own reference made every such page look shared, so it was copied",
)  # fmt: skip
WP_DRAINS_LRU = Change(
    "wp-drains-lru", "d4c470970d45", V5_18, "mm/memory.c",
    "do_wp_page drains this CPU's LRU-add batch before it counts references",
    "a page still in the batch had one reference too many and was copied",
)  # fmt: skip
SWAPIN_REUSE_BY_REFCOUNT = Change(
    "swapin-reuse-by-refcount", "c145e0b47c77", V5_18, "mm/memory.c",
    "do_swap_page maps a page writable only if nobody else references it",
    "reuse_swap_page counted ptes and slots only, so a page that somebody else was reading was written",
)  # fmt: skip

SLOT_KEPT_AFTER_READ = Change(
    "slot-kept-after-read", "e914d8f00391", V5_18, "mm/page_io.c",
    "a zram slot keeps its content while a swap pte refers to it",
    "swap_slot_free_notify dropped the content as soon as its last user had read it into the swap cache",
)  # fmt: skip

# -- COW fixes part 2 (v5.19) ----------------------------------------------------------------------

MIGRATION_DRAINS_LRU = Change(
    "migration-drains-lru", "c3096e6782b7", V5_18, "mm/migrate.c",
    "a page that has moved is on the LRU list at once",
    "it stays in the LRU-add batch of the CPU that moved it, which counts as a reference",
    until=V6_7, undone_by="eebb3dabbb5c",
)  # fmt: skip
ANON_EXCLUSIVE = Change(
    "anon-exclusive", "6c287605fd56", V5_19, "mm/rmap.c",
    "PG_anon_exclusive says that a page belongs to one process; such a page is reused whatever its refcount",
    "exclusivity was guessed from the refcount at each write fault",
)  # fmt: skip
SWAPOFF_KEEPS_TRACKING = Change(
    "swapoff-keeps-tracking", "14a762dd1977", V5_19, "mm/swapfile.c",
    "unuse_pte keeps soft-dirty and the write protection of userfaultfd",
    "swapoff dropped both, so that writes before it were forgotten and writes after it went unannounced",
)  # fmt: skip
SWAPOFF_POISONS = Change(
    "swapoff-poisons", "9f186f9e5fa9", V5_19, "mm/swapfile.c",
    "swapoff leaves an entry that gives SIGBUS in place of content that could not be read",
    "it mapped the page that had not been filled, with whatever was in it",
)  # fmt: skip
UNSHARE = Change(
    "unshare", "a7f226604170", V5_19, "mm/gup.c",
    "a read-only FOLL_PIN of a page that is not exclusive first unshares it (FAULT_FLAG_UNSHARE)",
    "a read-only pin took the shared page, and the owner's next write parted the two",
)  # fmt: skip

# -- the founding patch, hunk by hunk (v5.19) ------------------------------------------------------

SWP_EXCLUSIVE_BIT = Change(
    "H1", FOUNDING, V5_19, "include/linux/pgtable.h",
    "a swap pte can carry the exclusive marker where the architecture has a bit for it",
    "stubs: no swap pte is ever marked",
    part_of=FOUNDING,
)  # fmt: skip
SWP_EXCLUSIVE_IS_A_FLAG = Change(
    "H2", FOUNDING, V5_19, "include/linux/swapops.h",
    "pte_swp_clear_flags strips the marker, so swapoff recognises a marked pte by its entry",
    "a marked pte compares unequal to its own swap entry",
    part_of=FOUNDING,
)  # fmt: skip
FORK_CLEARS_SWP_EXCLUSIVE = Change(
    "H3", FOUNDING, V5_19, "mm/memory.c",
    "fork clears the marker in the parent's swap pte and gives the child an unmarked one",
    "fork copies the swap pte as it is",
    part_of=FOUNDING,
)  # fmt: skip
SWAPIN_TRUSTS_MARKER = Change(
    "H4a", FOUNDING, V5_19, "mm/memory.c",
    "do_swap_page takes a page for exclusive if its swap pte is marked",
    "the marker is not looked at",
    part_of=FOUNDING,
)  # fmt: skip
SWAPIN_FRESH_IS_EXCLUSIVE = Change(
    "H4b", FOUNDING, V5_19, "mm/memory.c",
    "a page that do_swap_page read outside the swap cache is exclusive",
    "such a page is judged by its refcount, which its place in an LRU-add batch spoils",
    part_of=FOUNDING,
)  # fmt: skip
STABLE_WRITES_DROP_EXCLUSIVE = Change(
    "H4c", FOUNDING, V5_19, "mm/memory.c",
    "a marked page under writeback to a device that needs stable writes is not taken for exclusive",
    "it is mapped writable and may change while the device reads it",
    part_of=FOUNDING,
)  # fmt: skip
MAP_BY_EXCLUSIVE = Change(
    "H4d", FOUNDING, V5_19, "mm/memory.c",
    "do_swap_page maps an exclusive page writable and marks it PG_anon_exclusive",
    "only a page outside the swap cache or with a single reference is mapped so",
    part_of=FOUNDING,
)  # fmt: skip
UNMAP_SETS_MARKER = Change(
    "H5", FOUNDING, V5_19, "mm/rmap.c",
    "try_to_unmap_one marks the swap pte of a page that was PG_anon_exclusive",
    "exclusivity is forgotten when the page is unmapped",
    part_of=FOUNDING,
)  # fmt: skip
SWAPOFF_TRUSTS_MARKER = Change(
    "H6", FOUNDING, V5_19, "mm/swapfile.c",
    "unuse_pte marks a page PG_anon_exclusive if its swap pte was marked",
    "swapoff maps every page as shared",
    part_of=FOUNDING,
)  # fmt: skip

X86_SWP_EXCLUSIVE = Change(
    "swp-exclusive-x86", "3e20889cfbee", V5_19, "arch/x86/include/asm/pgtable.h",
    "x86-64 swap ptes have an exclusive bit", "no bit", architectures=("x86_64",),
)  # fmt: skip
ARM64_SWP_EXCLUSIVE = Change(
    "swp-exclusive-arm64", "570ef363509b", V5_19, "arch/arm64/include/asm/pgtable.h",
    "arm64 swap ptes have an exclusive bit", "no bit", architectures=("arm64",),
)  # fmt: skip
S390_SWP_EXCLUSIVE = Change(
    "swp-exclusive-s390", "92cd58bd2566", V5_19, "arch/s390/include/asm/pgtable.h",
    "s390 swap ptes have an exclusive bit", "no bit", architectures=("s390",),
)  # fmt: skip
POWERPC_SWP_EXCLUSIVE = Change(
    "swp-exclusive-powerpc", "bff9beaa2e80", V5_19, "arch/powerpc/include/asm/book3s/64/pgtable.h",
    "powerpc book3s64 swap ptes have an exclusive bit", "no bit", architectures=("powerpc", "powerpc-4k"),
)  # fmt: skip
ALL_SWP_EXCLUSIVE = Change(
    "swp-exclusive-all", "950fe885a897", V6_3, "include/linux/pgtable.h",
    "the swap ptes of every architecture have an exclusive bit", "only four architectures had one",
)  # fmt: skip

# -- after the founding patch ----------------------------------------------------------------------

FORCE_NEEDS_EXCLUSIVE = Change(
    "force-needs-exclusive", "5535be309971", V6_0, "mm/gup.c",
    "FOLL_FORCE writes to a read-only mapping only through a page that is PG_anon_exclusive",
    "if a write fault had happened and the pte was dirty (FOLL_COW)",
    unobservable="the two differ for a shmem page that UFFDIO_CONTINUE maps dirty, which the model has not",
)  # fmt: skip
GUP_FAST_BARRIERS = Change(
    "gup-fast-barriers", "088b8aa537c2", V6_1, "mm/gup.c",
    "barriers order GUP-fast's reference, entry and PG_anon_exclusive against those who clear that flag",
    "a CPU with weak ordering could pin a page that had just become shared",
)  # fmt: skip
MPROTECT_KEEPS_WRITABLE = Change(
    "mprotect-keeps-writable", "64fe24a3e05e", V6_0, "mm/mprotect.c",
    "mprotect makes the pte of a dirty exclusive page writable at once",
    "the next write faulted, and found the page exclusive or not",
)  # fmt: skip
MPROTECT_TRACKS_SOFT_DIRTY = Change(
    "mprotect-tracks-soft-dirty", "76aefad628aa", V6_0, "mm/mprotect.c",
    "mprotect leaves a pte read-only where the next write must be noted (soft-dirty)",
    "it had VM_SOFTDIRTY the wrong way round, and did so where nothing was tracked",
)  # fmt: skip
FOLLOW_PAGE_HEEDS_PROTNONE = Change(
    "follow-page-heeds-protnone", "474098edac26", V6_1, "mm/gup.c",
    "follow_page finds nothing where accesses fault (PROT_NONE, NUMA balancing): no KSM, no move_pages",
    "it found the page: only GUP asked for a fault (FOLL_NUMA)",
    until=V6_5, undone_by="d74943a2f3cd", architectures=("x86_64", "arm64"),
)  # fmt: skip
MIGRATION_KEEPS_DIRTY = Change(
    "migration-keeps-dirty", "2e3468778dbe", V6_1, "mm/migrate.c",
    "a page that has moved is as dirty as before, and a dirty one is soft-dirty whatever it was",
    "it was clean, and soft-dirty only if it was so before",
)  # fmt: skip

BREAK_KSM_UNSHARES = Change(
    "break-ksm-unshares", "6cce3314b928", V6_2, "mm/ksm.c",
    "break_ksm asks for a page of one's own by an unshare fault",
    "by a write fault, which makes the page soft-dirty, and fails where userfaultfd write-protects it",
)  # fmt: skip
LAZYFREE_KEEPS_REFERENCED = Change(
    "lazyfree-keeps-referenced", "faeb2831b517", V6_15, "mm/rmap.c",
    "a page after MADV_FREE that somebody refers to stays discardable; only a dirty one is swapbacked again",
    "a reference that nobody wrote through made the page swapbacked for good",
)  # fmt: skip
MPROTECT_IGNORES_DIRTY = Change(
    "mprotect-ignores-dirty", "d84887739d5c", V6_2, "mm/mprotect.c",
    "mprotect makes the pte of an exclusive page writable, clean or dirty",
    "only that of a dirty page",
    unobservable="it spares a fault, and who writes to an exclusive page gets it with or without one",
)  # fmt: skip
NUMA_RECOMPUTES_WRITE = Change(
    "numa-recomputes-write", "6a56ccbcf6c6", V6_2, "mm/memory.c",
    "after a hinting fault a pte is writable if its page is exclusive (can_change_pte_writable)",
    "the entry kept the permission meanwhile (pte_savedwrite)",
    unobservable="either way an exclusive page can be written as before",
)  # fmt: skip
LONGTERM_UNSHARES_ALL = Change(
    "longterm-unshares-all", "84209e87c696", V6_2, "mm/gup.c",
    "a read-only FOLL_LONGTERM pin unshares the zero page too",
    "it pinned the zero page, and the owner's first write parted the two",
)  # fmt: skip
UFFD_WP_RESOLVE_MAPS_WRITABLE = Change(
    "uffd-wp-resolve-maps-writable", "931298e103c2", V6_3, "mm/userfaultfd.c",
    "UFFDIO_WRITEPROTECT makes the pte of an exclusive page writable when it takes the protection away",
    "the next write faulted, and found the page exclusive or not",
)  # fmt: skip
GUP_FALLBACK_TOUCHES = Change(
    "gup-fallback-touches", "mm/gup: have internal functions get the mmap_read_lock()", V6_3, "mm/gup.c",
    "where GUP-fast cannot take a page, a FOLL_LONGTERM reference for writing marks it dirty (FOLL_TOUCH)",
    "only one that was not FOLL_LONGTERM",
    unobservable="GUP-fast finds no writable entry there, and the fault that follows makes the entry dirty",
    unsettled="the mainline id and release; the rule is in the tree of 6.12 and not in that of 6.1",
)  # fmt: skip
SYNC_WRITE_UNLOCKS = Change(
    "sync-write-unlocks", "3222d8c2a7f8", V6_3, "mm/page_io.c",
    "a folio is unlocked before it is written to a synchronous device, as to any other",
    "bdev_write_page kept it locked, so that no fault could meet it under writeback",
)  # fmt: skip
MIGRATION_DEFERS_FLUSH = Change(
    "migration-defers-flush", "7e12beb8ca2a", V6_3, "mm/rmap.c",
    "migration flushes TLBs once, after it has taken every pte and before it copies",
    "each pte was flushed as it was taken",
    unobservable="what a CPU writes through its TLB meanwhile it could as well have written just before",
)  # fmt: skip
PINNED_AFTER_UNMAP = Change(
    "pinned-after-unmap", "d824ec2a1546", V6_4, "mm/vmscan.c",
    "reclaim looks for pins again after the unmap, when no new one can come",
    "a page pinned in between went on to be written out",
    unobservable="pageout counts references too, and a pin is one: such a page is not written out without it",
)  # fmt: skip
PER_VMA_LOCKS = Change(
    "per-vma-locks", "0bff0aaea03e", V6_4, "arch/x86/mm/fault.c",
    "a page fault takes the lock of its VMA, not mmap_lock",
    "it took mmap_lock for reading, which fork and munmap hold for writing",
)  # fmt: skip
SWAP_FAULTS_LOCK_VMA = Change(
    "swap-faults-lock-vma", "1235ccd05b6d", V6_6, "mm/memory.c",
    "a fault on a swap or migration entry, too, takes the lock of its VMA only",
    "it went back and took mmap_lock, even where other faults did not",
    unobservable="fork write-locks every VMA by then, and munmap and mprotect always did",
)  # fmt: skip
FORK_LOCKS_VMAS = Change(
    "fork-locks-vmas", "fb49c455323f", V6_5, "kernel/fork.c",
    "fork write-locks every VMA of the parent, so that no fault comes before it has flushed the TLB",
    "with per-VMA locks a fault could copy a page that another CPU's TLB still led to",
)  # fmt: skip
SWAP_LOOKUP_LEFT_TO_CALLER = Change(
    "swap-lookup-left-to-caller", "swap: remove get/put_swap_device() in __swap_count()", V6_5,
    "mm/swap_state.c",
    "lookups in the swap cache and of slot counts leave it to their callers to hold the swap device",
    "each held it for itself, and found nothing where swapoff had freed it",
    unobservable="every caller holds it, since 2799e77529c2 (v5.14)",
    unsettled="the mainline id, and whether all of it is in v6.5; the rule is in the tree of 6.12 and not in "
    "that of 6.1",
)  # fmt: skip
GUP_FOLLOWS_PROTNONE = Change(
    "gup-follows-protnone", "d74943a2f3cd", V6_5, "mm/gup.c",
    "GUP takes a page to which NUMA balancing lets accesses fault (KVM alone honours the hint)",
    "it faulted first, whereupon the page could move",
    unobservable="if the page moves before the reference is taken, the reference is to where it moved",
)  # fmt: skip
ZSWAP_RECHECKS_ENTRY = Change(
    "zswap-rechecks-entry", "04fc7816089c", V6_4, "mm/zswap.c",
    "zswap writes an entry to its slot only if it is still that slot's entry",
    "a slot that was freed and used again meanwhile got the content of before",
)  # fmt: skip
ZSWAP_CAN_LOAD_EXCLUSIVELY = Change(
    "zswap-can-load-exclusively", "b9c91c43412f", V6_5, "mm/zswap.c",
    "with zswap.exclusive_loads=1 a load takes the entry out of zswap, and the page is dirty instead",
    "there was no such parameter",
)  # fmt: skip
NO_FRONTSWAP = Change(
    "no-frontswap", "42c06a0e8ebe", V6_6, "mm/page_io.c",
    "swap calls zswap without frontswap in between; zswap itself drops the older copy of a slot",
    "frontswap dropped the older copy of a slot before zswap was asked, switched off or not",
)  # fmt: skip
ZSWAP_OFF_INVALIDATES = Change(
    "zswap-off-invalidates", "678e54d4bb9a", V6_8, "mm/zswap.c",
    "zswap that is switched off drops the older copy of a slot which is written to the device",
    "the older copy stayed, and was read, or written over the newer one, later",
)  # fmt: skip
PAGEMAP_SCAN = Change(
    "pagemap-scan", "52526ca7fdb9", V6_7, "fs/proc/task_mmu.c",
    "PAGEMAP_SCAN tells which pages were written, and has userfaultfd note the next write (d61ea1cb0095)",
    "there was no such ioctl",
)  # fmt: skip
FORK_DUPLICATES_TREE = Change(
    "fork-duplicates-tree", "d24062914837", V6_8, "kernel/fork.c",
    "fork copies the parent's list of mappings first; where it fails, it leaves a mark in the child's list",
    "the child's list had the mappings that were copied, and no others",
)  # fmt: skip
ZSWAP_CLEANS_UP = Change(
    "zswap-cleans-up", "e3b63e966cac", V6_8, "mm/zswap.c",
    "zswap that finds an entry gone, and so does not write it, unlocks and frees the new page",
    "it left the page locked for ever: who had found it in the swap cache waited for it",
)  # fmt: skip
SCAN_KEEPS_DIRTY = Change(
    "scan-keeps-dirty", "c70dce4982ce", V6_9, "fs/proc/task_mmu.c",
    "PAGEMAP_SCAN write-protects an entry as it is when it is cleared",
    "as it was when it was read: a dirty bit that the CPU had set since was lost",
)  # fmt: skip
SCAN_ASKS_PRESENT = Change(
    "scan-asks-present", "2c7ad9a590d1", V6_9, "fs/proc/task_mmu.c",
    "PAGEMAP_SCAN looks in a swap pte for the mark of userfaultfd where a swap pte has it",
    "where a present pte has it: a bit of the slot's number said that a page in swap was not written",
)  # fmt: skip
ZSWAP_KEEPS_BYPASSED = Change(
    "zswap-keeps-bypassed", "25cd241408a2", V6_9, "mm/zswap.c",
    "a load past the swap cache leaves the entry in zswap",
    "the entry went, and the fault could drop the only copy: another had been faster",
)  # fmt: skip
ARM64_BATCHES_FLUSHES = Change(
    "arm64-batches-flushes", "43b3dfdd0455", V6_6, "arch/arm64/include/asm/tlbflush.h",
    "reclaim leaves the flush of what it unmaps for later, as on x86",
    "each entry was flushed as it was cleared",
    architectures=("arm64",),
)  # fmt: skip
ARM64_FLUSHES_BATCHED = Change(
    "arm64-flushes-batched", "4b634918384c", V6_16, "arch/arm64/include/asm/tlbflush.h",
    "who changes page tables flushes what reclaim has unmapped and not flushed yet (43b3dfdd0455, v6.6)",
    "it only waited for the flushes that its own CPU had begun",
    architectures=("arm64",),
)  # fmt: skip
BYPASS_TAKES_SLOT = Change(
    "bypass-takes-slot", "13ddaf26be32", V6_8, "mm/memory.c",
    "a read past the swap cache marks the slot (SWAP_HAS_CACHE) until the page is mapped",
    "two threads could read the same slot, and the slower one mapped what had been overwritten since",
    until=V7_0, undone_by="f1879e8a0c60",
)  # fmt: skip
FREE_SWAP_HOLDS_DEVICE = Change(
    "free-swap-holds-device", "82b1c07a0af6", V6_9, "mm/swapfile.c",
    "free_swap_and_cache holds a reference to the swap device",
    "swapoff could free the device while a zap was still giving its slot back",
)  # fmt: skip
MIGRATION_KEEPS_SOFT_DIRTY = Change(
    "migration-keeps-soft-dirty", "055267feaecc", V6_9, "mm/migrate.c",
    "a page that has moved is soft-dirty only if it was so before",
    "a dirty one was soft-dirty, even where clear_refs had met it on the way",
)  # fmt: skip
NUMA_SKIPS_PINNED = Change(
    "numa-skips-pinned", "d2136d749d76", V6_10, "mm/mprotect.c",
    "NUMA balancing lets accesses to a page fault unless it may be pinned or is mapped more than once",
    "only if nothing but its pte referred to it",
    unobservable="as numa-skips-referenced: a page that is referred to does not move in any case",
)  # fmt: skip
ZSWAP_LOADS_EXCLUSIVELY = Change(
    "zswap-loads-exclusively", "c2e2ba770200", V6_9, "mm/zswap.c",
    "a load takes the entry out of zswap, and the page in the swap cache is dirty instead",
    "the compressed copy stayed where it was until its slot was freed",
    unobservable="the content is in either place, and nothing is freed that is needed",
)  # fmt: skip
READ_MAPS_WRITABLE = Change(
    "read-maps-writable", "c18160dba5ff", V6_11, "mm/memory.c",
    "a read fault maps an exclusive page from swap writable",
    "read-only: the first write took a fault of its own",
    unobservable="it spares a fault, and who writes to an exclusive page gets it with or without one",
)  # fmt: skip
BATCH_CLEARS_LRU = Change(
    "batch-clears-lru", "33dfe9204f29", V6_11, "mm/swap.c",
    "a page in an LRU batch of any kind is off its list until the batch is drained",
    "only one that is new to the lists: the others may be isolated meanwhile",
    until=V6_17, undone_by="afb99e9f5004",
    unobservable="reclaim that cannot isolate a page yet does what reclaim does that has not come to it yet",
)  # fmt: skip
ZERO_PAGES_NOT_WRITTEN = Change(
    "zero-pages-not-written", "0ca0c24e3211", V6_12, "mm/page_io.c",
    "a page of zeros is not written to swap: a bit says that its slot reads as zeros",
    "it was written like any page, and under writeback it could not leave the swap cache",
)  # fmt: skip
UFFDIO_MOVE = Change(
    "uffdio-move", "adef440691ba", V6_8, "mm/userfaultfd.c",
    "UFFDIO_MOVE takes an exclusive page, or a swap pte that is marked so, to another address",
    "there was no such ioctl",
)  # fmt: skip
MOVE_TAKES_CACHED = Change(
    "move-takes-cached", "c50f8e6053b0", V6_14, "mm/userfaultfd.c",
    "UFFDIO_MOVE of a swap pte takes the folio in the swap cache along",
    "the folio stayed the page of the old address, so the fault at the new one copied it (or hit a BUG)",
)  # fmt: skip
MOVE_RECHECKS_CACHE = Change(
    "move-rechecks-cache", "0ea148a79919", V6_16, "mm/userfaultfd.c",
    "under the locks UFFDIO_MOVE makes sure that the swap cache is still as it was looked up",
    "it could take a folio along that no longer belonged to the entry, and leave the right one behind",
)  # fmt: skip
MOVE_MARKS_SOFT_DIRTY = Change(
    "move-marks-soft-dirty", "75cb1cca2c88", V6_15, "mm/userfaultfd.c",
    "UFFDIO_MOVE makes the page soft-dirty at its new address, and dirty only if it was",
    "it made a present page dirty, so what MADV_FREE had given up was kept, and a swap pte neither: "
    "who tracks writes missed the new content",
)  # fmt: skip
READAHEAD_LEFT_TO_CALLER = Change(
    "readahead-left-to-caller", "78524b05f1a3", V6_15, "mm/swap_state.c",
    "__read_swap_cache_async takes no reference to the swap device: its callers hold one",
    "it took one itself, and read nothing from a device that had gone",
)  # fmt: skip
READAHEAD_HOLDS_DEVICE = Change(
    "readahead-holds-device", "1c2a936edd71", V6_18, "mm/swap_state.c",
    "readahead takes a reference to the swap device of a neighbour where the fault itself is on another",
    "swapoff could free that device before it was read from (since 78524b05f1a3, v6.15)",
)  # fmt: skip
HALF_FORK_IS_UNSTABLE = Change(
    "half-fork-is-unstable", "64c37e134b12", V6_14, "kernel/fork.c",
    "fork that fails half way marks the child's address space as unstable (MMF_UNSTABLE)",
    "it hid it from the OOM killer only (MMF_OOM_SKIP)",
)  # fmt: skip
SWAPOFF_CHECKS_STABLE = Change(
    "swapoff-checks-stable", "1367da7eb875", V6_18, "mm/swapfile.c",
    "swapoff leaves out an address space that is marked as unstable",
    "it walked what fork had given up half way, up to an entry that is no mapping",
)  # fmt: skip
SWAPOFF_RECHECKS_FOLIO = Change(
    "swapoff-rechecks-folio", "ae38eb210590", V6_18, "mm/swapfile.c",
    "unuse_pte, with the folio locked, compares its swap entry again, as all users must",
    "it mapped the folio that it had looked up, or took it for one that could not be read",
)  # fmt: skip
MOVE_FLUSHES_LATE = Change(
    "move-flushes-late", "userfaultfd: opportunistic TLB-flush batching for present pages in MOVE", V6_18,
    "mm/userfaultfd.c",
    "UFFDIO_MOVE flushes TLBs after the pages are mapped at their new address",
    "it flushed before, so that the old address no longer led to the page",
    unsettled="the mainline id; the rule is in the trees of 7.2 and 7.3, the subject in the pull for v6.18",
)  # fmt: skip
NO_BYPASS = Change(
    "no-bypass", "f1879e8a0c60", V7_0, "mm/memory.c",
    "every page from swap comes through the swap cache",
    "a synchronous device was read past the swap cache where one pte used the slot",
)  # fmt: skip
BACK_OUT_FREES_SWAP = Change(
    "back-out-frees-swap", "f1879e8a0c60", V7_0, "mm/memory.c",
    "do_swap_page that backs out gives the slot back if no pte needs it any more",
    "the folio stayed in the swap cache until reclaim found it",
    unobservable="who needs the page next gives the slot back for itself",
)  # fmt: skip
SYNC_FREES_SWAP = Change(
    "sync-frees-swap", "ab08be8dc96a", V7_0, "mm/memory.c",
    "a slot of a synchronous device is given back as soon as its page is mapped, if no other pte needs it",
    "only for a write fault, or where swap is nearly full",
    unobservable="who needs the page next gives the slot back for itself",
)  # fmt: skip
MAP_THEN_FREE_SWAP = Change(
    "map-then-free-swap", "4b34f1d82c65", V7_0, "mm/memory.c",
    "do_swap_page maps the page first, and gives its slot back then",
    "the slot went first: a page without other references became exclusive, marked or not",
    unobservable="do_wp_page finds the same at the next write",
)  # fmt: skip
WP_DRAINS_IF_USEFUL = Change(
    "wp-drains-if-useful", "mm: avoid unnecessary lru drain for wp_can_reuse_anon_folio()", V7_3,
    "mm/memory.c",
    "do_wp_page drains the LRU-add batch only where that can make it the only user",
    "it drained wherever a page had at most three references",
    unobservable="a batch may be drained at any moment",
    unsettled="the mainline id; the rule is in the tree of 7.3 and not in that of 7.2",
)  # fmt: skip
SWAPIN_WITHOUT_DRAIN = Change(
    "swapin-without-drain", "mm: entirely remove lru_add_drain in do_swap_page", V7_3, "mm/memory.c",
    "do_swap_page leaves the LRU-add batch alone: it no longer counts references",
    "a write fault drained the batch of its CPU first",
    unobservable="do_wp_page drains it where that matters, and a batch may be drained at any moment",
    unsettled="the mainline id; the rule is in the tree of 7.3 and not in that of 7.2",
)  # fmt: skip
EXCLUSIVE_FREES_SWAP = Change(
    "exclusive-frees-swap", "mm: clarify the folio_free_swap() for do_swap_page()", V7_3, "mm/memory.c",
    "a write fault gives the slot back if the page is exclusive",
    "if it held the only reference beside the swap cache",
    unobservable="a page that is not exclusive is looked at by do_wp_page next, which gives the slot back",
    unsettled="the mainline id; the rule is in the tree of 7.3 and not in that of 7.2",
)  # fmt: skip

MUST_WAIT_ASKS_PRESENT = Change(
    "must-wait-asks-present", "8e80af52db65", V7_2, "fs/userfaultfd.c",
    "a write that is about to wait for userfaultfd asks only a present entry whether it is writable",
    "a page in swap or on the move looked read-only: the write waited, though nobody knew that it did",
)  # fmt: skip

ZRAM_TAKES_ANYTHING = Change(
    "zram-takes-anything", "e7be8d1dd983", V5_19, "drivers/block/zram/zram_drv.c",
    "zram does not ask for stable pages", "it does", until=V6_0, undone_by="37887783b3fe",
    unobservable="until v6.2 a folio stays locked while zram is written, so that nobody can write to it",
)  # fmt: skip

# -- variants that no release has ------------------------------------------------------------------

AS_POSTED = Change(
    "as-posted", "20220329164329.208407-2-david@redhat.com", None, "mm/memory.c",
    "H4c inverted: pages change under writeback to a device with stable writes, and are copied elsewhere",
    "as merged, after mm-swap-remember-pg_anon_exclusive-via-a-swp-pte-bit-fix",
    part_of=FOUNDING,
)  # fmt: skip
UNMAP_ALWAYS_MARKS = Change(
    "unmap-always-marks", "a mutant of H5", None, "mm/rmap.c",
    "try_to_unmap_one marks every swap pte, also of a page that is shared",
    "only a page that was PG_anon_exclusive is marked",
)  # fmt: skip
SWAPOFF_ALWAYS_EXCLUSIVE = Change(
    "swapoff-always-exclusive", "a mutant of H6", None, "mm/swapfile.c",
    "unuse_pte marks every page PG_anon_exclusive",
    "only a page whose swap pte was marked",
)  # fmt: skip

MOVE_KEEPS_PROTECTION = Change(
    "move-keeps-protection", "posted in April 2026, not merged in v7.3", None, "mm/userfaultfd.c",
    "UFFDIO_MOVE leaves a page write-protected that userfaultfd has write-protected",
    "the page is writable at its new address (in swap it stays protected)",
)  # fmt: skip
ZEROS_REPLACE_COPY = Change(
    "zeros-replace-copy", "a proposal", None, "mm/page_io.c",
    "a page of zeros that is swapped out takes the older compressed copy of its slot out of zswap",
    "the copy stays there, and its writeback brings it back (litmus/open/zswap-zero-page)",
)  # fmt: skip
MADV_FREE_SPARES_KSM = Change(
    "madv-free-spares-ksm", "mm/madvise: fix data loss from MADV_FREE on a KSM page", None, "mm/madvise.c",
    "MADV_FREE leaves a KSM page alone that is dirty or in the swap cache: others may map it any time",
    "mapped once, it became clean and lazyfree, and took with it whoever was merged into it later",
    unsettled="the mainline id: it is in 6.12.118 and not in v7.3; the rule is in the tree of 6.12.118",
)  # fmt: skip
KSM_KEEPS_SOFT_DIRTY = Change(
    "ksm-keeps-soft-dirty", "mm/ksm: keep soft-dirty when merging a page", None, "mm/ksm.c",
    "replace_page keeps soft-dirty in the entry that maps the KSM page",
    "the new entry did not say that the page had been written",
    unsettled="the mainline id: it is in 6.12.118 and not in v7.3; the rule is in the tree of 6.12.118",
)  # fmt: skip
FORK_KEEPS_MIGRATION_KIND = Change(
    "fork-keeps-migration-kind", "a mutant of copy_nonpresent_pte", None, "mm/memory.c",
    "fork copies a migration entry as it is",
    "parent and child get the read kind",
)  # fmt: skip

# -- large folios ----------------------------------------------------------------------------------

LARGE_NEVER_REUSED = Change(
    "large-never-reused", "069686255c16", V6_7, "mm/memory.c",
    "a page of a large folio that is not known to be exclusive is copied, whoever else refers to the folio",
    "it was reused like any other where its pte held the only reference to the whole folio",
    until=V6_15, undone_by="1da190f4d0a6",
)  # fmt: skip
LAZYFREE_LARGE_BATCH = Change(
    "lazyfree-large-batch", "dce7d10be4bb", V6_11, "mm/madvise.c",
    "MADV_FREE of all pages of a large folio leaves it large",
    "it split the folio first",
)  # fmt: skip
LARGE_REUSE_BY_MAPCOUNT = Change(
    "large-reuse-by-mapcount", "1da190f4d0a6", V6_15, "mm/memory.c",
    "a page of a large folio is reused where all references to the folio are mappings of this process",
    "it was never reused",
)  # fmt: skip
MM_OWNER_SLOTS = Change(
    "mm-owner-slots", "6af8cb80d3a9", V6_15, "include/linux/rmap.h",
    "a large folio knows two of the processes that map it, and whether any other does",
    "it counted mappings alone",
)  # fmt: skip
LARGE_MAPCOUNT = Change(
    "large-mapcount", "05c5323b2a34", V6_10, "include/linux/mm.h",
    "a large folio counts its mappings, and is taken for shared if there are more than it has pages",
    "it was guessed by the mappings of its first page alone",
)  # fmt: skip
LARGE_SWAPOUT_WHOLE = Change(
    "large-swapout-whole", "5ed890ce5147", V6_10, "mm/vmscan.c",
    "reclaim swaps a large folio out whole, unless some page of it is not mapped any more",
    "one that is mapped by ptes was split first",
)  # fmt: skip
PAGEOUT_KEEPS_LARGE = Change(
    "pageout-keeps-large", "3931b871c494", V6_10, "mm/madvise.c",
    "MADV_PAGEOUT of all pages of a large folio leaves it to reclaim whole",
    "it split the folio first",
)  # fmt: skip
LARGE_SWAPIN_CACHED = Change(
    "large-swapin-cached", "508758960b8d", V6_11, "mm/memory.c",
    "a swap fault maps all pages of a large folio in the swap cache, where their entries are alike",
    "it mapped the one that was accessed",
)  # fmt: skip
LARGE_SWAPIN_SYNC = Change(
    "large-swapin-sync", "242d12c98174", V6_12, "mm/memory.c",
    "a swap fault reads all slots of a large folio from a synchronous device, where the entries are alike",
    "it read the one that was accessed",
)  # fmt: skip
SPLIT_MAPS_ZEROPAGE = Change(
    "split-maps-zeropage", "b1f202060afe", V6_12, "mm/huge_memory.c",
    "where a large folio is split, the zero page takes the place of pages of zeros",
    "they became folios like the others",
)  # fmt: skip
ZEROPAGE_KEEPS_BITS = Change(
    "zeropage-keeps-bits", "9658d698a8a8", V6_18, "mm/migrate.c",
    "a zero page that takes the place of zeros keeps the soft-dirty and uffd-wp bits of its entry",
    "it lost them: a write that userfaultfd waits for went by",
)  # fmt: skip
LAZYFREE_BATCH = Change(
    "lazyfree-batch", "354dffd29575", V6_15, "mm/rmap.c",
    "reclaim unmaps the ptes of a large folio after MADV_FREE together, and puts all or none of them back",
    "it did so one by one",
)  # fmt: skip
LAZYFREE_BATCH_RESPECTS_WRITE = Change(
    "lazyfree-batch-respects-write", "29f40594a281", V7_0, "mm/rmap.c",
    "ptes are unmapped together only if they are alike in being writable and soft-dirty (CVE-2026-31398)",
    "where they had to stay, all of them got the value of the first: a read-only one became writable",
)  # fmt: skip

CHANGES: tuple[Change, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Change))
