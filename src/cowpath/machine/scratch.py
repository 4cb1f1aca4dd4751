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
from cowpath.machine.agent.swap import BYTES, LABEL, LABEL_AT, remove_zram

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
    """Turn off swap files in the directory, loop devices over its files, and zram devices of its agent."""
    inside = f"{left}/"
    swaps = swapped_to()
    loops = set()
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            if backing.read_text().startswith(inside):
                loops.add(f"/dev/{backing.parts[3]}")
    for device in swaps:
        if device.startswith(inside) or device in loops:
            ctypes.CDLL(None).swapoff(device.encode())
    for device in loops:
        with contextlib.suppress(OSError), open(device) as loop:
            fcntl.ioctl(loop, LOOP_CLR_FD, 0)
    for entry in journal(left):
        if re.fullmatch(r"[0-9]{1,4}", entry.get("zram", "")):
            with contextlib.suppress(OSError, ValueError):
                put_away(entry["zram"], f"/dev/zram{entry['zram']}" in swaps)


def swapped_to() -> set[str]:
    """The files and devices that are swapped to.

    The kernel tells the path of a device of an agent from within /dev, as that was mounted in a mount
    namespace which is no more.
    """
    rows = [line.split() for line in Path("/proc/swaps").read_text().splitlines()[1:]]
    return {f"/dev/{os.path.basename(row[0])}" if row[1] == "partition" else row[0] for row in rows}


def put_away(number: str, is_on: bool) -> None:
    """Take away a zram device that a dead agent has made, unless that number is somebody else's by now."""
    device = f"/dev/zram{number}"
    if is_on:
        with open(device, "rb") as file:
            if LABEL not in file.read(LABEL_AT + len(LABEL))[LABEL_AT:]:
                return
        ctypes.CDLL(None).swapoff(device.encode())
    elif int(Path(f"/sys/block/zram{number}/disksize").read_text()) not in (0, BYTES):
        return
    remove_zram(number)


def put_back(left: Path) -> None:
    """Give settings of the machine the values that they had before the agent changed them, last one first."""
    for entry in journal(left):
        if SETTINGS.fullmatch(entry.get("setting", "")):
            with contextlib.suppress(OSError):
                Path(entry["setting"]).write_text(entry.get("value", ""))


def journal(left: Path) -> Iterator[dict[str, str]]:
    """Yield what the agent of a run has changed or made outside its directory, last one first.

    Only a journal of our own counts: a guest can write files, too.
    """
    for file in left.rglob(UNDO):
        with contextlib.suppress(OSError, ValueError):
            if file.lstat().st_uid != os.geteuid() or file.is_symlink():
                continue
            for line in reversed(file.read_text().splitlines()):
                entry = json.loads(line)
                if isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values()):
                    yield entry
