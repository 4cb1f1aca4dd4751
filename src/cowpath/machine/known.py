# SPDX-License-Identifier: MIT
"""Findings that are understood: what a kernel shows against the model, outside mm/, and so not modelled.

Each is told in docs/real-kernels.md.  An outcome that one of them explains is reported as known, not as a
contradiction; so each says as narrowly as it can which tests it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cowpath.litmus import statements
from cowpath.litmus.program import Program
from cowpath.machine.means import all_statements


@dataclass(frozen=True)
class Known:
    """A known finding: on which architecture, in which tests, and a sentence that says what it is."""

    architecture: str
    concerns: Callable[[Program], bool]
    words: str


def loads_what_is_forbidden(program: Program) -> bool:
    """Tell whether a page gets PROT_NONE and is loaded from: only a copy by the kernel survives the try."""
    everything = [statement for _, statement in all_statements(program)]
    forbidden = {
        s.page for s in everything if isinstance(s, statements.Mprotect) and "PROT_READ" not in s.protection
    }
    return any(isinstance(s, statements.Load) and s.page in forbidden for s in everything)


KNOWN = (
    Known(
        "um",
        loads_what_is_forbidden,
        "User-Mode Linux copies from PROT_NONE pages: maybe_map() asks for pte_present, which they are, too",
    ),
)


def known(program: Program, architecture: str) -> str:
    """Return what is known of a test on an architecture; empty where nothing is."""
    found = (one for one in KNOWN if one.architecture == architecture and one.concerns(program))
    return next((one.words for one in found), "")
