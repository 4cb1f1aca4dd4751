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

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Generic, Self, TypeVar, cast, overload

from cowpath.explore.record.step import Content, ModelError, RangeError, Step

T = TypeVar("T")


class Field(Generic[T]):
    """An attribute of a record, held in one cell (an array field: in one cell per element).

    A `quiet` field matters to the search but seldom to a reader: traces leave it out unless asked.  A field
    with a `feature` has a cell only where the layout has that feature; elsewhere it keeps its first value.
    """

    name = ""

    def __init__(self, meaning: str, *, quiet: bool = False, feature: str = "") -> None:
        self.meaning, self.quiet, self.feature = meaning, quiet, feature

    def __set_name__(self, owner: type[Record], name: str) -> None:
        self.name = name

    def length(self, layout: Layout) -> int:
        """The number of cells that the field takes in each record."""
        return 1

    def values(self, layout: Layout) -> Iterable[object]:
        """The values that a cell's integers 0, 1, 2, ... stand for: at most 256."""
        raise NotImplementedError

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> T: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> T | Self:
        if record is None:
            return self
        cell = record.cells[self.name]
        value: T = cell.values[record.layout.step.read(cell.index) if cell.index >= 0 else 0]
        return value

    def __set__(self, record: Record, value: T) -> None:
        cell = record.cells[self.name]
        try:
            code = cell.codes[value]
        except (KeyError, TypeError):
            raise self.refusal(cell, value) from None
        if cell.index >= 0:
            record.layout.step.write(cell.index, code)

    def refusal(self, cell: Cell, value: object) -> ModelError:
        """Return the error that says why a cell cannot hold a value."""
        there, grown = cell.index >= 0, isinstance(value, int) and value >= cell.size
        allowed = self.range(cell.record.layout) if there else f"without the feature {self.feature}"
        error = RangeError if there and grown else ModelError
        return error(f"{cell.name} = {value!r} is out of its range {allowed}")

    def range(self, layout: Layout) -> str:
        """The range in words, for messages and the printed table."""
        return f"0..{len(tuple(self.values(layout))) - 1}"


class Flag(Field[bool]):
    """False or True."""

    def values(self, layout: Layout) -> Iterable[bool]:
        """False, then True."""
        return (False, True)


class Count(Field[int]):
    """0 to `limit`; up to another limit where the layout has a feature that `more` names."""

    def __init__(
        self,
        limit: int,
        meaning: str,
        *,
        quiet: bool = False,
        feature: str = "",
        more: tuple[str, int] = ("", 0),
    ) -> None:
        super().__init__(meaning, quiet=quiet, feature=feature)
        self.limit, self.more = limit, more

    def values(self, layout: Layout) -> Iterable[int]:
        """The numbers from 0 to the limit that this layout has."""
        feature, limit = self.more
        return range((limit if feature in layout.features else self.limit) + 1)


class Choice(Field[str]):
    """A choice among a few names; the first is the initial one."""

    def __init__(self, names: Sequence[str], meaning: str, *, quiet: bool = False, feature: str = "") -> None:
        super().__init__(meaning, quiet=quiet, feature=feature)
        self.names = tuple(names)

    def values(self, layout: Layout) -> Iterable[str]:
        """The names, in the order in which they are declared."""
        return self.names

    def range(self, layout: Layout) -> str:
        """The names, divided by bars."""
        return " | ".join(self.names)


R = TypeVar("R", bound="Record")


class Pointer(Field["R | None"], Generic[R]):
    """A record of one kind, or None."""

    def __init__(self, kind: str, meaning: str, *, quiet: bool = False, feature: str = "") -> None:
        super().__init__(meaning, quiet=quiet, feature=feature)
        self.kind = kind

    def values(self, layout: Layout) -> Iterable[R | None]:
        """None, then every record of the kind."""
        return (None, *cast("tuple[R, ...]", layout.by_name(self.kind)))

    def range(self, layout: Layout) -> str:
        """The kind of record, in words."""
        return f"a {self.kind.lower()} or none"


class Contents(Field["ContentView"]):
    """The bytes of a page or a register: opaque values that a step may move but not branch on.

    `dimension` names the length of the array, None stands for a single value.
    """

    def __init__(self, dimension: str | None, meaning: str) -> None:
        super().__init__(meaning)
        self.dimension = dimension

    def length(self, layout: Layout) -> int:
        """The number of elements of the array; 1 for a single value."""
        return 1 if self.dimension is None else layout.dimensions[self.dimension]

    def values(self, layout: Layout) -> Iterable[str]:
        """The contents that exist in this layout."""
        return layout.values

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> ContentView: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> ContentView | Self:
        if record is None:
            return self
        return ContentView(record.layout, record.cells[self.name].index, self.length(record.layout))

    def __set__(self, record: Record, value: ContentView) -> None:
        target = self.__get__(record, type(record))
        if value.length != target.length:
            raise ModelError(f"{record}.{self.name}: {value.length} values do not fit {target.length}")
        for place in range(value.length):
            target[place] = value[place]

    def range(self, layout: Layout) -> str:
        """The contents, divided by bars."""
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
    """A group of cells: one pte, one folio, one lock.

    A kind whose fields make sense only together, such as a pte, says `whole = True`: a change of any of them
    is then shown as a change of the record.
    """

    __slots__ = ("cells", "layout", "number")

    whole = False

    def __init__(self, layout: Layout, number: int) -> None:
        self.layout, self.number = layout, number
        self.cells: dict[str, Cell] = {}  # by field; the first one of an array

    @property
    def cell_of(self) -> dict[str, int]:
        """The number of each field's (first) cell, of those that the layout has."""
        return {name: cell.index for name, cell in self.cells.items() if cell.index >= 0}

    @classmethod
    def fields(cls) -> dict[str, Field[Any]]:
        """The declared fields by name, in order."""
        return {name: value for name, value in vars(cls).items() if isinstance(value, Field)}

    def __repr__(self) -> str:
        return self.layout.record_name(self)

    def fields_in(self, state: bytes) -> dict[str, object]:
        """Return what the record's fields hold in a state, by name; contents are left out.

        >>> class Page(Record):
        ...     dirty = Flag("differs from its copy on disk")
        >>> layout = Layout({Page: 1}, values=("0",))
        >>> layout.all(Page)[0].fields_in(bytes([1]))
        {'dirty': True}
        """
        return {
            name: cell.values[state[cell.index] if cell.index >= 0 else 0]
            for name, cell in self.cells.items()
            if not isinstance(cell.field, Contents)
        }


def kind_of(record: Record) -> str:
    """The name of a record's class, as pointers declare it.

    Two models loaded side by side have classes of the same names, so that whoever shows records goes by this.

    >>> class Page(Record):
    ...     dirty = Flag("differs from its copy on disk")
    >>> kind_of(Layout({Page: 1}, values=("0",)).all(Page)[0])
    'Page'
    """
    return type(record).__name__


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A named small integer; `index` is where it stands in a state, -1 for what the layout lacks."""

    index: int
    name: str
    record: Record
    field: Field[Any]
    values: tuple[Any, ...] = dataclass_field(repr=False)  # what its integers stand for
    codes: dict[object, int] = dataclass_field(repr=False)  # the inverse

    @property
    def size(self) -> int:
        """The number of values that the cell can hold."""
        return len(self.values)


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
            self.records[kind] = tuple(kind(self, number) for number in range(count))
        for kind in counts:
            tables = [(field, *self._codes(field)) for field in kind.fields().values()]
            for record in self.records[kind]:
                for field, held, codes in tables:
                    self._add_cells(record, field, held, codes)

    def _codes(self, field: Field[Any]) -> tuple[tuple[object, ...], dict[object, int]]:
        """The values that cells of a field can hold, and the inverse; without its feature, only the first."""
        values = tuple(field.values(self))
        held = values if self._has(field) else values[:1]
        return held, {value: code for code, value in enumerate(held)}

    def _has(self, field: Field[Any]) -> bool:
        return not field.feature or field.feature in self.features

    def _add_cells(
        self, record: Record, field: Field[Any], values: tuple[object, ...], codes: dict[object, int]
    ) -> None:
        if len(values) > 256:
            raise ModelError(f"{record}.{field.name} has {len(values)} values; a cell holds at most 256")
        if not self._has(field):
            record.cells[field.name] = Cell(-1, f"{record}.{field.name}", record, field, values, codes)
            return
        for place in range(field.length(self)):
            shown = self._cell_name(record, field, place)
            cell = Cell(len(self.cells), shown, record, field, values, codes)
            record.cells.setdefault(field.name, cell)
            self.cells.append(cell)

    def _cell_name(self, record: Record, field: Field[Any], place: int) -> str:
        """Contents are called by their record alone: "folio0[1]", "0:r1"."""
        if not isinstance(field, Contents):
            return f"{record}.{field.name}"
        return repr(record) if field.dimension is None else f"{record}[{place}]"

    def by_name(self, kind: str) -> tuple[Record, ...]:
        """The records of the kind with this class name."""
        return self.records[self._by_name[kind][0]]

    def all(self, kind: type[R]) -> tuple[R, ...]:
        """The records of one kind."""
        return cast("tuple[R, ...]", self.records[kind])

    def record_name(self, record: Record) -> str:
        """Return the name of a record in traces and messages."""
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
