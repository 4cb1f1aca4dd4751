# SPDX-License-Identifier: MIT
"""One row a statement: nobody who runs statements has a gap in their table, nor a row of another's."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_type_hints

import pytest

from cowpath.linux import task as mechanism
from cowpath.linux.model import DAEMONS
from cowpath.linux.state import SWAP_KINDS
from cowpath.litmus import ast, statements
from cowpath.litmus.form import Form
from cowpath.litmus.initial import BACKGROUND, SWAP_DEVICES
from cowpath.litmus.resolve import program_from_text
from cowpath.litmus.statements import CALLS, STATEMENTS
from cowpath.machine import compile as machine
from cowpath.machine.agent.actors import ACTORS
from cowpath.machine.agent.statements import DOERS
from cowpath.machine.agent.swap import KINDS as DEVICES
from cowpath.machine.means import CannotRunAnywhereError
from cowpath.promise import task as promise

Table = Mapping[type[ast.Statement], Callable[..., Any]]
TABLES: dict[str, Table] = {
    "mechanism": mechanism.STATEMENTS,
    "promise": promise.STATEMENTS,
    "machine": machine.STATEMENTS,
}


def test_the_language_lists_every_statement_that_it_has() -> None:
    members = [member for _, member in inspect.getmembers(statements, inspect.isclass)]
    kinds = {kind for kind in members if issubclass(kind, ast.Statement) and kind is not ast.Statement}
    assert set(STATEMENTS) == kinds
    assert all(kind.forms for kind in STATEMENTS)


@pytest.mark.parametrize("name", TABLES)
def test_every_statement_has_a_row(name: str) -> None:
    assert list(TABLES[name]) == list(STATEMENTS)


@pytest.mark.parametrize("name", TABLES)
def test_every_row_is_for_the_statement_it_stands_at(name: str) -> None:
    for kind, run in TABLES[name].items():
        taken = list(get_type_hints(run, vars(inspect.getmodule(run))).values())[2]
        assert any(issubclass(kind, one) for one in get_args(taken) or (taken,)), run


def example(form: Form) -> str:
    """A whole test around the call as hints show it, with a reference where the call needs one."""
    take = "pin" if form.implied.get("pin") else "get"
    before = f"g = {take}_user_page(x, FOLL_WRITE);" if "(g" in form.usage() else ""
    other = "" if "P1" not in form.usage() else " P1(char *x) { r0 = x[0]; }"
    pages = 'char x[1] = "a"; char y[1] = "b";'
    if form.devices:
        pages += f" swap = {form.devices[0]};"
    return f"C t {{ {pages} }} P0(char *x, char *y) {{ {before} {form.usage()}; }}{other}"


def refused() -> set[str]:
    """The calls that no machine can be asked for, in their own words."""
    found = set()
    for form in CALLS.values():
        try:
            machine.compile_program(program_from_text(example(form)))
        except CannotRunAnywhereError:
            found.add(form.name)
    return found


def test_the_agent_does_every_statement_that_some_machine_can_do() -> None:
    assert refused() == {"numa_hint", "unpin_user_pages_dirty_lock"}
    able = {kind for kind in STATEMENTS if {form.name for form in kind.forms} - refused()}
    assert set(DOERS) == {kind.__name__ for kind in able}


def test_every_background_actor_has_a_row() -> None:
    assert list(DAEMONS) == list(ACTORS) == list(BACKGROUND)


def test_every_swap_device_has_a_row() -> None:
    assert list(SWAP_KINDS) == list(DEVICES) == list(SWAP_DEVICES)
