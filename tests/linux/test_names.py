# SPDX-License-Identifier: MIT
"""The mirror mirrors by name: its public functions are functions of the kernel, from files that it names."""

import ast
from pathlib import Path

import pytest

from tests.linux.kernel_names import LIST, MODEL, mirrors, public

KERNEL = {
    name: files
    for name, *files in (line.split() for line in LIST.read_text("utf-8").splitlines() if line[0] != "#")
}
"""The files of the kernel, from v5.7 to v7.3, that define each function."""

MIRRORS = [file for file in mirrors() if public(file)]


def mirrored(file: Path) -> tuple[str, str]:
    """The kernel files that a file of the model is called after."""
    path = file.relative_to(MODEL).with_suffix("")
    return f"{path}.c", f"include/linux/{path.name}.h"


every_mirror = pytest.mark.parametrize("file", MIRRORS, ids=lambda file: str(file.relative_to(MODEL)))


@every_mirror
def test_public_functions_are_functions_of_the_kernel(file: Path) -> None:
    assert [function.name for function in public(file) if function.name not in KERNEL] == []


@every_mirror
def test_what_the_kernel_keeps_elsewhere_says_so(file: Path) -> None:
    """In its docstring or in that of the whole file."""
    whole = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    lost = []
    for function in public(file):
        files = KERNEL.get(function.name, [])
        said = f"{whole} {ast.get_docstring(function)}"
        if not any(name in mirrored(file) or name in said for name in files):
            lost.append((function.name, files))
    assert lost == []


def test_the_list_has_no_name_too_many() -> None:
    """A name that nobody needs any more goes: run kernel_names.py again."""
    assert set(KERNEL) == {function.name for file in MIRRORS for function in public(file)}


def test_do_swap_page_is_where_people_look_for_it() -> None:
    """Else the tests above could have looked at nothing."""
    names = {function.name for function in public(MODEL / "mm" / "memory.py")}
    assert {"do_swap_page", "do_wp_page", "copy_present_pte", "zap_pte_range"} <= names
