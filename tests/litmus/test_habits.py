# SPDX-License-Identifier: MIT
"""Habits from C: none is a statement of the language, and what a hint tells to write is one."""

import re

import pytest

from cowpath.litmus.errors import LitmusError
from cowpath.litmus.habits import CALLS as HABITS
from cowpath.litmus.habits import KEYWORDS, TYPES, comment_hint
from cowpath.litmus.resolve import program_from_text
from cowpath.litmus.statements import CALLS

WRITTEN = re.compile(
    r"(?:[rg]\d? = )?[a-z_]+\((?:[a-z0-9]+(?:, [A-Za-z0-9_']+)*)?\)"  # a call
    r"|r0 = x\[0\]|x\[0\] = 'a'"
)


def test_no_habit_is_a_statement() -> None:
    assert not {*HABITS, *KEYWORDS, *TYPES} & {*CALLS}


@pytest.mark.parametrize("hint", sorted({*HABITS.values(), *KEYWORDS.values()}))
def test_what_a_hint_tells_to_write_can_be_written(hint: str) -> None:
    actors = ("kswapd", "ksmd", "migrated")
    for text in WRITTEN.findall(hint):
        pages = 'char x[1] = "a"; char y[1];'
        if text.startswith(actors):
            program_from_text(f"C t {{ {pages} {text}; }} P0(char *x) {{ }}")
            continue
        take = "g = pin_user_page(x, FOLL_WRITE);" if "unpin" in text else "g = get_user_page(x, FOLL_WRITE);"
        before = take if "(g" in text else ""
        other = "P1(char *x) { }" if "P1" in text else ""
        program_from_text(f"C t {{ {pages} }} P0(char *x, char *y) {{ {before} {text}; }} {other}")


@pytest.mark.parametrize("name", sorted(HABITS))
def test_an_unknown_call_says_what_to_write(name: str) -> None:
    with pytest.raises(LitmusError) as caught:
        program_from_text(f"C t {{ char x[1]; }} P0(char *x) {{ {name}(x); }}")
    assert caught.value.hint == HABITS[name]


def test_a_comment_that_is_one_gets_no_hint() -> None:
    assert comment_hint("P0", "(* unclosed") == comment_hint("", "(*x") == comment_hint("x", "/*x") == ""
