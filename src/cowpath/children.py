# SPDX-License-Identifier: MIT
"""Other programs: which file a name means, what they get to see, and that they end with us.

cowpath is run as root in directories full of somebody else's litmus files.  So a program is looked for only
where nobody but root and ourselves can have put it, its environment is of our making, a Python among them
takes no module from the current directory, and the kernel ends each of them when the thread that started it
is gone, however it went.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cowpath.errors import CowpathError
from cowpath.interruption import PR_SET_PDEATHSIG, STOPPING
from cowpath.userdirs import WRITABLE_BY_ALL

PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
"""The variables that a program on the network may see of our environment, in small or capital letters."""


class MissingProgramError(CowpathError):
    """A program that is not installed, or lies where others could have put it."""


def safe(path: str) -> bool:
    """True if a file or directory is root's or our own, and not for everybody to write.

    Unlike in a cache, groups are trusted: those that may write to /usr/local are administrators.

    >>> safe("/bin"), safe("/tmp"), safe("/not/there")
    (True, False, False)
    """
    try:
        status = os.stat(path)
    except OSError:
        return False
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & WRITABLE_BY_ALL


def search_path() -> list[str]:
    """The directories of PATH that are absolute, root's or our own, and not for everybody to write to."""
    directories = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [directory for directory in directories if os.path.isabs(directory) and safe(directory)]


def find(name: str) -> str | None:
    """The path of a program; None where it is not installed, or only where others can write.

    >>> find("sh") in ("/bin/sh", "/usr/bin/sh")
    True
    """
    for directory in search_path():
        path = os.path.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK) and safe(path):
            return path
    return None


def need(name: str, why: str = "") -> str:
    """The path of a program.  Raises MissingProgramError."""
    path = find(name)
    if path is None:
        raise MissingProgramError(f"{name} is not installed{why}")
    return path


def environment(*passed: str, **more: str) -> dict[str, str]:
    """Return a child's environment: a search path, a home, a locale, and `passed` of ours where it is set.

    >>> "LD_PRELOAD" in environment(), environment(TMPDIR="/x")["TMPDIR"]
    (False, '/x')
    """
    found = {"PATH": os.pathsep.join(search_path()), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    for name in ("HOME", *passed):
        if name in os.environ:
            found[name] = os.environ[name]
    return found | more


def python(*arguments: str) -> list[str]:
    """A command that runs this Python: no current directory, no user's packages, no byte code kept."""
    return [sys.executable, "-IB", *arguments]


def dies_with_parent(number: int = signal.SIGKILL) -> Callable[[], None]:
    """A function for a child between fork and exec: it gets signal `number` when its parent's thread ends.

    All that it needs is made here, before the fork.
    """
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it was gone before we asked
            os._exit(1)

    return ask


@contextlib.contextmanager
def started(
    command: Sequence[str],
    end: Callable[[subprocess.Popen[bytes]], None],
    last_words: int = signal.SIGKILL,
    before_exec: Callable[[], None] | None = None,
    **options: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process; `end(process)` is called on the way out, whatever the way.

    The process starts with the signals of STOPPING blocked, since it inherits that from us: no signal can
    come between its start and our readiness to end it.  It gets the signal `last_words` if we are gone
    without a way out.  `before_exec` is called in the child between fork and exec; it may do system calls.

    >>> with started(["true"], lambda process: None) as process:
    ...     process.wait()
    0
    """
    ask = dies_with_parent(last_words)

    def prepare() -> None:
        ask()
        if before_exec is not None:
            before_exec()

    defaults: dict[str, Any] = {"env": environment(), "stdin": subprocess.DEVNULL, "preexec_fn": prepare}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        process = subprocess.Popen(command, **(defaults | options))
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            yield process
        finally:
            end(process)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """A program to its end, as `subprocess.run`; what it prints is kept as text."""
    defaults: dict[str, Any] = {
        "env": environment(),
        "capture_output": True,
        "text": True,
        "errors": "replace",
        "check": False,
        "preexec_fn": dies_with_parent(),
    }
    if "input" not in options:
        defaults["stdin"] = subprocess.DEVNULL
    return subprocess.run(command, **(defaults | options))


def output(command: Sequence[str]) -> bytes:
    """Run a program and return what it prints.  Raises CalledProcessError where it fails."""
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        command,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=dies_with_parent(),
    )
    return done.stdout
