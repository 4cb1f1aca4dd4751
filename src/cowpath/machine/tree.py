# SPDX-License-Identifier: MIT
"""A kernel of one's own: an image, or a built tree with image, modules and configuration in it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from cowpath.machine.errors import UnknownMachineError
from cowpath.machine.needs import ARM64, UML, X86, lacking, options, told

IMAGES = ("linux", "arch/x86/boot/bzImage", "arch/x86_64/boot/bzImage", "arch/arm64/boot/Image")
"""Where a tree has what was built of it: User-Mode Linux, or an image for QEMU."""

RELEASE = "include/config/kernel.release"


@dataclass(frozen=True)
class OwnKernel:
    """A kernel that somebody has built; `kind` is one of needs.EVERYWHERE, `config` is empty if not known."""

    path: Path
    kernel: Path
    kind: str
    modules: Path | None = None
    config: str = ""
    release: str = ""

    def lacks(self) -> str:
        """Return what tests will miss, empty where nothing or nobody knows.  Raises UnknownMachineError.

        The error is for a kernel that cannot boot a guest.
        """
        if not self.config:
            return ""
        essential, rest = lacking(options(self.config), self.kind, self.modules is not None)
        if essential:
            hint = f"`cowpath kernels --config {self.kind}` prints a fragment for merge_config.sh"
            raise UnknownMachineError(f"{self.path}: this kernel lacks {told(essential)}; {hint}")
        return told(rest)


def own_kernel(path: Path, module_directory: Path | None = None) -> OwnKernel:
    """Find the kernel in a file or a built tree.  Raises UnknownMachineError, which says what was looked for.

    Modules are those of the tree, or those below `module_directory`.
    """
    if module_directory is not None and not module_directory.is_dir():
        raise UnknownMachineError(f"{module_directory}: no such directory of modules")
    if not path.is_dir():
        return OwnKernel(path, path.resolve(), kind_of(path), module_directory)
    built = [path / name for name in IMAGES if os.path.isfile(path / name)]
    if not built:
        looked = ", ".join(IMAGES)
        raise UnknownMachineError(f"{path}: a tree without a kernel: none of {looked} (built with make O=?)")
    config = path / ".config"
    text = config.read_text("utf-8", "replace") if config.is_file() else ""
    release = path / RELEASE
    has_modules = (path / "modules.order").is_file()
    return OwnKernel(
        path,
        built[0].resolve(),
        kind_of(built[0]),
        module_directory or (path if has_modules else None),
        text,
        release.read_text().strip() if release.is_file() else "",
    )


def kind_of(image: Path) -> str:
    """Return the kind of a kernel by its first bytes.  Raises UnknownMachineError."""
    if not os.path.isfile(image):
        raise UnknownMachineError(f"{image}: no such file")
    with image.open("rb") as file:
        head = file.read(1024)
    if head[:4] == b"\x7fELF" and head[18:20] == b"\x3e\x00":
        return UML
    if head[0x202:0x206] == b"HdrS":
        return X86
    if head[56:60] == b"ARM\x64":
        return ARM64
    message = "neither a User-Mode Linux program nor a bzImage nor an arm64 Image nor a built tree"
    raise UnknownMachineError(f"{image}: {message}")


def version_of(own: OwnKernel) -> str:
    """Return the release of a kernel as its tree says ("6.1"), "0.0" where it does not.

    >>> version_of(OwnKernel(Path("."), Path("linux"), "uml", release="6.1.176-dirty"))
    '6.1'
    """
    found = re.match(r"\d+\.\d+", own.release)
    return found[0] if found else "0.0"
