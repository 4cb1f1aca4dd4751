# SPDX-License-Identifier: MIT
"""The files of a guest beside its kernel: a Python, and modules; of one's own where the kernel is."""

from __future__ import annotations

from pathlib import Path

from cowpath.machine import images, modules, own_python
from cowpath.machine.tree import OwnKernel


def guest_python(architecture: str, own: OwnKernel | None) -> Path:
    """Return the files of the guest's Python: Debian's or, for a kernel of one's own, the one that runs us.

    So such a kernel needs no apt, unless it is of another architecture.  Raises MachineError.
    """
    if own is not None and own_python.serves(architecture):
        return own_python.python_root(images.cache())
    return images.python_root(architecture)


def own_modules(own: OwnKernel | None) -> list[Path]:
    """Return the modules that guests load, of a kernel of one's own, uncompressed and in their order."""
    if own is None or own.modules is None:
        return []
    return modules.kept(own.modules, images.MODULES, images.cache() / "modules")
