# SPDX-License-Identifier: MIT
"""Swap ptes for the terminal and for programs: a pte taken apart, and layouts drawn bit by bit."""

from collections.abc import Iterator, Sequence
from typing import Any

from cowpath.arch.architecture import OLDEST, Architecture
from cowpath.arch.explain import Explanation
from cowpath.arch.layout import BitField, BitRun, PteLayout, ranges, runs


def explanation_lines(found: Explanation) -> Iterator[str]:
    """The lines that `cowpath pte decode` prints."""
    yield f"{found.text}  {found.arch.name}, kernel {found.release}"
    yield found.summary
    if found.rows:
        yield ""
        table = [("bits", "field", "value", "")]
        table += [(row.bits, row.name, f"{row.value:#x}", row.meaning) for row in found.rows]
        yield from _columns(table)
    for title, texts in (("wrong", found.problems), ("note", found.notes)):
        if texts:
            yield ""
            yield from (f"{title}: {text}" for text in texts)


def explanation_json(found: Explanation) -> dict[str, Any]:
    """The same for programs; numbers that JavaScript would round come as hexadecimal text too."""
    flags = {name: bool(found.value >> bit & 1) for name, bit in found.layout.flags.items()}
    swap = found.entry is not None
    return {
        "pte": found.text,
        "arch": found.arch.name,
        "kernel": str(found.release),
        "kind": found.kind,
        "summary": found.summary,
        "type": found.entry.type if found.entry else None,
        "offset": found.entry.offset if found.entry else None,
        "special": found.special.name if found.special else None,
        "flags": flags if swap else {},
        "fields": [
            {"bits": row.bits, "name": row.name, "value": row.value, "meaning": row.meaning}
            for row in found.rows
        ],
        "problems": found.problems,
        "notes": found.notes,
    }


def _columns(table: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Left-aligned columns, two blanks between them."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def layout_range(layout: PteLayout, after: PteLayout | None, arch: Architecture) -> str:
    """For which releases a layout holds, in words."""
    start = f"up to {OLDEST} and later" if layout.since == OLDEST else f"{layout.since} and later"
    end = after.since if after else arch.removed
    if end:
        return f"before {end}" if layout.since == OLDEST else f"{layout.since}, before {end}"
    return "all releases" if layout.since == OLDEST else start


def layout_lines(arch: Architecture, layouts: list[tuple[PteLayout, PteLayout | None]]) -> Iterator[str]:
    """The lines that `cowpath pte layout` prints: each layout as a row of bits, highest first."""
    yield f"{arch.name}: {arch.title}"
    yield arch.header
    for layout, after in layouts:
        commit = f"  ({layout.commit})" if layout.commit else ""
        yield ""
        yield layout_range(layout, after, arch) + commit
        yield from _drawing(layout)
        yield from _legend(layout)


def _cells(layout: PteLayout) -> list[tuple[BitRun, str]]:
    """The pte as runs of bits with a label each, highest first, without gaps."""
    cells = [(run, label) for run, label in _claims(layout)]
    for start in _gaps(layout, cells):
        cells.append((start, "-"))
    return sorted(cells, key=lambda cell: -cell[0].low)


def _claims(layout: PteLayout) -> Iterator[tuple[BitRun, str]]:
    flags = {"exclusive": "E", "soft_dirty": "S", "uffd_wp": "U"}
    for name, bit in layout.flags.items():
        yield BitRun(bit, bit), flags[name]
    taken = layout.flags_mask
    for name, number in (("type", layout.type), ("offset", layout.offset)):
        for run, label in _parts(name, number):
            if not run.mask & taken:  # a flawed layout may use a bit twice: the flag is drawn
                yield run, label
    for text, digit in (*((bits, "1") for bits in layout.ones), *((bits, "0") for bits in layout.zero)):
        for run in runs(text):
            if not run.mask & layout.type.mask:
                yield run, digit


def _parts(name: str, number: BitField) -> Iterator[tuple[BitRun, str]]:
    """A field's runs; where it has several, each says which bits of the number it holds."""
    label, low = ("~" if number.inverted else "") + name, 0
    for run in number.parts:
        high = low + run.width - 1
        span = f"[{high}]" if run.width == 1 else f"[{high}:{low}]"
        yield run, label + span if len(number.parts) > 1 else label
        low += run.width


def _gaps(layout: PteLayout, cells: list[tuple[BitRun, str]]) -> Iterator[BitRun]:
    covered = 0
    for run, _ in cells:
        covered |= run.mask
    start = None
    for bit in range(layout.pte_bits + 1):
        free = bit < layout.pte_bits and not covered >> bit & 1
        if free and start is None:
            start = bit
        elif not free and start is not None:
            yield BitRun(start, bit - 1)
            start = None


def _drawing(layout: PteLayout) -> Iterator[str]:
    cells = [
        (f"{run.high}-{run.low}" if run.width > 1 else str(run.low), label) for run, label in _cells(layout)
    ]
    widths = [max(len(numbers), len(label)) for numbers, label in cells]
    for line in zip(*cells, strict=True):
        yield "  | " + " | ".join(text.center(width) for text, width in zip(line, widths, strict=True)) + " |"


def _legend(layout: PteLayout) -> Iterator[str]:
    yield f"  type 0 to {layout.max_type}, offset 0 to {layout.max_offset:#x} ({layout.offset_bits} bits)"
    names = {"exclusive": "E exclusive", "soft_dirty": "S soft-dirty", "uffd_wp": "U uffd-wp"}
    flags = [names[name] for name in layout.flags]
    missing = [] if layout.exclusive is not None else ["no exclusive marker"]
    inverted = ["~ kept inverted"] if layout.offset.inverted else []
    yield "  " + ", ".join(flags + missing + inverted + ["- unused"])
    for digit, fixed in ((1, layout.ones), (0, layout.zero)):
        for bits, why in fixed.items():
            yield f"  bit {bits} = {digit}: {why}"
    for word, text in (("note", layout.note), ("flaw", layout.flaw)):
        if text:
            yield f"  {word}: {text}"


def all_layouts(arch: Architecture) -> list[tuple[PteLayout, PteLayout | None]]:
    """Every layout of an architecture with the one that replaced it."""
    return list(ranges(arch.layouts))
