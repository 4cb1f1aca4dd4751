# SPDX-License-Identifier: MIT
"""From a checked `Program` to the JSON that the agent runs: names become numbers.

What no machine can do is found here, with the reason; what only some machines lack, the agent finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cowpath.litmus import ast, statements
from cowpath.litmus.initial import BACKGROUND
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import Program
from cowpath.machine.means import CannotRunAnywhereError, DeviceUse, Means, all_statements

Facts = dict[str, Any]
"""Operands of one statement, as the agent is told them beside its name and its text."""

PROT = {"PROT_NONE": 0, "PROT_READ": 1, "PROT_WRITE": 2}


def compile_program(program: Program) -> dict[str, Any]:
    """Return the program for the agent.  Raises CannotRunAnywhereError.

    >>> from cowpath.litmus.resolve import program_from_text
    >>> compiled = compile_program(program_from_text("C t { char x[2]; } P0(char *x) { r0 = x[1]; }"))
    >>> compiled["threads"][0]["body"]
    [{'do': 'Load', 'text': 'r0 = x[1]', 'register': 0, 'page': 0, 'place': 1}]
    """
    names = Names(program)
    return {
        "name": program.name,
        "pages": [
            {"name": page.name, "places": page.places, "content": page.content} for page in program.pages
        ],
        "threads": [
            {
                "process": thread.process,
                "body": [compile_statement(names, thread.index, s) for s in thread.body],
            }
            for thread in program.threads
        ],
        "parents": list(program.parents),
        "references": names.means.references,
        "slots": names.means.slots,
        "registers": [list(register) for register in program.registers],
        "swap": list(program.swap),
        "blocks": [block.first for block in program.blocks],
        "background": [{"kind": actor.kind, "pages": list(actor.pages)} for actor in program.background],
        "ksm": merges(program),
        "taken_away": taken_away(program),
        "switches_zswap": any(isinstance(s, statements.ZswapEnabled) for _, s in all_statements(program)),
    }


def compile_statement(names: Names, thread: int, statement: ast.Statement) -> Facts:
    """Return one statement for the agent.  Raises CannotRunAnywhereError."""
    kind = type(statement)
    if kind not in STATEMENTS:
        raise CannotRunAnywhereError(f"{kind.__name__} has no system call yet")
    facts = STATEMENTS[kind](names, thread, statement)
    return {"do": kind.__name__, "text": statement_text(statement), **facts}


def merges(program: Program) -> bool:
    """Tell whether the test needs KSM."""
    by_itself = any(BACKGROUND[actor.kind].merges for actor in program.background)
    return by_itself or any(
        isinstance(s, statements.KsmMerge)
        or (isinstance(s, statements.Madvise) and s.advice.endswith("MERGEABLE"))
        for _, s in all_statements(program)
    )


def taken_away(program: Program) -> list[int]:
    """Return the pages that one thread unmaps or protects while another of its process may use them."""
    found: set[int] = set()
    for thread, statement in all_statements(program):
        if isinstance(statement, statements.Munmap | statements.Mprotect):
            process = program.threads[thread].process
            others = (
                s for t, s in all_statements(program)
                if t != thread and program.threads[t].process == process
            )  # fmt: skip
            loads_and_stores = statements.Load | statements.Store
            taken = program.range(statement.page, statement.last)
            if any(isinstance(s, loads_and_stores) and program.page_index[s.page] in taken for s in others):
                found.update(program.range(statement.page, statement.last))
    return sorted(found)


class Names:
    """Looks up the names in a statement; the agent knows numbers only."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.means = Means(program)

    def page(self, name: str) -> int:
        """Return the number of a page."""
        return self.program.page_index[name]

    def range(self, s: statements.Madvise | statements.Mprotect | statements.Munmap) -> Facts:
        """Return the first and the last page of a range, silent ones included."""
        pages = self.program.range(s.page, s.last)
        return {"page": pages[0], "last": pages[-1]}

    def thread(self, name: str) -> int:
        """Return the number of a thread."""
        return self.program.thread_index[name]

    def register(self, thread: int, name: str) -> int:
        """Return the number of a register of a thread."""
        return self.program.registers.index((thread, name))

    def reference(self, name: str) -> int:
        """Return the number of a reference."""
        return self.program.reference_index[name]

    def value(self, thread: int, value: ast.Value) -> Facts:
        """Return what is stored: a character, or the register that holds one."""
        if isinstance(value, ast.Register):
            return {"from": self.register(thread, value.name)}
        return {"value": value}

    def device(self, use: DeviceUse) -> Facts:
        """Return where a device reads or writes, and the call that waits for it."""
        where = {"reference": self.reference(use.reference), "place": use.place}
        return where | {"slot": self.means.slot_of(use)}


# -- one row a statement ---------------------------------------------------------------------------


def do_load(n: Names, thread: int, s: statements.Load) -> Facts:
    """`r = x[i]`"""
    return {"register": n.register(thread, s.register), "page": n.page(s.page), "place": s.place}


def do_store(n: Names, thread: int, s: statements.Store) -> Facts:
    """`x[i] = v`"""
    return {"page": n.page(s.page), "place": s.place} | n.value(thread, s.value)


def do_device_write(n: Names, thread: int, s: statements.DeviceWrite) -> Facts:
    """`device_write(g, i, v)`"""
    return n.device(s) | n.value(thread, s.value)


def do_device_read(n: Names, thread: int, s: statements.DeviceRead) -> Facts:
    """`r = device_read(g, i)`"""
    return n.device(s) | {"register": n.register(thread, s.register)}


def do_reference(n: Names, thread: int, s: statements.GetUserPage | statements.PutPage) -> Facts:
    """`g = get_user_page(x)`, `put_page(g)`: by which means stands beside the reference."""
    return {"reference": n.reference(s.reference)}


def do_fork(n: Names, thread: int, s: statements.Fork) -> Facts:
    """`fork(P1)`"""
    return {"process": n.program.threads[n.thread(s.thread)].process}


def do_wait(n: Names, thread: int, s: statements.Wait) -> Facts:
    """`wait(P1)`"""
    return {"thread": n.thread(s.thread)}


def do_madvise(n: Names, thread: int, s: statements.Madvise) -> Facts:
    """`madvise(x, MADV_...)`"""
    return n.range(s) | {"name": s.page, "advice": s.advice}


def do_mprotect(n: Names, thread: int, s: statements.Mprotect) -> Facts:
    """`mprotect(x, PROT_...)`"""
    return n.range(s) | {"protection": sum(PROT[name] for name in s.protection)}


def do_munmap(n: Names, thread: int, s: statements.Munmap) -> Facts:
    """`munmap(x)`"""
    return n.range(s)


def do_migrate(n: Names, thread: int, s: statements.Migrate) -> Facts:
    """`migrate(x)`"""
    return {"page": n.page(s.page), "name": s.page}


def do_ksm_merge(n: Names, thread: int, s: statements.KsmMerge) -> Facts:
    """`ksm_merge(x, y)`"""
    return {"page": n.page(s.page), "other": n.page(s.other), "name": f"{s.page} and {s.other}"}


def do_numa_hint(n: Names, thread: int, s: statements.NumaHint) -> Facts:
    """`numa_hint(x)`"""
    raise CannotRunAnywhereError("NUMA balancing scans when it likes: no system call asks for it")


def do_ask(
    n: Names,
    thread: int,
    s: statements.Mincore | statements.SoftDirty | statements.UserfaultfdRead | statements.PagemapScan,
) -> Facts:
    """`r = mincore(x)`, `r = soft_dirty(x)`, `r = userfaultfd_read(x)`, `r = pagemap_scan(x)`"""
    return {"register": n.register(thread, s.register), "page": n.page(s.page)}


def do_userfaultfd_wp(n: Names, thread: int, s: statements.UserfaultfdWp) -> Facts:
    """`userfaultfd_wp(x)`, `userfaultfd_wp(x, 0)`"""
    return {"page": n.page(s.page), "protect": not s.mode}


def do_userfaultfd_move(n: Names, thread: int, s: statements.UserfaultfdMove) -> Facts:
    """`userfaultfd_move(x, y)`"""
    return {"page": n.page(s.destination), "source": n.page(s.source)}


def do_plain(n: Names, thread: int, s: ast.Statement) -> Facts:
    """`exit()`, `swapoff()`, `clear_refs()`: there is nothing more to say."""
    return {}


def do_zswap_enabled(n: Names, thread: int, s: statements.ZswapEnabled) -> Facts:
    """`zswap_enabled()`, `zswap_enabled(0)`"""
    return {"on": not s.mode}


STATEMENTS: Mapping[type[ast.Statement], Callable[[Names, int, Any], Facts]] = {
    statements.Load: do_load,
    statements.Store: do_store,
    statements.GetUserPage: do_reference,
    statements.DeviceWrite: do_device_write,
    statements.DeviceRead: do_device_read,
    statements.PutPage: do_reference,
    statements.Fork: do_fork,
    statements.Exit: do_plain,
    statements.Wait: do_wait,
    statements.Madvise: do_madvise,
    statements.Mprotect: do_mprotect,
    statements.Munmap: do_munmap,
    statements.Swapoff: do_plain,
    statements.Migrate: do_migrate,
    statements.KsmMerge: do_ksm_merge,
    statements.NumaHint: do_numa_hint,
    statements.Mincore: do_ask,
    statements.ClearRefs: do_plain,
    statements.SoftDirty: do_ask,
    statements.UserfaultfdWp: do_userfaultfd_wp,
    statements.UserfaultfdRead: do_ask,
    statements.UserfaultfdMove: do_userfaultfd_move,
    statements.PagemapScan: do_ask,
    statements.ZswapEnabled: do_zswap_enabled,
}
"""The functions that tell the agent of each statement, or say why no machine can do it.

machine/agent/statements.py has the system calls, by the names of these classes; tests/test_statements.py
holds that neither has a gap.
"""
