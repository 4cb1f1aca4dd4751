# SPDX-License-Identifier: MIT
"""A pte taken apart: what kind it is, and what is wrong with one that cannot be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowpath.arch import ARCHITECTURES, architecture
from cowpath.arch.explain import Explanation, explain
from cowpath.arch.swp_pte import EntryError, make
from cowpath.arch.swp_type import default_features, special_types
from cowpath.history.release import Release


def of(arch: str, release: str, value: int) -> Explanation:
    return explain(architecture(arch), Release.parse(release), value)


@pytest.mark.parametrize(
    ("arch", "release", "value", "kind", "summary"),
    [
        ("x86_64", "6.1", 0, "none", "none"),
        ("x86_64", "6.1", 0x60, "none", "none"),  # A and D, set by hardware
        ("s390", "6.1", 0x400, "none", "none"),
        ("xtensa", "6.1", 0x1C, "none", "none"),
        ("um", "6.1", 0x2, "none", "none"),
        ("x86_64", "6.1", 0x8000000012345867, "present", "present"),
        ("x86_64", "6.1", 0x8000000012345920, "present", "present"),  # PROT_NONE
        ("arm64", "6.1", 1 << 58, "present", "present"),
        ("powerpc", "6.1", 0x6000000000000000, "present", "present"),  # being changed
        ("arm64", "6.1", 0x20C, "swap", "swap: device 1, offset 0x2, exclusive"),
        ("arm64", "5.10", 0x20C, "swap", "swap: device 3, offset 0x2"),
    ],
)
def test_kinds(arch: str, release: str, value: int, kind: str, summary: str) -> None:
    found = of(arch, release, value)
    assert found.kind == kind
    assert found.summary.startswith(summary)


def test_present_bits_are_named() -> None:
    rows = {row.bits: row.value for row in of("x86_64", "6.1", 0x8000000012345867).rows}
    assert rows["12-51"] == 0x12345
    assert [bits for bits, value in rows.items() if value == 1] == ["0", "1", "2", "5", "6", "11", "63"]
    assert of("arm", "6.1", 0x1).notes == ["the bits of present ptes of arm are not recorded but for these"]


def test_kernels_newer_than_the_headers_read() -> None:
    assert any("taken to be the same" in note for note in of("arm64", "7.9", 0x1004).notes)


def test_special_types_by_release() -> None:
    """The same type number says different things: the numbers depend on the release."""
    pte = make(architecture("x86_64").layout(Release(6, 1)), 25, 0x1234)
    assert of("x86_64", "5.10", pte).summary == "swap: device 25, offset 0x1234"
    assert of("x86_64", "6.1", pte).summary == "SWP_MIGRATION_WRITE, pfn 0x1234"
    assert of("x86_64", "6.12", pte).summary == "SWP_MIGRATION_READ_EXCLUSIVE, pfn 0x1234"


def test_migration_keeps_young_and_dirty_above_the_pfn() -> None:
    migration = make(architecture("x86_64").layout(Release(6, 1)), 25, 0x1234 | 1 << 34 | 1 << 35)
    (offset,) = (row for row in of("x86_64", "6.1", migration).rows if row.name == "offset")
    assert "pfn 0x1234, young, dirty" in offset.meaning


def test_markers() -> None:
    layout = architecture("arm64").layout(Release(7, 3))
    marker = make(layout, 31, 0b100)
    assert "PTE_MARKER_GUARD" in str(of("arm64", "7.3", marker).rows)
    assert any("does not know" in problem for problem in of("arm64", "6.12", marker).problems)


@pytest.mark.parametrize(
    ("arch", "release", "value", "problem"),
    [
        ("x86_64", "6.1", 0x07FFFFFFFFFFFC88, "bit 7 must be 0 in a swap pte: _PAGE_PSE"),
        ("x86_64", "6.1", 0x07FFFFFFFFFFFC18, "bit 4: this kernel uses it in no swap pte"),
        ("x86_64", "6.1", 0x07FFFFFFFFFFFE08, "offset 0: the first page of a swap device is its header"),
        ("x86_64", "5.10", 0x07FFFFFFFFFFFC08, "bit 3: this kernel uses it in no swap pte"),
        ("x86_64", "6.1", 0xC7FFFFFFFFFFFC08, "exclusive: only ptes of swap devices carry it"),
        ("s390", "6.1", 0x1200, "bit 10 must be 1 in a swap pte: _PAGE_INVALID"),
        ("powerpc", "6.1", 0x10001, "bit 62 must be 1 in a swap pte: _PAGE_PTE"),
        ("i386-pae", "6.1", 0x0000000000000200, "a swp_entry_t has 26 bits for it"),
        ("arm64", "5.10", 0x1F0, "type 60: there are only 32"),
    ],
)
def test_impossible_values(arch: str, release: str, value: int, problem: str) -> None:
    found = of(arch, release, value)
    assert found.kind == "impossible"
    assert any(problem in text for text in found.problems), found.problems


def test_a_wrong_release_is_suggested() -> None:
    notes = of("x86_64", "5.10", 0x07FFFFFFFFFFFC08).notes
    assert any(
        "a kernel 5.19 and later could write it: type 0, offset 0x1, exclusive" in note for note in notes
    )


def test_too_wide() -> None:
    with pytest.raises(EntryError, match="more than 32 bits"):
        of("arm", "6.1", 1 << 32)


@pytest.mark.parametrize("name", ARCHITECTURES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_what_make_makes_is_never_impossible(name: str, data: st.DataObject) -> None:
    arch = ARCHITECTURES[name]
    sound = [layout for layout in arch.layouts if not layout.flaw]
    if not sound:
        return
    layout = data.draw(st.sampled_from(sound))
    swp_type = data.draw(st.integers(0, layout.max_type))
    offset = data.draw(st.integers(1, layout.max_offset - 1))
    special = special_types(layout.since, default_features(arch, layout.since)).get(swp_type)
    if special is None or special.pfn:
        exclusive = special is None and data.draw(st.booleans())
        found = explain(arch, layout.since, make(layout, swp_type, offset, exclusive=exclusive))
        assert found.problems == []
        assert found.entry == (swp_type, offset)


@pytest.mark.parametrize("name", ARCHITECTURES)
@settings(max_examples=60, deadline=None)
@given(value=st.integers(0, (1 << 64) - 1))
def test_any_value_is_explained(name: str, value: int) -> None:
    """No number is too strange; and what is a swap pte without problems is what `make` makes."""
    arch = ARCHITECTURES[name]
    for layout in arch.layouts:
        pte = value & ((1 << layout.pte_bits) - 1)
        found = explain(arch, layout.since, pte)
        assert found.summary
        if found.kind in ("swap", "special") and not layout.flaw and layout.none_ignores != "5-6":
            assert found.entry is not None
            flags = {flag: bool(pte >> bit & 1) for flag, bit in layout.flags.items()}
            assert make(layout, *found.entry, **flags) == pte
