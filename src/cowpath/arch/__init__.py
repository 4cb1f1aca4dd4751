# SPDX-License-Identifier: MIT
"""Swap ptes of every Linux architecture.

`ARCHITECTURES` is the one list of architecture names that cowpath uses; each comes with its layouts by
release, and with the release and commit that gave it a bit for PG_anon_exclusive.
"""

from cowpath.arch import (
    alpha,
    arc,
    arm,
    arm64,
    csky,
    hexagon,
    ia64,
    loongarch,
    m68k,
    microblaze,
    mips,
    nios2,
    openrisc,
    parisc,
    powerpc,
    riscv,
    s390,
    sh,
    sparc,
    um,
    x86,
    xtensa,
)
from cowpath.arch.architecture import NEWEST_READ, OLDEST, Architecture, LayoutError
from cowpath.arch.layout import PteLayout
from cowpath.history.release import Release

__all__ = [
    "ARCHITECTURES",
    "NEWEST_READ",
    "OLDEST",
    "Architecture",
    "LayoutError",
    "PteLayout",
    "arch_has_exclusive",
    "architecture",
]

# The first ones are those the founding series taught the marker, then those of the 6.3 series.
_MODULES = (
    x86, arm64, s390, powerpc,
    arm, riscv, loongarch, mips, um,
    alpha, arc, csky, hexagon, ia64, m68k, microblaze, nios2, openrisc, parisc, sh, sparc, xtensa,
)  # fmt: skip

ARCHITECTURES: dict[str, Architecture] = {
    known.name: known for module in _MODULES for known in module.ARCHITECTURES
}
"""Every architecture by name; variants with layouts of their own have names of their own."""

_ALIASES = {alias: known.name for known in ARCHITECTURES.values() for alias in known.aliases}


def architecture(name: str) -> Architecture:
    """The architecture called `name`, by the kernel's name for it or by `uname -m` or Debian's.

    Raises LayoutError, with the names that come close.

    >>> architecture("aarch64").name
    'arm64'
    """
    known = ARCHITECTURES.get(_ALIASES.get(name.lower(), name.lower()))
    if known is None:
        import difflib

        close = difflib.get_close_matches(name.lower(), [*ARCHITECTURES, *_ALIASES])
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise LayoutError(f"no architecture is called {name!r}{hint}\nknown: {', '.join(ARCHITECTURES)}")
    return known


def arch_has_exclusive(name: str, release: Release) -> bool:
    """Does a swap pte of this architecture remember PG_anon_exclusive at `release`?

    Raises LayoutError for a name nobody knows.

    >>> arch_has_exclusive("x86_64", Release(5, 19)), arch_has_exclusive("arm", Release(5, 19))
    (True, False)
    """
    known = architecture(name)
    return known.exclusive_since is not None and release >= known.exclusive_since
