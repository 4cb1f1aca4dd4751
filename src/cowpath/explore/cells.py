# SPDX-License-Identifier: MIT
"""State as named small integers: fields, records, and the layout that gives each a cell.

A model declares record classes whose attributes are fields.  Reading or assigning such an attribute goes
through the running step (`step.py`), which is how the recorder learns what a step depends on and what it
changes.  A state is one byte per cell, then two bytes per actor for its frame.

>>> class Page(Record):
...     refcount = Count(7, "references")
...     dirty = Flag("differs from its copy on disk")
>>> layout = Layout({Page: 2}, values=("0",))
>>> [cell.name for cell in layout.cells]
['page0.refcount', 'page0.dirty', 'page1.refcount', 'page1.dirty']
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar, cast, overload

from cowpath.explore.step import Content, ModelError, RangeError, Step

T = TypeVar("T")


class Field(Generic[T]):
    """One attribute of a record, held in one cell (an array field: in one cell per element).

    A `quiet` field matters to the search but seldom to a reader: traces leave it out unless asked.  A field
    with a `feature` has a cell only where the layout has that feature; elsewhere it keeps its first value.
    """

    name = ""

    def __init__(self, meaning: str, *, quiet: bool = False, feature: str = "") -> None:
        self.meaning, self.quiet, self.feature = meaning, quiet, feature

    def __set_name__(self, owner: type[Record], name: str) -> None:
        self.name = name

    def length(self, layout: Layout) -> int:
        """How many cells the field takes in each record."""
        return 1

    def size(self, layout: Layout) -> int:
        """How many values the cell can hold, at most 256."""
        raise NotImplementedError

    def decode(self, layout: Layout, code: int) -> T:
        """The value that a cell's integer stands for."""
        raise NotImplementedError

    def encode(self, layout: Layout, value: T) -> int:
        """The inverse of `decode`; a value out of range gives an integer out of range or ValueError."""
        raise NotImplementedError

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> T: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> T | Self:
        if record is None:
            return self
        layout, cell = record.layout, record.cell_of.get(self.name)
        return self.decode(layout, 0 if cell is None else layout.step.read(cell))

    def __set__(self, record: Record, value: T) -> None:
        layout, cell = record.layout, record.cell_of.get(self.name)
        try:
            code = self.encode(layout, value)
        except (ValueError, KeyError, TypeError):
            code = -1
        if not 0 <= code < (1 if cell is None else layout.cells[cell].size):
            allowed = self.range(layout) if cell is not None else f"without the feature {self.feature}"
            error = ModelError if code < 0 or cell is None else RangeError
            raise error(f"{record}.{self.name} = {value!r} is out of its range {allowed}")
        if cell is not None:
            layout.step.write(cell, code)

    def range(self, layout: Layout) -> str:
        """The range in words, for messages and the printed table."""
        return f"0..{self.size(layout) - 1}"


class Flag(Field[bool]):
    """False or True."""

    def size(self, layout: Layout) -> int:
        return 2

    def decode(self, layout: Layout, code: int) -> bool:
        return code != 0

    def encode(self, layout: Layout, value: bool) -> int:
        return int(value)


class Count(Field[int]):
    """0 to `limit`."""

    def __init__(self, limit: int, meaning: str, *, quiet: bool = False, feature: str = "") -> None:
        super().__init__(meaning, quiet=quiet, feature=feature)
        self.limit = limit

    def size(self, layout: Layout) -> int:
        return self.limit + 1

    def decode(self, layout: Layout, code: int) -> int:
        return code

    def encode(self, layout: Layout, value: int) -> int:
        return int(value)


class Choice(Field[str]):
    """One of a few names; the first is the initial one."""

    def __init__(self, names: Sequence[str], meaning: str, *, quiet: bool = False, feature: str = "") -> None:
        super().__init__(meaning, quiet=quiet, feature=feature)
        self.names = tuple(names)

    def size(self, layout: Layout) -> int:
        return len(self.names)

    def decode(self, layout: Layout, code: int) -> str:
        return self.names[code]

    def encode(self, layout: Layout, value: str) -> int:
        return self.names.index(value)

    def range(self, layout: Layout) -> str:
        return " | ".join(self.names)


R = TypeVar("R", bound="Record")


class Pointer(Field["R | None"], Generic[R]):
    """A record of one kind, or None."""

    def __init__(self, kind: str, meaning: str, *, quiet: bool = False, feature: str = "") -> None:
        super().__init__(meaning, quiet=quiet, feature=feature)
        self.kind = kind

    def size(self, layout: Layout) -> int:
        return len(layout.by_name(self.kind)) + 1

    def decode(self, layout: Layout, code: int) -> R | None:
        return cast("R", layout.by_name(self.kind)[code - 1]) if code else None

    def encode(self, layout: Layout, value: R | None) -> int:
        if value is None:
            return 0
        if layout.by_name(self.kind)[value.number] is not value:
            raise ValueError(value)
        return value.number + 1

    def range(self, layout: Layout) -> str:
        return f"a {self.kind.lower()} or none"


class Contents(Field["ContentView"]):
    """The bytes of a page or a register: opaque values that a step may move but not branch on.

    `dimension` names the length of the array, None stands for a single value.
    """

    def __init__(self, dimension: str | None, meaning: str) -> None:
        super().__init__(meaning)
        self.dimension = dimension

    def length(self, layout: Layout) -> int:
        return 1 if self.dimension is None else layout.dimensions[self.dimension]

    def size(self, layout: Layout) -> int:
        return len(layout.values)

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> ContentView: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> ContentView | Self:
        if record is None:
            return self
        return ContentView(record.layout, record.cell_of[self.name], self.length(record.layout))

    def __set__(self, record: Record, value: ContentView) -> None:
        target = self.__get__(record, type(record))
        if value.length != target.length:
            raise ModelError(f"{record}.{self.name}: {value.length} values do not fit {target.length}")
        for place in range(value.length):
            target[place] = value[place]

    def range(self, layout: Layout) -> str:
        return " | ".join(layout.values)


class ContentView:
    """The elements of a `Contents` field of one record."""

    def __init__(self, layout: Layout, base: int, length: int) -> None:
        self.layout, self.base, self.length = layout, base, length

    def __getitem__(self, place: int) -> Content:
        if not 0 <= place < self.length:
            raise IndexError(place)
        return self.layout.step.read_content(self.base + place)

    def __setitem__(self, place: int, content: Content) -> None:
        if not 0 <= place < self.length:
            raise IndexError(place)
        self.layout.step.write_content(self.base + place, content)

    def fill(self, content: Content) -> None:
        """Write one value to every element."""
        for place in range(self.length):
            self[place] = content


class Record:
    """A group of cells: one pte, one folio, one lock."""

    __slots__ = ("cell_of", "layout", "number")

    def __init__(self, layout: Layout, number: int, cell_of: Mapping[str, int]) -> None:
        self.layout, self.number, self.cell_of = layout, number, cell_of

    @classmethod
    def fields(cls) -> dict[str, Field[Any]]:
        """The declared fields by name, in order."""
        return {name: value for name, value in vars(cls).items() if isinstance(value, Field)}

    def __repr__(self) -> str:
        return self.layout.record_name(self)

    def describe(self) -> str | None:
        """The whole record in a few words, where that says more than its single cells (else None)."""
        return None


@dataclass(frozen=True, slots=True)
class Cell:
    """One named small integer."""

    index: int
    name: str
    size: int
    record: Record
    field: Field[Any]


class Layout:
    """Every record and cell of one model.

    `counts` says how many records there are of each kind, `values` what contents exist, `dimensions` how long
    each array field is.  `names` may give a record a name of its own ("P0.x" for a pte).  `features` are what
    fields may ask for: what only some tests need must cost the others nothing.
    """

    def __init__(
        self,
        counts: Mapping[type[Record], int],
        values: Sequence[str],
        dimensions: Mapping[str, int] | None = None,
        names: Mapping[tuple[str, int], str] | None = None,
        features: Collection[str] = (),
    ) -> None:
        self.features = frozenset(features)
        self.values = tuple(values)
        self.dimensions = dict(dimensions or {})
        self.names = dict(names or {})
        self.step = Step()
        self.cells: list[Cell] = []
        self.records: dict[type[Record], tuple[Record, ...]] = {}
        self._by_name = {kind.__name__: (kind, count) for kind, count in counts.items()}
        for kind, count in counts.items():
            self.records[kind] = tuple(self._make(kind, index) for index in range(count))
        for kind in counts:
            for record in self.records[kind]:
                self._add_cells(record)

    def _make(self, kind: type[Record], index: int) -> Record:
        return kind(self, index, {})

    def _add_cells(self, record: Record) -> None:
        for name, field in record.fields().items():
            if field.feature and field.feature not in self.features:
                continue
            cast("dict[str, int]", record.cell_of)[name] = len(self.cells)
            size = field.size(self)
            if size > 256:
                raise ModelError(f"{record}.{name} has {size} values; a cell holds at most 256")
            for place in range(field.length(self)):
                shown = self._cell_name(record, name, field, place)
                self.cells.append(Cell(len(self.cells), shown, size, record, field))

    def _cell_name(self, record: Record, name: str, field: Field[Any], place: int) -> str:
        """Contents are called by their record alone: "folio0[1]", "0:r1"."""
        if not isinstance(field, Contents):
            return f"{record}.{name}"
        return repr(record) if field.dimension is None else f"{record}[{place}]"

    def by_name(self, kind: str) -> tuple[Record, ...]:
        """The records of the kind with this class name."""
        return self.records[self._by_name[kind][0]]

    def all(self, kind: type[R]) -> tuple[R, ...]:
        """The records of one kind."""
        return cast("tuple[R, ...]", self.records[kind])

    def record_name(self, record: Record) -> str:
        """How a record is called in traces and messages."""
        kind = type(record).__name__
        return self.names.get((kind, record.number), f"{kind.lower()}{record.number}")

    def content(self, value: str) -> Content:
        """The content that is this value, whatever the state."""
        return Content(None, self.values.index(value))

    def initial(self, fill: Callable[[], None]) -> bytes:
        """The state in which every cell is 0 except those that `fill` assigns."""
        state = bytearray(len(self.cells))
        self.step.begin(bytes(state))
        fill()
        for cell, code in self.step.writes.items():
            state[cell] = code
        return bytes(state)

    def show(self, cell: Cell, code: int) -> str:
        """A cell's value as text.

        >>> class Page(Record):
        ...     dirty = Flag("differs from its copy on disk")
        >>> layout = Layout({Page: 1}, values=("0",))
        >>> layout.show(layout.cells[0], 1)
        '1'
        """
        if isinstance(cell.field, Contents):
            return self.values[code]
        if isinstance(cell.field, Pointer):
            return "none" if code == 0 else repr(self.by_name(cell.field.kind)[code - 1])
        if isinstance(cell.field, Choice):
            return cell.field.names[code]
        return str(code)
