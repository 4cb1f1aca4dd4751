# SPDX-License-Identifier: MIT
"""Places in the kernel: every yield of the model has one, or a reason why not."""

from __future__ import annotations

import struct

import pytest

from cowpath.machine.replay.code import Code, NoSuchPlaceError, Symbols
from cowpath.machine.replay.places import ELSEWHERE, PLACES, find, why_nowhere, yields

SYMBOLS = """ffffffff81000000 T do_swap_page
ffffffff81000100 T lookup_swap_cache
ffffffff81000200 t swapin_readahead.constprop.0
ffffffff81000300 T end
"""
BASE = 0xFFFFFFFF81000000


def call(at: int, target: int) -> bytes:
    return b"\xe8" + struct.pack("<i", target - (at + 5))


def memory(address: int, length: int) -> bytes:
    """do_swap_page calls both of the others, then returns."""
    code = call(BASE, BASE + 0x100) + call(BASE + 5, BASE + 0x200) + b"\xc3"
    return code.ljust(0x300, b"\x90")[address - BASE : address - BASE + length]


@pytest.fixture
def code() -> Code:
    return Code(Symbols(SYMBOLS), memory)


@pytest.mark.parametrize("name", yields())
def test_every_yield_has_a_place_or_a_reason(name: str) -> None:
    assert (name in PLACES) or why_nowhere(name), f"{name}: say where it is in machine/replay/places.py"


def test_every_entry_is_about_a_yield() -> None:
    known = yields()
    assert set(PLACES) <= set(known)
    assert all(any(name.startswith(start) for name in known) for start in ELSEWHERE)


def test_a_place_is_found_by_the_calls_around_it(code: Code) -> None:
    assert find(code, "mm/memory.py do_swap_page 1") == {BASE: False}
    assert find(code, "mm/memory.py do_swap_page 2") == {BASE + 5: True, BASE + 10: False}


def test_a_place_that_a_kernel_has_not_got_says_why(code: Code) -> None:
    with pytest.raises(NoSuchPlaceError, match="no function shrink_folio_list: inlined, or of another name"):
        find(code, "mm/vmscan.py _unmap_and_write 1")
    with pytest.raises(NoSuchPlaceError, match="do_swap_page does not call do_wp_page here"):
        find(code, "mm/memory.py do_swap_page 4")
    with pytest.raises(NoSuchPlaceError, match="ksmd goes through all memory"):
        find(code, "mm/ksm.py break_ksm 1")
