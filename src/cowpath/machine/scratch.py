# SPDX-License-Identifier: MIT
"""Temporary directories that belong to a run, and what runs that were killed have left in theirs.

A directory is locked as long as its run lives.  One that is not is a leftover: the next run ends the
processes that still live in it, turns off what swaps to it, puts back what its agent had changed, and
removes it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cowpath.machine.agent.setting import UNDO

MARK = ".cowpath"
"""A file that only our directories have."""

MEMORY, DISK = ("/dev/shm", "cow-"), ("/var/tmp", "cowpath-")
"""Where they are, and how they are called: short where a name must fit into a program header (see uml.py)."""

SETTINGS = re.compile(
    r"/proc/sys/vm/page-cluster|/sys/kernel/mm/ksm/\w+|/sys/module/zswap/parameters/enabled"
    r"|/sys/block/\w+/queue/stable_writes"
)
"""The settings that an agent changes."""

NOBODY = 65534
PATIENCE = 10
"""Seconds in which a killed process ends: one that hangs in the kernel never does."""

LOOP_CLR_FD = 0x4C01


@contextlib.contextmanager
def directory(place: tuple[str, str] = MEMORY) -> Iterator[Path]:
    """Make a directory that is removed afterwards, at `place` or where temporary files are otherwise.

    >>> with directory() as made:
    ...     (made / MARK).exists()
    True
    >>> made.exists()
    False
    """
    above, prefix = place
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=above if os.access(above, os.W_OK) else None))
    lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (made / MARK).touch()
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


def remove_leftovers() -> list[Path]:
    """Clear away what dead runs have left; return their directories."""
    return [left for left in leftovers() if _cleared(left)]


def leftovers() -> Iterator[Path]:
    """The directories of runs: of this user, or of guests that ran as nobody for root."""
    owners = {os.geteuid(), NOBODY} if os.geteuid() == 0 else {os.geteuid()}
    for above, prefix in (MEMORY, DISK, (tempfile.gettempdir(), MEMORY[1])):
        for found in sorted(Path(above).glob(f"{prefix}*")):
            with contextlib.suppress(OSError):
                named = re.fullmatch(rf"{prefix}[a-z0-9_]{{8}}", found.name)
                if named and found.lstat().st_uid in owners and (found / MARK).is_file():
                    yield found


def _cleared(left: Path) -> bool:
    """Remove a directory unless its run lives; tell whether it was removed."""
    try:
        lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        end_processes(left)
        turn_off(left)
        put_back(left)
        shutil.rmtree(left, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def end_processes(left: Path) -> None:
    """Kill every process whose program lies in the directory, or whose command names it, until there is none.

    One pass would miss what is forked behind its back.
    """
    deadline = time.monotonic() + PATIENCE
    while (found := processes(left)) and time.monotonic() < deadline:
        for process in found:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)


def processes(left: Path) -> list[int]:
    """The processes that live in the directory, but for ourselves and for those that wait to be buried."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # the program of a dead process cannot be read
            program = os.readlink(f"/proc/{name}/exe")
            words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
            if program.startswith(f"{left}/") or any(f"{left}/".encode() in word for word in words):
                found.append(int(name))
    return [process for process in found if process != os.getpid()]


def turn_off(left: Path) -> None:
    """Turn off swap files in the directory, and loop devices over its files with what swaps to them."""
    inside = f"{left}/"
    swaps = [line.split()[0] for line in Path("/proc/swaps").read_text().splitlines()[1:]]
    loops = {}
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            if backing.read_text().startswith(inside):
                loops[f"/dev/{backing.parts[3]}"] = backing
    for device in swaps:
        if device.startswith(inside) or device in loops:
            ctypes.CDLL(None).swapoff(device.encode())
    for device in loops:
        with contextlib.suppress(OSError), open(device) as loop:
            fcntl.ioctl(loop, LOOP_CLR_FD, 0)


def put_back(left: Path) -> None:
    """Give settings of the machine the values that they had before the agent changed them, last one first.

    Only a journal of our own counts, for settings that an agent changes: a guest can write files, too.
    """
    for journal in left.rglob(UNDO):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            if journal.lstat().st_uid != os.geteuid() or journal.is_symlink():
                continue
            for line in reversed(journal.read_text().splitlines()):
                entry = json.loads(line)
                if SETTINGS.fullmatch(entry["setting"]):
                    Path(entry["setting"]).write_text(entry["value"])
