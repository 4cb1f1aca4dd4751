# SPDX-License-Identifier: MIT
"""From a program to what the agent runs: every statement, and a reason for what nobody can run."""

from __future__ import annotations

import json

import pytest

from cowpath.machine.compile import compile_program
from cowpath.machine.means import CannotRunAnywhereError
from tests.machine.conftest import founding, program


def test_the_founding_corpus_compiles_to_json() -> None:
    refused = {}
    for test in founding():
        try:
            json.dumps(compile_program(test))
        except CannotRunAnywhereError as error:
            refused[test.name] = str(error)
    assert refused == {
        "get-write-numa": "NUMA balancing scans when it likes: no system call asks for it",
    }


def test_each_device_write_has_a_held_read_of_its_own() -> None:
    text = (
        "C t { char x[2]; } P0(char *x) { g = get_user_page(x, FOLL_WRITE); device_write(g, 1, 'a');"
        " device_write(g, 0, 'b'); put_page(g); }"
    )
    compiled = compile_program(program(text))
    assert compiled["references"][0]["slots"] == [[0, 1], [1, 0]]
    assert [s.get("slot") for s in compiled["threads"][0]["body"]] == [None, 0, 1, None]


def test_each_read_through_a_read_only_pin_has_a_call_that_waits_for_it() -> None:
    text = (
        'C t { char x[2] = "ab"; } P0(char *x) { g = pin_user_page(x); r0 = device_read(g, 1);'
        " r1 = device_read(g, 0); unpin_user_page(g); }"
    )
    compiled = compile_program(program(text))
    assert compiled["references"][0]["means"] == "remote-read"
    assert compiled["references"][0]["slots"] == [[0, 1], [1, 0]]
    assert [s.get("slot") for s in compiled["threads"][0]["body"]] == [None, 0, 1, None]


def test_one_more_read_holds_the_page_until_put_page() -> None:
    text = (
        "C t { char x[1]; } P0(char *x) { g = get_user_page(x, FOLL_WRITE); device_write(g, 0, 'a');"
        " x[0] = 'b'; put_page(g); }"
    )
    assert compile_program(program(text))["references"][0]["slots"] == [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("g = get_user_page(x, FOLL_WRITE | FOLL_FORCE);", "FOLL_FORCE"),
        ("g = pin_user_page_fast(x);", "the fast way"),
        ("r0 = x[0]; g = pin_user_page(x, FOLL_LONGTERM);", "is not FOLL_LONGTERM"),
        ("g = pin_user_page(x); device_write(g, 0, 'a');", "which is for reading"),
        ("g = pin_user_page(x); exit();", "cannot exit"),
        ("g = get_user_page(x); device_write(g, 0, 'a');", "which is for reading"),
        ("g = get_user_page(x, FOLL_WRITE); exit();", "cannot exit"),
        ("numa_hint(x);", "scans when it likes"),
    ],
)
def test_what_no_machine_can_do_has_a_reason(body: str, why: str) -> None:
    with pytest.raises(CannotRunAnywhereError, match=why):
        compile_program(program(f"C t {{ char x[1]; }} P0(char *x) {{ {body} }}"))


@pytest.mark.parametrize(
    ("taker", "taken"), [("P1(char *x, char *y)", [1]), ("P1(char *x, char *y) of P2", [])]
)
def test_a_page_that_another_thread_takes_away_is_known(taker: str, taken: list[int]) -> None:
    text = (
        "C t { char x[1]; char y[1]; } P0(char *x, char *y) { r0 = x[0]; r1 = y[0]; fork(P2); }"
        f" {taker} {{ munmap(y); mprotect(y, PROT_READ); }} P2(char *x) {{ munmap(x); r0 = x[0]; }}"
    )
    assert compile_program(program(text))["taken_away"] == taken
