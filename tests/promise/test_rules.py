# SPDX-License-Identifier: MIT
"""Each sentence of the promise, as exactly what it allows."""

import pytest

from cowpath import promise
from cowpath.explore.search import explore
from cowpath.judge.condition import split
from cowpath.litmus.resolve import program_from_text


def allowed(threads: str, pages: str = 'char x[1] = "a";') -> set[str]:
    """What the promise allows, registers only where there are any: "0:r0=a 1:r0=b"."""
    program = program_from_text(f"C t {{ {pages} }} {threads}")
    found = explore(promise.build(program), verify_every=5)
    assert found.hang is None
    seen = set()
    for outcome in found.outcomes:
        registers, memory = split(program, outcome.observed)
        shown = registers if program.registers else memory
        seen.add(" ".join(f"{name}={value}" for name, value in shown.items()))
    return seen


REFERENCES = (
    "get_user_page(x)",
    "get_user_page(x, FOLL_WRITE)",
    "pin_user_page(x)",
    "pin_user_page(x, FOLL_WRITE)",
)


# -- loads and stores ------------------------------------------------------------------------------


def test_a_load_sees_the_last_store_of_its_process() -> None:
    assert allowed("P0(char *x) { r0 = x[0]; x[0] = 'b'; r1 = x[0]; }") == {"0:r0=a 0:r1=b"}


def test_races_of_the_program_itself_are_allowed() -> None:
    assert allowed("P0(char *x) { r0 = x[0]; } P1(char *x) { x[0] = 'b'; }") == {"0:r0=a", "0:r0=b"}


def test_a_register_can_be_stored() -> None:
    assert allowed("P0(char *x) { r0 = x[0]; x[0] = 'b'; x[0] = r0; r1 = x[0]; }") == {"0:r0=a 0:r1=a"}


def test_places_and_pages_are_apart() -> None:
    assert allowed(
        "P0(char *x, char *y) { x[1] = 'c'; y[0] = 'd'; }", 'char x[2] = "ab"; char y[1] = "e";'
    ) == {"0:x[0]=a 0:x[1]=c 0:y[0]=d"}


def test_memory_that_was_never_touched_is_zero() -> None:
    assert allowed("P0(char *x) { r0 = x[0]; }", "char x[1];") == {"0:r0=\\0"}


@pytest.mark.parametrize("call", ["madvise(x, MADV_PAGEOUT)", "swapoff()", "migrate(x)"])
def test_what_the_kernel_does_by_itself_changes_nothing(call: str) -> None:
    assert allowed(
        f"P0(char *x) {{ g = get_user_page(x, FOLL_WRITE); {call}; device_write(g, 0, 'D'); r0 = x[0]; }}"
    ) == {"0:r0=D"}


def test_memory_that_may_not_be_accessed_kills_the_thread() -> None:
    assert allowed("P0(char *x) { munmap(x); r0 = x[0]; r1 = x[0]; }") == {"0:r0=SEGV"}
    assert allowed("P0(char *x) { mprotect(x, PROT_NONE); r0 = x[0]; }") == {"0:r0=SEGV"}
    assert allowed("P0(char *x) { mprotect(x, PROT_READ); r0 = x[0]; x[0] = 'b'; r1 = x[0]; }") == {"0:r0=a"}
    both = "mprotect(x, PROT_NONE); mprotect(x, PROT_READ | PROT_WRITE);"
    assert allowed(f"P0(char *x) {{ {both} x[0] = 'b'; r0 = x[0]; }}") == {"0:r0=b"}


# -- fork ------------------------------------------------------------------------------------------


def test_fork_gives_the_child_what_the_parent_has_and_then_neither_sees_the_other() -> None:
    assert allowed(
        "P0(char *x) { x[0] = 'b'; fork(P1); x[0] = 'c'; wait(P1); r0 = x[0]; }"
        "P1(char *x) { r0 = x[0]; x[0] = 'd'; r1 = x[0]; }"
    ) == {"0:r0=c 1:r0=b 1:r1=d"}


def test_fork_copies_page_by_page() -> None:
    """Another thread writes y, then x, while fork runs: the child may have the second without the first."""
    seen = allowed(
        "P0(char *x, char *y) { fork(P1); } P1(char *x, char *y) { r0 = x[0]; r1 = y[0]; }"
        "P2(char *x, char *y) { x[0] = 'b'; y[0] = 'c'; }",
        'char x[1] = "a"; char y[1] = "a";',
    )
    assert seen == {"1:r0=a 1:r1=a", "1:r0=a 1:r1=c", "1:r0=b 1:r1=a", "1:r0=b 1:r1=c"}


def test_the_child_inherits_what_may_be_accessed() -> None:
    assert allowed("P0(char *x) { munmap(x); fork(P1); } P1(char *x) { r0 = x[0]; }") == {"1:r0=SEGV"}
    assert allowed("P0(char *x) { mprotect(x, PROT_NONE); fork(P1); } P1(char *x) { r0 = x[0]; }") == {
        "1:r0=SEGV"
    }


def test_exit_ends_the_process_and_its_memory() -> None:
    assert allowed("P0(char *x) { fork(P1); wait(P1); } P1(char *x) { x[0] = 'b'; exit(); }") == {"0:x[0]=a"}


def test_exit_waits_for_the_other_threads() -> None:
    assert allowed("P0(char *x) { exit(); } P1(char *x) { x[0] = 'b'; r0 = x[0]; }") == {"1:r0=b"}


def test_a_child_that_was_never_forked_does_nothing() -> None:
    assert allowed("P0(char *x) { munmap(x); x[0] = 'b'; fork(P1); } P1(char *x) { r0 = x[0]; }") == {""}


# -- references without fork -----------------------------------------------------------------------

COHERENT = REFERENCES[1:]


@pytest.mark.parametrize("take", COHERENT)
def test_a_promised_reference_and_its_memory_are_the_same_bytes(take: str) -> None:
    assert allowed(
        f"P0(char *x) {{ g = {take}; x[0] = 'b'; r0 = device_read(g, 0);"
        " device_write(g, 0, 'D'); r1 = x[0]; }"
    ) == {"0:r0=b 0:r1=D"}


def test_a_weak_reference_may_be_stale_after_a_store() -> None:
    take = "P0(char *x) { g = get_user_page(x);"
    assert allowed(take + " r0 = device_read(g, 0); }") == {"0:r0=a"}
    assert allowed(take + " x[0] = 'b'; r0 = device_read(g, 0); }") == {"0:r0=a", "0:r0=b"}
    # once parted, for good; while attached, the same bytes
    assert allowed(take + " x[0] = 'b'; r0 = device_read(g, 0); x[0] = 'c'; r1 = device_read(g, 0); }") == {
        "0:r0=a 0:r1=a",
        "0:r0=b 0:r1=b",
        "0:r0=b 0:r1=c",
    }
    assert allowed(take + " device_write(g, 0, 'D'); r0 = x[0]; }") == {"0:r0=D"}


def test_each_place_of_a_parted_page_stays() -> None:
    assert allowed(
        "P0(char *x) { g = get_user_page(x); x[0] = 'c'; x[1] = 'd';"
        " r0 = device_read(g, 0); r1 = device_read(g, 1); }",
        'char x[2] = "ab";',
    ) == {"0:r0=a 0:r1=b", "0:r0=c 0:r1=b", "0:r0=c 0:r1=d"}


def test_references_to_one_page_are_the_same_bytes() -> None:
    assert allowed(
        "P0(char *x) { g = pin_user_page(x); h = pin_user_page(x); device_write(g, 0, 'D');"
        " r0 = device_read(h, 0); r1 = x[0]; }"
    ) == {"0:r0=D 0:r1=D"}


def test_a_reference_cannot_be_taken_where_the_process_may_not() -> None:
    for before, take in (
        ("munmap(x)", "get_user_page(x)"),
        ("mprotect(x, PROT_NONE)", "get_user_page(x)"),
        ("mprotect(x, PROT_READ)", "pin_user_page(x, FOLL_WRITE)"),
    ):
        # nothing was taken: the device does nothing, and the register stays unassigned
        assert allowed(f"P0(char *x) {{ {before}; g = {take}; r0 = device_read(g, 0); }}") == {""}


def test_a_reference_that_was_given_back_is_no_longer_used() -> None:
    assert allowed(
        "P0(char *x) { g = pin_user_page(x, FOLL_WRITE); unpin_user_page(g); } "
        "P1(char *x) { device_write(g, 0, 'D'); r0 = x[0]; }"
    ) == {"1:r0=D", "1:r0=a"}


# -- memory that is given up -----------------------------------------------------------------------


@pytest.mark.parametrize("take", REFERENCES)
def test_a_zap_detaches_and_the_reference_keeps_what_it_sees(take: str) -> None:
    assert allowed(
        f"P0(char *x) {{ g = {take}; madvise(x, MADV_DONTNEED); r0 = x[0]; r1 = device_read(g, 0);"
        " x[0] = 'b'; r2 = device_read(g, 0); device_write(g, 0, 'D'); r3 = x[0]; }"
    ) == {"0:r0=\\0 0:r1=a 0:r2=a 0:r3=b"}
    assert allowed(f"P0(char *x) {{ g = {take}; munmap(x); r0 = device_read(g, 0); }}") == {"0:r0=a"}


def test_a_reference_outlives_its_process() -> None:
    assert allowed(
        "P0(char *x) { fork(P1); r0 = device_read(g, 0); } P1(char *x) { g = pin_user_page(x); exit(); }"
    ) == {"0:r0=a"}


@pytest.mark.parametrize("take", REFERENCES)
def test_a_reference_moves_with_its_memory_and_not_to_a_child(take: str) -> None:
    """UFFDIO_MOVE may fail, hence two outcomes; in neither does the child find at y what was written to x."""
    seen = allowed(
        f"P0(char *x, char *y) {{ g = {take}; fork(P1); madvise(y, MADV_DONTNEED); userfaultfd_move(y, x);"
        " device_write(g, 0, 'D'); r0 = x[0]; r1 = y[0]; wait(P1); } P1(char *x, char *y) { r0 = y[0]; }",
        'char x[1] = "a"; char y[1] = "b";',
    )
    assert seen == {"0:r0=D 0:r1=\\0 1:r0=b", "0:r0=\\0 0:r1=D 1:r0=b"}


MOVE = "userfaultfd_move(y, x); r0 = x[0]; r1 = y[0];"


@pytest.mark.parametrize(
    ("before", "y", "moves"),
    [
        ("", "char y[1];", True),
        ("r2 = y[0];", "char y[1];", True),
        ("", 'char y[1] = "b";', False),
        ("y[0] = 'b';", "char y[1];", False),
        ("g = get_user_page(y, FOLL_WRITE); device_write(g, 0, 'b');", "char y[1];", False),
        ("madvise(y, MADV_DONTNEED);", 'char y[1] = "b";', True),
    ],
)
def test_nothing_is_moved_to_where_something_was_written(before: str, y: str, moves: bool) -> None:
    seen = allowed(f"P0(char *x, char *y) {{ {before} {MOVE} }}", f'char x[1] = "a"; {y}')
    assert any("0:r0=\\0 0:r1=a" in outcome for outcome in seen) == moves
    assert any("0:r0=a" in outcome for outcome in seen)


# -- references and fork ---------------------------------------------------------------------------


@pytest.mark.parametrize("take", ["pin_user_page(x)", "pin_user_page(x, FOLL_WRITE)"])
def test_a_pin_stays_with_the_parent_across_fork(take: str) -> None:
    assert allowed(
        f"P0(char *x) {{ g = {take}; fork(P1); x[0] = 'b'; r0 = device_read(g, 0);"
        " device_write(g, 0, 'D'); r1 = x[0]; }"
        "P1(char *x) { r0 = x[0]; }"
    ) == {"0:r0=b 0:r1=D 1:r0=a"}


@pytest.mark.parametrize("take", ["get_user_page(x, FOLL_WRITE)", "get_user_page(x)"])
def test_a_get_across_fork_may_stay_with_either_or_neither_but_not_both_after_a_store(take: str) -> None:
    """What the device writes after fork: a process that stored before that may be parted from it."""
    assert allowed(
        f"P0(char *x) {{ g = {take}; fork(P1); x[0] = 'b'; device_write(g, 0, 'D'); wait(P1); r0 = x[0]; }}"
        "P1(char *x) { r0 = x[0]; x[0] = 'c'; r1 = x[0]; }"
    ) == {"0:r0=D 1:r0=a 1:r1=c", "0:r0=b 1:r0=D 1:r1=c", "0:r0=b 1:r0=a 1:r1=c"}


@pytest.mark.parametrize("take", ["get_user_page(x, FOLL_WRITE)", "get_user_page(x)"])
def test_a_get_across_fork_may_stay_with_both_while_neither_stores(take: str) -> None:
    assert allowed(
        f"P0(char *x) {{ g = {take}; fork(P1); device_write(g, 0, 'D'); r0 = x[0]; }}"
        "P1(char *x) { r0 = x[0]; }"
    ) == {"0:r0=D 1:r0=D", "0:r0=D 1:r0=a"}


@pytest.mark.parametrize("take", ["get_user_page(x, FOLL_WRITE)", "get_user_page(x)"])
def test_a_get_across_fork_may_be_stale(take: str) -> None:
    assert allowed(
        f"P0(char *x) {{ g = {take}; fork(P1); x[0] = 'b'; r0 = device_read(g, 0); }} P1(char *x) {{ }}"
    ) == {"0:r0=a", "0:r0=b"}


@pytest.mark.parametrize("take", REFERENCES)
@pytest.mark.parametrize("where", ["before", "parent", "child"])
def test_no_reference_ever_shows_what_another_process_wrote_after_fork(take: str, where: str) -> None:
    at = {name: f"g = {take};" if name == where else "" for name in ("before", "parent", "child")}
    seen = allowed(
        f"P0(char *x) {{ {at['before']} fork(P1); {at['parent']} x[0] = 'p'; r0 = device_read(g, 0); }}"
        f"P1(char *x) {{ {at['child']} x[0] = 'c'; r0 = device_read(g, 0); }}"
    )
    # Whoever took it, nobody reads through it what the process that did not take it wrote.
    foreign = "p" if where == "child" else "c"
    assert all(f"={foreign}" not in outcome for outcome in seen)
    own = "c" if where == "child" else "p"
    assert any(f"={own}" in outcome for outcome in seen)


def test_no_leak_through_memory_either() -> None:
    seen = allowed(
        "P0(char *x) { g = get_user_page(x, FOLL_WRITE); fork(P1); x[0] = 'p'; device_write(g, 1, 'D');"
        " r0 = x[0]; } P1(char *x) { x[0] = 'c'; r0 = x[0]; r1 = x[1]; }",
        'char x[2] = "ab";',
    )
    assert seen == {"0:r0=p 1:r0=c 1:r1=b", "0:r0=p 1:r0=c 1:r1=D"}


def test_a_pin_taken_in_the_child_is_the_childs() -> None:
    assert allowed(
        "P0(char *x) { fork(P1); x[0] = 'p'; wait(P1); r0 = x[0]; }"
        "P1(char *x) { g = pin_user_page(x, FOLL_WRITE); device_write(g, 0, 'D'); r0 = x[0]; }"
    ) == {"0:r0=p 1:r0=D"}


def test_two_gets_that_lost_their_memory_may_still_share_a_page() -> None:
    assert allowed(
        "P0(char *x) { g = get_user_page(x); h = get_user_page(x); x[0] = 'b'; device_write(g, 0, 'D');"
        " r0 = device_read(h, 0); r1 = x[0]; }"
    ) == {
        "0:r0=D 0:r1=D",  # nobody was parted
        "0:r0=b 0:r1=b",  # g was
        "0:r0=a 0:r1=D",  # h was
        "0:r0=a 0:r1=b",  # both were, each with a page of its own
        "0:r0=D 0:r1=b",  # both were, with the same page
    }


def test_two_pins_of_memory_that_was_given_up_may_still_share_a_page() -> None:
    assert allowed(
        "P0(char *x) { g = pin_user_page(x); h = pin_user_page(x); madvise(x, MADV_DONTNEED);"
        " device_write(g, 0, 'D'); r0 = device_read(h, 0); r1 = x[0]; }"
    ) == {"0:r0=D 0:r1=\\0", "0:r0=a 0:r1=\\0"}


# -- what every program has shown to be too strict -------------------------------------------------

PINNED = "P0(char *x) {{ g = pin_user_page(x{flags}); x[0] = 'b'; r0 = device_read(g, 0); }}"


def test_a_short_read_only_pin_may_find_the_shared_zero_page() -> None:
    assert allowed(PINNED.format(flags=""), "char x[1];") == {"0:r0=\\0", "0:r0=b"}


def test_a_longterm_pin_does_not_nor_does_one_of_memory_that_was_written() -> None:
    assert allowed(PINNED.format(flags=", FOLL_LONGTERM"), "char x[1];") == {"0:r0=b"}
    assert allowed(PINNED.format(flags="")) == {"0:r0=b"}


def test_a_reference_for_writing_breaks_cow_as_a_store_does() -> None:
    assert allowed(
        "P0(char *x) { h = get_user_page(x); g = get_user_page(x, FOLL_WRITE); device_write(g, 0, 'b');"
        " r0 = device_read(h, 0); }"
    ) == {"0:r0=a", "0:r0=b"}


def test_references_that_lost_their_memory_may_share_a_page_even_in_two_processes() -> None:
    assert allowed(
        "P0(char *x) { g = get_user_page(x, FOLL_WRITE); fork(P1); wait(P1); munmap(x);"
        " device_write(g, 0, 'b'); r0 = device_read(h, 0); }"
        " P1(char *x) { h = get_user_page(x); exit(); }"
    ) == {"0:r0=a", "0:r0=b"}
