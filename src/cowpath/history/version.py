# SPDX-License-Identifier: MIT
"""Kernels as sets of upstream changes.

Dropping one change (`--without`) or adding one (`--with`) makes a kernel that never existed, which is how one
learns what a change is for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cowpath.errors import CowpathError
from cowpath.explore.record.recorder import Constant
from cowpath.history.change import Change
from cowpath.history.changes import CHANGES, SWP_EXCLUSIVE_BIT
from cowpath.history.mutants import MUTANTS
from cowpath.history.release import Release

OLDEST, NEWEST = Release(5, 7), Release(7, 3)

DEFAULT_ARCHITECTURE = "x86_64"

_ARCHITECTURE_CHANGES = frozenset(change for change in CHANGES if change.name.startswith("swp-exclusive-"))


class UnknownChangeError(CowpathError):
    """A change, release or architecture that is not modelled."""


@dataclass(frozen=True)
class Version(Constant):
    """A kernel to model: a release on an architecture, some changes added or dropped by hand."""

    release: Release
    architecture: str
    changes: frozenset[Change]
    added: tuple[Change, ...] = ()
    dropped: tuple[Change, ...] = ()

    def has(self, change: Change) -> bool:
        """Whether this kernel has a change."""
        return change in self.changes

    def claims(self, change: Change) -> bool:
        """Whether mainline of this release has a change, whatever was added or dropped by hand."""
        return change.in_release(self.release, self.architecture)

    def claims_swp_exclusive(self) -> bool:
        """Whether mainline of this release carries exclusivity through swap on this architecture."""
        return self.claims(SWP_EXCLUSIVE_BIT) and any(self.claims(change) for change in _ARCHITECTURE_CHANGES)

    @property
    def has_swp_exclusive_bit(self) -> bool:
        """Whether the architecture's swap ptes have the bit (__HAVE_ARCH_PTE_SWP_EXCLUSIVE)."""
        return not _ARCHITECTURE_CHANGES.isdisjoint(self.changes)

    def __str__(self) -> str:
        parts = [str(self.release), self.architecture]
        parts += [f"with {name}" for name in names_of(self.added)]
        parts += [f"without {name}" for name in names_of(self.dropped)]
        return " ".join(parts)


def version(
    release: str | Release,
    architecture: str = DEFAULT_ARCHITECTURE,
    added: Iterable[str] = (),
    dropped: Iterable[str] = (),
) -> Version:
    """The kernel with these names.  Raises UnknownChangeError, LayoutError or ReleaseError.

    An architecture may go by any name that cowpath.arch knows.

    >>> str(version("5.19", dropped=["H3"]))
    '5.19 x86_64 without H3'
    """
    number = Release.parse(release) if isinstance(release, str) else release
    if not OLDEST <= number <= NEWEST:
        raise UnknownChangeError(f"kernel {number} is not modelled: {OLDEST} to {NEWEST} are")
    if architecture != DEFAULT_ARCHITECTURE:
        from cowpath.arch import architecture as known  # 40 files of tables: only where one is asked for

        architecture = known(architecture).name
    plus = tuple(change for name in added for change in find(name))
    minus = tuple(change for name in dropped for change in find(name))
    mainline = {change for change in CHANGES if change.in_release(number, architecture)}
    return Version(number, architecture, frozenset((mainline | set(plus)) - set(minus)), plus, minus)


def names_of(changes: Iterable[Change]) -> list[str]:
    """The names of changes, the parts of a patch or a hunk taken together where all of them are there.

    >>> names_of(find("H4")), names_of(find("H4a")), names_of(find("1493a1913e34"))
    (['H4'], ['H4a'], ['1493a1913e34'])
    """
    names = [change.name for change in changes]
    if not names:
        return names
    released = [change for change in CHANGES if change.release is not None]
    for key in ("part_of", "hunk"):
        for group in sorted({getattr(c, key) for c in released if getattr(c, key) not in ("", c.name)}):
            parts = [change.name for change in released if getattr(change, key) == group]
            if set(parts) <= set(names):
                names = [group, *(name for name in names if name not in parts)]
    return names


def find(name: str) -> tuple[Change, ...]:
    """The changes that a name, a group of hunks (H4) or a commit id stands for.

    >>> [change.name for change in find("H4")]
    ['H4a', 'H4b', 'H4c', 'H4d']
    >>> find("09854ba9")[0].name
    'wp-reuse-by-refcount'
    """
    wanted = name.lower()
    exact = tuple(change for change in (*CHANGES, *MUTANTS) if change.name.lower() == wanted)
    hunks = tuple(change for change in CHANGES if change.hunk.lower() == wanted)
    commits = tuple(
        c for c in CHANGES if len(wanted) >= 7 and c.commit.startswith(wanted[:12]) and c.release is not None
    )
    found = exact or hunks or commits
    if not found:
        names = [change.name for change in (*CHANGES, *MUTANTS)] + [change.commit for change in CHANGES]
        raise UnknownChangeError(_unknown("change", name, names))
    return found


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else "`cowpath changes` lists what is modelled"
    return f"unknown {kind} {name!r}: {hint}"
