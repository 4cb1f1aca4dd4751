# SPDX-License-Identifier: MIT
"""The swap devices, options and background actors that an initial block may name, one row each.

Their effect is told by whoever runs them, in one table each: linux/model.py and machine/agent (devices and
actors).  To the promise they mean nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SwapKind:
    """A kind of swap device: `swap = zram;`."""

    name: str
    meaning: str
    feature: str = ""  # what a test with such a device uses beside plain swap: see features.py


@dataclass(frozen=True, slots=True)
class Option:
    """Something that the model does beside the default: `option = tlb;`."""

    name: str
    meaning: str
    feature: str = ""


@dataclass(frozen=True, slots=True)
class ActorKind:
    """A kind of background actor: `kswapd(x);`."""

    name: str
    pages: int  # how many it works on
    meaning: str
    feature: str = ""
    merges: bool = False  # KSM: its pages are MADV_MERGEABLE from the start


NO_SWAP = "none"
"""`swap = none;`"""

DEFAULT_SWAP = ("ssd",)
"""A test that says nothing of swap has this."""

SWAP_DEVICES: Mapping[str, SwapKind] = {
    kind.name: kind
    for kind in (
        SwapKind("ssd", "I/O takes time"),
        SwapKind("zram", "synchronous, needs stable writes"),
        SwapKind("brd", "a RAM disk: synchronous"),
        SwapKind("ssd_stable", "takes time, needs stable writes"),
        SwapKind("zswap", "a compressed cache in front of a disk", "zswap"),
        SwapKind("zswap_zram", "the same in front of zram, which is synchronous", "zswap"),
    )
}

OPTIONS: Mapping[str, Option] = {
    option.name: option
    for option in (
        Option("debug_vm", "CONFIG_DEBUG_VM: checks that production kernels compile out become crashes"),
        Option("tlb", "each thread has a TLB, whose flushes come as late as in the kernel", "tlb"),
        Option(
            "failures",
            "a swap slot, a compressed copy, a lock that is only tried, I/O on a swap device or memory "
            "for fork may not be had at any moment",
            "failures",
        ),
        Option("exclusive_loads", "zswap drops its copy of what it has read, which v6.5 to v6.8 can do, too"),
        Option("weak_barriers", "where the kernel has no barrier, a CPU may reorder"),
    )
}

BACKGROUND: Mapping[str, ActorKind] = {
    kind.name: kind
    for kind in (
        ActorKind("kswapd", 1, "reclaims the page"),
        ActorKind("ksmd", 2, "tries once to merge the two", "ksm", merges=True),
        ActorKind("migrated", 1, "moves the page once to another folio", "migration"),
        ActorKind("readahead", 1, "reads the page once from swap into the swap cache"),
    )
}
