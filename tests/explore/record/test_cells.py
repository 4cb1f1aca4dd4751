# SPDX-License-Identifier: MIT
"""Fields, ranges, records, and how cells are called."""

from typing import cast

import pytest

from cowpath.explore.record.cells import Contents, Count, Layout, Record
from cowpath.explore.record.step import Content, ModelError
from tests.explore.toys import Lock, Toy


class Wide(Record):
    value = Count(256, "one too many")


class One(Record):
    value = Contents(None, "a single one")


@pytest.fixture
def toy() -> Toy:
    """A toy in the middle of a step on its all-zero state."""
    toy = Toy()
    toy.layout.step.begin(bytes(len(toy.layout.cells)))
    return toy


def test_cells_are_called_by_their_record() -> None:
    assert [cell.name for cell in Toy().layout.cells] == [
        "lock0.held",
        "lock1.held",
        "counter0.value",
        "counter1.value",
        "counter2.value",
        "box0[0]",
        "box0[1]",
        "box1[0]",
        "box1[1]",
        "Ann.mood",
        "Ann.lock",
    ]


def test_a_single_content_is_called_by_its_record_alone() -> None:
    layout = Layout({One: 1}, ("0",), names={("One", 0): "0:r1"})
    assert [cell.name for cell in layout.cells] == ["0:r1"]


@pytest.mark.parametrize("value", [-1, 8, 300, "many", None])
def test_a_value_out_of_range_names_the_cell(toy: Toy, value: object) -> None:
    with pytest.raises(ModelError, match=r"^counter1\.value = .* is out of its range 0\.\.7$"):
        toy.counters[1].value = cast(int, value)


def test_a_choice_and_a_pointer_out_of_range(toy: Toy) -> None:
    with pytest.raises(ModelError, match=r"^Ann\.mood = 'sad' is out of its range calm \| busy$"):
        toy.worker.mood = "sad"
    with pytest.raises(ModelError, match=r"^Ann\.lock = counter0 is out of its range a lock or none$"):
        toy.worker.lock = cast(Lock, toy.counters[0])
    with pytest.raises(ModelError, match=r"^Ann\.lock = lock0 is out of its range a lock or none$"):
        toy.worker.lock = Toy().locks[0]  # of another layout
    assert not toy.layout.step.writes


def test_every_kind_of_field_reads_back_what_was_written(toy: Toy) -> None:
    toy.locks[1].held = True
    toy.counters[2].value = 7
    toy.worker.mood, toy.worker.lock = "busy", toy.locks[1]
    assert (toy.locks[1].held, toy.counters[2].value) == (True, 7)
    assert toy.worker.mood == "busy"
    assert toy.worker.lock is toy.locks[1]
    toy.worker.lock = None
    assert toy.worker.lock is None


def test_contents_move_by_element_and_as_a_whole(toy: Toy) -> None:
    left, right = toy.boxes[0].items, toy.boxes[1].items
    left.fill(toy.layout.content("b"))
    toy.boxes[1].items = left
    look = toy.layout.step.look
    assert [look(right[place]) for place in range(2)] == [2, 2]
    for place in (-1, 2):
        with pytest.raises(IndexError):
            left[place]
        with pytest.raises(IndexError):
            left[place] = toy.layout.content("a")


def test_contents_of_another_length_do_not_fit(toy: Toy) -> None:
    toy.layout.dimensions["places"] = 1
    narrow = toy.boxes[0].items
    toy.layout.dimensions["places"] = 2
    with pytest.raises(ModelError, match=r"box1\.items: 1 values do not fit 2"):
        toy.boxes[1].items = narrow


def test_content_cannot_be_compared_or_hashed() -> None:
    with pytest.raises(ModelError, match=r"page content is opaque"):
        assert Content(1) == Content(1)
    with pytest.raises(ModelError, match=r"page content is opaque"):
        assert Content(1) != "a"
    with pytest.raises(TypeError):
        hash(Content(1))


def test_a_step_reads_what_it_wrote_but_not_what_it_moved(toy: Toy) -> None:
    items = toy.boxes[0].items
    items[0] = toy.layout.content("a")
    assert toy.layout.step.look(items[0]) == 1
    items[0] = toy.boxes[1].items[0]
    with pytest.raises(ModelError, match="reads content that it moved"):
        toy.layout.step.read(5)


def test_a_cell_holds_at_most_256_values() -> None:
    with pytest.raises(ModelError, match=r"wide0\.value has 257 values; a cell holds at most 256"):
        Layout({Wide: 1}, ("0",))


def test_cells_hold_values_of_the_model(toy: Toy) -> None:
    cells = {cell.name: cell for cell in toy.layout.cells}
    held = [
        cells[name].values[code]
        for name, code in (
            ("Ann.lock", 0),
            ("Ann.lock", 2),
            ("Ann.mood", 1),
            ("box0[1]", 2),
            ("lock0.held", 1),
        )
    ]
    assert held == [None, toy.locks[1], "busy", "b", True]


def test_the_initial_state_is_what_fill_assigns() -> None:
    toy = Toy()

    def fill() -> None:
        toy.counters[0].value = 3
        toy.counters[1].value = toy.counters[0].value + 1

    assert list(toy.layout.initial(fill)[2:5]) == [3, 4, 0]
