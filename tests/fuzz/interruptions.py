# SPDX-License-Identifier: MIT
"""Ctrl-C, once or twice, SIGTERM and SIGHUP, at random moments of every long command: nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from cowpath.commands import status
from cowpath.interruption import STOPPING

LONG = {
    "check": ["check", "founding", "fixes", "--kernel", "all", "--jobs", "2"],
    "one search": ["check", "readahead-aba", "--kernel", "5.18", "--engine", "reference", "--jobs", "1"],
    "native search": ["check", "readahead-aba", "--kernel", "5.18", "--engine", "native", "--jobs", "1"],
    "prove": ["prove", "--theme", "swap", "--processes", "2", "--jobs", "2"],
    "explore": ["explore", "readahead-aba", "--kernel", "5.18"],
    "table": ["table", "--jobs", "2"],
    "mutate": ["mutate", "--jobs", "2"],
    "copies": ["copies", "--jobs", "2"],
    "review": ["review", "--without", "1493a1913e34", "--kernel", "6.1", "--jobs", "2"],
    "why": ["why", "readahead-aba"],
    "bisect": ["bisect", "founding", "--jobs", "2"],
    "diff": ["diff", "5.18", "5.19", "--jobs", "2"],
    "minimise": ["minimise", "readahead-aba", "--kernel", "5.18"],
}
"""Commands that take long enough to be interrupted."""

WAYS = {
    "Ctrl-C": [(os.killpg, signal.SIGINT)],
    "Ctrl-C twice": [(os.killpg, signal.SIGINT), (os.killpg, signal.SIGINT)],
    "SIGTERM": [(os.kill, signal.SIGTERM)],
    "SIGHUP": [(os.kill, signal.SIGHUP)],
}
"""Who is told: Ctrl-C reaches every process of the session, `kill` the one that it names."""

MAIN = (
    "import sys; from cowpath.cli import main; print('begun', file=sys.stderr, flush=True); sys.exit(main())"
)

LATEST = 3.0
"""Seconds after which a command is interrupted at last: later it does what it does now."""

PATIENCE = 60
"""Seconds in which it has to end, on a machine that does other things too."""


def attempt(chance: Random, directory: Path) -> None:
    """Interrupt one command in one way."""
    interrupt(LONG[chance.choice(sorted(LONG))], chance.choice(sorted(WAYS)), chance, directory)


def interrupt(command: list[str], way: str, chance: Random, directory: Path, latest: float = LATEST) -> None:
    """Interrupt a command at a random moment.  Raises AssertionError where it leaves something."""
    process = begin(command, directory)
    delay = chance.random() * latest
    what = f"{' '.join(command)}, {way} after {delay:.3f} s"
    time.sleep(delay)
    ended = process.poll() is not None
    for send, number in WAYS[way]:
        with contextlib.suppress(ProcessLookupError):
            send(process.pid, number)
        time.sleep(chance.random() * 0.02)
    check_end(process, what, ended)
    left = sorted(path.name for path in directory.iterdir())
    assert left == [], f"{what}: files are left: {left}"


def begin(command: list[str], directory: Path, **more: str) -> subprocess.Popen[str]:
    """A command in a session of its own, as a terminal would have it, once its own code runs.

    It works in a directory that is empty, which is also the one for its temporary files.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=directory,
        env={**os.environ, "TMPDIR": str(directory), **more},
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "begun\n"
    return process


def check_end(process: subprocess.Popen[str], what: str, ended: bool = False) -> None:
    """Wait for the end of a command that was told to stop, and of all that it began; see how it went."""
    try:
        _, complaint = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(f"{what}: it goes on") from None
    assert all_gone(process.pid), f"{what}: processes are left"
    assert "Traceback" not in complaint, f"{what}: {complaint}"
    if not ended:
        late = -process.returncode in STOPPING  # Python was leaving, its handlers gone
        assert late or process.returncode in status.MEANING, f"{what}: {process.returncode}: {complaint}"
        stopped = late or process.returncode == status.INTERRUPTED
        assert stopped or "interrupted" not in complaint, f"{what}: status {process.returncode}"


def all_gone(session: int, seconds: float = 10) -> bool:
    """Whether no process of a session is left, soon."""
    deadline = time.monotonic() + seconds
    while left := family(session):
        if time.monotonic() > deadline:
            for one in left:
                os.kill(one, signal.SIGKILL)
            return False
        time.sleep(0.02)
    return True


def family(session: int) -> set[int]:
    """The processes of a session that are not zombies."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, *fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == session and state != "Z":
            found.add(int(name))
    return found
