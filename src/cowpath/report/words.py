# SPDX-License-Identifier: MIT
"""Steps and values of the model in the words of the test and of the kernel tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from cowpath.explore.record.cells import Layout
from cowpath.explore.record.frame import Frame
from cowpath.explore.record.step import Place
from cowpath.explore.trace import PathStep
from cowpath.history.version import Version
from cowpath.linux import raw_ptes
from cowpath.litmus.events import Begin
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import Program

KERNEL_FILES = {
    "task.py": "user space",
    "client.py": "user space",
    "hardware.py": "the CPU",
    "arch/fault.py": "arch/*/mm/fault.c",
    "model.py": "mm/swap.c",
    "arch/tlb.py": "mm/tlb.c",
}
"""The files of the model that mirror none of the same name."""

TOP_LEVEL = ("client.py", "hardware.py", "invariants.py", "model.py", "state.py", "task.py")
"""The files of the model that lie beside its directories."""

ROOMS = ("arch", "fs", "include", "kernel", "mm")
"""The directories of the model, called as in the kernel tree."""

USER_SPACE = ("task.py", "client.py", "hardware.py", "arch/fault.py")
"""The files where a thread's own code stands: a step there goes by its statement, not by a function."""

HEADERS = "include/"
"""The files in which the model keeps what the kernel keeps in include/linux/."""


def statement_number(program: Program, actor: int, frame: Frame) -> int | None:
    """Which statement of its thread a step from this frame belongs to; None for a background actor.

    Between two statements a thread stands in `run_thread` itself, and the step begins the next one.  After
    the last statement the number is the length of the body.
    """
    if actor >= len(program.threads) or frame.finished:
        return None
    position = dict(frame.held).get("position", 0)
    assert isinstance(position, int)
    return position


def statement_of(program: Program, step: PathStep) -> str:
    """The statement that a step belongs to; empty for a background actor."""
    number = statement_number(program, step.actor, step.before)
    if number is None:
        return ""
    if program.is_open:
        return chosen_statement(program, step)
    body = program.threads[step.actor].body
    return statement_text(body[number]) if number < len(body) else "end"


def chosen_statement(program: Program, step: PathStep) -> str:
    """The statement that a client has chosen: the one that begins with this step, or began before."""
    begun = [event.statement for event in step.events if isinstance(event, Begin)]
    number = begun[-1] if begun else dict(step.before.held).get("number")
    return statement_text(program.threads[step.actor].statements[number]) if isinstance(number, int) else ""


def function_of(step: PathStep) -> Place | None:
    """The kernel function that a step is a part of: the one it stood in, or the deeper one it entered."""
    deeper = len(step.after.where) > len(step.before.where)
    for frame in (step.after, step.before) if deeper else (step.before, step.after):
        inner = [place for place in frame.where if is_kernel_function(place)]
        if inner:
            return inner[-1]
    written = [change.place for change in step.changes if is_kernel_function(change.place)]
    return written[-1] if written else None


def is_kernel_function(place: Place) -> bool:
    """True if a function of the model bears a kernel function's name: its helpers begin with an underscore.

    >>> is_kernel_function(Place("_out_page", "/somewhere/cowpath/linux/mm/memory.py", 1))
    False
    """
    helper = place.function.startswith("_") and not place.function.startswith("__")
    return bool(place.file) and not helper and inside_tree(place.file) not in USER_SPACE


def kernel_file(place: Place) -> str:
    """The file of the kernel tree that a file of the model mirrors.

    >>> kernel_file(Place("do_swap_page", "/somewhere/cowpath/linux/mm/memory.py", 1))
    'mm/memory.c'
    """
    path = inside_tree(place.file)
    stem = path.removesuffix(".py")
    if path.startswith(HEADERS):
        return f"include/linux/{stem.removeprefix(HEADERS)}.h"
    return KERNEL_FILES.get(path, f"{stem}.c")


def inside_tree(file: str) -> str:
    """The path of a file of the model below its tree, whatever directory holds the tree.

    >>> inside_tree("/somewhere/cowpath/linux/fs/proc/task_mmu.py"), inside_tree("/my/kernel/task.py")
    ('fs/proc/task_mmu.py', 'task.py')
    """
    parts = Path(file).parts
    if parts[-1] in TOP_LEVEL:
        return parts[-1]
    return "/".join(parts[max(index for index, part in enumerate(parts) if part in ROOMS) :])


def model_file(place: Place) -> str:
    """The file of the model, from the tree on: "linux/mm/memory.py"."""
    return f"linux/{inside_tree(place.file)}"


# -- values ----------------------------------------------------------------------------------------

Words = Callable[[object], str]
"""How a value that a step read or wrote is shown."""

PTE_FLAGS = ("dirty", "exclusive", "soft_dirty", "uffd_wp", "protnone")
"""The flags of a page-table entry that are named behind it, if set."""


def value_words(value: object) -> str:
    """A value of a cell, or of a record that is one value as a whole.

    >>> value_words(None), value_words(True), value_words(3), value_words("submitted")
    ('none', '1', '3', 'submitted')
    """
    if isinstance(value, Mapping):
        return pte_words(value)
    if value is None:
        return "none"
    return str(int(value)) if isinstance(value, bool) else str(value)


def marker_words(pte: Mapping[str, object]) -> str:
    """A swap pte that refers to no slot."""
    return "poisoned" if pte.get("poisoned") else "marker"


def pte_words(pte: Mapping[str, object]) -> str:
    """A page-table entry, from its fields by name.

    >>> pte_words({"kind": "present", "folio": "folio0", "write": True, "dirty": True})
    'folio0 rw dirty'
    >>> pte_words({"kind": "swap", "slot": "slot0", "exclusive": True})
    'swap slot0 exclusive'
    """
    kind = pte["kind"]
    if kind == "present":
        shown = f"{pte['folio']} {'rw' if pte['write'] else 'ro'}"
    elif kind == "swap":
        shown = f"swap {pte['slot']}" if pte["slot"] is not None else marker_words(pte)
    elif kind == "migration":
        shown = f"migration {pte['access']} {pte['migrating']}"
    else:
        shown = "none"
    return " ".join([shown, *(flag.replace("_", "-") for flag in PTE_FLAGS if pte.get(flag))])


def raw_values(layout: Layout, state: bytes, version: Version) -> dict[str, str]:
    """The bits of each page-table entry that is empty or a swap pte, in hexadecimal, by the entry's name.

    Present and migration entries hold a page frame number, which the model has no use for; they have no raw
    value.  Nor has any on an architecture whose layout is not known.
    """
    from cowpath.arch import LayoutError  # few need it

    try:
        return raw_ptes(layout, state, version)
    except LayoutError:
        return {}
