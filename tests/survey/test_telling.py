# SPDX-License-Identifier: MIT
"""Programs that tell two kernels apart, and their conditions."""

from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.litmus.resolve import program_from_text
from cowpath.prove.themes import Combination
from cowpath.survey.telling import Effort, programs

EFFORT = Effort(100_000, 120.0)


def test_the_founding_patch_is_found_by_itself() -> None:
    old, new = version("5.18"), version("5.19")
    found = programs(old, new, [Combination(("swap", "gup"))], EFFORT)
    assert [(one.verdict, one.statements) for one in found] == [("broken", 4), ("broken", 4)]
    kernels = {str(old): old, str(new): new}
    for one in found:
        program = program_from_text(one.litmus)
        assert program.condition is not None
        assert program.condition.quantifier == "forall"
        assert judge(program, kernels[one.kernel]).condition is True
        assert judge(program, kernels[one.against]).condition is False


def test_what_no_program_can_tell() -> None:
    found = programs(version("6.1"), version("6.2"), [Combination(("swap",))], EFFORT)
    assert [(one.verdict, one.litmus) for one in found] == [("kept", ""), ("kept", "")]
