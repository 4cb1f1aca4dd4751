# SPDX-License-Identifier: MIT
"""From a checked `Program` to the JSON that the agent runs: names become numbers, references get their means.

What no machine can do is found here, with the reason; what only some machines lack, the agent finds out.
"""

from __future__ import annotations

from typing import Any

from cowpath.litmus import ast
from cowpath.litmus.print import statement_text
from cowpath.machine.errors import MachineError
from cowpath.program import Program

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
        self.slots: list[int] = []  # held reads, each with the reference that it belongs to
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
            "careful": bool(kinds & {ast.Munmap, ast.Mprotect}),
        }

    # -- references --------------------------------------------------------------------------------

    def _reference(self, name: str) -> dict[str, Any]:
        take = self.takes[name]
        facts: dict[str, Any] = {"name": name, "page": self.program.page_index[take.page]}
        if "FOLL_FORCE" in take.flags:
            raise CannotRunAnywhereError("no system call holds a FOLL_FORCE reference")
        if take.pin and "FOLL_WRITE" not in take.flags:
            raise CannotRunAnywhereError("no system call holds a read-only FOLL_PIN for as long as we like")
        if take.pin:
            return facts | {"means": "fixed-buffer"}
        if "FOLL_WRITE" not in take.flags:
            if self._writes(name):
                raise CannotRunAnywhereError(f"the device writes through {name}, which is for reading")
            return facts | {"means": "pipe"}
        return facts | {"means": "held-read"} | self._held_reads(name)

    def _held_reads(self, name: str) -> dict[str, Any]:
        """One held read for each device_write, and one more to hold the page until put_page if need be."""
        taker = next(thread for thread, s in _statements(self.program) if s is self.takes[name])
        process = self.program.threads[taker].process
        if any(
            isinstance(s, ast.Exit) and self.program.threads[t].process == process
            for t, s in _statements(self.program)
        ):
            message = f"a process cannot exit while its read into {name} is held"
            raise CannotRunAnywhereError(message)
        places = [write.place for write in self._writes(name)]
        if not places or not self._put_follows_last_write(name):
            places.append(0)
        first = len(self.slots)
        self.slots += [self.program.reference_index[name]] * len(places)
        slots = [[first + number, place] for number, place in enumerate(places)]
        return {"slots": slots, "companion": self._is_read(name)}

    def _put_follows_last_write(self, name: str) -> bool:
        last = self._writes(name)[-1]
        for thread in self.program.threads:
            for statement, following in zip(thread.body, thread.body[1:], strict=False):
                if statement is last:
                    return isinstance(following, ast.PutPage) and following.reference == name
        return False

    def _writes(self, name: str) -> list[ast.DeviceWrite]:
        everything = _statements(self.program)
        return [s for _, s in everything if isinstance(s, ast.DeviceWrite) and s.reference == name]

    def _is_read(self, name: str) -> bool:
        everything = _statements(self.program)
        return any(isinstance(s, ast.DeviceRead) and s.reference == name for _, s in everything)

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
                where = {"reference": program.reference_index[name], "place": place}
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

    def _slot(self, write: ast.DeviceWrite) -> int:
        """The held read that belongs to this write; 0 where the reference has none."""
        held = self.references[self.program.reference_index[write.reference]].get("slots")
        writes = self._writes(write.reference)
        number = next(index for index, other in enumerate(writes) if other is write)
        return int(held[number][0]) if held else 0


def _statements(program: Program) -> list[tuple[int, ast.Statement]]:
    return [(thread.index, statement) for thread in program.threads for statement in thread.body]
