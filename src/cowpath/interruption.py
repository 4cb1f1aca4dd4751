# SPDX-License-Identifier: MIT
"""Being told to stop: once, whoever says it, and not again while things are put away."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stopped_by_signals(restored: bool = True) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt; a second one does not disturb the clearing away.

    Outside the main thread, and for a signal that is ignored as SIGHUP is under nohup, nothing changes.
    Afterwards all is as before, but for a process that has been stopped and is not to be `restored`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in STOPPING}
    stopped: list[int] = []
    owner = os.getpid()
    mine = [number for number in STOPPING if before[number] is not signal.SIG_IGN]

    def stop(number: int, frame: object) -> None:
        if os.getpid() != owner:  # a worker just forked, which has not come to work_for_parent yet
            if number != signal.SIGINT:
                os._exit(128 + number)
            return
        stopped.append(number)
        for other in mine:
            signal.signal(other, _go_on)
        raise KeyboardInterrupt

    for number in mine:
        signal.signal(number, stop)
    try:
        with _never_lost():
            yield
    finally:
        if restored or not stopped:
            for number in mine:
                signal.signal(number, before[number])


AGAIN = 0.01
"""Seconds after which a KeyboardInterrupt that was lost is raised again."""


@contextlib.contextmanager
def _never_lost() -> Iterator[None]:
    """Raise KeyboardInterrupt again where it came when Python can raise nothing, and would only tell of it.

    That is so in destructors, and in what Python does around fork().  The next moment is better, as a rule.
    """
    hook, alarm = sys.unraisablehook, signal.getsignal(signal.SIGALRM)

    def raise_again(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    def tell(lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_type is not KeyboardInterrupt:
            hook(lost)
            return
        signal.signal(signal.SIGALRM, raise_again)
        signal.setitimer(signal.ITIMER_REAL, AGAIN)

    sys.unraisablehook = tell
    try:
        yield
    finally:
        sys.unraisablehook = hook
        if signal.getsignal(signal.SIGALRM) is raise_again:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, alarm)


def _go_on(number: int, frame: object) -> None:
    """Not SIG_IGN, which children would inherit."""


def work_for_parent() -> None:
    """Make a worker process of one that was just forked: the parent alone is told to stop, and ends it.

    The kernel ends it where the parent is gone without having done so.
    """
    import ctypes  # few processes need these
    from multiprocessing import get_start_method, parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    parent = parent_process()
    forked = get_start_method() == "fork"  # else it is the server of forks that we are a child of
    if parent is None or not (os.getppid() == parent.pid if forked else parent.is_alive()):
        os._exit(1)  # it was gone before we asked


PR_SET_PDEATHSIG = 1
