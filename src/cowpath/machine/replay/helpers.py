# SPDX-License-Identifier: MIT
"""Background actors of the model, played by threads of the test: what user space can do to have them act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cowpath.linux.model import SHRINKER
from cowpath.litmus.program import BackgroundActor, Program
from cowpath.machine.errors import MachineError


class CannotReplayError(MachineError):
    """Raised for what cannot be driven step by step; the text says what, and why."""


@dataclass(frozen=True)
class Role:
    """A role: a statement as people read it, its C, and the yields at which the actor is idle."""

    statement: str
    code: str
    idle: tuple[str, ...]


@dataclass(frozen=True)
class Helper:
    """A thread of the test program that plays a background actor, so many times."""

    name: str
    role: Role
    times: int


ROLES: Mapping[str, Role] = {
    "kswapd": Role(
        "madvise({page}, MADV_PAGEOUT)",
        "madvise((void *)AT({index}), PAGE, MADV_PAGEOUT); drain();",
        ("mm/vmscan.py kswapd 1",),
    ),
    "readahead": Role(
        "madvise({page}, MADV_WILLNEED)",
        "madvise((void *)AT({index}), PAGE, MADV_WILLNEED);",
        ("mm/swap_state.py swap_vma_readahead 1",),
    ),
    SHRINKER: Role(
        "3 times: echo 2 > /proc/sys/vm/drop_caches",
        "shrink();",
        ("mm/zswap.py shrink_worker 1", "mm/zswap.py shrink_worker 3"),
    ),
}
"""By the kind of an actor.  All of them run the kernel's own code for it; only who asks for it differs."""

UNDRIVEN: Mapping[str, str] = {
    "ksmd": "ksmd goes through all memory, and nobody can tell it which two pages to take",
    "migrated": "the page and the place that compaction takes cannot be chosen",
    "LRU batch": "any batch may be drained at any moment: the kernel decides",
}
"""Why an actor cannot be driven, by the beginning of its name."""

BY_ITSELF = ("swap I/O",)
"""Actors that a machine has of its own, and that act when they like: it gets the time for it."""


def role_of(program: Program, actor: int, name: str) -> Role:
    """Return what stands for a background actor, by its number in the model.  Raises CannotReplayError."""
    number = actor - len(program.threads)
    if number < len(program.background):
        return _role(program, program.background[number])
    if name in ROLES:
        return ROLES[name]
    raise CannotReplayError(f"{name} takes part: {_why(name)}")


def everybody(program: Program, times: int) -> list[Helper]:
    """Return a helper for every background actor of a test that has one; who cannot be driven is left out."""
    drivable = [actor for actor in program.background if actor.kind in ROLES]
    found = [Helper(name_of(program, actor), _role(program, actor), times) for actor in drivable]
    if has_zswap(program):
        found.append(Helper(SHRINKER, ROLES[SHRINKER], 1))
    return found


def has_zswap(program: Program) -> bool:
    """Tell whether the test's swap device has zswap before it."""
    return any(kind.startswith("zswap") for kind in program.swap)


def name_of(program: Program, actor: BackgroundActor) -> str:
    """Return a background actor as tests have it: "kswapd(x)"."""
    return f"{actor.kind}({', '.join(program.pages[page].name for page in actor.pages)})"


def _role(program: Program, actor: BackgroundActor) -> Role:
    if actor.kind not in ROLES:
        raise CannotReplayError(f"{name_of(program, actor)} takes part: {_why(actor.kind)}")
    role, page = ROLES[actor.kind], program.pages[actor.pages[0]]
    words = {"page": page.name, "index": page.index}
    return Role(role.statement.format(**words), role.code.format(**words), role.idle)


def _why(name: str) -> str:
    return next(
        (why for start, why in UNDRIVEN.items() if name.startswith(start)),
        "nothing of a machine stands for it",
    )
