# SPDX-License-Identifier: MIT
"""User-Mode Linux: a kernel that is a program.  The quickest real kernel there is, on amd64 only.

Its root is an initramfs, so it mounts nothing of the host; hostfs is confined to an empty directory; and
where cowpath runs as root the kernel runs as nobody.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cowpath.machine import images
from cowpath.machine.errors import MachineError
from cowpath.machine.guest import Guest, Launch
from cowpath.machine.initramfs import base, is_ours
from cowpath.machine.own_files import guest_python, own_modules
from cowpath.machine.scratch import NOBODY
from cowpath.machine.tree import OwnKernel
from cowpath.machine.xstate import TUNABLES, hider, needs_hiding

LOADER = b"/lib64/ld-linux-x86-64.so.2"
MEMORY = "192M"


class Uml(Guest):
    """A User-Mode Linux, from Debian (`image`) or one that a developer has built (`own`)."""

    round_seconds = 10
    silence_seconds = 30

    def __init__(self, name: str, image: images.Image | None = None, own: OwnKernel | None = None) -> None:
        self.name = name
        self.image = image
        self.own = own

    def base(self) -> Path:
        """Return the archive with a Python for the architecture, and this kernel's modules."""
        modules = self.image.modules if self.image else own_modules(self.own)
        return base(guest_python("amd64", self.own), modules, images.cache() / "initramfs")

    def takes_byte_code(self) -> bool:
        """Tell whether the guest's Python reads the byte code that ours makes."""
        return is_ours(guest_python("amd64", self.own))

    def launch(self, directory: Path, console: int) -> Launch:
        """Return the command.  The kernel is copied, so that `nobody` can read it wherever the cache is."""
        (directory / "empty").mkdir()
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "TMPDIR": str(directory)}
        if self.image:
            shutil.copytree(self.image.directory / "lib", directory / "lib")
            (directory / "lib/ld-linux-x86-64.so.2").rename(directory / "ld.so")
            program = with_loader(self.image.kernel.read_bytes(), str(directory / "ld.so"))
            environment["LD_LIBRARY_PATH"] = str(directory / "lib")
        else:
            assert self.own is not None
            program = self.own.kernel.read_bytes()
        kernel = directory / "linux"
        kernel.write_bytes(program)
        kernel.chmod(0o755)
        command = [
            str(kernel), f"mem={MEMORY}", f"initrd={directory / 'initrd'}", "root=/dev/ram0", "rdinit=/init",
            f"umid=cowpath-{directory.name}", f"uml_dir={directory}", f"hostfs={directory / 'empty'}",
            f"ubda={directory / 'swap0'}", f"ubdb={directory / 'swap1'}",
            "quiet", "panic=-1", "PYTHONHASHSEED=0", TUNABLES,
            "con=null", f"con0=null,fd:{console}", "ssl=null",
        ]  # fmt: skip
        user = NOBODY if os.geteuid() == 0 else None
        return Launch(command, environment, user, hider() if needs_hiding(program) else None)


def with_loader(program: bytes, loader: str) -> bytes:
    """Return the program with another path to its dynamic loader: its own libraries are beside it.

    >>> with_loader(b"[" + LOADER + b"]", "/tmp/x/ld.so").index(b"/tmp/x/ld.so")
    1
    """
    path = loader.encode()
    if len(path) > len(LOADER):
        raise MachineError(f"the path of the temporary directory is too long: {loader}")
    return program.replace(LOADER, path.ljust(len(LOADER), b"\0"), 1)
