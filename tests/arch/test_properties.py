# SPDX-License-Identifier: MIT
"""What every swap pte layout promises, P1 to P9: the checks of mm/debug_vm_pgtable.c, and more.

Exhaustive over flags; types and offsets by Hypothesis, which always tries the ends of the ranges.
"""

from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowpath.arch import ARCHITECTURES
from cowpath.arch.layout import PteLayout, mask_of
from cowpath.arch.powerpc import HPTEFLAGS
from cowpath.arch.swp_pte import (
    EntryError,
    SwpEntry,
    is_swap_pte,
    make,
    pte_none,
    pte_present,
    pte_same,
    pte_same_as_swp,
    pte_swp_clear_exclusive,
    pte_swp_clear_flags,
    pte_swp_clear_soft_dirty,
    pte_swp_clear_uffd_wp,
    pte_swp_exclusive,
    pte_swp_mkexclusive,
    pte_swp_mksoft_dirty,
    pte_swp_mkuffd_wp,
    pte_swp_soft_dirty,
    pte_swp_uffd_wp,
    pte_to_swp_entry,
    swp_entry_to_pte,
)

settings.register_profile("layouts", max_examples=25, deadline=None)
LAYOUTS = settings.get_profile("layouts")

ALL = [
    pytest.param(layout, id=f"{arch.name}-{layout.since}")
    for arch in ARCHITECTURES.values()
    for layout in arch.layouts
]
SOUND = [param for param in ALL if not param.values[0].flaw]  # type: ignore[union-attr]
FLAWED = [param for param in ALL if param.values[0].flaw]  # type: ignore[union-attr]

OPERATIONS = {
    "exclusive": (pte_swp_mkexclusive, pte_swp_exclusive, pte_swp_clear_exclusive),
    "soft_dirty": (pte_swp_mksoft_dirty, pte_swp_soft_dirty, pte_swp_clear_soft_dirty),
    "uffd_wp": (pte_swp_mkuffd_wp, pte_swp_uffd_wp, pte_swp_clear_uffd_wp),
}
SUBSETS = list(chain.from_iterable(combinations(OPERATIONS, size) for size in range(len(OPERATIONS) + 1)))


def entries(layout: PteLayout) -> st.SearchStrategy[SwpEntry]:
    """Entries that the kernel makes: page 0 of a swap device is its header."""
    types = st.integers(0, layout.max_type)
    offsets = st.integers(1, last_offset(layout)) | st.sampled_from([1, last_offset(layout)])
    return st.builds(SwpEntry, types, offsets)


def last_offset(layout: PteLayout) -> int:
    """The last offset for any type; where all bits of the pte can be inverted, the very last makes it 0."""
    return layout.max_offset - (layout.offset.inverted and layout.offset_bits == layout.offset.width)


def with_flags(layout: PteLayout, pte: int, flags: tuple[str, ...]) -> int:
    for flag in flags:
        pte = OPERATIONS[flag][0](layout, pte)
    return pte


def check_round_trip(layout: PteLayout, entry: SwpEntry) -> None:
    """P1: what goes in comes out.  P4: whatever the flags."""
    pte = swp_entry_to_pte(layout, entry)
    assert 0 <= pte < 1 << layout.pte_bits
    for flags in SUBSETS:
        assert pte_to_swp_entry(layout, with_flags(layout, pte, flags)) == entry


def check_flags(layout: PteLayout, entry: SwpEntry) -> None:
    """P2: a flag changes its own bit only, in any order; without a bit, nothing."""
    plain = swp_entry_to_pte(layout, entry)
    for flags in SUBSETS:
        pte = with_flags(layout, plain, flags)
        assert pte == with_flags(layout, plain, flags[::-1]) == with_flags(layout, pte, flags)
        for name, (_, test, clear) in OPERATIONS.items():
            assert test(layout, pte) == (name in flags and name in layout.flags)
            others = tuple(flag for flag in flags if flag != name)
            assert clear(layout, pte) == with_flags(layout, plain, others)
        assert bin(pte ^ plain).count("1") == len([flag for flag in flags if flag in layout.flags])


def check_swap(layout: PteLayout, entry: SwpEntry) -> None:
    """P3: never none, never present, fixed bits as they must be, with any flags."""
    for flags in SUBSETS:
        pte = with_flags(layout, swp_entry_to_pte(layout, entry), flags)
        assert is_swap_pte(layout, pte)
        assert not pte & layout.zero_mask
        assert pte & layout.ones_mask == layout.ones_mask


def check_all(layout: PteLayout, entry: SwpEntry) -> None:
    check_round_trip(layout, entry)
    check_flags(layout, entry)
    check_swap(layout, entry)


@pytest.mark.parametrize("layout", SOUND)
@LAYOUTS
@given(data=st.data())
def test_p1_p2_p3_p4(layout: PteLayout, data: st.DataObject) -> None:
    check_all(layout, data.draw(entries(layout)))


@pytest.mark.parametrize("layout", SOUND)
def test_every_type_at_the_ends(layout: PteLayout) -> None:
    for swp_type in range(layout.max_type + 1):
        for offset in (1, last_offset(layout)):
            check_all(layout, SwpEntry(swp_type, offset))


@pytest.mark.parametrize("layout", FLAWED)
def test_what_is_called_a_flaw_breaks_a_promise(layout: PteLayout) -> None:
    assert breaks(layout) or layout.max_type < 31


def breaks(layout: PteLayout) -> bool:
    """Does some entry break the promises, or does a field cover a bit that must be 0?"""
    if layout.zero_mask & (layout.type.mask | layout.offset.mask):
        return True
    for swp_type in range(layout.max_type + 1):
        for offset in (1, 4, last_offset(layout)):
            try:
                check_all(layout, SwpEntry(swp_type, offset))
            except AssertionError:
                return True
    return False


@pytest.mark.parametrize("layout", ALL)
def test_p3_tables_are_consistent(layout: PteLayout) -> None:
    assert layout.since.major >= 5
    assert not layout.zero_mask & layout.ones_mask
    assert layout.used_mask < 1 << layout.pte_bits
    assert pte_none(layout, layout.none)
    assert not pte_present(layout, layout.none)
    claims = [layout.type.mask, layout.offset.mask, layout.zero_mask, layout.ones_mask]
    claims += [1 << bit for bit in layout.flags.values()]
    if not layout.flaw:
        assert sum(claims) == layout.used_mask, "no bit has two uses"


@pytest.mark.parametrize("layout", SOUND)
@LAYOUTS
@given(data=st.data())
def test_p5_pte_same_sees_the_marker_and_swapoff_does_not(layout: PteLayout, data: st.DataObject) -> None:
    entry = data.draw(entries(layout))
    bare = swp_entry_to_pte(layout, entry)
    for flags in SUBSETS:
        pte = with_flags(layout, bare, flags)
        assert pte_same(layout, pte, bare) == (not any(flag in layout.flags for flag in flags))
        assert pte_same_as_swp(layout, pte, bare)
    marked = pte_swp_mkexclusive(layout, bare)
    finds = pte_same_as_swp(layout, marked, bare, strips_exclusive=False)
    assert finds == (layout.exclusive is None), "without that hunk, swapoff misses exclusive ptes"


@pytest.mark.parametrize("layout", SOUND)
@LAYOUTS
@given(data=st.data())
def test_p6_distinct_entries_have_distinct_ptes(layout: PteLayout, data: st.DataObject) -> None:
    one, other = data.draw(entries(layout)), data.draw(entries(layout))
    assert (one == other) == (swp_entry_to_pte(layout, one) == swp_entry_to_pte(layout, other))


@pytest.mark.parametrize("layout", SOUND)
@LAYOUTS
@given(data=st.data())
def test_p7_overflow_is_cut_off(layout: PteLayout, data: st.DataObject) -> None:
    """The bug of 6f74c0ec2095: no type may reach the marker, the offset or a bit that must be 0."""
    entry = data.draw(entries(layout))
    wild_type = data.draw(st.integers(1, 1 << 40)) * (layout.max_type + 1) + entry.type
    wild_offset = data.draw(st.integers(1, 1 << 40)) * (layout.max_offset + 1) + entry.offset
    assert swp_entry_to_pte(layout, SwpEntry(wild_type, wild_offset)) == swp_entry_to_pte(layout, entry)
    with pytest.raises(EntryError, match="type"):
        make(layout, wild_type, entry.offset)
    with pytest.raises(EntryError, match="offset"):
        make(layout, entry.type, wild_offset)


@pytest.mark.parametrize("layout", SOUND)
@LAYOUTS
@given(data=st.data())
def test_p7_the_field_itself_cuts_off(layout: PteLayout, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 1 << 70))
    for field in (layout.type, layout.offset):
        assert field.place(number) & ~field.mask == 0
        assert field.extract(field.place(number)) == number & ((1 << field.width) - 1)


@pytest.mark.parametrize(("name", "pages"), [("powerpc", "64k"), ("powerpc-4k", "4k")])
def test_p8_powerpc_keeps_off_the_hash_bits(name: str, pages: str) -> None:
    hash_bits = mask_of(" ".join(HPTEFLAGS[pages]))
    for layout in ARCHITECTURES[name].layouts:
        assert not hash_bits & (layout.type.mask | layout.offset.mask | layout.flags_mask | layout.ones_mask)


@LAYOUTS
@given(data=st.data())
@pytest.mark.parametrize("layout", ARCHITECTURES["s390"].layouts)
def test_p9_s390_pattern(layout: PteLayout, data: st.DataObject) -> None:
    pte = swp_entry_to_pte(layout, data.draw(entries(layout)))
    for flags in SUBSETS:
        assert with_flags(layout, pte, flags) & 0x201 == 0x200


@pytest.mark.parametrize("layout", ALL)
def test_generic_stubs(layout: PteLayout) -> None:
    """Hunk H1: a kernel without the bit has stubs that do nothing."""
    stub = layout.without_exclusive()
    pte = swp_entry_to_pte(stub, SwpEntry(1, 0x55))
    assert pte_swp_mkexclusive(stub, pte) == pte == pte_swp_clear_exclusive(stub, pte)
    assert not pte_swp_exclusive(stub, pte_swp_mkexclusive(stub, pte))
    assert pte_swp_clear_flags(stub, pte) == pte
