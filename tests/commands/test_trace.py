# SPDX-License-Identifier: MIT
"""`cowpath trace`: where it leads, what it shows, and its exit status."""

import re
from pathlib import Path

import pytest

from cowpath.history.version import NEWEST
from tests.commands.conftest import FOUNDING, KEPT, Run

RACE = """C race
{ char x[1] = "a"; }
P0(char *x) { r0 = x[0]; }
P1(char *x) { x[0] = 'b'; }
"""


def test_the_worst_breakage_is_shown_unless_asked(run: Run, lost: Path) -> None:
    status, out, err = run("trace", lost, "--kernel", "5.18")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "lost write: 0:r0=b; 0:r1=a; 0:x[0]=a; 0:x[1]=c;"
    assert re.fullmatch(r"lost, 5\.18 x86_64: \d+ steps, no shorter path exists", lines[1])
    assert lines[-3:] == [
        "0:r1 is 'a'; the promise allows only 'D'",
        "0:x[0] is 'a'; the promise allows only 'D'",
        "Promise broken on 5.18 x86_64: lost write",
    ]


def test_no_path_is_called_shortest_where_states_were_left_out(run: Run, lost: Path) -> None:
    more = ("--kernel", "5.18", "--reduce", "partial-order")
    assert re.fullmatch(
        r"lost, 5\.18 x86_64: \d+ steps, a shorter path may exist",
        run("trace", lost, *more).out.splitlines()[1],
    )
    story = " ".join(run("trace", lost, *more, "--story").out.split())
    assert re.search(r"This path there has \d+ steps; a shorter one may exist\.", story)
    page = lost.parent / "path.html"
    assert run("trace", lost, *more, "--html", page).status == 0


def test_the_exists_clause_is_the_next_choice(run: Run, kept: Path) -> None:
    status, out, _ = run("trace", kept)
    assert status == 0
    assert out.splitlines()[0] == "as promised: 0:r0=a; 0:x[0]=b;"
    assert "promise allows" not in out


def test_only_cells_that_changed(run: Run, lost: Path) -> None:
    out = run("trace", lost, "--kernel", "5.18").out
    changes = [line.split() for line in out.splitlines() if " -> " in line]
    for words in changes:
        arrow = words.index("->")
        assert words[1:arrow] != words[arrow + 1 :]
    assert not any("locked" in line or "ptl" in line or "mmap_" in line for line in out.splitlines())


def test_all_adds_locks(run: Run, lost: Path) -> None:
    few, every = (
        run("trace", lost, "--kernel", "5.18").out,
        run("trace", lost, "--kernel", "5.18", "--all").out,
    )
    assert "mmap_readers" in every
    assert len(every.splitlines()) > len(few.splitlines())


def test_to_an_outcome_by_number(run: Run, tmp_path: Path) -> None:
    test = tmp_path / "race.litmus"
    test.write_text(RACE)
    shown = [line.strip(" *") for line in run("check", test).out.splitlines()[2:] if ";" in line]
    assert len(shown) > 1
    for number, outcome in enumerate(shown, 1):
        first = run("trace", test, "--to", number).out.splitlines()[0]
        assert first == f"as promised: {outcome}"
    for number in (0, len(shown) + 1):
        status, out, err = run("trace", test, "--to", number)
        assert (status, out) == (2, "")
        assert err == f"cowpath trace: there is no outcome {number}: this test has {len(shown)}\n"


@pytest.mark.parametrize("name", ["I8", "i8"])
def test_to_an_invariant(run: Run, name: str) -> None:
    test = FOUNDING / "stable-writes.litmus"
    status, out, _ = run("trace", test, "--kernel", "6.1", "--with", "as-posted", "--to", name)
    assert status == 0
    assert out.startswith("breaks I8 stable writes: P0.x can write folio0 while the device reads it")


def test_to_an_invariant_that_holds(run: Run, kept: Path) -> None:
    status, out, err = run("trace", kept, "--to", "I8")
    assert (status, out) == (1, "")
    assert err == "cowpath trace: no path leads there: it cannot happen on this kernel\n"


@pytest.mark.parametrize("condition", ["0:r1='a'", "exists (0:r1='a')", " 0:r0='b' /\\ ~ 0:x[0]='D' "])
def test_to_a_condition(run: Run, lost: Path, condition: str) -> None:
    status, out, _ = run("trace", lost, "--kernel", "5.18", "--to", condition)
    assert status == 0
    assert out.startswith("lost write: 0:r0=b; 0:r1=a;")


def test_to_a_condition_that_cannot_happen(run: Run, lost: Path) -> None:
    status, out, err = run("trace", lost, "--kernel", "6.1", "--to", "0:r1='a'")
    assert (status, out) == (1, "")
    assert err == "cowpath trace: no path leads there: it cannot happen on this kernel\n"


def test_what_was_not_found_in_time_is_not_impossible(run: Run, lost: Path) -> None:
    status, out, err = run("trace", lost, "--to", "0:r1='a'", "--max-states", "5")
    assert (status, out) == (3, "")
    assert "cannot happen" not in err
    assert "not finished" in err


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("0:r9='a'", "--to: "),
        ("5:r0='a'", "--to: "),
        ("0:y[0]='a'", "--to: "),
        ("nonsense", "--to: "),
        ("0:r1='a' /\\", "--to: "),
        ("", "--to: "),
        ("0:r1='a') exists (0:r0='b'", "--to: "),
    ],
)
def test_to_something_that_makes_no_sense(run: Run, lost: Path, condition: str, message: str) -> None:
    status, out, err = run("trace", lost, "--to", condition)
    assert (status, out) == (2, "")
    assert err.startswith(f"cowpath trace: {message}"), err


def test_a_trace_is_for_one_kernel(run: Run, lost: Path) -> None:
    for options in (["--kernel", "5.18", "--kernel", "6.1"], ["--arch", "arm", "--arch", "s390"]):
        status, _, err = run("trace", lost, *options)
        assert status == 2
        assert err == "cowpath trace: a trace is for one kernel: give --kernel and --arch once\n"


def test_a_test_without_condition_shows_its_first_outcome(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "plain.litmus"
    path.write_text(KEPT.rpartition("exists")[0])
    assert run("trace", path).out.startswith("as promised: 0:r0=a; 0:x[0]=b;\n")


def test_a_path_that_needs_no_step(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "hang.litmus"
    path.write_text('C hang\n{ char x[1] = "a"; }\nP0(char *x) { wait(P1); }\nP1(char *x) { wait(P0); }\n')
    status, out, _ = run("trace", path)
    assert status == 0
    lines = out.splitlines()
    assert lines[0].startswith("as promised: hang: deadlock: P0 in its start, waits for the end of")
    assert lines[1] == f"hang, {NEWEST} x86_64: 0 steps, no shorter path exists"


def test_a_loop_is_shown_once(run: Run) -> None:
    out = run("trace", FOUNDING / "swapoff-finishes.litmus", "--kernel", "6.1", "--without", "H2").out
    assert out.startswith("hang: endless loop: P0 in run_thread > swapoff > ")
    path, loop = out.split("\nand then, again and again:\n")
    assert "-> swap slot0 exclusive" in path
    assert "swapoff()" in loop


def test_raw_ptes_are_those_of_the_architecture(run: Run) -> None:
    test = Path(__file__).parents[2] / "litmus/founding/get-write-read-refault.litmus"
    shown = {
        arch: run("trace", test, "--arch", arch, "--kernel", "6.1", "--raw-ptes").out
        for arch in ("x86_64", "arm")
    }
    assert "folio0 rw dirty -> swap slot0 exclusive [0x07fffffffffffc08]" in shown["x86_64"]
    assert "swap slot0 [0x" in shown["arm"]
    assert "[0x07fffffffffffc08]" not in shown["arm"]
