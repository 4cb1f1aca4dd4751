# SPDX-License-Identifier: MIT
"""What a Program says about a test that makes sense."""

import subprocess
import sys

import pytest
from hypothesis import given, settings

from cowpath.litmus import ast
from cowpath.litmus.ast import Position
from cowpath.litmus.errors import LitmusError
from cowpath.litmus.parse import parse
from cowpath.litmus.program import BackgroundActor, Page, Program
from cowpath.litmus.resolve import program_from_text
from cowpath.litmus.statements import Store
from tests.strategies import programs

FAMILY = """C family
{ char x[2] = "ba"; char y[2]; kswapd(y); ksmd(x, y); readahead(x); }
P0(char *x) { x[0] = 'c'; fork(P2); r1 = x[0]; r0 = x[1]; r1 = x[1]; wait(P2); }
P1(char *x) { g = get_user_page(x); h = pin_user_page(x); }
P2(char *x) { fork(P4); device_write(g, 0, 'D'); r0 = device_read(h, 1); }
P3(char *x) of P2 { x[1] = 0; }
P4(char *x) { put_page(g); unpin_user_page(h); exit(); }
forall (2:r0='z' \\/ 0:r0='?' \\/ 3:x[1]=SEGV)
"""


def test_threads_and_processes() -> None:
    program = program_from_text(FAMILY)
    assert [thread.process for thread in program.threads] == [0, 0, 1, 1, 2]
    assert [thread.forked_by for thread in program.threads] == [None, None, 0, 0, 2]
    assert program.parents == (None, 0, 1)
    assert program.thread_index == {f"P{number}": number for number in range(5)}


def test_processes_are_numbered_by_their_first_thread() -> None:
    program = program_from_text("C t {} P0() { fork(P2); fork(P1); } P1() {} P2() { }")
    assert [thread.process for thread in program.threads] == [0, 1, 2]


def test_a_thread_may_join_a_process_that_is_declared_later() -> None:
    program = program_from_text("C t {} P0() { fork(P2); } P1() of P2 { fork(P3); } P2() { } P3() { }")
    assert [thread.process for thread in program.threads] == [0, 1, 1, 2]
    assert program.parents == (None, 0, 1)


def test_names_are_numbered_in_order() -> None:
    program = program_from_text(FAMILY)
    assert program.pages == (Page(0, "x", 2, ("b", "a")), Page(1, "y", 2, None))
    assert program.references == ("g", "h")
    assert program.registers == ((0, "r1"), (0, "r0"), (2, "r0"))
    assert program.values == (ast.ZERO, "b", "a", "c", "D", "z")
    assert program.background == (
        BackgroundActor("kswapd", (1,)),
        BackgroundActor("ksmd", (0, 1)),
        BackgroundActor("readahead", (0,)),
    )


def test_settings() -> None:
    def program(initial: str) -> Program:
        return program_from_text(f"C t {{ {initial} }} P0() {{}}")

    assert program("").swap == ("ssd",)
    assert program("swap = none;").swap == ()
    assert program("swap = zram, ssd_stable;").swap == ("zram", "ssd_stable")
    assert program("").options == frozenset()
    assert program("option = tlb, weak_barriers;").options == {"tlb", "weak_barriers"}


def test_content_is_as_long_as_the_page() -> None:
    pages = parse('C t { char x[3] = "a"; char y[2] = ""; char z[2] = 0; } P0() {}').pages
    assert [page.content for page in pages] == [("a", ast.ZERO, ast.ZERO), (ast.ZERO,) * 2, (ast.ZERO,) * 2]


def test_comment_is_the_first_between_name_and_initial_block() -> None:
    assert parse("(* a *) // b\nC t /* c */ (* d\n   e *) (* f *) { } P0() {}").comment == "d\ne"
    assert parse("C t { (* a *) } P0() { } (* b *)").comment == ""


def test_positions_are_those_of_the_file() -> None:
    litmus = parse("C t\n{ char x[1]; }\nP0(char *x)\n{\n\tchar r0 = x[0]; x[0] = r0;\n}\nexists (~0:r0=0)")
    load, store = litmus.threads[0].body
    assert load.position == Position(5, 2)
    assert store.position == Position(5, 18)
    assert isinstance(store, Store)
    assert isinstance(store.value, ast.Register)
    assert store.value.position == Position(5, 25)
    assert litmus.pages[0].position == Position(2, 8)
    assert litmus.threads[0].position == Position(3, 1)
    assert litmus.condition is not None
    assert litmus.condition.position == Position(7, 1)
    (atom,) = ast.atoms(litmus.condition.expression)
    assert atom.position == Position(7, 10)


@given(programs())
@settings(max_examples=50, deadline=None)
def test_every_process_goes_back_to_the_first(program: Program) -> None:
    assert program.parents[0] is None
    for process, parent in enumerate(program.parents[1:], 1):
        assert parent is not None
        members = [thread for thread in program.threads if thread.process == process]
        (forker,) = {thread.forked_by for thread in members}
        assert forker is not None
        assert program.threads[forker].process == parent


def test_lark_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, cowpath.litmus.resolve, cowpath.litmus.print; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("other", ["userfaultfd_wp(x);", "r1 = userfaultfd_read(x);"])
def test_a_page_has_one_userfaultfd(other: str) -> None:
    with pytest.raises(LitmusError, match=r"pagemap_scan\(\) and userfaultfd_\w+\(\) in one test"):
        program_from_text(f"C t {{ char x[1]; }} P0(char *x) {{ r0 = pagemap_scan(x); {other} }}")


def test_zswap_is_switched_where_it_is() -> None:
    with pytest.raises(LitmusError, match=r"zswap_enabled\(\) needs swap = zswap or swap = zswap_zram"):
        program_from_text("C t { char x[1]; } P0(char *x) { zswap_enabled(0); }")
