# SPDX-License-Identifier: MIT
"""Random programs: the newest kernel keeps its invariants, and the file's order of threads means nothing."""

import dataclasses

from hypothesis import HealthCheck, Phase, assume, example, given, reject, settings

from cowpath.explore.engine import Method
from cowpath.history.version import NEWEST, version
from cowpath.judge.judge import TooLargeError, judge
from cowpath.judge.result import Result
from cowpath.litmus import ast
from cowpath.litmus.parse import parse
from cowpath.litmus.resolve import resolve
from cowpath.litmus.statements import DeviceWrite, Fork, GetUserPage, Wait
from tests.strategies import valid_trees

MODELLED = (
    "fork",
    "wait",
    "exit",
    "madvise",
    "munmap",
    "mprotect",
    "get_user_page",
    "pin_user_page",
    "put_page",
    "unpin_user_page",
    "device_read",
    "device_write",
    "swapoff",
    "migrate",
    "ksm_merge",
    "userfaultfd_move",
    "clear_refs",
    "soft_dirty",
    "userfaultfd_wp",
    "userfaultfd_read",
    "numa_hint",
    "get_user_page_fast",
    "pin_user_page_fast",
)
MAX_STATES = 20_000


trees = valid_trees(pages=1, threads=2, statements=4, calls=MODELLED)
slow = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking would take minutes
)


def run(tree: ast.Litmus) -> Result:
    """The verdict on the newest kernel; programs with too many states are passed over."""
    program = resolve(dataclasses.replace(tree, condition=None))
    try:
        result = judge(program, version(NEWEST), Method(max_states=MAX_STATES))
    except TooLargeError:  # more references to one page than the model counts
        reject()
    assume(result.verdict != "unfinished")
    return result


def writes_where_it_may_only_read(tree: ast.Litmus) -> bool:
    """A device writes through a read-only reference; no driver does: nobody marks the page dirty for it."""
    statements = [statement for _, statement in tree.statements()]
    writable = {s.reference for s in statements if isinstance(s, GetUserPage) and "FOLL_WRITE" in s.flags}
    return any(isinstance(s, DeviceWrite) and s.reference not in writable for s in statements)


ZAP_MEETS_GUP_FAST = (
    'C zap-meets-gup-fast { char x[1] = "a"; } P0(char *x) { g = pin_user_page_fast(x); } '
    "P1(char *x) { madvise(x, MADV_DONTNEED); r0 = x[0]; }"
)


@slow
@given(trees)
@example(parse(ZAP_MEETS_GUP_FAST))
def test_the_newest_kernel_keeps_its_invariants(tree: ast.Litmus) -> None:
    assume(not writes_where_it_may_only_read(tree))
    result = run(tree)
    assert result.violations == ()
    assert not [outcome for outcome in result.outcomes if outcome.crash]


def swapped(tree: ast.Litmus) -> ast.Litmus:
    """The same test with its two threads in the other order, under each other's name."""
    rename = {"P0": "P1", "P1": "P0"}
    threads = [
        dataclasses.replace(thread, name=rename[thread.name], of=None) for thread in reversed(tree.threads)
    ]
    return dataclasses.replace(tree, threads=tuple(threads))


@slow
@given(trees.filter(lambda tree: len(tree.threads) == 2))
def test_outcomes_do_not_depend_on_the_order_of_threads(tree: ast.Litmus) -> None:
    calls = [type(statement) for _, statement in tree.statements()]
    assume(Fork not in calls and Wait not in calls)
    there, back = run(tree), run(swapped(tree))
    assert registers(there, {0: 0, 1: 1}) == registers(back, {0: 1, 1: 0})
    assert there.verdict == back.verdict


def registers(result: Result, names: dict[int, int]) -> set[tuple[object, ...]]:
    """The outcomes, registers called by the given numbers of their threads."""
    found = set()
    for outcome in result.outcomes:
        renamed = {
            f"{names[int(name.split(':')[0])]}:{name.split(':')[1]}": value
            for name, value in outcome.registers.items()
        }
        found.add((*sorted(renamed.items()), *sorted(outcome.memory.values()), bool(outcome.hang)))
    return found


@settings(slow, max_examples=15)
@given(trees)
def test_partial_order_changes_no_verdict(tree: ast.Litmus) -> None:
    program = resolve(dataclasses.replace(tree, condition=None))
    for kernel in ("5.18", NEWEST):
        full = judge(program, version(kernel), Method("reference", 3000))
        assume(full.verdict != "unfinished")
        reduced = judge(program, version(kernel), Method(partial_order=True))
        assert seen(reduced) == seen(full)


def seen(result: Result) -> tuple[object, ...]:
    """The verdict, and what it rests on; which of several hangs is shown means nothing."""
    outcomes = {outcome.text() for outcome in result.outcomes if not outcome.hang}
    hangs = [outcome.breakage for outcome in result.outcomes if outcome.hang]
    return result.verdict, result.breakage, outcomes, hangs, {found.name for found in result.violations}
