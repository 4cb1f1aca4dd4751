# SPDX-License-Identifier: MIT
"""The host: what it refuses, what it does, and that it is afterwards as it was before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cowpath.machine.errors import StoppedError
from cowpath.machine.host import AGENT, Host, agent_command
from cowpath.machine.job import Answer, RunRequest
from cowpath.machine.schedule import schedule
from tests.machine.conftest import founding, program, run_all

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.xdist_group("machine")]

SWAP = 'C t { char x[2] = "ab"; } P0(char *x) { madvise(x, MADV_PAGEOUT); r0 = x[1]; }'
HANG = (
    'C t { char x[1] = "a"; } P0(char *x) { madvise(x, MADV_PAGEOUT); wait(P1); } P1(char *x) { wait(P0); }'
)


def state() -> dict[str, object]:
    """Everything that a run might leave behind."""
    settings = [Path("/proc/sys/vm/page-cluster"), *sorted(Path("/sys/kernel/mm/ksm").glob("*"))]
    keep = ("run", "sleep_millisecs", "pages_to_scan", "smart_scan", "page-cluster")
    return {
        "swaps": Path("/proc/swaps").read_text().count("cowpath"),
        "mounts": Path("/proc/self/mounts").read_text(),
        "settings": {str(file): file.read_text() for file in settings if file.name in keep},
        "files": sorted(p.name for p in Path("/var/tmp").glob("cowpath-*")),
        "agents": [line for line in _commands() if AGENT in line],
    }


def _commands() -> list[str]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.append(Path(f"/proc/{name}/cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.fixture
def unchanged(root: None) -> Iterator[None]:
    """Whatever the test does, the machine is as before."""
    before = state()
    yield
    assert state() == before


def answer_of(text: str, allow_global: bool, rounds: int = 3) -> Answer:
    """One test on the host."""
    test = program(text)
    answers: list[Answer] = []
    request = RunRequest(test, schedule(test), rounds)
    Host(allow_global).run([request], lambda _, answer: answers.append(answer))
    return answers[0]


def test_swap_on_the_host_needs_leave(unchanged: None) -> None:
    answer = answer_of(SWAP, allow_global=False)
    assert answer.status == "cannot"
    assert "--allow-global" in answer.reason


def test_a_test_without_swap_needs_none(unchanged: None) -> None:
    text = 'C t { char x[1] = "a"; swap = none; } P0(char *x) { fork(P1); wait(P1); r0 = x[0]; }'
    answer = answer_of(text + " P1(char *x) { x[0] = 'c'; r0 = x[0]; exit(); }", allow_global=False)
    assert answer.outcomes == {("a", "c", "a", ""): 3}


def test_a_read_only_pin_shows_what_is_written_later(unchanged: None) -> None:
    """And one that is never given back ends with its round."""
    text = """C t { char x[2] = "ab"; swap = none; }
        P0(char *x) { g = pin_user_page(x); r0 = device_read(g, 1); x[1] = 'c'; r1 = device_read(g, 1); }"""
    assert answer_of(text, allow_global=False, rounds=20).outcomes == {("b", "c", "a", "c"): 20}


def test_a_page_goes_to_swap_and_comes_back(unchanged: None) -> None:
    answer = answer_of(SWAP, allow_global=True)
    assert answer.outcomes == {("b", "a", "b"): 3}
    assert answer.facts["swap"] == ["ssd on a file"]


def test_the_founding_corpus_is_never_contradicted(unchanged: None) -> None:
    found = run_all(Host(allow_global=True), founding(), rounds=20)
    standings = {name: comparison.standing for name, comparison in found.items()}
    assert set(standings.values()) <= {"agrees", "not modelled", "cannot", "not met"}, standings
    assert {"agrees", "not modelled"} & set(standings.values())


def test_a_hang_is_a_hang_and_leaves_nothing(unchanged: None, tmp_path: Path) -> None:
    process = start_agent(HANG, tmp_path, round_seconds=0.5)
    output, _ = process.communicate(timeout=60)
    assert json.loads(output)["hangs"] == 3


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGTERM] * 5])
def test_signals_leave_nothing(unchanged: None, tmp_path: Path, numbers: list[int]) -> None:
    """Ctrl-C reaches the agent, and its parent, which ends it: a second signal comes while it clears away."""
    process = start_agent(HANG, tmp_path, round_seconds=60)
    wait_for_swap()
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.001)
    assert process.wait(timeout=30) == 130


def test_who_is_stopped_runs_no_more_tests(unchanged: None) -> None:
    host, test = Host(allow_global=True), program(HANG)
    host.stop()
    answers: list[Answer] = []
    with pytest.raises(StoppedError):
        host.run([RunRequest(test, schedule(test), 3)] * 3, lambda _, answer: answers.append(answer))
    assert answers == []


def test_a_worker_that_is_killed_leaves_nothing(unchanged: None, tmp_path: Path) -> None:
    process = start_agent(HANG, tmp_path, round_seconds=60)
    wait_for_swap()
    time.sleep(0.3)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    output, _ = process.communicate(timeout=30)
    assert json.loads(output)["reason"] == "the agent's worker died"


def start_agent(text: str, directory: Path, round_seconds: float) -> subprocess.Popen[str]:
    """The agent with one job, as Host starts it."""
    test = program(text)
    job = RunRequest(test, schedule(test), 3).jobs(round_seconds)[0]
    job |= {"allow_global": True, "directory": str(directory)}
    file = directory / "job.json"
    file.write_text(json.dumps(job))
    return subprocess.Popen(agent_command(file), stdout=subprocess.PIPE, text=True)


def wait_for_swap(device: str = "swap") -> None:
    deadline = time.monotonic() + 20
    while device not in "".join(Path("/proc/swaps").read_text().splitlines()[1:]):
        assert time.monotonic() < deadline, "the agent never turned its swap device on"
        time.sleep(0.02)


def test_a_write_waits_until_another_thread_allows_it(unchanged: None) -> None:
    """Only in free rounds: a statement that waits cannot be driven."""
    text = (
        'C t { char x[1] = "a"; swap = none; } P0(char *x) { userfaultfd_wp(x); x[0] = 0; r0 = x[0]; } '
        "P1(char *x) { r0 = userfaultfd_read(x); r1 = x[0]; userfaultfd_wp(x, 0); }"
    )
    answer = answer_of(text, allow_global=False)
    if answer.status == "cannot":
        pytest.skip(answer.reason)
    assert answer.outcomes == {("\\0", "1", "a", "\\0"): 3}


def test_a_listener_is_told_that_nobody_writes(unchanged: None) -> None:
    text = (
        'C t { char x[1] = "a"; swap = none; } P0(char *x) { userfaultfd_wp(x); } '
        "P1(char *x) { r0 = userfaultfd_read(x); }"
    )
    answer = answer_of(text, allow_global=False)
    if answer.status == "cannot":
        pytest.skip(answer.reason)
    assert answer.outcomes == {("0", "a"): 3}
