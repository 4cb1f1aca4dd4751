# SPDX-License-Identifier: MIT
"""The agent from inside: what it reports when the machine does not do what the test is about."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cowpath.machine import agent
from cowpath.machine.agent import calls, large, statements
from cowpath.machine.agent.board import HELD, OK, SEEN, UNMET, Board
from cowpath.machine.agent.memory import FaultError, Memory, may_be_paged_out, pagemap
from cowpath.machine.agent.setting import UnmetError, changed
from cowpath.machine.compile import compile_program
from tests.machine.conftest import program

FILES = sorted(Path(agent.__path__[0]).glob("*.py"))


def memory_of(text: str) -> Memory:
    """The pages of a test, mapped here."""
    memory = Memory(compile_program(program(text)))
    memory.populate()
    return memory


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_agent_imports_nothing_but_the_standard_library(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            assert {name.name.partition(".")[0] for name in node.names} <= sys.stdlib_module_names
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert str(node.module).partition(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_agent_is_python_3_9(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=(3, 9))
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))
    assert "from __future__ import annotations" in file.read_text() or file.name == "__init__.py"


def test_only_a_guest_can_be_switched_off() -> None:
    with pytest.raises(PermissionError):
        calls.power_off()


SWAPS = {"swap": ["ssd"]}


def test_a_page_that_stays_in_memory_is_a_precondition_not_met() -> None:
    board = Board(compile_program(program("C t { char x[1]; } P0(char *x) { r0 = x[0]; }")))
    stuck = SimpleNamespace(page_out=lambda first, last, tries: False, lazyfree=set(), is_large=bool)
    process: Any = SimpleNamespace(board=board, memory=stuck, references=[], demanding=True, program=SWAPS)
    statement = {"do": "Madvise", "page": 0, "last": 0, "name": "x", "advice": "MADV_PAGEOUT", "text": ""}
    assert statements.execute(process, 0, statement) == UNMET
    assert board.text(0) == "x was not swapped out"
    process.program = {"swap": []}
    assert statements.execute(process, 0, statement) == OK, "there is nowhere to swap it to"


def test_a_lazyfree_page_that_somebody_holds_may_stay() -> None:
    compiled = compile_program(
        program("C t { char x[1]; } P0(char *x) { g = get_user_page(x); put_page(g); }")
    )
    board = Board(compiled)
    stuck = SimpleNamespace(page_out=lambda first, last, tries: False, lazyfree={0}, is_large=bool)
    reference = SimpleNamespace(page=0, index=0, pins=False)
    process: Any = SimpleNamespace(
        board=board, memory=stuck, references=[reference], demanding=True, program=SWAPS
    )
    statement = {"do": "Madvise", "page": 0, "last": 0, "name": "x", "advice": "MADV_PAGEOUT", "text": ""}
    assert statements.execute(process, 0, statement) == UNMET
    board.reference[0] = HELD
    assert statements.execute(process, 0, statement) == OK


def test_a_page_is_out_only_if_pagemap_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = memory_of('C t { char x[1] = "a"; } P0(char *x) { r0 = x[0]; }')
    monkeypatch.setattr(calls, "madvise", lambda *_: None)  # a kernel that does nothing
    try:
        assert may_be_paged_out(pagemap(memory.address(0)))
        assert not memory.page_out(0, 0, tries=2)
    finally:
        memory.close()


def test_places_are_apart_and_hold_their_content() -> None:
    memory = memory_of('C t { char x[4] = "ab"; char y[1]; } P0(char *x, char *y) { r0 = x[0]; }')
    try:
        assert [memory.load(0, place) for place in range(4)] == [ord("a"), ord("b"), 0, 0]
        assert memory.place(0, 1) - memory.place(0, 0) == calls.PAGE // 4
        assert memory.address(1) - memory.address(0) == 2 * calls.PAGE
        assert pagemap(memory.address(1)) >> 62 == 0, "never touched means that there is no page"
    finally:
        memory.close()


def test_an_access_that_is_forbidden_is_a_fault_and_no_crash() -> None:
    memory = memory_of('C t { char x[1] = "a"; } P0(char *x) { munmap(x); r0 = x[0]; }')
    try:
        memory.protect(0, 0, calls.PROT_READ)
        assert memory.load(0, 0) == ord("a")
        with pytest.raises(FaultError):
            memory.store(0, 0, 1)
        memory.unmap(0, 0)
        with pytest.raises(FaultError):
            memory.load(0, 0)
        assert memory.final(0, 0) is None
    finally:
        memory.close()


def test_what_another_thread_may_take_away_is_accessed_through_the_kernel() -> None:
    text = 'C t { char x[1] = "a"; } P0(char *x) { r0 = x[0]; } P1(char *x) { munmap(x); }'
    memory = Memory(compile_program(program(text)), racing=True)
    memory.populate()
    try:
        calls.unmap(memory.address(0), calls.PAGE)  # by the other thread, unnoticed
        with pytest.raises(FaultError):
            memory.load(0, 0)
    finally:
        memory.close()


LARGE = 'C t { char v[1] = "v"; mthp { char x[1] = "a"; char y[1] = "b"; } char w[1] = "w"; swap = none; }'


@pytest.mark.parametrize("pages", [1, 128], ids=["a folio of four pages", "a quarter of a THP"])
def test_the_pages_of_a_large_folio_lie_side_by_side(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    unit = pages * calls.PAGE
    monkeypatch.setattr(large, "unit", lambda: unit)
    memory = Memory(compile_program(program(LARGE + " P0(char *x) { r0 = x[0]; }")))
    try:
        first = memory.address(1)
        assert first % (large.PAGES * unit) == 0
        assert [memory.address(page) - first for page in range(1, 5)] == [0, unit, 2 * unit, 3 * unit]
        assert [memory.is_large(page) for page in range(6)] == [False, True, True, True, True, False]
        assert list(memory.spans(1, 2)) == [(first, 2 * unit)]
        assert list(memory.spans(0, 0)) == [(memory.address(0), calls.PAGE)]
        assert [length for _, length in memory.spans(0, 5)] == [calls.PAGE, 4 * unit, calls.PAGE]
        assert memory.address(5) + calls.PAGE < memory.base + memory.length
    finally:
        memory.close()


def test_a_folio_is_known_by_its_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = {8: 1 << large.COMPOUND_HEAD, 11: 1 << large.COMPOUND_TAIL}
    monkeypatch.setattr(large, "_flags", lambda frame: flags.get(frame, 0))
    assert large.is_one_folio(8, 11, 3)
    assert not large.is_one_folio(8, 12, 3)
    assert not large.is_one_folio(4, 7, 3)


def test_where_no_large_folio_was_made_the_precondition_is_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "unit", lambda: calls.PAGE)
    monkeypatch.setattr(large, "make", lambda address: None)
    memory = Memory(compile_program(program(LARGE + " P0(char *x) { r0 = x[0]; }")))
    try:
        with pytest.raises(UnmetError, match="x is not in a large folio"):
            memory.populate()
    finally:
        memory.close()


def test_a_setting_that_lists_its_choices_is_the_one_in_brackets(tmp_path: Path) -> None:
    setting = tmp_path / "enabled"
    setting.write_text("always [madvise] never\n")
    with changed(str(setting), "always"):
        assert setting.read_text() == "always"
    assert setting.read_text() == "madvise"


def test_what_lies_in_memory_is_not_mistaken_for_a_value() -> None:
    board = Board(compile_program(program("C t { char x[1]; } P0(char *x) { r0 = x[0]; }")))
    assert board.registers() == ["-"]
    assert board.final_memory() == [""]
    board.memory_seen[0], board.memory_value[0] = SEEN, 0xC8
    assert board.final_memory() == ["\\xc8"]
