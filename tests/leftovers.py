# SPDX-License-Identifier: MIT
"""What a test run must not leave behind: processes, mounts, swap, loop devices, settings, files.

    python -m tests.leftovers make test     runs a command, then names what there is that was not there before

The status is that of the command, or 1 where something is left.  Processes are those that the command has
started, however far away they have gone.  The user's caches are not looked at.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]

PLACES = ("/tmp", "/var/tmp", "/dev/shm", "~", "~/.local", "~/.local/state", "~/.local/share", "~/.config")

NAMES = re.compile(
    r"cow|cp|dask|pytest|tmp|pip-|cc\w{6}\.|\.?(org|com)\.(chromium|google)|scoped_dir|chrom|pan|model|u?ml|qemu"
)
"""What files in these are called that our tests, or programs that they start, may have made."""

SETTINGS = ("/proc/sys/vm/page-cluster", "/sys/kernel/mm/ksm/run", "/sys/module/zswap/parameters/enabled")

PR_SET_CHILD_SUBREAPER = 36

SETTLING = 1
"""Seconds in which what lost its parent finds its new one."""

PATIENCE = 10
"""Seconds in which what is ending may end."""


def present() -> dict[str, list[str]]:
    """Everything of each kind, one text for each."""
    return {
        "processes": processes(),
        "mounts": lines("/proc/self/mounts"),
        "swap": [line.split()[0] for line in lines("/proc/swaps")[1:]],
        "loop devices": [path.parts[3] for path in Path("/sys/block").glob("loop*/loop")],
        "zram devices": [path.name for path in Path("/sys/block").glob("zram*")],
        "settings": [f"{name} {' '.join(lines(name))}" for name in SETTINGS if os.path.exists(name)],
        "files": files(),
        "changes of the tree": changes(),
    }


def processes() -> list[str]:
    """Every process below this one, by number and command."""
    parents: dict[int, tuple[int, str]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, parent = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[:2]
            command = Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if state != "Z":
            parents[int(name)] = int(parent), command.strip()[:200]
    found, mine = [], {os.getpid()}
    while more := [pid for pid, (parent, _) in parents.items() if parent in mine and pid not in mine]:
        mine.update(more)
        found += [f"{pid} {parents[pid][1]}" for pid in more]
    return found


def files() -> list[str]:
    """The entries of the directories that programs leave things in."""
    return [
        os.path.join(place, name)
        for place in map(os.path.expanduser, PLACES)
        for name in listed(place)
        if NAMES.match(name)
    ]


def listed(place: str) -> list[str]:
    """The names in a directory; none where there is no directory."""
    return os.listdir(place) if os.path.isdir(place) else []


def changes() -> list[str]:
    """What differs in the repository from what is committed, ignored files aside."""
    command = ["git", "status", "--porcelain"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def lines(file: str) -> list[str]:
    """The lines of a file."""
    return Path(file).read_text().splitlines()


def beyond(before: dict[str, list[str]]) -> list[str]:
    """What there is now and was not before, one text for each."""
    now = present()
    return [f"{kind}: {one}" for kind in now for one in now[kind] if one not in before[kind]]


def run(command: list[str]) -> int:
    """The exit status of a command.  Meanwhile whoever ends as our child is buried, as init would do it."""
    child = os.posix_spawnp(command[0], command, os.environ)
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def main(command: list[str]) -> int:
    """Run a command, and say what has come to this machine with it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # whoever loses its parent becomes our child
    before = present()
    status = run(command)
    time.sleep(SETTLING)
    deadline = time.monotonic() + PATIENCE
    while (left := beyond(before)) and time.monotonic() < deadline:
        time.sleep(0.2)
    for one in left:
        print(f"left behind: {one}", flush=True)
    return status or int(bool(left))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
