# SPDX-License-Identifier: MIT
"""Replays a path, round after round: boots the guest, drives its threads, and reads what it shows."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cowpath.machine import images
from cowpath.machine.apt import say
from cowpath.machine.errors import MachineError
from cowpath.machine.guest import GuestDiedError, Launch, kill_session
from cowpath.machine.job import Job
from cowpath.machine.programs import PLACE
from cowpath.machine.qemu import Qemu
from cowpath.machine.replay.code import NoSuchPlaceError, Symbols
from cowpath.machine.replay.director import NOWHERE, CrashedError, Director, UnreachedError, WatchedPlaces
from cowpath.machine.replay.gdb import Gdb, GdbError
from cowpath.machine.replay.places import PLACES, find, is_in_fault
from cowpath.machine.replay.source import page_addresses
from cowpath.machine.replay.turns import NOBODY, Turn

BOOT_SECONDS, TURN_SECONDS, ROUND_SECONDS = 240.0, 60.0, 180.0
DEVICE_SECONDS = 0.3
"""The time that a device gets to end its writes, while all threads wait."""

CHUNK = 100
"""So many rounds that nobody drives are one job: what they showed is told when they are over."""

BOOTS = 4
"""A kernel that has crashed is booted again, so often at most without a round in between."""

WRITE_SYMBOLS = b"""#!/usr/bin/python3 -SB
with open("/proc/kallsyms") as symbols:
    text = "".join(line for line in symbols if "[" not in line).encode()
with open("/dev/vdb", "wb") as disk:
    disk.write(text)
print(len(text))
"""
"""The kernel's own symbols go out by the guest's second disk: its console is slow."""

WAIT_FOR_RCU = ("swapoff", "pin_user_page")
"""Statements in which the kernel waits for RCU: io_uring does, before it takes and gives up its buffers."""

VALUE = re.compile(r"\b(\d+:\w+(?:\[\d+\])?)=(-?\d+)(?!\S)")


@dataclass
class Round:
    """A round of a replay: how many turns were followed, why it ended early, what was seen at its end."""

    followed: int = 0
    why: str = ""
    crashed: bool = False
    observed: dict[str, int] = field(default_factory=dict)
    """Bytes by the names that conditions have for them; -1 for a register that was never assigned."""


class ReplayGuest(Qemu):
    """A guest with a processor for each thread and one for the rest, and its gdb stub on a socket."""

    def __init__(self, name: str, image: images.Image, threads: int) -> None:
        super().__init__(name, "amd64", image, processors=threads + 1)
        self.directory = Path()

    def launch(self, directory: Path, console: int) -> Launch:
        """Return the command, with the stub."""
        self.directory = directory
        launch = super().launch(directory, console)
        stub = ["-chardev", f"socket,id=gdb,path={directory}/gdb,server=on,wait=off", "-gdb", "chardev:gdb"]
        return Launch([*launch.command, *stub], launch.environment, launch.user, launch.before_exec)


def symbols(guest: ReplayGuest) -> Symbols:
    """Return the symbols of a guest's kernel, from the cache or from a boot.  Raises MachineError."""
    assert guest.image is not None
    kept = images.cache() / "symbols" / f"{guest.image.package}-{guest.image.version}"
    if not kept.is_file():
        say(f"{guest.name}: booting, for its symbols")
        guest.files = {f"{PLACE}/symbols": WRITE_SYMBOLS}
        for result in guest.boot([{"command": [f"/{PLACE}/symbols"], "swap": "", "seconds": BOOT_SECONDS}]):
            with (guest.directory / "swap1").open("rb") as file:
                text = file.read(int(result["output"]))
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(text)
    return Symbols(kept.read_text())


@dataclass(frozen=True)
class Plan:
    """A compiled test and the path to drive it along.

    `swap` is the kind of its swap device, `pages` the size of that (0: all of the disk).  Of `threads` those
    in `first` are there from the start; others are forked.
    """

    test: Path
    swap: str
    pages: int
    threads: int
    first: tuple[int, ...]
    turns: Sequence[Turn]

    def job(self, rounds: int = 0) -> Job:
        """Return what the guest does: a round that is driven or, if `rounds`, so many that nobody drives."""
        command = [f"/{PLACE}/test", "{swap}", *([str(rounds)] if rounds else [])]
        return {
            "command": command,
            "swap": self.swap,
            "swap_pages": self.pages,
            "seconds": ROUND_SECONDS,
            "first_processor": True,
        }


def replay(guest: ReplayGuest, plan: Plan, rounds: int) -> list[Round]:
    """Drive a test along its path, so often.  Raises MachineError."""
    known = symbols(guest)
    guest.files = {f"{PLACE}/test": plan.test.read_bytes()}
    found: list[Round] = []
    fruitless = 0
    while len(found) < rounds:
        say(f"{guest.name}: booting, {rounds - len(found)} rounds")
        before = len(found)
        found += _one_boot(guest, known, plan, rounds - len(found))
        fruitless = fruitless + 1 if len(found) == before else 0
        if fruitless == BOOTS:
            raise MachineError(f"{guest.name} came to no round in {BOOTS} boots")
    return found


def run_free(guest: ReplayGuest, plan: Plan, rounds: int) -> list[Round]:
    """Run a test that nobody drives, so often, with pauses by chance; fewer rounds where the kernel crashes.

    Raises MachineError where the guest says nothing at all.
    """
    guest.files = {f"{PLACE}/test": plan.test.read_bytes()}
    sizes = [min(CHUNK, rounds - start) for start in range(0, rounds, CHUNK)]
    found: list[Round] = []
    say(f"{guest.name}: booting, {rounds} rounds that nobody drives")
    try:
        for result in guest.boot([plan.job(size) for size in sizes]):
            lines = str(result.get("output", "")).splitlines()
            found += [Round(observed=_values(line)) for line in lines if VALUE.search(line)]
    except GuestDiedError as error:
        if error.unborn:
            raise MachineError(f"{guest.name}: {error}") from None
        found.append(Round(why=str(error).splitlines()[0], crashed=True))
    return found


def _one_boot(guest: ReplayGuest, known: Symbols, plan: Plan, rounds: int) -> list[Round]:
    """Return the rounds of one boot; fewer than asked for where the kernel does not survive."""
    found: list[Round] = []
    driver = threading.Thread(target=_drive, args=(guest, known, plan, rounds, found), daemon=True)
    outputs: list[str] = []
    with contextlib.suppress(GuestDiedError):
        running = guest.boot([plan.job()] * rounds)
        driver.start()
        for result in running:
            outputs.append(str(result.get("output", "")))
    guest.stopped = False
    driver.join(BOOT_SECONDS)
    for one, output in zip(found, outputs, strict=False):
        one.observed = _values(output)
    complete = len(outputs) + any(one.crashed for one in found)
    return found[:complete]


def _values(output: str) -> dict[str, int]:
    return {name: int(value) for name, value in VALUE.findall(output)}


def _drive(guest: ReplayGuest, known: Symbols, plan: Plan, rounds: int, found: list[Round]) -> None:
    """Drive every round of one boot, in a thread of its own."""
    try:
        sleepy = any(name in turn.statement for turn in plan.turns for name in WAIT_FOR_RCU)
        director = Director(attach(guest), known, plan.threads, sleepy)
        for _ in range(rounds):
            director.begin(plan.first, BOOT_SECONDS)
            found.append(one := Round())
            _follow(director, plan.turns, one)
            if one.crashed:
                break
            director.finish(TURN_SECONDS)
    except (GdbError, UnreachedError, OSError) as error:
        if len(found) < rounds:  # after the last round the guest switches itself off
            say(f"{guest.name}: {error}")
    finally:
        if len(found) < rounds or any(one.crashed for one in found):
            time.sleep(1)
            if guest.process is not None:
                guest.stopped = True
                kill_session(guest.process, patience=0)


def _follow(director: Director, turns: Sequence[Turn], one: Round) -> None:
    turn = None
    try:
        for turn in turns:
            if turn.thread == NOBODY:
                director.rest(DEVICE_SECONDS)
            else:
                director.run(turn.thread, _watch(director, turn), TURN_SECONDS)
            one.followed += 1
    except CrashedError as error:
        one.why, one.crashed = str(error), True
    except (UnreachedError, NoSuchPlaceError) as error:
        one.why = f"{turn.name if turn else ''} {error}".strip()


def _watch(director: Director, turn: Turn) -> WatchedPlaces:
    """Return where a turn ends; NOWHERE for the end of its statement."""
    if not turn.place:
        return NOWHERE
    page = page_addresses(turn.page) if turn.page is not None and is_in_fault(turn.place) else None
    return WatchedPlaces(find(director.code, turn.place), page, PLACES[turn.place].atomic)


def attach(guest: ReplayGuest) -> Gdb:
    """Connect to the stub as soon as it listens.  Raises GdbError."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if guest.process is not None and (guest.directory / "gdb").exists():
                return Gdb(str(guest.directory / "gdb"))
        time.sleep(0.05)
    raise GdbError("QEMU opens no gdb stub")
