# SPDX-License-Identifier: MIT
"""Find upstream fixes again from themes alone: on the kernel without each, the first program that breaks it.

For every fix the same ladder of combinations is climbed, from cheap to dear; nobody's test is looked at.
What a proof finds counts if user space can see it, and `check` finds it broken without the fix and kept with
it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cowpath.corpus.expected import FILE_NAME, Expected, named
from cowpath.corpus.files import CORPUS
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.record.step import ModelError
from cowpath.history.version import Version, version
from cowpath.litmus.print import to_text
from cowpath.prove.product import Bounds
from cowpath.prove.proof import prove
from cowpath.prove.reproduce import Counterexample, broken, counterexample
from cowpath.prove.themes import Combination

THEMES_WITH_FIXES = ("cve", "fixes")
"""The directories of the corpus whose tests are about one fix each."""


@dataclass(frozen=True, slots=True)
class Fix:
    """An upstream fix, called as its test in the corpus is, and the newest kernel that its absence breaks."""

    name: str
    without: Version

    @property
    def fixed(self) -> Version:
        """The same kernel with the fix."""
        return version(self.without.release, self.without.architecture)


@dataclass(frozen=True, slots=True)
class FoundAgain:
    """The result of the search for one fix; `combination` and what follows are empty where nothing came."""

    fix: str
    kernel: str
    seconds: float
    tried: int  # rungs of the ladder
    combination: str = ""
    states: int = 0
    breakage: str = ""
    statements: int = 0
    litmus: str = ""


def fixes(names: tuple[str, ...] = ()) -> list[Fix]:
    """The fixes of the corpus, or those whose names begin so.  Raises CowpathError where there is none."""
    found = [
        Fix(test, kernel)
        for theme in THEMES_WITH_FIXES
        for test, verdicts in Expected.read(CORPUS / theme / FILE_NAME).verdicts.items()
        if (kernel := newest_without(verdicts)) is not None
    ]
    for name in names:
        if not name or not any(fix.name.startswith(name) for fix in found):
            raise CowpathError(f"no test of the corpus is about the fix {name!r}")
    return [fix for fix in found if not names or fix.name.startswith(names)]


def newest_without(verdicts: Mapping[str, str]) -> Version | None:
    """The newest kernel that a test says is broken without some change."""
    keys = [key for key, verdict in verdicts.items() if " without " in key and not verdict.startswith("kept")]
    return max(map(named, keys), key=lambda one: one.release, default=None)


def find_again(fix: Fix, method: Method, seconds: float | None = None) -> FoundAgain:
    """Climb the ladder until a program shows what the fix is for."""
    began = time.perf_counter()
    tried = 0
    for combination, bounds in ladder():
        tried += 1
        try:
            proof = prove(combination.program(), fix.without, bounds, method, limit=seconds)
        except (CowpathError, ModelError):
            continue  # this kernel has no such thing
        found = counterexample("found", proof, visible=True) if proof.verdict == "broken" else None
        if found is None or broken(found.litmus, fix.fixed) is not None:
            continue  # nothing, or what the fix is not for
        spent = round(time.perf_counter() - began, 1)
        return _found_again(fix, spent, tried, combination, proof.states, found)
    return FoundAgain(fix.name, str(fix.without), round(time.perf_counter() - began, 1), tried)


def _found_again(
    fix: Fix, seconds: float, tried: int, combination: Combination, states: int, found: Counterexample
) -> FoundAgain:
    return FoundAgain(
        fix.name,
        str(fix.without),
        seconds,
        tried,
        combination.name,
        states,
        found.breakage,
        found.statements,
        to_text(found.litmus),
    )


# -- the ladder ------------------------------------------------------------------------------------

ONE_PROCESS = (
    "swap gup gup-read", "swap pin pin-read", "swap lazyfree gup", "swap zram gup", "swap stable-writes gup",
    "swap soft-dirty pin", "swap swapoff gup", "swap protect gup", "swap numa gup", "swap migrate gup",
    "swap gup-force soft-dirty", "swap soft-dirty protect", "swap move soft-dirty",
    "swap swapoff soft-dirty", "swap move swapoff", "swap kswapd move", "swap readahead move",
    "swap move gup", "swap swapoff uffd-wp", "longterm dontneed", "swap two-devices readahead swapoff",
)  # fmt: skip
TWO_THREADS = (
    ("swap brd", "swapoff"), ("swap zram", "swapoff"), ("swap swapoff", "uffd-wp"), ("ksm gup", ""),
    ("swap dontneed", "swapoff"), ("swap", "swap"), ("swap zram", "swap"), ("swap zswap", "swap"),
)  # fmt: skip
PARENT_AND_CHILD = (
    ("swap", "gup-read munmap"), ("swap pin", ""), ("swap pin-read", ""), ("longterm", ""),
    ("swap swapoff", ""),
)  # fmt: skip
LARGE_TWO_THREADS = (
    ("swap swapoff", "swap"), ("swap lazyfree", "gup"), ("swap move", "swap"), ("swap uffd-wp", "uffd-wp"),
    ("swap ksm", "uffd-wp"), ("swap tlb", "swap"), ("soft-dirty tlb", "swap"), ("tlb", "uffd-wp"),
    ("pin-read swap", "gup-fast"), ("swap readahead swapoff", "swap"),
)  # fmt: skip
THREADS_AND_CHILD = (("", "gup-fast"), ("tlb", "swap"), ("swap", "swap"), ("swap", "gup-fast"))


def ladder() -> Iterator[tuple[Combination, Bounds]]:
    """Every rung, and the bounds it is climbed with: with threads, two are inside a statement at most."""
    alone, together = Bounds(1, 1, 1, invariants=False), Bounds(1, 1, 2, invariants=False)
    for parent in ONE_PROCESS:
        yield Combination(_names(parent)), alone
    for parent, thread in TWO_THREADS:
        yield Combination(_names(parent), (), (_names(thread),) if thread else ()), together
    for parent, child in PARENT_AND_CHILD:
        yield Combination(_names(parent), (_names(child),)), alone
    for parent, thread in LARGE_TWO_THREADS:
        yield Combination(_names(parent), (), (_names(thread),)), together
    for parent, thread in THREADS_AND_CHILD:
        yield Combination(_names(parent), ((),), (_names(thread),)), together


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())
