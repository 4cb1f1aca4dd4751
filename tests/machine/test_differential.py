# SPDX-License-Identifier: MIT
"""Small programs on which the agent, or the comparison, once disagreed with the model, and was wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cowpath.litmus.errors import LitmusError
from cowpath.litmus.program import Program
from cowpath.machine.compare import Comparison, expect
from cowpath.machine.job import Answer
from cowpath.machine.machines import Machine
from cowpath.report.machine_cases import status_of
from cowpath.report.machines import histogram
from tests.machine.conftest import program, run_all

ROUNDS = 30

EXITS = """C exit-while-others-run
{ char x[1] = "a"; } P0(char *x) { fork(P1); x[0] = 'b'; } P1(char *x) { r0 = x[0]; exit(); }"""
EXITS_FREE = """C exit-in-free-rounds
{ char x[1] = "a"; } P0(char *x) { fork(P1); wait(P1); } P1(char *x) { userfaultfd_wp(x); exit(); }"""
FOUR_PINS = """C more-pins-than-the-model-counts
{ char x[1] = "a"; }
P0(char *x) { g0 = pin_user_page(x); g1 = pin_user_page(x); g2 = pin_user_page(x); g3 = pin_user_page(x);
              r0 = x[0]; }"""
KSM_OF_NOTHING_TO_READ = """C ksm-of-a-page-that-nobody-may-read
{ char x[1] = "a"; char y[1] = "a"; }
P0(char *x, char *y) { mprotect(x, PROT_NONE); ksm_merge(x, y); r0 = y[0]; }"""
KSM_THEN_MIGRATE = """C a-ksm-page-is-asked-to-move
{ char x[1] = "a"; char y[1] = "a"; } P0(char *x, char *y) { ksm_merge(x, y); migrate(x); }"""
MIGRATE_ABSENT = """C nothing-is-there-to-move
{ char x[1]; char y[1] = "a"; } P0(char *x, char *y) { migrate(x); r0 = x[0]; migrate(x); y[0] = 'b'; }"""
PAGEOUT_ONCE = """C one-pageout-is-one-try
{ char x[1] = "a"; }
P0(char *x) { g = get_user_page(x); madvise(x, MADV_FREE); madvise(x, MADV_PAGEOUT); madvise(x, MADV_FREE);
              r0 = x[0]; }"""
PAGEOUT_UNMAPPED = """C nothing-is-mapped-to-page-out
{ char x[1] = "a"; } P0(char *x) { munmap(x); madvise(x, MADV_PAGEOUT); }"""
FORK_AT_THE_END = """C a-fork-between-two-looks
{ char x[1] = "a"; } P0(char *x) { fork(P1); madvise(x, MADV_PAGEOUT); } P1(char *x) { r0 = x[0]; }"""
PUT_UNDER_READ = """C put-while-the-device-reads
{ char x[1] = "a"; }
P0(char *x) { g = get_user_page(x); r0 = device_read(g, 0); } P1(char *x) { put_page(g); }"""
UNPIN_UNDER_WRITE = """C unpin-while-the-device-writes
{ char x[1] = "a"; }
P0(char *x) { g = pin_user_page(x, FOLL_WRITE); device_write(g, 0, 'D'); }
P1(char *x) { unpin_user_page(g); }"""

AGREE = (
    EXITS, EXITS_FREE, FOUR_PINS, KSM_OF_NOTHING_TO_READ, KSM_THEN_MIGRATE, MIGRATE_ABSENT, PAGEOUT_ONCE,
    PAGEOUT_UNMAPPED, FORK_AT_THE_END, PUT_UNDER_READ, UNPIN_UNDER_WRITE,
)  # fmt: skip

PROT_NONE = """C user-mode-linux-reads-what-is-forbidden
{ char x[1] = "a"; } P0(char *x) { mprotect(x, PROT_NONE); r0 = x[0]; } exists (0:r0='a')"""


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.xdist_group("machine")
@pytest.mark.parametrize("name", ["uml:6.1", "qemu:6.1"])
def test_no_round_contradicts_the_model_or_fails(real_machine: Callable[[str], Machine], name: str) -> None:
    programs = [program(text) for text in AGREE]
    found = run_all(real_machine(name), programs, ROUNDS)
    standings = {test: (one.standing, one.words) for test, one in found.items()}
    assert {standing for standing, _ in standings.values()} <= {"agrees", "not modelled", "cannot"}, standings
    assert standings["more-pins-than-the-model-counts"] == ("not modelled", f"kept {ROUNDS}/{ROUNDS}")


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.xdist_group("machine")
def test_what_user_mode_linux_alone_does_is_a_known_finding(real_machine: Callable[[str], Machine]) -> None:
    (found,) = run_all(real_machine("uml:6.1"), [program(PROT_NONE)], 5).values()
    assert found.standing == "known"


def test_a_known_finding_is_loud_and_no_failure() -> None:
    test = program(PROT_NONE)
    answer = Answer("ran", outcomes={("a", "a"): 9})
    found = Comparison(test, "uml:6.1", answer, expect(test, "6.1.176", "um"))
    assert (found.standing, status_of(found)) == ("known", "xfail")
    assert "NOT ALLOWED BY THE MODEL (6.1.176 um): a known finding: User-Mode Linux copies" in histogram(
        found
    )
    elsewhere = Comparison(test, "qemu:6.1", answer, expect(test, "6.1.176", "x86_64"))
    assert (elsewhere.standing, status_of(elsewhere)) == ("disagrees", "fail")


@pytest.mark.parametrize(
    ("release", "architecture", "standing", "words"),
    [
        ("6.1.176", "x86_64", "agrees", "precondition not met, as the model says"),
        ("6.1.176", "um", "not met", "precondition not met"),  # no pte_protnone() there
        ("6.0", "x86_64", "not met", "precondition not met"),
        ("6.5", "x86_64", "not met", "precondition not met"),
    ],
)
def test_a_merge_that_the_kernel_never_makes_agrees(
    release: str, architecture: str, standing: str, words: str
) -> None:
    """From 474098edac26 (v6.1) to d74943a2f3cd (v6.5) follow_page() finds nothing where PROT_NONE is."""
    test = program(KSM_OF_NOTHING_TO_READ)
    answer = Answer("ran", unmet={"x and y were not merged": 30})
    found = Comparison(test, "a machine", answer, expect(test, release, architecture))
    assert (found.standing, found.words) == (standing, words)


def test_what_else_was_not_met_is_no_agreement() -> None:
    test = program(KSM_OF_NOTHING_TO_READ)
    answer = Answer("ran", unmet={"x and y were not merged": 29, "x was not reclaimed": 1})
    assert Comparison(test, "a machine", answer, expect(test, "6.1", "x86_64")).standing == "not met"


def test_a_search_that_is_not_finished_forbids_nothing() -> None:
    test = program(FOUR_PINS)
    expectation = expect(test, "6.1", "x86_64")
    assert expectation.allowed is None
    assert "not modelled: the search is not finished: folio0.pincount = 4 is out of" in expectation.words
    found = Comparison(test, "qemu:6.1", Answer("ran", outcomes={("a", "a"): 9}), expectation)
    assert (found.standing, status_of(found)) == ("not modelled", "pass")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("ksm_merge(x, y);", "ksm_merge needs two pages with the same places: x has 2, y has 1"),
        ("userfaultfd_move(x, y);", "userfaultfd_move needs two pages with the same places"),
    ],
)
def test_pages_that_take_each_others_place_have_the_same_places(body: str, message: str) -> None:
    with pytest.raises(LitmusError, match=message):
        checked(f'C t {{ char x[2] = "ab"; char y[1] = "a"; }} P0(char *x, char *y) {{ {body} }}')


def test_ksmd_compares_whole_pages_too() -> None:
    with pytest.raises(LitmusError, match="ksmd needs two pages with the same places: x has 1, y has 2"):
        checked('C t { char x[1] = "a"; char y[2] = "ab"; ksmd(x, y); } P0(char *x) { r0 = x[0]; }')


def checked(text: str) -> Program:
    """A test, if the checker takes it."""
    return program(text)
