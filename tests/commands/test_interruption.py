# SPDX-License-Identifier: MIT
"""Ctrl-C, twice, SIGTERM and the loss of the parent, at random moments of long commands: nothing is left."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cowpath.commands import status

LONG = {
    "check": ["check", "founding", "fixes", "--kernel", "all", "--jobs", "2"],
    "one search": ["check", "readahead-aba", "--kernel", "5.18", "--engine", "reference", "--jobs", "1"],
    "mutate": ["mutate", "--jobs", "2"],
    "copies": ["copies", "--jobs", "2"],
    "table": ["table", "--jobs", "2"],
}
"""Commands that take long enough to be interrupted."""

MAIN = (
    "import sys; from cowpath.cli import main; print('begun', file=sys.stderr, flush=True); sys.exit(main())"
)


def family(pid: int) -> set[int]:
    """The processes of a session that are not zombies."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, *fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == pid and state != "Z":
            found.add(int(name))
    return found


def begin(command: str) -> subprocess.Popen[str]:
    """A command in a session of its own, as a terminal would have it, once its own code runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *LONG[command]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "begun\n"
    return process


def all_gone(pid: int, seconds: float = 10) -> bool:
    """Whether no process of a session is left, soon."""
    deadline = time.monotonic() + seconds
    while left := family(pid):
        if time.monotonic() > deadline:
            for one in left:
                os.kill(one, signal.SIGKILL)
            return False
        time.sleep(0.02)
    return True


WAYS = {
    "Ctrl-C": [(os.killpg, signal.SIGINT)],
    "Ctrl-C twice": [(os.killpg, signal.SIGINT), (os.killpg, signal.SIGINT)],
    "SIGTERM": [(os.kill, signal.SIGTERM)],
    "SIGHUP": [(os.kill, signal.SIGHUP)],
}
"""Who is told: Ctrl-C reaches every process of the session, `kill` the one that it names."""

SEED = random.SystemRandom().randrange(10**9)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("command", LONG)
def test_an_interrupted_command_leaves_nothing(command: str, way: str, number: int) -> None:
    chance = random.Random(f"{SEED} {command} {way} {number}")
    process = begin(command)
    delay = chance.random() * 1.5
    time.sleep(delay)
    ended = process.poll() is not None
    for send, signal_number in WAYS[way]:
        if process.poll() is None:
            send(process.pid, signal_number)
        time.sleep(chance.random() * 0.02)
    _, complaint = process.communicate(timeout=30)
    assert all_gone(process.pid), f"processes are left after {delay} s (seed {SEED})"
    assert "Traceback" not in complaint, f"after {delay} s (seed {SEED}): {complaint}"
    if not ended:
        assert process.returncode in (status.INTERRUPTED, *status.MEANING), complaint
        assert process.returncode == status.INTERRUPTED or "interrupted" not in complaint


@pytest.mark.parametrize("command", ["check", "mutate"])
def test_workers_end_with_a_parent_that_is_killed(command: str) -> None:
    process = begin(command)
    deadline = time.monotonic() + 30
    while len(family(process.pid)) < 2:
        assert time.monotonic() < deadline, "no worker began"
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=30)
    assert all_gone(process.pid), "workers wait for ever for a parent that is gone"
