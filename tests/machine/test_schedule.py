# SPDX-License-Identifier: MIT
"""Orders of statements: all that matter, none that cannot be."""

from __future__ import annotations

import pytest

from cowpath.machine.job import RunRequest
from cowpath.machine.schedule import MAX_ORDERS, FollowError, follow, schedule
from tests.machine.conftest import founding, program

FORK = "C t { char x[1] = \"a\"; } P0(char *x) { fork(P1); x[0] = 'b'; wait(P1); } P1(char *x) { r0 = x[0]; }"


def test_a_test_with_one_order_has_one() -> None:
    alone = program("C t { char x[1] = \"a\"; } P0(char *x) { x[0] = 'b'; r0 = x[0]; }")
    assert schedule(alone).orders == ((0, 0),)
    assert not schedule(alone).concurrent


def test_a_child_starts_after_its_fork_and_ends_before_its_wait() -> None:
    assert schedule(program(FORK)).orders == ((0, 0, 1, 0), (0, 1, 0, 0))


def test_threads_that_wait_for_each_other_are_seen_to_hang() -> None:
    text = "C t { char x[1]; } P0(char *x) { r0 = x[0]; wait(P1); } P1(char *x) { wait(P0); }"
    assert schedule(program(text)).orders == ((0, 0),)


def test_exit_comes_after_the_other_threads_of_its_process() -> None:
    text = "C t { char x[1]; } P0(char *x) { exit(); } P1(char *x) { r0 = x[0]; }"
    assert schedule(program(text)).orders == ((1, 0),)


def test_the_device_waits_until_the_reference_is_taken() -> None:
    text = (
        "C t { char x[1]; } P0(char *x) { g = get_user_page(x, FOLL_WRITE); }"
        " P1(char *x) { device_write(g, 0, 'a'); put_page(g); }"
    )
    assert schedule(program(text)).orders == ((0, 1, 1),)


def test_steps_on_different_pages_are_run_in_one_order_only() -> None:
    text = "C t { char x[1]; char y[1]; } P0(char *x) { x[0] = 'a'; } P1(char *y) { y[0] = 'b'; }"
    assert schedule(program(text)).orders == ((0, 1),)
    assert (
        len(schedule(program(text.replace("y", "x").replace("char x[1]; char x[1];", "char x[1];"))).orders)
        == 2
    )


def test_a_background_actor_may_act_once_or_never() -> None:
    text = "C t { char x[1] = \"a\"; kswapd(x); } P0(char *x) { x[0] = 'b'; r0 = x[0]; }"
    assert set(schedule(program(text)).orders) == {(0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)}


def test_too_many_orders_are_sampled_and_said_to_be() -> None:
    body = "x[0] = 'a'; " * 8
    text = f"C t {{ char x[1]; }} P0(char *x) {{ {body} }} P1(char *x) {{ {body} }}"
    found = schedule(program(text), seed=1)
    assert found.sampled
    assert found.concurrent
    assert 1 < len(found.orders) <= MAX_ORDERS
    assert found == schedule(program(text), seed=1)


def test_follow_takes_an_order_that_can_be_and_completes_it() -> None:
    assert follow(program(FORK), "P0 P1").orders == ((0, 1, 0, 0),)


@pytest.mark.parametrize(
    ("order", "why"), [("P1", "P1 cannot run after nothing"), ("P9", "nobody is called 'P9'")]
)
def test_follow_refuses_what_cannot_be(order: str, why: str) -> None:
    with pytest.raises(FollowError, match=why):
        follow(program(FORK), order)


PROTECTED = (
    "C t { char x[1]; } P0(char *x) { userfaultfd_wp(x); x[0] = 'a'; }"
    " P1(char *x) { r0 = userfaultfd_read(x); userfaultfd_wp(x, 0); }"
)


def test_a_write_that_waits_for_another_thread_cannot_be_driven() -> None:
    test = program(PROTECTED)
    with pytest.raises(FollowError, match="waits for another thread"):
        follow(test, "P0 P1")
    (job,) = RunRequest(test, schedule(test)).jobs()
    assert (job["mode"], job["orders"]) == ("free", [])


def test_who_waits_for_writes_of_others_cannot_be_driven() -> None:
    text = "C t { char x[1]; } P0(char *x) { r0 = userfaultfd_read(x); } P1(char *x) { x[0] = 'a'; }"
    test = program(text)
    (job,) = RunRequest(test, schedule(test)).jobs()
    assert job["mode"] == "free", "a whole statement of P0 may wait for P1 to be done"


def test_clear_refs_touches_every_page() -> None:
    text = "C t { char x[1]; } P0() { clear_refs(); } P1(char *x) { r0 = soft_dirty(x); }"
    assert schedule(program(text)).orders == ((0, 1), (1, 0))


def test_every_order_of_the_corpus_runs_every_statement() -> None:
    for test in founding():
        length = sum(len(thread.body) for thread in test.threads)
        for order in schedule(test).orders:
            assert sum(actor < len(test.threads) for actor in order) == length
