# SPDX-License-Identifier: MIT
"""The check at the end of CI sees what it looks for."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests import leftovers
from tests.founding import ROOT


def test_a_process_and_a_file_that_stay_are_named() -> None:
    before = leftovers.present()
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    with tempfile.NamedTemporaryFile(prefix="cowpath-leftover-", dir="/var/tmp") as file:
        left = leftovers.beyond(before)
    process.kill()
    process.wait()
    assert any(one.startswith(f"processes: {process.pid} ") for one in left)
    assert f"files: {file.name}" in left
    assert f"files: {file.name}" not in leftovers.beyond(before)


ORPHAN = "orphan=$(sh -c 'sleep 0.1 >/dev/null & echo $!'); sleep 1; test ! -e /proc/$orphan"
"""What has lost its parent and ended is no zombie for ever: tests look whether processes are gone."""


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ("true", 0, ""),
        ("exit 7", 7, ""),
        ("sleep 0.3 &", 0, ""),
        (ORPHAN, 0, ""),
        ("setsid sh -c 'sleep 60 &' >/dev/null 2>&1 &", 1, "left behind: processes: "),
        ("touch FILE", 1, "left behind: files: FILE"),
    ],
)
def test_a_command_that_leaves_something_fails(script: str, status: int, said: str) -> None:
    left = Path(f"/var/tmp/cowpath-leftover-{os.getpid()}")  # other processes run other cases of this test
    script, said = script.replace("FILE", str(left)), said.replace("FILE", str(left))
    code = "import sys; from tests import leftovers as l; l.PATIENCE = 2; sys.exit(l.main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "bash", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    left.unlink(missing_ok=True)
    for number in re.findall(r"processes: (\d+) ", done.stdout):
        os.kill(int(number), signal.SIGKILL)
    ours = [line for line in done.stdout.splitlines() if "processes" in line or str(left) in line]
    assert bool(ours) == bool(said), done.stdout
    assert said in done.stdout
    assert done.returncode == status or (not status and not ours), done.stderr
