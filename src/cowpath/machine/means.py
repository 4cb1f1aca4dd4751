# SPDX-License-Identifier: MIT
"""Chooses the system calls that hold the references of a test on a real kernel.

A call that waits is a *slot*: it holds the page until the server of a FUSE file answers.  Each use of the
device has a slot of its own.  What no system call can hold is refused here, with the reason.
"""

from __future__ import annotations

from typing import Any

from cowpath.litmus import ast, statements
from cowpath.litmus.program import Program
from cowpath.machine.errors import MachineError

DeviceUse = statements.DeviceRead | statements.DeviceWrite

HELD_FOR = {"held-read": statements.DeviceWrite, "remote-read": statements.DeviceRead}
"""The statement for which a waiting call is answered, by the means that hold a reference."""

DROPPING = ("MADV_DONTNEED", "MADV_FREE")


class CannotRunAnywhereError(MachineError):
    """Raised for a test that asks for what user space cannot ask of any kernel."""


class Means:
    """The references of a program: `references` for the agent, one for each, and the `slots` they need.

    Raises CannotRunAnywhereError where no system call holds such a reference.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.takes = {
            s.reference: s for _, s in all_statements(program) if isinstance(s, statements.GetUserPage)
        }
        self.slots: list[int] = []  # calls that wait, each with the reference that it belongs to
        self.references = [self._reference(name) for name in program.references]

    def slot_of(self, use: DeviceUse) -> int:
        """Return the waiting call that belongs to this use of the device; 0 where there is none."""
        facts = self.references[self.program.reference_index[use.reference]]
        if HELD_FOR.get(facts["means"]) is not type(use):
            return 0
        uses = self._uses(use.reference, type(use))
        number = next(index for index, other in enumerate(uses) if other is use)
        return int(facts["slots"][number][0])

    def _reference(self, name: str) -> dict[str, Any]:
        take = self.takes[name]
        facts: dict[str, Any] = {"name": name, "page": self.program.page_index[take.page]}
        if "FOLL_FORCE" in take.flags:
            raise CannotRunAnywhereError("no system call holds a FOLL_FORCE reference")
        if "FOLL_WRITE" not in take.flags and self._uses(name, statements.DeviceWrite):
            raise CannotRunAnywhereError(f"the device writes through {name}, which is for reading")
        match take.pin, "FOLL_WRITE" in take.flags:
            case True, True:
                self._check_clean_unpin(name)
                return facts | {"means": "fixed-buffer"}
            case True, False:
                self._check_short_pin(take)
                return facts | {"means": "remote-read"} | self._held(name, statements.DeviceRead)
            case False, True:
                companion = {"companion": bool(self._uses(name, statements.DeviceRead))}
                return facts | {"means": "held-read"} | self._held(name, statements.DeviceWrite) | companion
            case _:
                return facts | {"means": "pipe"}

    def _check_short_pin(self, take: statements.GetUserPage) -> None:
        """Check that process_vm_readv can take this read-only pin: it is slow, and not FOLL_LONGTERM.

        FOLL_LONGTERM makes no difference to an anonymous page; in place of the zero page it wants a new one.
        """
        if take.fast:
            message = "process_vm_readv, which holds read-only pins here, does not take them the fast way"
            raise CannotRunAnywhereError(message)
        page = self.program.pages[self.program.page_index[take.page]]
        dropped = any(
            isinstance(s, statements.Madvise) and s.page == take.page and s.advice in DROPPING
            for _, s in all_statements(self.program)
        )
        if "FOLL_LONGTERM" in take.flags and (page.content is None or dropped):
            message = "process_vm_readv, which holds read-only pins here, is not FOLL_LONGTERM"
            raise CannotRunAnywhereError(message)

    def _check_clean_unpin(self, name: str) -> None:
        """io_uring gives a registered buffer back as it is."""
        for _, statement in all_statements(self.program):
            if isinstance(statement, statements.PutPage) and statement.reference == name and statement.dirty:
                message = "io_uring, which holds pins for writing here, does not mark the page dirty"
                raise CannotRunAnywhereError(message)

    def _held(self, name: str, use: type[DeviceUse]) -> dict[str, Any]:
        """Make a slot for each use of the device, and one more if the page is held after the last use."""
        taker = next(thread for thread, s in all_statements(self.program) if s is self.takes[name])
        process = self.program.threads[taker].process
        if any(
            isinstance(s, statements.Exit) and self.program.threads[t].process == process
            for t, s in all_statements(self.program)
        ):
            message = f"a process cannot exit while its system call that holds {name} waits"
            raise CannotRunAnywhereError(message)
        uses = self._uses(name, use)
        places = [statement.place for statement in uses]
        if not uses or not self._put_follows(uses[-1]):
            places.append(0)
        first = len(self.slots)
        self.slots += [self.program.reference_index[name]] * len(places)
        return {"slots": [[first + number, place] for number, place in enumerate(places)], "process": process}

    def _put_follows(self, last: DeviceUse) -> bool:
        for thread in self.program.threads:
            for statement, following in zip(thread.body, thread.body[1:], strict=False):
                if statement is last:
                    return isinstance(following, statements.PutPage) and following.reference == last.reference
        return False

    def _uses(self, name: str, use: type[DeviceUse]) -> list[DeviceUse]:
        everything = all_statements(self.program)
        return [s for _, s in everything if isinstance(s, use) and s.reference == name]


def all_statements(program: Program) -> list[tuple[int, ast.Statement]]:
    """Return every statement with the number of its thread, in file order."""
    return [(thread.index, statement) for thread in program.threads for statement in thread.body]
