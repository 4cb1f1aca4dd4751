# SPDX-License-Identifier: MIT
"""The Python that runs cowpath, brought into a guest: for kernels of one's own, on machines without apt.

Its interpreter, its standard library and the shared libraries of both are put together as a small root file
system.  A guest of another architecture needs Debian's Python for that architecture.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import sysconfig
from pathlib import Path

from cowpath import children
from cowpath.machine import kept
from cowpath.machine.errors import MachineError
from cowpath.machine.initramfs import needed_modules

LINKED = re.compile(r"(?:=> )?(/\S+) \(0x")
"""A line of ldd with a library that was found."""

UNWANTED = shutil.ignore_patterns(
    "__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "ensurepip",
    "tkinter", "turtledemo", "pydoc_data", "config-*",
)  # fmt: skip


def serves(architecture: str) -> bool:
    """Tell whether our Python runs in guests of an architecture, by Debian's name for it."""
    return sys.implementation.name == "cpython" and (platform.machine(), architecture) == ("x86_64", "amd64")


def python_root(cache: Path) -> Path:
    """Return the files of our Python, made once for each version of it.  Raises MachineError."""
    name = f"own-{platform.python_version()}"
    directory = cache / "python" / name
    with kept.alone(cache, lambda text: None):
        if kept.damage(directory):
            kept.keep(directory, build)
    return directory


def build(target: Path) -> dict[str, str]:
    """Put our Python into a directory, as /usr/bin/python3.N and /usr/lib/python3.N."""
    short = f"python{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))
    copy(interpreter, target / "usr/bin" / short)
    library = target / "usr/lib" / short
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=UNWANTED, symlinks=False)
    extensions = Path(sysconfig.get_config_var("DESTSHARED") or sysconfig.get_path("platstdlib"))
    if extensions.is_dir() and not (library / "lib-dynload").is_dir():
        shutil.copytree(extensions, library / "lib-dynload", ignore=UNWANTED)
    imported = [name for name in needed_modules() if name.startswith("lib-dynload/")]
    extensions_used = [file for name in sorted(imported) for file in library.glob(f"{name}.*")]
    for program in (interpreter, *extensions_used):
        for needed in libraries(program):
            is_loader = needed.name.startswith("ld-")
            copy(needed, target / str(needed).lstrip("/") if is_loader else target / "usr/lib" / needed.name)
    return {"package": "the Python that runs cowpath", "version": platform.python_version()}


def libraries(program: Path) -> list[Path]:
    """Return the shared libraries of a program, its loader among them; none of one that is static."""
    found = children.run([children.need("ldd", ": the guest's Python is put together with it"), str(program)])
    return [Path(name) for name in LINKED.findall(found.stdout)]


def copy(source: Path, target: Path) -> None:
    """Copy a file, and make the directories above it."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copy2(source, target)
    except OSError as error:
        raise MachineError(f"{source}: our Python cannot be copied for the guest: {error.strerror}") from None
