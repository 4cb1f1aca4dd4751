# SPDX-License-Identifier: MIT
"""The layout of swap ptes on an architecture: a table of bit fields, and the one codec for all of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from cowpath.history.release import Release

MAX_SWAPFILES_SHIFT = 5
"""Generic code never uses more than this many bits of a swap type (include/linux/swap.h)."""


@dataclass(frozen=True, slots=True)
class BitRun:
    """Neighbouring bits, `low` to `high`, both included; bit 0 is the least significant."""

    low: int
    high: int

    @property
    def width(self) -> int:
        """The number of bits."""
        return self.high - self.low + 1

    @property
    def mask(self) -> int:
        """These bits set, all others clear."""
        return ((1 << self.width) - 1) << self.low

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


def runs(text: str) -> tuple[BitRun, ...]:
    """Bits as the kernel's comments write them: "0", "8-57", "7-9 13-31".

    >>> [str(run) for run in runs("7-9 13-31")]
    ['7-9', '13-31']
    """
    found = []
    for part in text.split():
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            raise ValueError(f"not a run of bits: {part!r} in {text!r}")
        found.append(BitRun(int(match[1]), int(match[2] or match[1])))
    return tuple(found)


@cache
def mask_of(text: str) -> int:
    """The mask of bits written as in `runs`.

    >>> hex(mask_of("0 4-7"))
    '0xf1'
    """
    mask = 0
    for run in runs(text):
        mask |= run.mask
    return mask


@dataclass(frozen=True, slots=True)
class BitField:
    """A number kept in a pte: its lowest bits are in the first run, and so on upwards."""

    parts: tuple[BitRun, ...]
    inverted: bool = False

    @property
    def width(self) -> int:
        """The number of bits of all runs together."""
        return sum(part.width for part in self.parts)

    @property
    def mask(self) -> int:
        """The bits of all runs set, all others clear."""
        return sum(part.mask for part in self.parts)

    def place(self, number: int) -> int:
        """`number`, where the pte keeps it; what does not fit is dropped, never spilled into a neighbour.

        >>> hex(bits("1-2 8-9").place(0b1101))
        '0x302'
        """
        if self.inverted:
            number = ~number
        value = 0
        for part in self.parts:
            value |= (number << part.low) & part.mask
            number >>= part.width
        return value

    def extract(self, value: int) -> int:
        """The number that the pte `value` keeps here."""
        number = shift = 0
        for part in self.parts:
            number |= ((value & part.mask) >> part.low) << shift
            shift += part.width
        return ~number & ((1 << shift) - 1) if self.inverted else number


def bits(text: str, *, inverted: bool = False) -> BitField:
    """A field at the bits that `text` lists, lowest part first.

    >>> bits("59-63").width
    5
    """
    return BitField(runs(text), inverted)


def msb(text: str) -> BitField:
    """A field of a 64-bit pte whose header counts bits from the most significant one (s390).

    >>> str(msb("57-61").parts[0])
    '2-6'
    """
    return BitField(tuple(BitRun(63 - run.high, 63 - run.low) for run in reversed(runs(text))))


@dataclass(frozen=True, slots=True)
class Pattern:
    """True of a pte whose bits under `mask` are exactly `value`."""

    mask: int
    value: int

    def matches(self, pte: int) -> bool:
        """True if the bits of `pte` under the mask are exactly the value."""
        return pte & self.mask == self.value


def any_set(text: str) -> tuple[Pattern, ...]:
    """Patterns that are true of a pte with at least one of these bits set.

    >>> any(pattern.matches(0x100) for pattern in any_set("0 8"))
    True
    """
    return tuple(Pattern(1 << bit, 1 << bit) for run in runs(text) for bit in range(run.low, run.high + 1))


@dataclass(frozen=True, kw_only=True)
class PteLayout:
    """The swap ptes of one architecture from one release on.

    `zero` and `ones` say which bits have a fixed value in every swap pte, and why; a bit that no field,
    flag or fixed value claims is unused.  A pte is present if one pattern of `present` matches it; it is
    none if it is `none`, bits in `none_ignores` aside; `pte_same` overlooks the bits in `same_ignores`.
    `flaw` tells what is wrong with a layout that breaks the rules because the kernel did.
    """

    since: Release
    commit: str
    type: BitField
    offset: BitField
    present: tuple[Pattern, ...]
    exclusive: int | None = None
    soft_dirty: int | None = None
    uffd_wp: int | None = None
    zero: Mapping[str, str] = field(default_factory=dict)
    ones: Mapping[str, str] = field(default_factory=dict)
    none: int = 0
    none_ignores: str = ""
    same_ignores: str = ""
    pte_bits: int = 64
    long_bits: int = 64
    note: str = ""
    flaw: str = ""

    @cached_property
    def offset_bits(self) -> int:
        """The number of offset bits that survive: the pte's, or the 26 (58) that a swp_entry_t has for it.

        include/linux/swapops.h: SWP_TYPE_SHIFT is BITS_PER_XA_VALUE - MAX_SWAPFILES_SHIFT.
        """
        return min(self.offset.width, self.long_bits - 1 - MAX_SWAPFILES_SHIFT)

    @cached_property
    def max_offset(self) -> int:
        """The largest offset of a swap slot that a pte brings back unchanged."""
        return (1 << self.offset_bits) - 1

    @cached_property
    def max_type(self) -> int:
        """The largest swap type that a pte brings back unchanged."""
        return (1 << min(self.type.width, MAX_SWAPFILES_SHIFT)) - 1

    @cached_property
    def zero_mask(self) -> int:
        """The bits that are clear in every swap pte."""
        return mask_of(" ".join(self.zero))

    @cached_property
    def ones_mask(self) -> int:
        """The bits that are set in every swap pte."""
        return mask_of(" ".join(self.ones))

    @cached_property
    def flags(self) -> dict[str, int]:
        """The flags this layout has a bit for, by name; the value is the bit's number."""
        named = {"exclusive": self.exclusive, "soft_dirty": self.soft_dirty, "uffd_wp": self.uffd_wp}
        return {name: bit for name, bit in named.items() if bit is not None}

    @cached_property
    def flags_mask(self) -> int:
        """The bits of all flags that this layout has."""
        return sum({1 << bit for bit in self.flags.values()})

    @cached_property
    def used_mask(self) -> int:
        """Every bit that has a meaning or a fixed value; the others are free."""
        return self.type.mask | self.offset.mask | self.flags_mask | self.zero_mask | self.ones_mask

    def without_exclusive(self) -> "PteLayout":
        """The same layout on a kernel that has only the generic stubs for the exclusive marker."""
        return replace(self, exclusive=None)


def since(layouts: tuple[PteLayout, ...], release: Release) -> PteLayout | None:
    """The layout in force at `release`: the last one that is not newer."""
    found = None
    for layout in layouts:
        if layout.since <= release:
            found = layout
    return found


def ranges(layouts: tuple[PteLayout, ...]) -> Iterator[tuple[PteLayout, PteLayout | None]]:
    """Each layout with the one that replaced it."""
    yield from zip(layouts, [*layouts[1:], None], strict=True)
