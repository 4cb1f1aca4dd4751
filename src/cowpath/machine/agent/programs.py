# SPDX-License-Identifier: MIT
"""A program that came with the guest, run as it is: no litmus test, only a command and what it prints."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from . import calls
from .setting import CannotRunError
from .swap import swap_on

DEBUGFS = "/sys/kernel/debug"
OUTPUT = "/tmp/output"


def run_program(job: dict[str, Any]) -> dict[str, Any]:
    """Run `command` with a swap device of the kind `swap` ("" for none), for at most `seconds`.

    "{swap}" among its words stands for the device; of `swap_pages` pages where the job says so.  Where it
    says `first_processor`, the agent keeps to that one: another process on a processor empties its TLB.

    The result has its exit `code` (None where it did not end in time) and `output`; `status` is "cannot"
    where the guest lacks the swap device.
    """
    system = os.uname()
    facts = {"release": system.release, "version": system.version}
    if job.get("first_processor"):
        os.sched_setaffinity(0, {0})
    try:
        with contextlib.ExitStack() as stack:
            path = ""
            if job["swap"]:
                device = next(iter(job["devices"]), "")
                pages = job.get("swap_pages", 0)
                path = stack.enter_context(swap_on(job["swap"], device, job["directory"], pages))
            with contextlib.suppress(OSError):  # a kernel without it runs what does not ask for it
                calls.mount("debug", DEBUGFS, "debugfs")
            command = [path if word == "{swap}" else word for word in job["command"]]
            code = _run(command, job["seconds"])
    except CannotRunError as reason:
        return {"status": "cannot", "reason": str(reason), "facts": facts}
    with open(OUTPUT, errors="replace") as file:
        return {"status": "ran", "code": code, "output": file.read(), "facts": facts}


def _run(command: list[str], seconds: float) -> int | None:
    """Run a command with its output to a file, and return its exit code."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 1, OUTPUT, flags, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
    child = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    deadline = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            return None
        time.sleep(0.05)
