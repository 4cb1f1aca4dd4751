# SPDX-License-Identifier: MIT
"""litmus/selftests: a twin of every anonymous case of the kernel's cow.c, under its name."""

from pathlib import Path

import pytest

from cowpath.litmus.parse import load

SELFTESTS = Path(__file__).parents[2] / "litmus" / "selftests"

ANONYMOUS = {
    "cow_in_parent": "Basic COW after fork()",
    "cow_in_parent_mprotect": "Basic COW after fork() with mprotect() optimization",
    "vmsplice_in_child": "vmsplice() + unmap in child",
    "vmsplice_in_child_mprotect": "vmsplice() + unmap in child with mprotect() optimization",
    "vmsplice_before_fork": "vmsplice() before fork(), unmap in parent after fork()",
    "vmsplice_after_fork": "vmsplice() + unmap in parent after fork()",
    "iouring_ro": "R/O-mapping a page registered as iouring fixed buffer",
    "iouring_fork": "fork() with an iouring fixed buffer",
    "ro_pin_on_shared": "R/O GUP pin on R/O-mapped shared page",
    "ro_fast_pin_on_shared": "R/O GUP-fast pin on R/O-mapped shared page",
    "ro_pin_on_ro_previously_shared": "R/O GUP pin on R/O-mapped previously-shared page",
    "ro_fast_pin_on_ro_previously_shared": "R/O GUP-fast pin on R/O-mapped previously-shared page",
    "ro_pin_on_ro_exclusive": "R/O GUP pin on R/O-mapped exclusive page",
    "ro_fast_pin_on_ro_exclusive": "R/O GUP-fast pin on R/O-mapped exclusive page",
}
"""anon_test_cases of cow.c: function (without test_) and description."""

ZERO_PAGE = {
    "cow": "Basic COW",
    "ro_pin": "R/O longterm GUP pin",
    "ro_fast_pin": "R/O longterm GUP-fast pin",
}
"""non_anon_test_cases, of which the model has one kind of memory."""


def twins() -> list[tuple[str, str]]:
    """The name of each test, and what cow.c prints."""
    found = []
    for function, description in ANONYMOUS.items():
        name = function.replace("_", "-")
        found.append((name, f"{description} ... with base page."))
        found.append((f"{name}-swapped-out", f"{description} ... with swapped out base page."))
    for function, description in ZERO_PAGE.items():
        found.append((f"zeropage-{function.replace('_', '-')}", f"{description} ... with shared zeropage."))
    return found


@pytest.mark.parametrize(("name", "printed"), twins(), ids=lambda value: value.split(" ")[0])
def test_every_case_has_its_twins(name: str, printed: str) -> None:
    test = load(SELFTESTS / f"{name}.litmus")
    assert " ".join(test.comment.split()).startswith(printed)


@pytest.mark.parametrize("name", [name for name, _ in twins() if name.endswith("-swapped-out")])
def test_the_swapped_out_twin_differs_by_nothing_else(name: str) -> None:
    swapped, plain = (load(SELFTESTS / f"{one}.litmus") for one in (name, name.removesuffix("-swapped-out")))
    first, *rest = swapped.threads[0].body
    assert (type(first).__name__, rest) == ("Madvise", list(plain.threads[0].body))
    assert swapped.threads[1:] == plain.threads[1:]
    assert swapped.condition == plain.condition
