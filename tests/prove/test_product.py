# SPDX-License-Identifier: MIT
"""The product of a kernel and the promise: what check finds in one test, and what any program can do."""

from itertools import repeat
from pathlib import Path

import pytest

from cowpath import corpus
from cowpath.explore.engine import Method, explore
from cowpath.explore.found import Search
from cowpath.explore.monitor import Monitor
from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.litmus.resolve import load_program, program_from_text
from cowpath.prove import product
from cowpath.prove.product import Bounds
from cowpath.prove.proof import prove
from tests.tools import need_engine

ONE = """C one {{ char x[1] = "a"; }}
P0(char *x) {{ any {{ r0 = x[0]; x[0] = 'b'; madvise(x, MADV_PAGEOUT); {more} }} }}"""
GET = "g = get_user_page(x, FOLL_WRITE); device_write(g, 0, 'c'); put_page(g);"

LITMUS = Path(corpus.__file__).parent / "litmus"

SMALL = [
    file
    for theme in ("founding", "cve", "selftests", "operations")
    for file in sorted((LITMUS / theme).glob("*.litmus"))
]
"""Tests whose statements in their own order must be judged as check judges them."""


@pytest.mark.parametrize("file", SMALL, ids=lambda file: file.stem)
def test_the_statements_of_a_test_in_their_order_are_judged_as_check_does(file: Path) -> None:
    program, kernel = load_program(file), version("5.10")
    found = prove(program, kernel, Bounds(4, 2), Method("reference", max_states=60_000))
    checked = judge(program, kernel, Method("reference", max_states=60_000))
    if found.verdict != "not decided" and checked.verdict != "unfinished":
        assert found.verdict == checked.verdict, found.why


@pytest.mark.slow
@pytest.mark.parametrize("release", ["5.18", "6.12", "7.3"])
def test_a_sample_of_the_corpus_is_judged_as_check_does_on_other_kernels(release: str) -> None:
    kernel, method, decided = version(release), Method("reference", max_states=20_000), 0
    files = sorted(LITMUS.glob("*/*.litmus"))[::9]
    for file in files:
        program = load_program(file)
        found, checked = prove(program, kernel, Bounds(4, 2), method), judge(program, kernel, method)
        if found.verdict != "not decided" and checked.verdict != "unfinished":
            assert found.verdict == checked.verdict, f"{file.stem}: {found.why}"
            decided += 1
    assert decided > len(files) // 2


@pytest.mark.parametrize(
    ("release", "verdict"), [("5.7", "kept"), ("5.10", "broken"), ("5.18", "broken"), ("5.19", "kept")]
)
def test_a_writable_reference_in_every_program(release: str, verdict: str) -> None:
    found = prove(program_from_text(ONE.format(more=GET)), version(release))
    assert found.verdict == verdict


def test_without_references_every_program_of_a_process_is_kept() -> None:
    for release in ("5.7", "5.10", "6.1", "7.3"):
        assert prove(program_from_text(ONE.format(more="")), version(release)).verdict == "kept"


def test_a_search_that_ends_early_decides_nothing() -> None:
    found = prove(program_from_text(ONE.format(more=GET)), version("6.1"), method=Method(max_states=100))
    assert found.verdict == "not decided"
    assert "100" in found.why


@pytest.mark.parametrize("release", ["5.18", "7.3"])
def test_the_native_engine_finds_the_states_of_the_reference(release: str) -> None:
    need_engine()
    program = program_from_text(ONE.format(more=GET))
    slow = explore(product.build(program, version(release)), Method("reference"))
    fast = explore(product.build(program, version(release)), Method("native", rename=False))
    assert (len(slow.states), slow.transitions) == (len(fast.states), fast.transitions)
    assert slow.outcomes == fast.outcomes
    assert slow.violations == fast.violations
    assert [*map(kernel_of, repeat(slow), slow.states)] == [*map(kernel_of, repeat(fast), fast.states)]
    sets = {
        *zip(
            map(number_of, repeat(slow), slow.states), map(number_of, repeat(fast), fast.states), strict=True
        )
    }
    assert len(sets) == len(dict(sets)) == len({other for _, other in sets})


def number_of(found: Search, state: bytes) -> int:
    """The number of the promise's set in a state; who asks in another order has other numbers."""
    assert isinstance(found.model.monitor, Monitor)
    return found.model.monitor.of(state)


def kernel_of(found: Search, state: bytes) -> bytes:
    """The cells of the kernel in a state: without that number, and without the numbers of frames."""
    assert found.model.monitor is not None
    places = found.model.monitor.places
    return bytes(
        value for cell, value in enumerate(state[: len(found.model.layout.cells)]) if cell not in places
    )


def test_a_hang_counts_unless_the_promise_may_be_caught_as_well() -> None:
    waits = "C t { char x[1] = \"a\"; } P0(char *x) { userfaultfd_wp(x); x[0] = 'b'; }"
    assert prove(program_from_text(waits), version("7.3")).verdict == "kept"
    never_ends = (
        'C t { char x[1] = "a"; } P0(char *x) { userfaultfd_wp(x); madvise(x, MADV_PAGEOUT); swapoff(); }'
    )
    kernel = version("7.3", dropped=["099dd6878b9b"])
    found = prove(program_from_text(never_ends), kernel)
    assert (found.verdict, found.why[:4]) == ("broken", "hang")
    assert prove(program_from_text(never_ends), version("7.3")).verdict == "kept"
