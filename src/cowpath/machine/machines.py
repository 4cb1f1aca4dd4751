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
from cowpath.machine.errors import UnknownMachineError
from cowpath.machine.guest import Answered
from cowpath.machine.host import Host
from cowpath.machine.job import RunRequest
from cowpath.machine.qemu import Qemu
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


class Machine(Protocol):
    """The interface of all machines that run tests."""

    name: str

    def prepare(self) -> None:
        """Get everything ready that may take long or fail.  Raises MachineError."""

    def stop(self) -> None:
        """End what runs, from another thread."""

    def run(self, requests: Sequence[RunRequest], answered: Answered) -> None:
        """Run each request; `answered(index, answer)` is called as soon as one is done."""


def machine(name: str, allow_global: bool = False, processors: int = 1) -> Machine:
    """Return the machine of a name; a kernel that is not in the cache is fetched.  Raises MachineError.

    Of `processors` only QEMU gives more than one.

    >>> machine("host").name
    'host'
    >>> machine("/no/such/kernel")
    Traceback (most recent call last):
    cowpath.machine.errors.UnknownMachineError: /no/such/kernel: no such file
    """
    if name == "host":
        return Host(allow_global)
    if "/" in name or os.path.isfile(name):
        return from_path(Path(name), processors)
    wanted = images.parse(name)
    image = images.fetch(wanted)
    if wanted.kind == "uml":
        return Uml(name, image)
    return Qemu(name, wanted.architecture, image, processors=processors)


def from_path(path: Path, processors: int = 1) -> Machine:
    """Return a machine for a kernel in a file: a User-Mode Linux program, or an image for QEMU."""
    if not os.path.isfile(path):
        raise UnknownMachineError(f"{path}: no such file")
    with path.open("rb") as file:
        head = file.read(1024)
    if head[:4] == b"\x7fELF" and head[18:20] == b"\x3e\x00":
        return Uml(str(path), program=path.resolve())
    if head[0x202:0x206] == b"HdrS":
        return Qemu(str(path), "amd64", kernel=path.resolve(), processors=processors)
    if head[56:60] == b"ARM\x64":
        return Qemu(str(path), "arm64", kernel=path.resolve(), processors=processors)
    message = "neither a User-Mode Linux program nor a bzImage nor an arm64 Image"
    raise UnknownMachineError(f"{path}: {message}")


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
        version = re.match(r"\d+\.\d+", chosen.image.version) if chosen.image else None
        return version[0] if version else "0.0"
    return os.uname().release if isinstance(chosen, Host) else "0.0"


def config_of_image(chosen: Machine) -> dict[str, str]:
    """Return the interesting options of a kernel, as its package tells; the guest may know more."""
    image = chosen.image if isinstance(chosen, Uml | Qemu) else None
    return options_of(image.config) if image else {}
