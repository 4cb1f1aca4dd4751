# SPDX-License-Identifier: MIT
"""The first process of a guest: it loads modules, runs each job, says so line by line, and switches off."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import struct
import sys
import traceback
from typing import Any

from . import calls

BEGIN, RESULT, DONE = "COWPATH-BEGIN", "COWPATH-RESULT", "COWPATH-DONE"
DEVICES = (("/dev/ubda", "/dev/ubdb"), ("/dev/vda", "/dev/vdb"), ("/dev/ram0", "/dev/ram1"))
RNDADDENTROPY = 0x80085203 if os.uname().machine.startswith("ppc") else 0x40085203
QUIET = "/proc/sys/kernel/printk"


def main() -> None:
    """Mount, load modules, run the jobs; the last line tells the host that all went well."""
    for source, target, kind in (
        ("proc", "/proc", "proc"),
        ("sys", "/sys", "sysfs"),
        ("dev", "/dev", "devtmpfs"),
        ("tmp", "/tmp", "tmpfs"),
    ):
        with contextlib.suppress(OSError):  # some kernels mount /dev themselves
            calls.mount(source, target, kind)
    feed_entropy()
    load_modules()
    with contextlib.suppress(OSError), open(QUIET, "w") as file:
        file.write("1")  # kernel messages would come between our lines; they are kept and looked at
    messages = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    complaints(messages)
    devices = next((list(pair) for pair in DEVICES if os.path.exists(pair[0])), [])
    for name in sorted(os.listdir("/jobs")):
        with open(f"/jobs/{name}") as job_file:
            job = json.load(job_file)
        say(BEGIN, name)
        result = attempt(dict(job, guest=True, devices=devices, directory="/tmp"))
        say(RESULT, name, json.dumps(dict(result, complaints=complaints(messages))))
    say(DONE)


def attempt(job: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a job.  A bug of the agent is a result too, and the next job runs."""
    from .programs import run_program
    from .supervise import run_job  # wants random numbers, and the kernel has none at first

    try:
        return run_program(job) if "command" in job else run_job(job)
    except Exception:
        return {"status": "failed", "reason": traceback.format_exc().strip().splitlines()[-1], "facts": {}}


def feed_entropy() -> None:
    """Credit the host's random numbers as entropy: old kernels wait for ever for better ones."""
    with open("/seed", "rb") as file:
        seed = file.read()
    fd = os.open("/dev/urandom", os.O_RDWR)
    try:
        fcntl.ioctl(fd, RNDADDENTROPY, struct.pack("=ii", 8 * len(seed), len(seed)) + seed)
    finally:
        os.close(fd)


def load_modules() -> None:
    """Load every module that came with the guest, in order; one that is built in is no error."""
    for path in sorted(glob.glob("/modules/*.ko")):
        with open(path, "rb") as file:
            content = file.read()
        try:
            calls.syscall(calls.INIT_MODULE, os.path.basename(path), content, len(content), b"")
        except OSError as error:
            say("COWPATH-NOTE", str(error))


def complaints(messages: int) -> list[str]:
    """Return the lines that the kernel logged since the last call, if they are a warning or worse."""
    found: list[str] = []
    while True:
        try:
            record = os.read(messages, 8192).decode(errors="replace")
        except BlockingIOError:
            return found[:20]
        except BrokenPipeError:  # some were overwritten before we came
            continue
        level = int(record.partition(",")[0]) & 7
        text = record.partition(";")[2].splitlines()[0]
        if level <= 4 and any(word in text for word in ("BUG", "WARNING", "Oops", "Bad page", "Bad rss")):
            found.append(text)


def say(*words: str) -> None:
    """Send one line to the host, in one write."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def live() -> None:
    """Live the whole life of a guest: run everything, then switch off."""
    try:
        main()
    except BaseException:
        traceback.print_exc()
    finally:
        calls.power_off()
