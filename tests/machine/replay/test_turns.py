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
from cowpath.machine.replay.helpers import CannotReplayError
from cowpath.machine.replay.rounds import Round
from cowpath.machine.replay.source import build, source
from cowpath.machine.replay.turns import NOBODY, Route, turns
from cowpath.report.replay import Replayed, replay_text
from tests.machine.conftest import CORPUS
from tests.tools import need

BYPASS = "mm/memory.py alloc_swap_folio 1"


def judged(name: str, release: str) -> Result:
    return judge(load_program(CORPUS / "fixes" / f"{name}.litmus"), version(release))


def path(result: Result) -> Route:
    goal = default_goal(result)
    assert goal is not None
    return turns(result.program, trace(result.exploration, goal.state))


def test_a_path_is_cut_where_another_thread_goes_on() -> None:
    route = path(judged("2799e77529c2", "5.10.223"))
    assert [(turn.thread, turn.place, turn.statement) for turn in route.turns] == [
        (0, "", "madvise(x, MADV_PAGEOUT)"),
        (0, BYPASS, "r0 = x[0]"),
        (1, "", "swapoff()"),  # off, and not on again
        (0, "", "r0 = x[0]"),
    ]
    assert route.helpers == []


def test_a_background_actor_is_played_by_a_thread_of_the_test() -> None:
    result = judge(load_program(CORPUS / "founding" / "pin-write-kswapd.litmus"), version("5.10.223"))
    route = path(result)
    assert [(helper.name, helper.times) for helper in route.helpers] == [("kswapd(x)", 1)]
    assert [(turn.name, turn.place) for turn in route.turns[:3]] == [
        ("kswapd(x)", "mm/vmscan.py _unmap_and_write 2"),
        ("P0", ""),
        ("kswapd(x)", ""),
    ]
    text = source(result.program, route.helpers, small=False)
    assert "/* kswapd(x) */\nstatic void *run_P1" in text


def test_a_device_gets_time_to_end_its_writes() -> None:
    route = path(judge(load_program(CORPUS / "open" / "tlb-clean-reclaim.litmus"), version("7.2")))
    assert [turn.thread for turn in route.turns].count(NOBODY) == 1


def test_who_cannot_be_driven_is_named() -> None:
    result = judged("088b8aa537c2", "5.10.223")
    with pytest.raises(CannotReplayError, match=r"^ksmd\(x, y\) takes part: ksmd goes through all memory"):
        path(result)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("g = pin_user_page(x);", r"g = pin_user_page\(x\) is not replayed yet: only vmsplice's"),
        ("clear_refs();", r"clear_refs\(\) is not replayed yet"),
    ],
)
def test_what_is_not_written_in_c_yet_is_refused(statement: str, why: str) -> None:
    test = program_from_text('C t { char x[1] = "a"; } P0(char *x) { ' + statement + " }")
    with pytest.raises(CannotReplayError, match=why):
        source(test, [], small=False)


def test_a_test_in_c_compiles_and_says_what_it_saw(tmp_path: Path) -> None:
    need("cc")
    from cowpath import children

    test = program_from_text(
        'C t { char x[2] = "ab"; char y[1]; }'
        "P0(char *x) { x[1] = 'c'; r0 = x[1]; madvise(x, MADV_UNMERGEABLE); }"
    )
    made = str(build(test, [], False, tmp_path))
    for rounds in ([], ["", "1"]):  # driven, where a mark is a system call like any other here, and not
        done = children.run([made, *rounds])
        assert done.returncode == 0
        assert done.stdout.split() == ["0:r0=99", "0:x[0]=97", "0:x[1]=99", "0:y[0]=0"]


def test_a_child_is_a_process_with_memory_of_its_own(tmp_path: Path) -> None:
    need("cc")
    from cowpath import children

    test = program_from_text(
        "C t { char x[1] = \"a\"; } P0(char *x) { g = get_user_page(x); fork(P1); wait(P1); x[0] = 'b'; }"
        "P1(char *x) { r0 = x[0]; x[0] = 'c'; } P2(char *x) of P1 { r1 = device_read(g, 0); }"
    )
    done = children.run([str(build(test, [], False, tmp_path))])
    assert done.stdout.split() == ["1:r0=97", "2:r1=97", "0:x[0]=98", "1:x[0]=99"]


def test_the_report_has_model_and_machine_side_by_side() -> None:
    result = judged("13ddaf26be32", "5.10.223")
    found = path(result).turns
    goal = default_goal(result)
    assert goal is not None
    good = Round(len(found), observed={"0:r0": 0, "1:r1": 0, "0:x[0]": 0})
    lost = Round(2, "P1 did not come in 60 s: it is asleep in the kernel, or runs elsewhere")
    text = replay_text(
        Replayed(result, goal, "qemu:5.10 (5.10.223-1)", found, [good, good, lost], [good, lost])
    )
    assert "13ddaf26be32 on qemu:5.10 (5.10.223-1), along a path of the model of 5.10.223 x86_64" in text
    assert "do_swap_page: past the swap cache, before the read  3 of 3" in text
    assert "ended early, 1 of 3: P1 did not come in 60 s" in text
    assert "2       *>0:r0=\\0; 1:r1=\\0; 0:x[0]=\\0;  lost write" in text
    assert text.endswith("Followed 2 of 3, promise broken 2 of 3\nFree running: promise broken 1 of 2\n")


def test_a_crash_in_the_last_turn_is_the_end_of_a_path_to_a_crash() -> None:
    result = judged("2799e77529c2", "5.10.223")
    found = path(result).turns
    goal = default_goal(result)
    assert goal is not None
    crashed = Round(len(found) - 1, "the kernel came to oops_begin", crashed=True)
    text = replay_text(Replayed(result, goal, "qemu:5.10", found, [crashed]))
    assert "1       *>crash;  crash\nFollowed 1 of 1, promise broken 1 of 1\n" in text
