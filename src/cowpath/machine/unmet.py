# SPDX-License-Identifier: MIT
"""Preconditions that a machine did not meet: could the model of its kernel have met them?

Where it could not, machine and model say the same.  Only KSM is asked about: it alone leaves pages apart by a
rule of the kernel, and not because a reference, a lock or a batch was in the way at that moment.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from cowpath import linux
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.record.recorder import Model
from cowpath.history.asked import Asked
from cowpath.history.version import Version
from cowpath.judge.judge import explore_mechanism
from cowpath.litmus import statements
from cowpath.litmus.program import Program
from cowpath.machine.means import all_statements

MERGED = "merged"
"""The name under which the search reports a state in which two pages are one."""


def not_merged(statement: statements.KsmMerge) -> str:
    """Return how the agent says that it waited for a merge in vain."""
    return f"{statement.page} and {statement.other} were not merged"


def never_met(program: Program, version: Version, reasons: Iterable[str], method: Method) -> bool:
    """Tell whether all that was not met is a merge that this kernel never makes in this test."""
    asked_for = {not_merged(s): s for _, s in all_statements(program) if isinstance(s, statements.KsmMerge)}
    unmet = set(reasons)
    if not unmet or not unmet <= asked_for.keys():
        return False
    try:
        search = explore_mechanism(
            program, version, method, tree=Watched(tuple(asked_for[why] for why in unmet))
        )
    except CowpathError:
        return False
    return search.finished and MERGED not in search.violations


@dataclasses.dataclass(frozen=True)
class Watched:
    """The kernel tree of the model, with an eye on some pairs of pages (see `judge.tree.KernelTree`)."""

    pairs: tuple[statements.KsmMerge, ...]

    def build(
        self, version: Asked, program: Program, more_folios: int, more_slots: int, count_copies: bool, /
    ) -> tuple[object, Model]:
        """Return the kernel and its model, whose one invariant is that no pair is one page."""
        k, model = linux.build(version, program, more_folios, more_slots, count_copies)
        numbers = [(program.page_index[s.page], program.page_index[s.other]) for s in self.pairs]
        ptes = [(k.pte(mm, one), k.pte(mm, other)) for mm in k.mms for one, other in numbers]

        def merged() -> str | None:
            found = any(one.folio is not None and one.folio is other.folio for one, other in ptes)
            return "KSM has merged them" if found else None

        return k, dataclasses.replace(model, invariants=((MERGED, merged),))

    def title(self, name: str, /) -> str:
        """Return the name itself."""
        return name
