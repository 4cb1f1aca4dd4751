# SPDX-License-Identifier: MIT
"""Orders of statements that paths of the model lead to."""

from __future__ import annotations

from cowpath.machine.follow import orders_of_model
from tests.machine.conftest import program

FORK = "C t { char x[1] = \"a\"; } P0(char *x) { fork(P1); x[0] = 'b'; wait(P1); } P1(char *x) { r0 = x[0]; }"


def test_a_statement_ends_where_its_last_step_does_not_where_the_next_one_begins() -> None:
    """The child reads before its parent takes another step: the fork has ended all the same."""
    assert orders_of_model(program(FORK), "x86_64").orders == ((0, 1, 0, 0),)
