# SPDX-License-Identifier: MIT
"""A changed copy of the kernel tree judges beside the one it was copied from."""

import ast
import shutil
from pathlib import Path

import pytest

from cowpath import linux
from cowpath.errors import CowpathError
from cowpath.explore.trace import trace
from cowpath.history.version import version
from cowpath.judge.goal import default_goal
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.judge.tree import KernelTree, load_tree
from cowpath.litmus.resolve import load_program
from cowpath.report.trace import trace_text
from tests.founding import ROOT

TREE = Path(linux.__file__).parent
KERNEL = version("6.1")
TESTS = (
    "get-write-read-refault",
    "get-write-kswapd",
    "pin-write-refault",
    "fork-of-swapped-page",
    "fresh-page",
)

H5 = "was_exclusive and k.has(changes.UNMAP_SETS_MARKER)"


def answer(result: Result) -> tuple[object, ...]:
    """All that a judgement says, but for the kernel's name."""
    found = result.exploration
    return (
        result.verdict,
        result.breakage,
        result.outcomes,
        result.violations,
        found.states,
        found.transitions,
    )


@pytest.fixture
def without_h5(tmp_path: Path) -> KernelTree:
    """A copy of the tree whose try_to_unmap_one does not mark the swap ptes of exclusive pages."""
    copy = tmp_path / "my-kernel"
    shutil.copytree(TREE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    rmap = copy / "mm" / "rmap.py"
    text = rmap.read_text("utf-8")
    assert text.count(H5) == 1
    rmap.write_text(text.replace(H5, "False"), "utf-8")
    return load_tree(copy)


def test_a_copy_without_a_rule_answers_as_without_the_change(without_h5: KernelTree) -> None:
    differing = 0
    for name in TESTS:
        program = load_program(ROOT / f"litmus/founding/{name}.litmus")
        before = answer(judge(program, KERNEL))
        changed = answer(judge(program, KERNEL, tree=without_h5))
        assert changed == answer(judge(program, version("6.1", dropped=["H5"])))
        assert answer(judge(program, KERNEL)) == before
        differing += changed != before
    assert differing


def test_paths_through_a_copy_are_told_like_any_other(without_h5: KernelTree) -> None:
    program = load_program(ROOT / "litmus/founding/get-write-read-refault.litmus")
    told = []
    for result in (judge(program, KERNEL, tree=without_h5), judge(program, version("6.1", dropped=["H5"]))):
        goal = default_goal(result)
        assert goal is not None
        told.append(trace_text(result, trace(result.exploration, goal.state), goal).splitlines()[2:-1])
    assert told[0] == told[1]


def test_what_is_no_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CowpathError, match=r"has no __init__\.py"):
        load_tree(tmp_path)
    (tmp_path / "__init__.py").write_text("def build(): ...\n")
    with pytest.raises(CowpathError, match="lacks title"):
        load_tree(tmp_path)


def test_the_tree_imports_itself_by_relative_names_only() -> None:
    for file in TREE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            assert not [name for name in names if name.startswith("cowpath.linux")], file
