# SPDX-License-Identifier: MIT
"""Kernels as sets of upstream changes: those of a mainline release, and what a stable update has early.

Dropping one change (`--without`) or adding one (`--with`) makes a kernel that never existed, which is how one
learns what a change is for.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from cowpath.errors import CowpathError
from cowpath.explore.record.recorder import Constant
from cowpath.history.change import Change
from cowpath.history.changes import CHANGES, SWP_EXCLUSIVE_BIT
from cowpath.history.mutants import MUTANTS
from cowpath.history.release import Release
from cowpath.history.stable import early

OLDEST, NEWEST = Release(5, 7), Release(7, 3)

DEFAULT_ARCHITECTURE = "x86_64"

_ARCHITECTURE_CHANGES = frozenset(change for change in CHANGES if change.name.startswith("swp-exclusive-"))


class UnknownChangeError(CowpathError):
    """A change, release or architecture that is not modelled."""


class IdleChangeError(CowpathError):
    """A change added to a kernel that has it, or dropped from one that has it not."""


@dataclass(frozen=True)
class Version(Constant):
    """A kernel to model: a release on an architecture, some changes added or dropped by hand."""

    release: Release
    architecture: str
    changes: frozenset[Change]
    added: tuple[Change, ...] = ()
    dropped: tuple[Change, ...] = ()

    def has(self, change: Change) -> bool:
        """True where this kernel has a change."""
        return change in self.changes

    def lacks(self, change: Change) -> bool:
        """True where a kernel of this architecture could have a change, and this one has not.

        A fix may be for a flaw of one architecture; the others do not lack it.
        """
        return change.fits(self.architecture) and not self.has(change)

    def claims(self, change: Change) -> bool:
        """True where this release has a change, whatever was added or dropped by hand."""
        return change in stock(self.release, self.architecture)

    def claims_swp_exclusive(self) -> bool:
        """True where this release carries exclusivity through swap on this architecture."""
        return self.claims(SWP_EXCLUSIVE_BIT) and any(self.claims(change) for change in _ARCHITECTURE_CHANGES)

    @property
    def has_swp_exclusive_bit(self) -> bool:
        """True where the architecture's swap ptes have the bit (__HAVE_ARCH_PTE_SWP_EXCLUSIVE)."""
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
    """Return the kernel with these names.

    A stable update ("6.1.176") has its backports.  An architecture goes by any name that cowpath.arch knows.
    Raises UnknownChangeError, IdleChangeError, LayoutError or ReleaseError.

    >>> str(version("5.19", dropped=["H3"]))
    '5.19 x86_64 without H3'
    >>> version("6.1").has(find("13ddaf26be32")[0]), version("6.1.176").has(find("13ddaf26be32")[0])
    (False, True)
    """
    number = modelled(Release.parse(release) if isinstance(release, str) else release)
    if architecture != DEFAULT_ARCHITECTURE:
        from cowpath.arch import architecture as known  # 40 files of tables: only where one is asked for

        architecture = known(architecture).name
    kernel = Version(number, architecture, stock(number, architecture))
    added, dropped = tuple(added), tuple(dropped)
    if both := set(added) & set(dropped):
        raise IdleChangeError(f"--with {min(both)} and --without {min(both)} undo each other")
    plus, minus = _chosen(kernel, added, "with"), _chosen(kernel, dropped, "without")
    return Version(number, architecture, frozenset((kernel.changes | set(plus)) - set(minus)), plus, minus)


def modelled(release: Release) -> Release:
    """Return the release itself, if the model reaches so far.  Raises UnknownChangeError."""
    if not OLDEST <= release.mainline <= NEWEST:
        raise UnknownChangeError(f"kernel {release} is not modelled: {OLDEST} to {NEWEST} are")
    return release


@functools.cache
def stock(release: Release, architecture: str) -> frozenset[Change]:
    """Return the changes of a release on an architecture, backports included, none added or dropped."""
    gained, lost = early(release)
    fitting = {change for change in gained if change.fits(architecture)}
    mainline = {change for change in CHANGES if change.in_release(release, architecture)}
    return frozenset((mainline | fitting) - lost)


def _chosen(kernel: Version, names: Iterable[str], how: str) -> tuple[Change, ...]:
    """Return the changes to add to a kernel or to drop from it.

    Raises IdleChangeError if they do nothing.
    """
    chosen: list[Change] = []
    for name in names:
        found = find(name)
        fitting = [change for change in found if change.fits(kernel.architecture)]
        if all(kernel.has(change) is (how == "with") for change in fitting):
            raise IdleChangeError(
                f"--{how} {name} changes nothing on {kernel}: {_why_idle(kernel, found[0])}"
            )
        chosen += found
    return tuple(chosen)


def _why_idle(kernel: Version, change: Change) -> str:
    """Return the reason why adding or dropping a change leaves a kernel as it is."""
    if kernel.has(change):
        mainline = change.in_release(kernel.release, kernel.architecture)
        return f"it is there since v{change.release}" + ("" if mainline else ", and this update has it early")
    if change.release is None:
        return "it is a variant that no release has: it can be added only"
    if not change.fits(kernel.architecture):
        return f"it is for {', '.join(change.architectures)} only"
    if change.until is not None and kernel.release >= change.until:
        return f"v{change.until} took it back ({change.undone_by})"
    if change.in_release(kernel.release, kernel.architecture):
        return "a stable update took it back"
    return f"it came with v{change.release}"


def names_of(changes: Iterable[Change]) -> list[str]:
    """Return the names of changes; the parts of a patch or a hunk have one name where all of them are there.

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
    """Return the changes that a name, a group of hunks (H4) or a commit id stands for.

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
