# SPDX-License-Identifier: MIT
"""Background actors: the system calls that stand in for each of them."""

from __future__ import annotations

from collections.abc import Callable

from . import calls, ksm, numa


def kswapd(address: int, pids: list[int]) -> None:
    """`kswapd(x)`: the page is paged out of every process."""
    for pid in pids:
        calls.advise_other(pid, address, "MADV_PAGEOUT")


def ksmd(address: int, pids: list[int]) -> None:
    """`ksmd(x, y)`: it scans whatever is mergeable."""
    ksm.scan()


def migrated(address: int, pids: list[int]) -> None:
    """`migrated(x)`: the page of every process moves to another node."""
    for pid in pids:
        numa.move_elsewhere(pid, address)


def readahead(address: int, pids: list[int]) -> None:
    """`readahead(x)`: the page is read from swap, and not mapped."""
    for pid in pids:
        calls.advise_other(pid, address, "MADV_WILLNEED")


ACTORS: dict[str, Callable[[int, list[int]], None]] = {
    "kswapd": kswapd,
    "ksmd": ksmd,
    "migrated": migrated,
    "readahead": readahead,
}
"""By their names in cowpath.litmus.initial, given the address of their (first) page and every process."""
