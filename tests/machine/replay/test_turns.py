# SPDX-License-Identifier: MIT
"""From a path of the model to turns, and from a test to C."""

from __future__ import annotations

from pathlib import Path

import pytest

from cowpath.explore.trace import trace
from cowpath.history.version import version
from cowpath.judge.goal import default_goal
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.resolve import load_program, program_from_text
from cowpath.machine.replay.rounds import Round
from cowpath.machine.replay.source import CannotReplayError, build, source
from cowpath.machine.replay.turns import Turn, turns
from cowpath.report.replay import Replayed, replay_text
from tests.machine.conftest import CORPUS
from tests.tools import need

BYPASS = "mm/memory.py alloc_swap_folio 1"


def judged(name: str, release: str) -> Result:
    return judge(load_program(CORPUS / "fixes" / f"{name}.litmus"), version(release))


def path(result: Result) -> tuple[list[Turn], list[str]]:
    goal = default_goal(result)
    assert goal is not None
    return turns(result.program, trace(result.exploration, goal.state))


def test_a_path_is_cut_where_another_thread_goes_on() -> None:
    found, left = path(judged("2799e77529c2", "5.10.223"))
    assert [(turn.thread, turn.place, turn.statement) for turn in found] == [
        (0, "", "madvise(x, MADV_PAGEOUT)"),
        (0, BYPASS, "r0 = x[0]"),
        (1, "", "swapoff()"),  # off, and not on again
        (0, "", "r0 = x[0]"),
    ]
    assert left == []


def test_who_acts_by_itself_cannot_be_driven() -> None:
    result = judge(load_program(CORPUS / "open" / "zswap-zero-page.litmus"), version("7.2"))
    with pytest.raises(CannotReplayError, match="takes part: it chooses its pages itself"):
        path(result)


def test_what_is_not_written_in_c_yet_is_refused() -> None:
    fork = program_from_text('C t { char x[1] = "a"; } P0(char *x) { fork(P1); } P1(char *x) { r0 = x[0]; }')
    with pytest.raises(CannotReplayError, match="tests with fork"):
        source(fork, small=False)
    pin = program_from_text('C t { char x[1] = "a"; } P0(char *x) { g = pin_user_page(x); }')
    with pytest.raises(CannotReplayError, match=r"g = pin_user_page\(x\) is not replayed yet"):
        source(pin, small=False)


def test_a_test_in_c_compiles_and_says_what_it_saw(tmp_path: Path) -> None:
    need("cc")
    from cowpath import children

    test = program_from_text(
        'C t { char x[2] = "ab"; char y[1]; }'
        "P0(char *x) { x[1] = 'c'; r0 = x[1]; madvise(x, MADV_UNMERGEABLE); }"
    )
    done = children.run([str(build(test, False, tmp_path))])
    assert done.returncode == 0
    assert done.stdout.split() == ["0:r0=99", "0:x[0]=97", "0:x[1]=99", "0:y[0]=0"]


def test_the_report_has_model_and_machine_side_by_side() -> None:
    result = judged("13ddaf26be32", "5.10.223")
    found, left = path(result)
    goal = default_goal(result)
    assert goal is not None
    good = Round(len(found), observed={"0:r0": 0, "1:r1": 0, "0:x[0]": 0})
    lost = Round(2, "P1 did not come in 60 s: it is asleep in the kernel, or runs elsewhere")
    text = replay_text(Replayed(result, goal, "qemu:5.10 (5.10.223-1)", found, left, [good, good, lost]))
    assert "13ddaf26be32 on qemu:5.10 (5.10.223-1), along a path of the model of 5.10.223 x86_64" in text
    assert "do_swap_page: past the swap cache, before the read  3 of 3" in text
    assert "ended early, 1 of 3: P1 did not come in 60 s" in text
    assert "2       *>0:r0=\\0; 1:r1=\\0; 0:x[0]=\\0;  lost write" in text
    assert text.endswith("Followed 2 of 3, promise broken 2 of 3\n")


def test_a_crash_in_the_last_turn_is_the_end_of_a_path_to_a_crash() -> None:
    result = judged("2799e77529c2", "5.10.223")
    found, left = path(result)
    goal = default_goal(result)
    assert goal is not None
    crashed = Round(len(found) - 1, "the kernel came to oops_begin", crashed=True)
    text = replay_text(Replayed(result, goal, "qemu:5.10", found, left, [crashed]))
    assert "1       *>crash;  crash\nFollowed 1 of 1, promise broken 1 of 1\n" in text
