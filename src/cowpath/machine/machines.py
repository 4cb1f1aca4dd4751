# SPDX-License-Identifier: MIT
"""Finds the machine for a name that is written after --on."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cowpath.machine import images
from cowpath.machine.agent.facts import options_of
from cowpath.machine.apt import say
from cowpath.machine.errors import UnknownMachineError
from cowpath.machine.guest import Answered
from cowpath.machine.host import Host
from cowpath.machine.job import RunRequest
from cowpath.machine.needs import ARM64, UML, X86
from cowpath.machine.qemu import Qemu
from cowpath.machine.tree import own_kernel, version_of
from cowpath.machine.uml import Uml

MODEL_ARCHITECTURES = {
    "amd64": "x86_64",
    "arm64": "arm64",
    "armhf": "arm",
    "ppc64el": "powerpc",
    "s390x": "s390",
}
"""The model's names for Debian's architectures."""

BY_UNAME = {
    "x86_64": "x86_64", "aarch64": "arm64", "armv7l": "arm", "armv8l": "arm", "ppc64le": "powerpc",
    "s390x": "s390", "riscv64": "riscv", "loongarch64": "loongarch",
}  # fmt: skip


QEMU_NAMES = {X86: "amd64", ARM64: "arm64"}
"""Debian's names for the kinds of kernel that QEMU boots."""


class Machine(Protocol):
    """The interface of all machines that run tests."""

    name: str

    def prepare(self) -> None:
        """Get everything ready that may take long or fail.  Raises MachineError."""

    def stop(self) -> None:
        """End what runs, from another thread."""

    def run(self, requests: Sequence[RunRequest], answered: Answered) -> None:
        """Run each request; `answered(index, answer)` is called as soon as one is done."""


def machine(
    name: str, allow_global: bool = False, processors: int = 1, modules: Path | None = None
) -> Machine:
    """Return the machine of a name; a kernel that is not in the cache is fetched.  Raises MachineError.

    Of `processors` only QEMU gives more than one; `modules` are for a kernel of one's own.

    >>> machine("host").name
    'host'
    >>> machine("/no/such/kernel")
    Traceback (most recent call last):
    cowpath.machine.errors.UnknownMachineError: /no/such/kernel: no such file
    """
    if name == "host":
        return Host(allow_global)
    if "/" in name or os.path.exists(name):
        return from_path(Path(name).expanduser(), processors, modules)
    wanted = images.parse(name)
    if wanted.kind == "uml":
        _one_processor(name, processors)
        return Uml(name, images.fetch(wanted))
    return Qemu(name, wanted.architecture, images.fetch(wanted), processors=processors)


def from_path(path: Path, processors: int = 1, modules: Path | None = None) -> Machine:
    """Return a machine for a kernel of one's own: a file, or a built tree.  Raises UnknownMachineError.

    What tests will miss in a tree's configuration is said.
    """
    own = own_kernel(path, modules)
    if missing := own.lacks():
        say(f"{path}: this kernel lacks {missing}: tests that need it cannot run")
    if own.kind == UML:
        _one_processor(str(path), processors)
        return Uml(str(path), own=own)
    return Qemu(str(path), QEMU_NAMES[own.kind], own=own, processors=processors)


def _one_processor(name: str, processors: int) -> None:
    if processors > 1:
        raise UnknownMachineError(f"{name}: User-Mode Linux has one processor: --cpus is for QEMU")


def model_architecture(chosen: Machine) -> str:
    """Return the model's name for the architecture of a machine."""
    if isinstance(chosen, Uml):
        return "um"
    if isinstance(chosen, Qemu):
        return MODEL_ARCHITECTURES[chosen.architecture]
    return BY_UNAME.get(os.uname().machine, os.uname().machine)


def release_of(chosen: Machine) -> str:
    """Return the kernel release that a machine will boot; "0.0" where nothing is known of it yet."""
    if isinstance(chosen, Uml | Qemu):
        if chosen.own is not None:
            return version_of(chosen.own)
        version = re.match(r"\d+\.\d+", chosen.image.version) if chosen.image else None
        return version[0] if version else "0.0"
    return os.uname().release if isinstance(chosen, Host) else "0.0"


def config_of_image(chosen: Machine) -> dict[str, str]:
    """Return the interesting options of a kernel, as its package tells; the guest may know more."""
    if not isinstance(chosen, Uml | Qemu):
        return {}
    known = chosen.image or chosen.own
    return options_of(known.config) if known else {}
