# SPDX-License-Identifier: MIT
"""What a patch changes, worst first, and what it is known as."""

from pathlib import Path

import pytest

from cowpath.corpus.files import files, program
from cowpath.history.version import Version, version
from cowpath.survey import kernel_patch
from cowpath.survey.patch import apply
from cowpath.survey.review import Pair, Side, compare, differences, labelled, likeness
from tests.survey.test_patch import BODY, SAME, inverted

TESTS = {
    name: program(name)
    for name in files(["stable-writes", "unstable-writes", "fresh-page", "fork-of-swapped-page"])
}

KERNEL = version("6.1")


def without(name: str) -> list[Pair]:
    """The tests with and without a change."""
    return compare(TESTS, [KERNEL], lambda _: version("6.1", dropped=[name]))


def patched(text: str, directory: Path) -> list[Pair]:
    """The tests with and without a patch."""
    tree = apply("fix.py", text, directory / "tree").directory
    return compare(TESTS, [KERNEL], lambda kernel: labelled(kernel, "fix.py"), tree)


def test_worst_first() -> None:
    kinds = [one.kind for one in differences(without("H3"))]
    assert kinds[0] == "crash: new"
    assert kinds.index("I3 marked slot: new") < kinds.index("outcomes: new ones")
    assert {pair.test for pair in differences(without("H3"))[0].pairs} == {"fork-of-swapped-page"}


def test_what_is_not_touched_is_the_same() -> None:
    assert [pair.test for pair in without("H3") if not pair.same] == ["fork-of-swapped-page"]
    assert differences(without("H6")) == []


def test_the_founding_patch_as_posted_is_known(tmp_path: Path) -> None:
    pairs = patched(inverted(), tmp_path)
    assert differences(pairs)[0].kind == "I8 stable writes: new"
    assert [one.name for one in likeness(TESTS, pairs)] == ["as-posted"]


def test_a_patch_that_changes_nothing(tmp_path: Path) -> None:
    pairs = patched(SAME, tmp_path)
    assert all(pair.same for pair in pairs)
    assert likeness(TESTS, pairs) == []


def test_code_that_goes_wrong_says_where(tmp_path: Path) -> None:
    pairs = patched(SAME.replace(BODY, "return no_such_name"), tmp_path)
    (one,) = differences(pairs)
    assert one.kind == "gives no answer"
    assert all("NameError: name 'no_such_name' is not defined" in pair.after.error for pair in one.pairs)
    assert all("linux/include/pgtable.py:" in pair.after.error for pair in one.pairs)


def test_copies_stand_apart() -> None:
    def pair(before: tuple[int, int], after: tuple[int, int]) -> Pair:
        sides = (Side("kept", copies=count) for count in (before, after))
        return Pair("t", "t", KERNEL, KERNEL, *sides)

    assert [one.kind for one in differences([pair((0, 1), (0, 2)), pair((0, 1), (0, 0))])] == [
        "copies: more", "copies: fewer",
    ]  # fmt: skip


# -- patches to Linux ------------------------------------------------------------------------------

DIFF = """\
From: somebody
Subject: [PATCH] a change in our own words

--- a/mm/memory.c
+++ b/mm/memory.c
@@ -100,3 +100,3 @@ vm_fault_t do_swap_page(struct vm_fault *vmf)
 \tunchanged
-\twhat it was
+\twhat it is
 \tunchanged
@@ -200,3 +200,4 @@ static int something_else(int a)
 }

 static void wp_page_reuse(struct vm_fault *vmf)
+{ a line inside
--- a/mm/hugetlb.c
+++ b/mm/hugetlb.c
@@ -1 +1 @@ int hugetlb_fault(struct mm_struct *mm)
-a
+b
--- a/Documentation/x.rst
+++ b/Documentation/x.rst
@@ -1 +1 @@
-a
+b
"""


def test_what_a_patch_to_linux_touches() -> None:
    found = kernel_patch.read("some.patch", DIFF)
    assert [(one.file, one.name, one.model is not None) for one in found.touched] == [
        ("mm/memory.c", "do_swap_page", True),
        ("mm/memory.c", "wp_page_reuse", True),
        ("mm/hugetlb.c", "hugetlb_fault", False),
    ]
    assert found.touched[0].lines == ("-\twhat it was", "+\twhat it is")
    assert {"H4a", "H4d"} <= {change.name for change in found.touched[0].near}
    assert found.outside == ("Documentation/x.rst",)


def test_a_skeleton_is_a_patch_that_changes_nothing_yet(tmp_path: Path) -> None:
    text = kernel_patch.skeleton(kernel_patch.read("some.patch", DIFF))
    assert "#   +\twhat it is\n" in text
    names = [one.name for one in apply("skeleton.py", text, tmp_path / "tree").functions]
    assert names[0] == "do_swap_page"
    assert "_exclusive_by_marker" in names
    assert all(pair.same for pair in patched(text, tmp_path / "again"))


def test_a_kernel_with_a_patch_is_called_after_it() -> None:
    kernel: Version = labelled(KERNEL, "fix.py")
    assert str(kernel) == "6.1 x86_64 with fix.py"
    assert kernel.changes == KERNEL.changes


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("static inline bool pte_swp_exclusive(pte_t pte)", "pte_swp_exclusive"),
        ("\tif (pte_present(pte))", ""),
        ("EXPORT_SYMBOL(do_swap_page)", ""),
        ("int do_swap_page(struct vm_fault *vmf);", ""),
    ],
)
def test_functions_of_c_are_found_by_their_first_line(line: str, name: str) -> None:
    assert kernel_patch.name_in(line) == name
