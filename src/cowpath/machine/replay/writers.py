# SPDX-License-Identifier: MIT
"""Each statement in C, for runtime.h's functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cowpath.litmus import ast, statements
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import Program
from cowpath.machine.replay.helpers import CannotReplayError

PROT = {"PROT_NONE": "0", "PROT_READ": "PROT_READ", "PROT_WRITE": "PROT_WRITE"}


def value_number(program: Program, name: str) -> int:
    """Return the place of a register ("0:r0") or of memory ("0:x[0]") among what is observed."""
    return _observed(program).index(name)


def observed_names(program: Program) -> list[str]:
    """Return what the test shows: registers, then the memory of each process, as conditions name them."""
    return _observed(program)


def is_pin(program: Program, reference: str) -> bool:
    """Tell whether a reference is a pin: an io_uring's, not a pipe's."""
    return any(
        isinstance(s, statements.GetUserPage) and s.reference == reference and s.pin
        for thread in program.threads
        for s in thread.body
    )


def write(program: Program, thread: int, statement: ast.Statement) -> str:
    """Return a statement of a thread as C.  Raises CannotReplayError."""
    writer = WRITERS.get(type(statement))
    if writer is None:
        raise CannotReplayError(f"{statement_text(statement)} is not replayed yet")
    return writer(program, thread, statement)


def place(program: Program, page: int, number: int) -> str:
    """Return a place of a page as C.

    >>> from cowpath.litmus.resolve import program_from_text
    >>> place(program_from_text("C t { char x[2]; } P0(char *x) { r0 = x[1]; }"), 0, 1)
    'AT(0)[2048]'
    """
    return f"AT({page})[{number * stride(program, page)}]"


def stride(program: Program, page: int) -> int:
    """Return the bytes from one place of a page to the next."""
    return 4096 // program.pages[page].places


def byte(value: object) -> str:
    """Return a value as C.  Raises CannotReplayError."""
    if not isinstance(value, str):
        raise CannotReplayError("a value from a register is not replayed yet")
    return "0" if value == ast.ZERO else f"{ord(value)}"


def _observed(program: Program) -> list[str]:
    found = [f"{thread}:{name}" for thread, name in program.registers]
    for process in range(len(program.parents)):
        leader = next(thread.index for thread in program.threads if thread.process == process)
        found += [f"{leader}:{page.name}[{n}]" for page in program.pages for n in range(page.places)]
    return found


def _address(program: Program, name: str) -> str:
    return f"(void *)AT({program.page_index[name]}), PAGE"


def _register(program: Program, thread: int, name: str) -> str:
    return f"shared->value[{value_number(program, f'{thread}:{name}')}]"


def _load(program: Program, thread: int, s: statements.Load) -> str:
    where = place(program, program.page_index[s.page], s.place)
    return f"{_register(program, thread, s.register)} = (unsigned char){where};"


def _store(program: Program, thread: int, s: statements.Store) -> str:
    """A page that is one place and zero is zero from end to end: swap looks for that."""
    page = program.page_index[s.page]
    if program.pages[page].places == 1 and s.value == ast.ZERO:
        return f"clear(AT({page}));"
    return f"{place(program, page, s.place)} = {byte(s.value)};"


def _range(program: Program, s: Any) -> str:
    if s.last:
        raise CannotReplayError(f"{statement_text(s)}: ranges of pages are not replayed yet")
    return _address(program, s.page)


def _get(program: Program, thread: int, s: statements.GetUserPage) -> str:
    number, page = program.references.index(s.reference), program.page_index[s.page]
    if s.pin and "FOLL_WRITE" in s.flags and "FOLL_FORCE" not in s.flags:
        return f"pin_page({number}, {page});"
    if not s.pin and not s.flags:
        return f"get_page({number}, {page});"
    why = "only vmsplice's (get_user_page without FOLL_WRITE) and io_uring's (pin_user_page with it) are"
    raise CannotReplayError(f"{statement_text(s)} is not replayed yet: {why}")


def _page_of(program: Program, reference: str) -> int:
    """Return the page that a reference is taken of.  Raises CannotReplayError where there are several."""
    pages = {
        s.page
        for thread in program.threads
        for s in thread.body
        if isinstance(s, statements.GetUserPage) and s.reference == reference
    }
    if len(pages) > 1:
        raise CannotReplayError(f"{reference} may be of any of several pages: not replayed yet")
    return program.page_index[pages.pop()]


def _device_write(program: Program, thread: int, s: statements.DeviceWrite) -> str:
    where = place(program, _page_of(program, s.reference), s.place)
    return f"write_pinned({program.references.index(s.reference)}, &{where}, {byte(s.value)});"


def _device_read(program: Program, thread: int, s: statements.DeviceRead) -> str:
    number, page = program.references.index(s.reference), _page_of(program, s.reference)
    register = f"&{_register(program, thread, s.register)}"
    if is_pin(program, s.reference):
        return f"read_pinned({number}, &{place(program, page, s.place)}, {register});"
    return f"read_page({number}, {s.place * stride(program, page)}, {register});"


def _put(program: Program, thread: int, s: statements.PutPage) -> str:
    number = program.references.index(s.reference)
    return f"unpin_page({number});" if s.pin else f"put_page({number});"


def _fork(program: Program, thread: int, s: statements.Fork) -> str:
    process = next(one.process for one in program.threads if one.name == s.thread)
    return f"if (!fork_elsewhere({thread + 1})) process_{process}(); warm_up();"


def _wait(program: Program, thread: int, s: statements.Wait) -> str:
    other = next(one.index for one in program.threads if one.name == s.thread)
    return f"await(&shared->done[{other}], 1);"


WRITERS: Mapping[type[ast.Statement], Callable[[Program, int, Any], str]] = {
    statements.Load: _load,
    statements.Store: _store,
    statements.GetUserPage: _get,
    statements.DeviceWrite: _device_write,
    statements.DeviceRead: _device_read,
    statements.PutPage: _put,
    statements.Fork: _fork,
    statements.Wait: _wait,
    statements.Madvise: lambda p, t, s: f"madvise({_range(p, s)}, {s.advice});",
    statements.Munmap: lambda p, t, s: f"munmap({_range(p, s)});",
    statements.Mprotect: lambda p, t, s: (
        f"mprotect({_range(p, s)}, {' | '.join(PROT[word] for word in s.protection)});"
    ),
    statements.Swapoff: lambda p, t, s: "swapoff(swap_device);",
    statements.UserfaultfdMove: lambda p, t, s: (
        f"move_page({p.page_index[s.destination]}, {p.page_index[s.source]});"
    ),
}
"""By the class of a statement."""
