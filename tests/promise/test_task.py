# SPDX-License-Identifier: MIT
"""Statements find their rules."""

import dataclasses

import pytest

from cowpath import promise
from cowpath.errors import CowpathError
from cowpath.explore.search import explore
from cowpath.litmus import ast
from cowpath.litmus.form import Form
from cowpath.litmus.resolve import program_from_text


class Unknown(ast.Statement):
    """A statement that is new to everybody but the language."""

    forms = (Form("unknown", (), "nobody knows"),)


def test_a_statement_without_a_rule_is_refused() -> None:
    program = program_from_text('C t { char x[1] = "a"; } P0(char *x) { r0 = x[0]; }')
    unknown = Unknown(position=ast.Position(3, 5))
    thread = dataclasses.replace(program.threads[0], body=(*program.threads[0].body, unknown))
    program = dataclasses.replace(program, threads=(thread,))
    with pytest.raises(CowpathError, match="line 3, column 5: nothing is promised about this statement yet"):
        explore(promise.build(program))
