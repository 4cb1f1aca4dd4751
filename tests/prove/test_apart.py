# SPDX-License-Identifier: MIT
"""Two kernels beside each other, and trees that somebody has changed."""

from pathlib import Path

from cowpath.explore.engine import Method
from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.judge.tree import load_tree
from cowpath.litmus.resolve import program_from_text
from cowpath.prove.apart import tell_apart, telling_test
from cowpath.prove.campaign import Question, answer
from cowpath.prove.proof import prove
from cowpath.prove.reproduce import counterexample
from cowpath.prove.themes import Combination
from cowpath.survey.patch import apply
from tests.survey.test_patch import SAME, inverted

SWAP = Combination(("swap",)).program()
GUP = Combination(("swap", "gup")).program()


def test_no_program_tells_a_kernel_from_itself() -> None:
    assert tell_apart(SWAP, version("6.1"), version("6.1")).verdict == "kept"


def test_loads_stores_and_reclaim_do_not_tell_5_18_from_6_1() -> None:
    assert tell_apart(SWAP, version("5.18"), version("6.1")).verdict == "kept"
    assert tell_apart(SWAP, version("6.1"), version("5.18")).verdict == "kept"


def test_a_reference_does_and_the_test_shows_it_on_both() -> None:
    known, other = version("5.18"), version("6.1")
    found = tell_apart(GUP, known, other)
    assert found.verdict == "broken"
    assert "on 5.18" in found.why
    text, statements = telling_test(found, known)
    assert statements == 4
    seen = [
        {outcome.text() for outcome in judge(program_from_text(text), k).outcomes} for k in (known, other)
    ]
    assert not seen[1] <= seen[0]


def test_a_bound_decides_nothing() -> None:
    found = tell_apart(GUP, version("6.1"), version("6.8"), method=Method(max_states=1000))
    assert found.verdict == "not decided"


def test_a_patched_tree_is_proved_like_any_other(tmp_path: Path) -> None:
    tree = load_tree(apply("fix.py", inverted(), tmp_path / "tree").directory)
    program = Combination(("swap", "stable-writes")).program()
    found = prove(program, version("6.1"), tree=tree)
    assert (found.verdict, found.why.split(":")[0]) == ("broken", "I8")
    shown = counterexample("found", found)
    assert shown is not None
    assert shown.breakage == "I8 stable writes"
    assert counterexample("found", prove(program, version("5.18"))) is None


def test_a_tree_that_answers_alike_cannot_be_told(tmp_path: Path) -> None:
    tree = load_tree(apply("fix.py", SAME, tmp_path / "tree").directory)
    old, new = version("5.18"), version("6.1")
    assert tell_apart(SWAP, new, new, tree=tree).verdict == "kept"
    found = tell_apart(GUP, old, new, tree=tree)
    assert found.verdict == "broken"
    assert telling_test(found, old)[1] == 4


def test_code_that_goes_wrong_in_a_proof_says_where(tmp_path: Path) -> None:
    text = inverted().replace("stable ==", "no_such_name ==")
    tree = apply("fix.py", text, tmp_path / "tree").directory
    for against in (None, version("6.1")):
        question = Question("swap", SWAP, version("6.1"), against=against, tree=tree)
        found = answer(question)
        assert found.verdict == "refused"
        assert "linux/mm/memory.py:" in found.why
