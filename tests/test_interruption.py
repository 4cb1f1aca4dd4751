# SPDX-License-Identifier: MIT
"""Being told to stop, when Python can raise nothing."""

import os
import signal
import sys
import time

import pytest

from cowpath.interruption import stopped_by_signals


class Worn:
    """Something whose destructor is disturbed."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)


def test_an_interruption_that_comes_in_a_destructor_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.unraisablehook, signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGTERM)

    def work() -> None:
        with stopped_by_signals():
            worn = Worn()
            del worn
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                time.sleep(0.01)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert (sys.unraisablehook, signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGTERM)) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert "KeyboardInterrupt" not in capsys.readouterr().err


def test_other_errors_of_destructors_are_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[type[BaseException] | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_type))

    class Wrong:
        def __del__(self) -> None:
            raise ValueError

    with stopped_by_signals():
        wrong = Wrong()
        del wrong
    assert told == [ValueError]
