# SPDX-License-Identifier: MIT
"""Explains a raw pte bit by bit, and finds what is wrong with one that no kernel writes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cowpath.arch.architecture import NEWEST_READ, Architecture
from cowpath.arch.layout import MAX_SWAPFILES_SHIFT, BitRun, PteLayout, mask_of, ranges, runs
from cowpath.arch.swp_pte import (
    EntryError,
    SwpEntry,
    hex_text,
    is_swap_pte,
    pte_none,
    pte_present,
    pte_to_swp_entry,
)
from cowpath.arch.swp_type import MARKER, SwpType, default_features, marker_bits, special_types
from cowpath.history.release import Release

FLAG_MEANINGS = {
    "exclusive": ("the page was exclusive to this process", "no sign that the page was exclusive"),
    "soft_dirty": ("soft-dirty", "not soft-dirty"),
    "uffd_wp": ("write-protected by userfaultfd", "not write-protected by userfaultfd"),
}

FIRST_SPECIAL = 22
"""The lowest number that a special type has on any kernel: from here on configuration matters."""


@dataclass(frozen=True, slots=True)
class Row:
    """Some bits of a pte: which, their name, their value, and what that value means."""

    bits: str
    name: str
    value: int
    meaning: str = ""


@dataclass
class Explanation:
    """A pte taken apart.  `kind` is none, present, swap, special or impossible."""

    arch: Architecture
    release: Release
    layout: PteLayout
    value: int
    kind: str
    summary: str
    entry: SwpEntry | None = None
    special: SwpType | None = None
    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The value, in full width."""
        return hex_text(self.layout, self.value)


def explain(
    arch: Architecture, release: Release, value: int, features: frozenset[str] | None = None
) -> Explanation:
    """Take the pte `value` apart, as a kernel of this architecture and release reads it.

    `features` is what the kernel is configured with (see swp_type.FEATURES); by default all it can have.
    Raises EntryError if the value is wider than a pte.

    >>> from cowpath.arch import architecture
    >>> explain(architecture("arm64"), Release(6, 1), 0x20c).summary
    'swap: device 1, offset 0x2, exclusive'
    """
    layout = arch.layout(release)
    if not 0 <= value < 1 << layout.pte_bits:
        raise EntryError(f"{value:#x} is no pte of {arch.name}: it has more than {layout.pte_bits} bits")
    if pte_none(layout, value):
        return Explanation(arch, release, layout, value, "none", "none: nothing is mapped here")
    if pte_present(layout, value):
        found = Explanation(arch, release, layout, value, "present", "present: a page is mapped here")
        named = arch.present_bits or {bits: why for bits, why in layout.zero.items() if value & mask_of(bits)}
        found.rows = [Row(bits, "present", mask_bits(value, bits), why) for bits, why in named.items()]
        if not arch.present_bits:
            found.notes = [f"the bits of present ptes of {arch.name} are not recorded but for these"]
        return found
    features = default_features(arch, release) if features is None else features
    return _explain_swap(Explanation(arch, release, layout, value, "swap", ""), features)


def mask_bits(value: int, text: str) -> int:
    """The value of the bits that `text` lists, moved down to bit 0."""
    number = shift = 0
    for run in runs(text):
        number |= ((value & run.mask) >> run.low) << shift
        shift += run.width
    return number


def _explain_swap(found: Explanation, features: frozenset[str]) -> Explanation:
    layout, value = found.layout, found.value
    found.entry = entry = pte_to_swp_entry(layout, value)
    found.special = special_types(found.release, features).get(entry.type)
    found.kind = "special" if found.special else "swap"
    flags = [name for name, bit in layout.flags.items() if value >> bit & 1]
    head = found.special.name if found.special else f"swap: device {entry.type}"
    place = f"pfn {_pfn(found)[0]:#x}" if found.special and found.special.pfn else f"offset {entry.offset:#x}"
    found.summary = ", ".join([head, place, *(flag.replace("_", "-") for flag in flags)])
    found.rows = list(_rows(found))
    found.problems = list(_problems(found))
    found.notes += _notes(found, features)
    if found.problems:
        found.kind = "impossible"
        found.summary = f"no kernel writes this pte (it would be {found.summary})"
        found.notes += _other_releases(found)
    return found


def _bits(parts: tuple[BitRun, ...]) -> str:
    return " ".join(str(part) for part in reversed(parts))


def _rows(found: Explanation) -> Iterator[Row]:
    layout, value = found.layout, found.value
    assert found.entry is not None
    if found.special:
        yield Row(
            _bits(layout.type.parts),
            "type",
            found.entry.type,
            f"{found.special.name}: {found.special.meaning}",
        )
    else:
        yield Row(
            _bits(layout.type.parts), "type", found.entry.type, f"swap device number {found.entry.type}"
        )
    yield Row(_bits(layout.offset.parts), "offset", found.entry.offset, _offset_meaning(found))
    for name, bit in layout.flags.items():
        yes, no = FLAG_MEANINGS[name]
        if found.special and name == "exclusive":
            no = "never set beside a special type"
        yield Row(str(bit), name.replace("_", "-"), value >> bit & 1, yes if value >> bit & 1 else no)
    for bits, why in layout.ones.items():
        yield Row(bits, "fixed", mask_bits(value, bits), why)
    for bits, why in layout.zero.items():
        yield Row(bits, "zero", mask_bits(value, bits), why)


def _pfn(found: Explanation) -> tuple[int, bool, bool]:
    """The pfn of a special pte, and whether the young and dirty bits above it are set (6.1 on)."""
    assert found.entry is not None
    offset, physical = found.entry.offset, found.arch.phys_bits
    if physical is None or found.release < Release(6, 1) or not _is_migration(found.special):
        return offset, False, False
    pfn_bits = physical - found.arch.page_shift
    return offset & ((1 << pfn_bits) - 1), bool(offset >> pfn_bits & 1), bool(offset >> pfn_bits + 1 & 1)


def _is_migration(special: SwpType | None) -> bool:
    return special is not None and special.name.startswith("SWP_MIGRATION")


def _offset_meaning(found: Explanation) -> str:
    assert found.entry is not None
    offset = found.entry.offset
    inverted = "; kept inverted" if found.layout.offset.inverted else ""
    if not found.special:
        return f"page {offset} of the device{inverted}"
    if found.special == MARKER:
        known = [
            f"{name}: {text}" for bit, (name, text) in marker_bits(found.release).items() if offset >> bit & 1
        ]
        return "; ".join(known) or "no marker bit that this kernel knows"
    if not found.special.pfn:
        return ""
    pfn, young, dirty = _pfn(found)
    if pfn == offset or found.arch.phys_bits is None:
        state = (
            ", not young, not dirty"
            if _is_migration(found.special) and found.release >= Release(6, 1)
            else ""
        )
        return f"pfn {pfn:#x}{state}{inverted}"
    state = f"{'young' if young else 'not young'}, {'dirty' if dirty else 'not dirty'}"
    return f"pfn {pfn:#x}, {state} (if MAX_PHYSMEM_BITS is {found.arch.phys_bits}){inverted}"


def _problems(found: Explanation) -> Iterator[str]:
    layout, value, entry = found.layout, found.value, found.entry
    assert entry is not None
    for bits, why in layout.zero.items():
        if value & mask_of(bits):
            yield f"bit {bits} must be 0 in a swap pte: {why}"
    for bits, why in layout.ones.items():
        if value & mask_of(bits) != mask_of(bits):
            yield f"bit {bits} must be 1 in a swap pte: {why}"
    spare = ((1 << layout.pte_bits) - 1) & ~layout.used_mask & ~mask_of(layout.none_ignores)
    if value & spare:
        unused = " ".join(str(bit) for bit in range(layout.pte_bits) if value & spare & 1 << bit)
        yield f"bit {unused}: this kernel uses it in no swap pte"
    if entry.type >> MAX_SWAPFILES_SHIFT:
        yield f"type {entry.type}: there are only 32, the kernel never uses the upper bits of the field"
    if entry.offset > layout.max_offset:
        yield f"offset {entry.offset:#x}: a swp_entry_t has {layout.offset_bits} bits for it"
    if not found.special and entry.offset == 0:
        yield "offset 0: the first page of a swap device is its header and never holds a page"
    if found.special and layout.exclusive is not None and value >> layout.exclusive & 1:
        yield "exclusive: only ptes of swap devices carry it; migration has a type for it"
    if found.special == MARKER and entry.offset & ~sum(1 << bit for bit in marker_bits(found.release)):
        yield f"marker {entry.offset:#x}: {found.release} does not know all of these bits"


def _notes(found: Explanation, features: frozenset[str]) -> Iterator[str]:
    layout = found.layout
    if found.value & mask_of(layout.none_ignores) & ~layout.zero_mask & ~layout.used_mask:
        yield f"bits {layout.none_ignores} may be set by hardware (erratum) and mean nothing"
    if layout.exclusive is None:
        later = found.arch.exclusive_since
        yield f"{found.arch.name} has no exclusive marker at {found.release}" + (
            f"; {later} brought it ({found.arch.exclusive_commit})" if later else ""
        )
    if layout.note:
        yield layout.note
    if layout.flaw:
        yield f"flaw of this kernel: {layout.flaw}"
    if found.release > NEWEST_READ:
        yield f"headers were read up to {NEWEST_READ}; {found.release} is taken to be the same"
    if found.entry and found.entry.type >= FIRST_SPECIAL:
        have = ", ".join(sorted(features))
        yield f"type numbers this high depend on the configuration; assumed: {have} (--without changes it)"


def _other_releases(found: Explanation) -> Iterator[str]:
    """Releases at which the same value makes sense: the likeliest mistake is a wrong --kernel."""
    for layout, after in ranges(found.arch.layouts):
        if layout is found.layout or not is_swap_pte(layout, found.value):
            continue
        other = Explanation(found.arch, layout.since, layout, found.value, "swap", "")
        other.entry = pte_to_swp_entry(layout, found.value)
        other.special = special_types(layout.since, default_features(found.arch, layout.since)).get(
            other.entry.type
        )
        if not list(_problems(other)):
            until = f"before {after.since}" if after else "and later"
            flags = "".join(f", {name}" for name, bit in layout.flags.items() if found.value >> bit & 1)
            entry = f"type {other.entry.type}, offset {other.entry.offset:#x}{flags}"
            yield f"a kernel {layout.since} {until} could write it: {entry}"
