# SPDX-License-Identifier: MIT
"""From a program to what the agent runs: every statement, and a reason for what nobody can run."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from cowpath.litmus import ast
from cowpath.machine.agent.statements import DOERS
from cowpath.machine.compile import CannotRunAnywhereError, compile_program
from tests.machine.conftest import founding, program


def test_the_agent_does_every_statement_of_the_language() -> None:
    cannot_be_asked_for = {"NumaHint"}
    statements = {statement.__name__ for statement in get_args(ast.Statement)}
    assert set(DOERS) == statements - cannot_be_asked_for


def test_the_founding_corpus_compiles_to_json() -> None:
    refused = {}
    for test in founding():
        try:
            json.dumps(compile_program(test))
        except CannotRunAnywhereError as error:
            refused[test.name] = str(error)
    assert refused == {
        "get-write-numa": "NUMA balancing scans when it likes: no system call asks for it",
        "pin-read-after-fork": "no system call holds a read-only FOLL_PIN for as long as we like",
    }


def test_each_device_write_has_a_held_read_of_its_own() -> None:
    text = (
        "C t { char x[2]; } P0(char *x) { g = get_user_page(x, FOLL_WRITE); device_write(g, 1, 'a');"
        " device_write(g, 0, 'b'); put_page(g); }"
    )
    compiled = compile_program(program(text))
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
        ("g = pin_user_page(x);", "read-only FOLL_PIN"),
        ("g = get_user_page(x); device_write(g, 0, 'a');", "which is for reading"),
        ("g = get_user_page(x, FOLL_WRITE); exit();", "cannot exit"),
        ("numa_hint(x);", "scans when it likes"),
    ],
)
def test_what_no_machine_can_do_has_a_reason(body: str, why: str) -> None:
    with pytest.raises(CannotRunAnywhereError, match=why):
        compile_program(program(f"C t {{ char x[1]; }} P0(char *x) {{ {body} }}"))


def test_accesses_are_careful_where_pages_may_be_taken_away() -> None:
    text = "C t {{ char x[1]; }} P0(char *x) {{ {} r0 = x[0]; }}"
    assert not compile_program(program(text.format("")))["careful"]
    assert compile_program(program(text.format("munmap(x);")))["careful"]
    assert compile_program(program(text.format("mprotect(x, PROT_READ);")))["careful"]
