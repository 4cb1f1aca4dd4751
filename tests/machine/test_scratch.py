# SPDX-License-Identifier: MIT
"""Runs that were killed: their guests and agents end, and the next run removes what they could not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cowpath.machine import scratch
from cowpath.machine.agent import swap
from cowpath.machine.agent.setting import UNDO
from cowpath.machine.machines import Machine
from tests.machine.test_host import HANG, start_agent, state, wait_for_swap

pytestmark = pytest.mark.xdist_group("machine")

MAIN = "import sys; from cowpath.cli import main; sys.exit(main())"


@pytest.fixture
def abandoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory as a dead run leaves it: marked, and locked by nobody.

    It lies where no other run of this machine would find it, and clear it away under our hands.
    """
    for place in ("MEMORY", "DISK"):
        monkeypatch.setattr(scratch, place, (str(tmp_path), getattr(scratch, place)[1]))
    made = Path(tempfile.mkdtemp(prefix=scratch.MEMORY[1], dir=tmp_path))
    (made / scratch.MARK).touch()
    (made / "below").mkdir()
    (made / "below" / "file").touch()
    return made


def test_what_a_dead_run_left_is_removed(abandoned: Path) -> None:
    assert abandoned in scratch.remove_leftovers()
    assert not abandoned.exists()


def test_what_belongs_to_a_run_that_lives_stays() -> None:
    with scratch.directory() as mine:
        assert mine not in scratch.remove_leftovers()
        assert (mine / scratch.MARK).exists()
    assert not mine.exists()


def test_what_is_not_ours_stays(abandoned: Path) -> None:
    (abandoned / scratch.MARK).unlink()
    assert abandoned not in scratch.remove_leftovers()
    shutil.rmtree(abandoned)


def test_processes_of_a_dead_run_are_ended(abandoned: Path) -> None:
    process = subprocess.Popen([shutil.which("tail") or "tail", "-f", str(abandoned / "below" / "file")])
    words = Path(f"/proc/{process.pid}/cmdline")
    assert soon(lambda: bool(words.read_bytes())), "Popen returns before execve has set up an argv"
    assert abandoned in scratch.remove_leftovers()
    assert process.wait(timeout=10) == -signal.SIGKILL


def test_a_journal_changes_no_other_file(abandoned: Path, tmp_path: Path) -> None:
    """A guest can write files in its directory, too."""
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    lines = [
        {"setting": str(victim), "value": "owned"},
        {"setting": f"/proc/sys/vm/../../..{victim}", "value": "x"},
        7,
    ]
    (abandoned / UNDO).write_text("\n".join(map(json.dumps, lines)))
    assert abandoned in scratch.remove_leftovers()
    assert victim.read_text() == "as it was"


def kill_run(machine: str, begun: Callable[[], bool], directory: Path) -> int:
    """Kill a run on a machine once it has begun there; its process id."""
    arguments = ["run", "fork-then-unmap", "--on", machine, "--rounds", "100000", "--allow-global"]
    process = subprocess.Popen([sys.executable, "-c", MAIN, *arguments, "--results", str(directory)])
    deadline = time.monotonic() + 90
    while not begun():
        assert time.monotonic() < deadline, "it never began"
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.3)
    process.kill()
    process.wait()
    return process.pid


def soon(holds: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def programs_in(prefix: str) -> list[str]:
    """The processes whose program lies in, or whose command names, a directory that begins like this."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{name}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            if prefix in command or os.readlink(f"/proc/{name}/exe").startswith(prefix):
                found.append(f"{name}: {command}")
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("machine", ["uml:6.1", "qemu:6.1"])
def test_a_guest_ends_with_a_run_that_is_killed(
    real_machine: Callable[[str], Machine], machine: str, tmp_path: Path
) -> None:
    real_machine(machine)
    prefix = "/".join(scratch.MEMORY)
    before = set(programs_in(prefix))
    kill_run(machine, lambda: bool(set(programs_in(prefix)) - before), tmp_path)
    assert soon(lambda: not set(programs_in(prefix)) - before), programs_in(prefix)
    scratch.remove_leftovers()
    assert list(scratch.leftovers()) == []


@pytest.mark.slow
@pytest.mark.alone
def test_an_agent_puts_away_after_a_run_that_is_killed(root: None, tmp_path: Path) -> None:
    before = state()
    kill_run("host", lambda: "cowpath-" in Path("/proc/swaps").read_text(), tmp_path)
    assert soon(lambda: state()["swaps"] == before["swaps"] and state()["agents"] == before["agents"])
    scratch.remove_leftovers()
    assert state() == before


def zrams() -> list[str]:
    """The zram devices of this machine."""
    return sorted(path.name for path in Path("/sys/block").glob("zram*"))


def test_a_journal_takes_no_other_device_away(abandoned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that is none, nor one that has another size: a number may be somebody else's by now."""
    taken: list[str] = []
    monkeypatch.setattr(scratch, "remove_zram", taken.append)
    lines = [{"zram": number} for number in ("../../etc", "", "9999", "0")] + [{"zram": 0}]
    (abandoned / UNDO).write_text("\n".join(map(json.dumps, lines)))
    size = Path("/sys/block/zram0/disksize")
    ours = size.exists() and size.read_text().strip() in ("0", str(swap.BYTES))
    assert abandoned in scratch.remove_leftovers()
    assert taken == (["0"] if ours and "/dev/zram0" not in Path("/proc/swaps").read_text() else [])


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(("kind", "device"), [("ssd", "cowpath-"), ("zram", "zram"), ("ssd_stable", "loop")])
def test_the_next_run_puts_away_after_an_agent_that_is_killed(root: None, kind: str, device: str) -> None:
    if kind == "zram" and not os.path.isdir(swap.ZRAM_CONTROL):
        pytest.skip("this kernel has no zram")
    before, devices = state(), zrams()
    above, prefix = scratch.DISK
    place = Path(tempfile.mkdtemp(prefix=prefix, dir=above))
    (place / scratch.MARK).touch()
    process = start_agent(HANG.replace("{", f"{{ swap = {kind}; ", 1), place, round_seconds=60)
    wait_for_swap(device)
    assert Path("/proc/sys/vm/page-cluster").read_text() == "0\n"
    process.kill()
    process.communicate()
    assert place in scratch.remove_leftovers()
    assert soon(lambda: state() == before), (state(), before)
    assert zrams() == devices
