# SPDX-License-Identifier: MIT
"""From a checked `Program` to the JSON that the agent runs: names become numbers, references get their means.

What no machine can do is found here, with the reason; what only some machines lack, the agent finds out.
"""

from __future__ import annotations

from typing import Any

from cowpath.litmus import ast
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import Program
from cowpath.machine.errors import MachineError

DeviceUse = ast.DeviceRead | ast.DeviceWrite

HELD_FOR = {"held-read": ast.DeviceWrite, "remote-read": ast.DeviceRead}
"""What the calls that wait are answered for, by the means that they are."""

DROPPING = ("MADV_DONTNEED", "MADV_FREE")

PROT = {"PROT_NONE": 0, "PROT_READ": 1, "PROT_WRITE": 2}


class CannotRunAnywhereError(MachineError):
    """A test that asks for what user space cannot ask of any kernel."""


def compile_program(program: Program) -> dict[str, Any]:
    """The program for the agent.  Raises CannotRunAnywhereError.

    >>> from cowpath.litmus.resolve import program_from_text
    >>> compiled = compile_program(program_from_text("C t { char x[2]; } P0(char *x) { r0 = x[1]; }"))
    >>> compiled["threads"][0]["body"]
    [{'do': 'Load', 'text': 'r0 = x[1]', 'register': 0, 'page': 0, 'place': 1}]
    """
    return _Compiler(program).compile()


class _Compiler:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.takes = {s.reference: s for _, s in _statements(program) if isinstance(s, ast.GetUserPage)}
        self.slots: list[int] = []  # calls that wait, each with the reference that it belongs to
        self.references = [self._reference(name) for name in program.references]

    def compile(self) -> dict[str, Any]:
        program = self.program
        kinds = {type(statement) for _, statement in _statements(program)}
        merging = any(
            isinstance(s, ast.Madvise) and s.advice.endswith("MERGEABLE") for _, s in _statements(program)
        )
        background = [{"kind": actor.kind, "pages": list(actor.pages)} for actor in program.background]
        return {
            "name": program.name,
            "pages": [
                {"name": page.name, "places": page.places, "content": page.content} for page in program.pages
            ],
            "threads": [
                {"process": thread.process, "body": [self._statement(thread.index, s) for s in thread.body]}
                for thread in program.threads
            ],
            "parents": list(program.parents),
            "references": self.references,
            "slots": self.slots,
            "registers": [list(register) for register in program.registers],
            "swap": list(program.swap),
            "background": background,
            "ksm": merging or ast.KsmMerge in kinds or any(a.kind == "ksmd" for a in program.background),
            "taken_away": self._taken_away(),
        }

    def _taken_away(self) -> list[int]:
        """The pages that one thread unmaps or protects while another of its process may use them."""
        found = set()
        for thread, statement in _statements(self.program):
            if isinstance(statement, ast.Munmap | ast.Mprotect):
                process = self.program.threads[thread].process
                others = (
                    s for t, s in _statements(self.program)
                    if t != thread and self.program.threads[t].process == process
                )  # fmt: skip
                if any(isinstance(s, ast.Load | ast.Store) and s.page == statement.page for s in others):
                    found.add(self.program.page_index[statement.page])
        return sorted(found)

    # -- references --------------------------------------------------------------------------------

    def _reference(self, name: str) -> dict[str, Any]:
        take = self.takes[name]
        facts: dict[str, Any] = {"name": name, "page": self.program.page_index[take.page]}
        if "FOLL_FORCE" in take.flags:
            raise CannotRunAnywhereError("no system call holds a FOLL_FORCE reference")
        if "FOLL_WRITE" not in take.flags and self._uses(name, ast.DeviceWrite):
            raise CannotRunAnywhereError(f"the device writes through {name}, which is for reading")
        match take.pin, "FOLL_WRITE" in take.flags:
            case True, True:
                return facts | {"means": "fixed-buffer"}
            case True, False:
                self._check_short_pin(take)
                return facts | {"means": "remote-read"} | self._held(name, ast.DeviceRead)
            case False, True:
                companion = {"companion": bool(self._uses(name, ast.DeviceRead))}
                return facts | {"means": "held-read"} | self._held(name, ast.DeviceWrite) | companion
            case _:
                return facts | {"means": "pipe"}

    def _check_short_pin(self, take: ast.GetUserPage) -> None:
        """What holds a read-only pin is process_vm_readv, which takes it the slow way without FOLL_LONGTERM.

        FOLL_LONGTERM makes no difference to an anonymous page; in place of the zero page it wants a new one.
        """
        if take.fast:
            message = "process_vm_readv, which holds read-only pins here, does not take them the fast way"
            raise CannotRunAnywhereError(message)
        page = self.program.pages[self.program.page_index[take.page]]
        dropped = any(
            isinstance(s, ast.Madvise) and s.page == take.page and s.advice in DROPPING
            for _, s in _statements(self.program)
        )
        if "FOLL_LONGTERM" in take.flags and (page.content is None or dropped):
            message = "process_vm_readv, which holds read-only pins here, is not FOLL_LONGTERM"
            raise CannotRunAnywhereError(message)

    def _held(self, name: str, use: type[DeviceUse]) -> dict[str, Any]:
        """One call that waits for each use of the device, and one more if the page is held after the last."""
        taker = next(thread for thread, s in _statements(self.program) if s is self.takes[name])
        process = self.program.threads[taker].process
        if any(
            isinstance(s, ast.Exit) and self.program.threads[t].process == process
            for t, s in _statements(self.program)
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
                    return isinstance(following, ast.PutPage) and following.reference == last.reference
        return False

    def _uses(self, name: str, use: type[DeviceUse]) -> list[DeviceUse]:
        everything = _statements(self.program)
        return [s for _, s in everything if isinstance(s, use) and s.reference == name]

    # -- statements --------------------------------------------------------------------------------

    def _statement(self, thread: int, statement: ast.Statement) -> dict[str, Any]:
        compiled: dict[str, Any] = {"do": type(statement).__name__, "text": statement_text(statement)}
        program = self.program
        match statement:
            case ast.Load(register=register, page=page, place=place):
                return compiled | {"register": self._register(thread, register)} | self._place(page, place)
            case ast.Store(page=page, place=place, value=value):
                return compiled | self._place(page, place) | self._value(thread, value)
            case ast.DeviceWrite(reference=name, place=place, value=value):
                where = {
                    "reference": program.reference_index[name],
                    "place": place,
                    "slot": self._slot(statement),
                }
                return compiled | where | self._value(thread, value)
            case ast.DeviceRead(register=register, reference=name, place=place):
                where = {
                    "reference": program.reference_index[name],
                    "place": place,
                    "slot": self._slot(statement),
                }
                return compiled | where | {"register": self._register(thread, register)}
            case ast.GetUserPage(reference=name) | ast.PutPage(reference=name):
                return compiled | {"reference": program.reference_index[name]}
            case (
                ast.SoftDirty(register=register, page=page)
                | ast.UserfaultfdRead(register=register, page=page)
            ):
                number = program.page_index[page]
                return compiled | {"register": self._register(thread, register), "page": number}
            case ast.Fork(thread=name):
                return compiled | {"process": program.threads[program.thread_index[name]].process}
            case ast.Wait(thread=name):
                return compiled | {"thread": program.thread_index[name]}
            case _:
                return compiled | self._memory_management(statement)

    def _memory_management(self, statement: ast.Statement) -> dict[str, Any]:
        number = self.program.page_index
        match statement:
            case ast.Madvise(page=page, advice=advice):
                return {"page": number[page], "name": page, "advice": advice}
            case ast.Mprotect(page=page, protection=protection):
                return {"page": number[page], "protection": sum(PROT[name] for name in protection)}
            case ast.Munmap(page=page):
                return {"page": number[page]}
            case ast.Migrate(page=page):
                return {"page": number[page], "name": page}
            case ast.KsmMerge(page=page, other=other):
                return {"page": number[page], "other": number[other], "name": f"{page} and {other}"}
            case ast.UserfaultfdMove(destination=destination, source=source):
                return {"page": number[destination], "source": number[source]}
            case ast.NumaHint():
                raise CannotRunAnywhereError("NUMA balancing scans when it likes: no system call asks for it")
            case ast.UserfaultfdWp(page=page, mode=mode):
                return {"page": number[page], "protect": not mode}
            case ast.Swapoff() | ast.Exit() | ast.ClearRefs():
                return {}
        raise CannotRunAnywhereError(f"{type(statement).__name__} has no system call yet")

    def _place(self, page: str, place: int) -> dict[str, Any]:
        return {"page": self.program.page_index[page], "place": place}

    def _value(self, thread: int, value: ast.Value) -> dict[str, Any]:
        if isinstance(value, ast.Register):
            return {"from": self._register(thread, value.name)}
        return {"value": value}

    def _register(self, thread: int, name: str) -> int:
        return self.program.registers.index((thread, name))

    def _slot(self, use: DeviceUse) -> int:
        """The waiting call that belongs to this use of the device; 0 where there is none."""
        facts = self.references[self.program.reference_index[use.reference]]
        if HELD_FOR.get(facts["means"]) is not type(use):
            return 0
        uses = self._uses(use.reference, type(use))
        number = next(index for index, other in enumerate(uses) if other is use)
        return int(facts["slots"][number][0])


def _statements(program: Program) -> list[tuple[int, ast.Statement]]:
    return [(thread.index, statement) for thread in program.threads for statement in thread.body]
