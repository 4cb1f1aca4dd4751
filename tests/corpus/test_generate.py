# SPDX-License-Identifier: MIT
"""Random tests that a machine can run."""

from cowpath.corpus.generate import PLACED, THEMES, random_litmus
from cowpath.litmus import ast
from cowpath.litmus.print import to_text
from cowpath.litmus.resolve import program_from_text, resolve
from cowpath.litmus.statements import CALLS, KINDS
from cowpath.machine.compile import STATEMENTS

UNASKED = {"numa_hint", "pagemap_scan", "zswap_enabled"}
"""No system call asks for the first; the others need tests made for them: one userfaultfd, zswap.

A theme more would also make other programs of the seeds whose results are kept (docs/real-kernels.md).
"""


def test_every_call_that_runs_on_a_machine_has_a_theme() -> None:
    themed = {name for theme in THEMES for name in theme}
    runs = {name for name in CALLS if KINDS[name] in STATEMENTS}
    assert themed | set(PLACED) == runs - UNASKED


def test_one_seed_is_one_test_and_its_text_says_all_of_it() -> None:
    for number in range(40):
        test = random_litmus(f"1-{number}")
        assert resolve(test) == program_from_text(to_text(test))
        assert test == random_litmus(f"1-{number}")


def test_every_statement_occurs_and_every_shape() -> None:
    tests = [random_litmus(f"1-{number}") for number in range(300)]
    found = {statement.form.name for test in tests for _, statement in test.statements()}
    assert found == {"", *(set(CALLS) - UNASKED)}
    shapes = {(len(test.threads), test.threads[-1].of) for test in tests}
    assert shapes == {(1, None), (2, None), (2, "P0")}


def test_a_name_says_which_seed() -> None:
    test = random_litmus("9-4")
    assert isinstance(test, ast.Litmus)
    assert test.name == "random-9-4"
