# SPDX-License-Identifier: MIT
"""Runs a job from beginning to end: sets up what it needs, lets a worker run it, clears everything away.

The supervisor itself does nothing that can hang or crash.  Whatever becomes of the worker (a time-out, a
crash, Ctrl-C), the supervisor kills what is left of it and undoes what was set up.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from typing import Any

from . import calls, cgroup, facts, large, setting
from .ksm import ksm_ready
from .setting import CannotRunError, changed
from .swap import swap_on
from .worker import work

LOCK = "/run/cowpath.lock"
PAGE_CLUSTER = "/proc/sys/vm/page-cluster"
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Result = dict[str, Any]


class StoppedError(BaseException):
    """Raised by the signals that ask us to end."""


def run_job(job: dict[str, Any]) -> Result:
    """Run a job and return its result: `status` is ran, cannot or failed, and `reason` says why."""
    before = {number: signal.signal(number, _stop) for number in STOP_SIGNALS}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)  # whoever started us may have blocked them
    try:
        with contextlib.ExitStack() as stack:
            try:
                set_up(job, stack)
                result = _supervise(job, stack)
            except CannotRunError as reason:
                result = {"status": "cannot", "reason": str(reason)}
            finally:
                for number in STOP_SIGNALS:  # the clearing away is not to be disturbed
                    signal.signal(number, _go_on)
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, before[number])
    return {**result, "test": job["program"]["name"], "facts": facts.collect(job)}


def set_up(job: dict[str, Any], stack: contextlib.ExitStack) -> None:
    """Set up all that the job changes outside its own processes.  Raises CannotRunError."""
    program = job["program"]
    if not job["guest"]:
        _private_mounts()
        stack.enter_context(_alone())
    directory = tempfile.mkdtemp(prefix="cowpath-", dir=job.get("directory"))
    stack.callback(shutil.rmtree, directory, ignore_errors=True)
    job["directory"] = directory
    if not job["guest"]:
        setting.journal = os.path.join(directory, setting.UNDO)
    shared = program["swap"] or program["ksm"] or program["blocks"]
    if shared and not (job["guest"] or job["allow_global"]):
        what = "swap, KSM and large folios are settings of the whole machine"
        raise CannotRunError(f"{what}: --allow-global allows them")
    if program["swap"]:
        stack.enter_context(changed(PAGE_CLUSTER, "0"))  # no readahead: it would bring pages in unasked
    job["swap_paths"] = []
    for number in range(len(program["swap"])):
        device = job["devices"][number] if number < len(job["devices"]) else ""
        place = os.path.join(directory, str(number))
        os.mkdir(place)
        job["swap_paths"].append(stack.enter_context(swap_on(program["swap"][number], device, place)))
    if program["ksm"]:
        stack.enter_context(ksm_ready())
    if program["blocks"]:
        stack.enter_context(large.enabled())
        if any(actor["kind"] == "kswapd" for actor in program["background"]):
            job["cgroup"] = stack.enter_context(cgroup.group(directory))


def _supervise(job: dict[str, Any], stack: contextlib.ExitStack) -> Result:
    """Let a worker run the job, and return what it says; whatever it leaves running ends with `stack`."""
    calls.reap_orphans()
    reader, writer = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # until somebody is there to end the worker
    ourselves = os.getpid()
    worker = os.fork()
    if worker == 0:
        _be_worker(job, writer, ourselves)
    stack.callback(os.close, reader)
    stack.callback(end_session, worker)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    os.close(writer)
    answer = _read_all(reader, worker, time.monotonic() + job["seconds"])
    if answer is None:
        return {"status": "failed", "reason": f"not finished after {job['seconds']} s"}
    if not answer:
        return {"status": "failed", "reason": "the agent's worker died"}
    result: Result = json.loads(answer)
    return result


def _be_worker(job: dict[str, Any], writer: int, supervisor: int) -> None:
    try:
        os.setsid()
        calls.die_with_parent(supervisor)
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        try:
            if job.get("cgroup"):
                cgroup.enter(job["cgroup"])
            answer = work(job)
        except Exception:
            reason = "a bug of the agent: " + traceback.format_exc().strip().replace("\n", " | ")
            answer = {"status": "failed", "reason": reason}
        with os.fdopen(writer, "wb") as file:
            file.write(json.dumps(answer).encode())
        os._exit(0)
    finally:
        os._exit(1)


def _read_all(fd: int, worker: int, deadline: float) -> bytes | None:
    """Return what the worker writes until it ends; None where it does not end in time.

    The end of the pipe says nothing: whatever the worker has forked holds it open.
    """
    parts: list[bytes] = []
    over = calls.syscall(calls.PIDFD_OPEN, "pidfd_open", worker, 0)
    try:
        while True:
            ready, _, _ = select.select([fd, over], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                return None
            part = os.read(fd, 1 << 16) if fd in ready else b""
            if not part:
                return b"".join(parts)
            parts.append(part)
    finally:
        os.close(over)


def end_session(session: int) -> None:
    """Kill every process of a session, and wait until none is left."""
    os.kill(session, signal.SIGKILL)  # its leader may not have begun it yet
    while True:
        for pid in _members(session):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not _members(session):
            return
        time.sleep(0.002)


def _members(session: int) -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
            state = file.read().rpartition(")")[2].split()
            if int(state[3]) == session:
                found.append(int(name))
    return found


def _private_mounts() -> None:
    """Let the mounts of this process be seen by nobody else, and go with it."""
    try:
        calls.unshare(CLONE_NEWNS)
        calls.mount("none", "/", "none", MS_REC | MS_PRIVATE)
    except OSError as error:
        raise CannotRunError(f"needs root: {error.strerror}") from None


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other job runs on the host: two would share their swap devices.

    The lock is this process's own: no process of a test inherits it, so none can hold it after us.
    """
    fd = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("host: another run uses this machine: waiting for it", file=sys.stderr, flush=True)
            fcntl.lockf(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _stop(number: int, frame: object) -> None:
    """Raise StoppedError for the first signal only: Ctrl-C reaches us, and our parent too, which ends us."""
    for other in STOP_SIGNALS:
        signal.signal(other, _go_on)
    raise StoppedError(number)


def _go_on(number: int, frame: object) -> None:
    """Not SIG_IGN: Python complains of a signal that came just before that was set."""
