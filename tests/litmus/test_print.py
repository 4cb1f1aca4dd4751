# SPDX-License-Identifier: MIT
"""Printing: the canonical form, and that nothing is lost on the way there and back."""

from hypothesis import given, settings

from cowpath.litmus import ast
from cowpath.litmus.parse import parse
from cowpath.litmus.print import statement_text, to_text
from cowpath.litmus.resolve import program_from_text, resolve
from tests.strategies import statements, trees, valid_trees

CANONICAL = r"""C every-part
(* What it is about.
     Indented (* nested *).

   And why. *)

{
    char x[3] = "a\0b";
    char y[2];
    char z[2] = "";
    swap = ssd, zram;
    option = tlb;
    ksmd(x, y);
}

P0(char *x, char *y)
{
    ref_t g = pin_user_page_fast(x, FOLL_WRITE | FOLL_LONGTERM);
    ref_t h = get_user_page(y);
    char r0 = x[1];
    x[1] = r0;
    y[0] = '\0';
    device_write(g, 0, 'D');
    char r1 = device_read(h, 1);
    unpin_user_page(g);
    mprotect(x, PROT_READ | PROT_WRITE);
    fork(P1);
}

P1() of P0
{
}

~exists (0:r0='a' /\ ~(0:x[0]=SEGV \/ 0:r1='-' \/ copies=1) /\ (crash \/ hang=0))
"""


def test_canonical_text_is_its_own_print() -> None:
    assert to_text(parse(CANONICAL)) == CANONICAL


def test_free_spelling_has_the_same_tree() -> None:
    free = """C t {char x[2]="a\\0";y=z;}P0(char*x){r0=x[0];x[ 01 ]=0;// end
        mprotect(x,PROT_WRITE|PROT_READ);} /* ( */ ~ exists 0:r0=0/\\(crash=1)"""
    canonical = """C t
{ char x[2] = "a"; y = z; }
P0(char *x) { char r0 = x[0]; x[1] = '\\0'; mprotect(x, PROT_READ | PROT_WRITE); }
~exists (0:r0='\\0' /\\ crash)"""
    assert parse(free) == parse(canonical)


@given(trees())
@settings(max_examples=150, deadline=None)
def test_every_tree_survives_printing(litmus: ast.Litmus) -> None:
    assert parse(to_text(litmus)) == litmus


@given(valid_trees())
@settings(max_examples=150, deadline=None)
def test_every_valid_tree_survives_resolving(litmus: ast.Litmus) -> None:
    assert program_from_text(to_text(litmus)) == resolve(litmus)


@given(statements)
@settings(max_examples=100, deadline=None)
def test_every_statement_is_one_line(statement: ast.Statement) -> None:
    text = statement_text(statement)
    (parsed,) = parse(f"C t {{ }} P0() {{ {text}; }}").threads[0].body
    assert parsed == statement
    assert "\n" not in text
