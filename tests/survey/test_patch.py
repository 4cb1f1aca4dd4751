# SPDX-License-Identifier: MIT
"""Patches to the model: functions replaced, diffs applied, and errors that teach."""

import difflib
from pathlib import Path

import pytest

from cowpath.survey.functions import LINUX, functions
from cowpath.survey.kernel_patch import source_of
from cowpath.survey.patch import Patched, PatchError, apply, localised

SAME = source_of(next(one for one in functions() if one.name == "pte_swp_clear_exclusive")) + "\n"
"""A function as it is: a patch that changes nothing."""

BODY = SAME.splitlines()[-1].strip()
"""Its last line."""


def patched(text: str, tmp_path: Path) -> Patched:
    return apply("fix.py", text, tmp_path / "tree")


def inverted() -> str:
    """The helper with the founding patch's test for stable writes, the other way round."""
    (one,) = [one for one in functions() if one.name == "_exclusive_by_marker"]
    source = source_of(one)
    assert "stable != k.has" in source
    return source.replace("stable != k.has", "stable == k.has")


def test_a_function_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    found = patched(inverted(), tmp_path)
    assert [(one.path, one.name) for one in found.functions] == [("mm/memory.py", "_exclusive_by_marker")]
    before = (LINUX / "mm/memory.py").read_text().splitlines()
    after = (found.directory / "mm/memory.py").read_text().splitlines()
    assert [line[0] for line in difflib.ndiff(before, after) if line[0] in "+-"] == ["-", "+"]


def test_imports_and_helpers_come_with_it(tmp_path: Path) -> None:
    text = (
        "import itertools\n"
        "from cowpath.linux.state import Slot\n"
        "def _helper():\n    return list(itertools.chain())\n" + SAME
    )
    after = (patched(text, tmp_path).directory / "include/pgtable.py").read_text()
    assert "import itertools\n" in after
    assert "from ..state import Slot\n" in after
    assert "\ndef _helper():\n" in after


def test_an_import_of_the_tree_is_made_relative() -> None:
    assert localised("from cowpath.linux.state import Pte", "mm/memory.py") == "from ..state import Pte"
    assert localised("from cowpath.linux import build", "model.py") == "from . import build"
    assert (
        localised("from cowpath.history import changes", "model.py") == "from cowpath.history import changes"
    )


def test_a_diff_of_the_tree(tmp_path: Path) -> None:
    before = (LINUX / "mm/memory.py").read_text()
    after = before.replace("stable != k.has", "stable == k.has")
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        "a/src/cowpath/linux/mm/memory.py",
        "b/src/cowpath/linux/mm/memory.py",
    )
    text = "".join(lines)
    found = patched(text, tmp_path)
    assert [one.name for one in found.functions] == ["_exclusive_by_marker"]
    assert (found.directory / "mm/memory.py").read_text() == after
    moved = text.replace("@@ -", "@@ -1")  # as if made for a file with more lines before
    assert apply("moved.diff", moved, tmp_path / "other").functions == found.functions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "def do_swap_pgae(k, vmf):\n    pass\n",
            r"fix.py:1: the model has no function do_swap_pgae: did you mean do_swap_page\?",
        ),
        ("def f(:\n", r"fix.py:1: invalid syntax"),
        ("x = 1\n", r"replaces no function of the model"),
        (
            SAME.replace(BODY, "for _ in range(3):\n        yield"),
            r"linux/include/pgtable.py:\d+: .*for",
        ),
        ("import no_such_module\n" + SAME, r"does not load: .*No module named 'no_such_module'"),
        ("--- a/linux/mm/x.py\n+++ b/linux/mm/x.py\n@@ -1 +1 @@\n-a\n+b\n", r"no file of the model's linux/"),
        (
            "--- a/linux/mm/gup.py\n+++ b/linux/mm/gup.py\n@@ -1 +1 @@\n-a\n+b\n",
            r"linux/mm/gup.py: the hunk at line 1 was made for another tree",
        ),
        ("--- a/x\n@@ -1,3 +1 @@\nnonsense\n", r"no unified diff that can be read"),
    ],
)  # fmt: skip
def test_errors_teach(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PatchError, match=message):
        patched(text, tmp_path)


def test_a_name_that_two_files_have_needs_a_place(tmp_path: Path) -> None:
    names = [one.name for one in functions()]
    name = next(name for name in names if names.count(name) > 1)
    text = f"def {name}():\n    pass\n"
    with pytest.raises(PatchError, match="say which by a comment before it"):
        patched(text, tmp_path)
    path = next(one.path for one in functions() if one.name == name)
    with_place = apply("fix.py", f"# linux/{path}\n{text}", tmp_path / "other")
    assert [one.path for one in with_place.functions] == [path]
