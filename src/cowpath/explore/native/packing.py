# SPDX-License-Identifier: MIT
"""A state as a few 64-bit words: where each cell, frame and crash number stands in them.

The cells are divided into *parts*, each with words of its own.  A search stores every distinct part once and
a state as the tuple of its part numbers, so parts should be chosen such that each takes few values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cowpath.explore.record.recorder import FRAME_BYTES, Leaf, Model

WORD = 64


@dataclass(frozen=True, slots=True)
class BitPlace:
    """Where a field stands: `mask` is not shifted; 0 for a cell that has one value only."""

    word: int
    shift: int
    mask: int

    @property
    def packed(self) -> int:
        """All three in one number, as compiled code takes them."""
        return self.mask << 16 | self.shift << 8 | self.word


class Packing:
    """Fields are numbered: the cells, then one frame per actor, then the crash number.

    `room` gives the bits of each frame, then those of the crash number; `part_of` the part of each field.
    """

    def __init__(self, model: Model, room: Sequence[int], part_of: Sequence[int]) -> None:
        cells = len(model.layout.cells)
        self.actors = len(model.actors)
        self.room, self.part_of = tuple(room), tuple(part_of)
        self.first_frame, self.crash = cells, cells + self.actors
        bits = [(cell.size - 1).bit_length() for cell in model.layout.cells] + list(room)
        self.sizes = [cell.size for cell in model.layout.cells] + [1 << width for width in room]
        self.places: list[BitPlace] = [BitPlace(0, 0, 0)] * len(bits)
        self.part_first = [0]
        for part in range(max(part_of) + 1):
            self.part_first.append(self._fill(part, bits, self.part_first[-1]))
        self.words = self.part_first[-1]
        self._where = [(place.word, place.shift, place.mask) for place in self.places]

    def _fill(self, part: int, bits: Sequence[int], word: int) -> int:
        """Lay out the fields of one part from this word on; returns the word after it."""
        used = 0
        for field, width in enumerate(bits):
            if self.part_of[field] != part:
                continue
            if used + width > WORD:
                word, used = word + 1, 0
            self.places[field] = BitPlace(word, used, (1 << width) - 1)
            used += width
        return word + 1

    def pack(self, state: bytes) -> list[int]:
        """The words of a state.  Raises OverflowError where a frame number needs more room."""
        words = [0] * self.words
        for field, value in enumerate(self.fields(state)):
            place = self.places[field]
            if value > place.mask:
                raise OverflowError(field)
            words[place.word] |= value << place.shift
        return words

    def fields(self, state: bytes) -> list[int]:
        """The value of every field."""
        values = list(state[: self.first_frame])
        for actor in range(self.actors):
            at = self.first_frame + FRAME_BYTES * actor
            values.append(state[at] | state[at + 1] << 8)
        values.append(state[-1])
        return values

    def unpack(self, words: Sequence[int]) -> bytes:
        """The inverse of `pack`."""
        values = [words[word] >> shift & mask for word, shift, mask in self._where]
        frames = b"".join(
            value.to_bytes(FRAME_BYTES, "little") for value in values[self.first_frame : self.crash]
        )
        return bytes(values[: self.first_frame]) + frames + bytes(values[self.crash :])

    def field_of(self, offset: int) -> tuple[int, int]:
        """The field a byte of a state belongs to, and the shift of that byte in it."""
        if offset < self.first_frame:
            return offset, 0
        actor, byte = divmod(offset - self.first_frame, FRAME_BYTES)
        return self.first_frame + actor, 8 * byte

    def writes(self, leaf: Leaf) -> dict[int, int]:
        """What a leaf writes, by field.  Raises OverflowError where a frame number needs more room."""
        found: dict[int, int] = {}
        for offset, value in leaf.writes:
            field, shift = self.field_of(offset)
            found[field] = found.get(field, 0) | value << shift
        for field, value in found.items():
            if value > self.places[field].mask:
                raise OverflowError(field)
        return found


def room_for(frames: Iterable[int], crashes: int, spare: int = 2) -> list[int]:
    """Bits for each frame number and the crash number, given how many there are now."""
    return [max(1, count - 1).bit_length() + spare for count in (*frames, crashes)]
