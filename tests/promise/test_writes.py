# SPDX-License-Identifier: MIT
"""What user space is told of writes, as exactly what the promise allows."""

import pytest

from tests.promise.test_rules import allowed

# -- soft-dirty ------------------------------------------------------------------------------------

CLEAN, DIRTY = "0:r0=0", "0:r0=1"


def test_everything_is_soft_dirty_before_clear_refs() -> None:
    assert allowed("P0(char *x) { r0 = soft_dirty(x); }") == {DIRTY}


def test_what_was_written_since_clear_refs_is_soft_dirty() -> None:
    assert allowed("P0(char *x) { clear_refs(); x[0] = 'b'; r0 = soft_dirty(x); }") == {DIRTY}
    assert allowed("P0(char *x) { clear_refs(); g = pin_user_page(x, FOLL_WRITE); r0 = soft_dirty(x); }") == {
        DIRTY
    }


@pytest.mark.parametrize(
    "then", ["", "r1 = x[0];", "g = get_user_page(x);", "x[0] = 'b'; munmap(x);", "clear_refs();"]
)
def test_nothing_is_said_of_any_other_page(then: str) -> None:
    found = allowed(f"P0(char *x) {{ clear_refs(); {then} r0 = soft_dirty(x); }}")
    assert {seen.split()[-1] for seen in found} == {CLEAN, DIRTY}


def test_writes_of_devices_are_not_seen() -> None:
    found = allowed(
        "P0(char *x) { g = get_user_page(x, FOLL_WRITE); clear_refs(); device_write(g, 0, 'b'); "
        "r0 = soft_dirty(x); }"
    )
    assert found == {CLEAN, DIRTY}


def test_a_write_while_clear_refs_runs_may_be_noted_or_not() -> None:
    found = allowed("P0(char *x) { clear_refs(); } P1(char *x) { x[0] = 'b'; wait(P0); r0 = soft_dirty(x); }")
    assert found == {"1:r0=0", "1:r0=1"}


def test_the_child_is_as_dirty_as_its_parent() -> None:
    found = allowed("P0(char *x) { clear_refs(); x[0] = 'b'; fork(P1); } P1(char *x) { r0 = soft_dirty(x); }")
    assert found == {"1:r0=1"}


def test_what_is_moved_to_an_address_is_written_there() -> None:
    found = allowed(
        "P0(char *x, char *y) { clear_refs(); userfaultfd_move(x, y); r0 = soft_dirty(x); r1 = x[0]; }",
        'char x[1]; char y[1] = "a";',
    )
    assert "0:r0=0 0:r1=a" not in found


# -- userfaultfd -----------------------------------------------------------------------------------

HANDLER = "P1(char *x) { r0 = userfaultfd_read(x); r1 = x[0]; userfaultfd_wp(x, 0); }"


@pytest.mark.parametrize(
    "write",
    ["x[0] = 'b';", "g = get_user_page(x, FOLL_WRITE); device_write(g, 0, 'b');"],
)
def test_a_write_to_a_protected_page_is_announced_and_waits(write: str) -> None:
    found = allowed(f"P0(char *x) {{ userfaultfd_wp(x); {write} }} {HANDLER}")
    assert found == {"1:r0=1 1:r1=a"}


@pytest.mark.parametrize(
    "other",
    ["r0 = x[0];", "g = get_user_page(x);", "fork(P2);", "munmap(x);", "mprotect(x, PROT_READ); x[0] = 'b';"],
)
def test_nothing_else_is_announced(other: str) -> None:
    child = "P2(char *x) { x[0] = 'c'; }" if "fork" in other else ""
    found = allowed(f"P0(char *x) {{ userfaultfd_wp(x); {other} }} {HANDLER} {child}")
    assert {word for seen in found for word in seen.split() if word.startswith("1:r0")} == {"1:r0=0"}


def test_a_page_that_may_not_be_there_may_not_be_protected() -> None:
    found = allowed(f"P0(char *x) {{ userfaultfd_wp(x); x[0] = 'b'; }} {HANDLER}", "char x[1];")
    assert found == {"1:r0=0 1:r1=b", "1:r0=1 1:r1=\\0"}
    found = allowed(f"P0(char *x) {{ userfaultfd_wp(x); madvise(x, MADV_DONTNEED); x[0] = 'b'; }} {HANDLER}")
    assert found == {"1:r0=0 1:r1=b"}


def test_the_protection_moves_along_within_the_memory_of_a_userfaultfd() -> None:
    thread = "userfaultfd_wp(x); userfaultfd_wp(y); userfaultfd_move(x, y); userfaultfd_wp(y, 0); r0 = x[0];"
    found = allowed(
        f"P0(char *x, char *y) {{ {thread} x[0] = 'b'; }} {HANDLER}", 'char x[1]; char y[1] = "a";'
    )
    assert "0:r0=a 1:r0=0 1:r1=b" not in found
    assert "0:r0=a 1:r0=1 1:r1=a" in found
