# SPDX-License-Identifier: MIT
"""Habits from C and from the kernel, with what this language writes instead.

Nothing here is part of the language.  It only makes the hint of an error that occurs anyway.
"""

from collections.abc import Mapping

_NO_BRANCHES = "no statement depends on a value: the condition at the end asks for one, exists (0:r0='a')"
_NO_LOOPS = "there are no loops: write each statement out; wait(P1) waits for another thread"
_NO_JUMPS = "a thread is a plain list of statements, or any { ... }"

KEYWORDS: Mapping[str, str] = {
    **dict.fromkeys(("if", "else", "switch", "case"), _NO_BRANCHES),
    **dict.fromkeys(("while", "for", "do"), _NO_LOOPS),
    **dict.fromkeys(("goto", "break", "continue"), _NO_JUMPS),
    "return": "a thread ends after its last statement; exit() ends its whole process",
}
"""Words that begin a statement of C and none of this language."""

_QUALIFIERS = ("const", "static", "volatile", "unsigned", "signed", "struct", "typedef")
TYPES = frozenset(
    (*_QUALIFIERS, "int", "long", "short", "void", "bool", "size_t", "pte_t", "u8", "u64", "uint8_t")
)
"""Types and qualifiers of C that this language has not."""

_LOAD = "a load is written r0 = x[0]; it is one access, as with READ_ONCE()"
_STORE = "a store is written x[0] = 'a'; it is one access, as with WRITE_ONCE()"
_ORDER = "the statements of a thread run in order; where the kernel has no barrier: option = weak_barriers"
_GET = "a reference is taken with g = get_user_page(x), for writing with g = get_user_page(x, FOLL_WRITE)"
_PIN = "a pin is taken with g = pin_user_page(x), for writing with g = pin_user_page(x, FOLL_WRITE)"
_DEVICE = "what a device does goes through a reference: device_write(g, 0, 'a'); or r0 = device_read(g, 0);"
_PUT = "a reference is given back with put_page(g), a pin with unpin_user_page(g)"
_PAGE = 'memory is there from the start: char x[1] = "a"; in the initial block'
_THREAD = "a thread is written P1(char *x) { ... }; it starts with its process, or with fork(P1)"
_SEEN = "what is seen at the end is asked by the condition: exists (0:r0='a')"
_SWAP = "the swap device is named in the initial block: swap = ssd; or swap = zram;"
_RECLAIM = "reclaim is written madvise(x, MADV_PAGEOUT); or kswapd(x); in the initial block, at any moment"
_WP = "userfaultfd is written userfaultfd_wp(x), r0 = userfaultfd_read(x), userfaultfd_move(x, y)"
_MERGE = "KSM is written ksm_merge(x, y), or ksmd(x, y); in the initial block, at any moment"

CALLS: Mapping[str, str] = {
    **dict.fromkeys(("READ_ONCE", "smp_load_acquire", "rcu_dereference", "get_user", "load"), _LOAD),
    **dict.fromkeys(("WRITE_ONCE", "smp_store_release", "put_user", "store", "memset", "memcpy"), _STORE),
    **dict.fromkeys(("smp_mb", "smp_rmb", "smp_wmb", "mb", "barrier"), _ORDER),
    **dict.fromkeys(("vmsplice", "splice", "tee", "follow_page", "get_page", "folio_get"), _GET),
    **dict.fromkeys(("process_vm_readv", "io_uring_register", "pin_user_folio"), _PIN),
    **dict.fromkeys(("read", "write", "pread", "pwrite", "process_vm_writev", "memcpy_to_page"), _DEVICE),
    **dict.fromkeys(("folio_put", "unpin_user_pages", "unpin_user_folio", "release"), _PUT),
    **dict.fromkeys(("mmap", "malloc", "calloc", "alloc_page", "mremap"), _PAGE),
    **dict.fromkeys(("clone", "vfork", "pthread_create", "kthread_run"), _THREAD),
    **dict.fromkeys(("printf", "printk", "assert", "BUG_ON", "WARN_ON"), _SEEN),
    **dict.fromkeys(("swapon", "mkswap"), _SWAP),
    **dict.fromkeys(("pageout", "shrink_folio_list", "try_to_unmap", "kswapd"), _RECLAIM),
    **dict.fromkeys(("ioctl", "userfaultfd", "userfaultfd_register"), _WP),
    **dict.fromkeys(("ksmd", "ksm"), _MERGE),
    "free": "memory is given up with munmap(x), or emptied with madvise(x, MADV_DONTNEED)",
    "waitpid": "wait for the last statement of another thread: wait(P1)",
    "pthread_join": "wait for the last statement of another thread: wait(P1)",
    "_exit": "a process ends with exit()",
    "sleep": "time is not modelled: whatever can happen meanwhile is explored",
    "usleep": "time is not modelled: whatever can happen meanwhile is explored",
    "move_pages": "migration is written migrate(x), or migrated(x); in the initial block, at any moment",
}
"""Functions of C, of the kernel and of user space that people write; what to write instead."""


def comment_hint(before: str, comment: str) -> str:
    """A hint for a comment that was meant as a pointer in parentheses; empty for any other.

    >>> comment_hint("    WRITE_ONCE", "(*x, 1);")
    "'(*' opens a comment; a store is written x[0] = 'a'; it is one access, as with WRITE_ONCE()"
    """
    if not comment.startswith("(*") or comment[2:3].isspace() or not before[-1:].isidentifier():
        return ""
    name = before.split()[-1].split("=")[-1] if before.split() else ""
    return f"'(*' opens a comment; {CALLS.get(name, 'a place of a page is written x[0]')}"
