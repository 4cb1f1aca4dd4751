# SPDX-License-Identifier: MIT
"""The files of a guest: a small Python, the kernel's modules, the agent, and the jobs; nothing of the host.

Two cpio archives, one after the other, which is how the kernel accepts them: the first is the same for every
run of a kernel and is kept in the cache, the second has the agent and this run's jobs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import marshal
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from cowpath import children
from cowpath.machine import agent

OURS = f"python{sys.version_info.major}.{sys.version_info.minor}"

SKIPPED = frozenset(
    {"dist-packages", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "unittest"}
)
"""Packages of the standard library that the agent has no use for."""

LIBRARIES = re.compile(
    r"(ld-linux.*|ld64|ld|lib(c|m|dl|pthread|rt|util|z|expat|ffi|gcc_s|crypto|lzma|bz2|python3\.\d+))\.so(\.\d+)*"
)
EXTENSIONS = re.compile(
    r"_ctypes|_json|_posixsubprocess|fcntl|mmap|select|math|_random|_struct|_bisect|_hash.*"
)

DIRECTORY, FILE, PROGRAM, DEVICE = 0o040755, 0o100644, 0o100755, 0o020600


class CpioArchive:
    """A cpio archive in the newc format, in memory.

    >>> archive = CpioArchive()
    >>> archive.add("init", b"x", PROGRAM)
    >>> archive.packed()[:6]
    b'070701'
    """

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.names: set[str] = set()

    def add(
        self, name: str, content: bytes = b"", mode: int = FILE, device: tuple[int, int] = (0, 0)
    ) -> None:
        """Add one entry, and the directories above it."""
        name = name.strip("/")
        if name in self.names:
            return
        if above := os.path.dirname(name):
            self.add(above, mode=DIRECTORY)
        self.names.add(name)
        self._entry(name, content, mode, device)

    def packed(self) -> bytes:
        """Return the whole archive, packed."""
        end = CpioArchive()
        end._entry("TRAILER!!!", b"", 0, (0, 0))
        whole = b"".join(self.parts + end.parts)
        return whole + bytes(-len(whole) % 512)

    def _entry(self, name: str, content: bytes, mode: int, device: tuple[int, int]) -> None:
        path = name.encode() + b"\0"
        fields = (len(self.parts) + 1, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        self.parts.append(header + bytes(-len(header) % 4) + content + bytes(-len(content) % 4))


def base(python_root: Path, modules: list[Path], kept: Path) -> Path:
    """Return the archive with Python and modules; it is made once and kept in the directory `kept`."""
    names = [f"{path}:{path.stat().st_size}" for path in modules]
    key = hashlib.sha256("\n".join([str(python_root), _own_code(), *names]).encode()).hexdigest()[:16]
    file = kept / f"{key}.cpio"
    if not is_whole(file):
        archive = CpioArchive()
        archive.add("dev/console", mode=DEVICE, device=(5, 1))
        for directory in ("proc", "sys", "run", "tmp"):
            archive.add(directory, mode=DIRECTORY)
        byte_code = is_ours(python_root)
        for name, path in python_files(python_root):
            _add_file(archive, name, path, byte_code)
        for module in modules:
            archive.add(f"modules/{module.name}", module.read_bytes())
        kept.mkdir(parents=True, exist_ok=True)
        unfinished, packed = file.with_suffix(f".{os.getpid()}"), archive.packed()
        unfinished.write_bytes(packed)
        file.with_suffix(".sha256").write_text(hashlib.sha256(packed).hexdigest())
        unfinished.rename(file)
    return file


def is_whole(file: Path) -> bool:
    """Tell whether an archive is there as it was made: a torn one panics a guest with no hint at why."""
    try:
        digest = file.with_suffix(".sha256").read_text()
        return hashlib.sha256(file.read_bytes()).hexdigest() == digest
    except (OSError, UnicodeDecodeError):
        return False


def jobs_archive(jobs: list[dict[str, Any]], files: Mapping[str, bytes], byte_code: bool) -> bytes:
    """Return the archive with the agent, its jobs, and programs that go with them.

    `byte_code`: the guest's Python is ours, so that the agent can be compiled for it here.
    """
    archive = CpioArchive()
    archive.add("seed", os.urandom(64))
    archive.add(
        "init",
        b"#!/usr/bin/python3 -SB\nimport sys\nsys.path.insert(0, '/')\nfrom agent.init import live\nlive()\n",
        PROGRAM,
    )
    for file in sorted(Path(agent.__path__[0]).glob("*.py")):
        _add_file(archive, f"agent/{file.name}", file, byte_code)
    for number, job in enumerate(jobs):
        archive.add(f"jobs/{number:05}.json", json.dumps(job).encode())
    for name, content in files.items():
        archive.add(name, content, PROGRAM)
    return archive.packed()


def python_of(root: Path) -> str:
    """Return the name of the interpreter in a root file system: "python3.11"."""
    return min(file.name for file in (root / "usr/bin").glob("python3.*"))


def is_ours(root: Path) -> bool:
    """Tell whether the Python of a root file system reads the byte code that this one makes."""
    return sys.implementation.name == "cpython" and python_of(root) == OURS


def python_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield (name in the guest, file) for the interpreter, its libraries and the modules that we use."""
    python = python_of(root)
    yield f"usr/bin/{python}", root / "usr/bin" / python
    yield "usr/bin/python3", root / "usr/bin" / python
    library = root / "usr/lib" / python
    needed = needed_modules() if is_ours(root) else None
    for directory, inside, files in os.walk(library):
        inside[:] = [
            name for name in inside if name not in SKIPPED and not name.startswith(("__", "config-"))
        ]
        for name in files:
            path = Path(directory) / name
            module = str(path.relative_to(library).with_suffix("")).partition(".")[0]
            if path.parent.name == "lib-dynload":
                wanted = bool(EXTENSIONS.match(name)) or (needed is not None and module in needed)
            else:
                wanted = name.endswith(".py") and (needed is None or module in needed)
            if wanted:
                yield str(path.relative_to(root)), path
    for top in ("lib", "lib64", "usr/lib", "usr/lib64"):
        for directory, inside, files in os.walk(root / top):
            inside[:] = [name for name in inside if name not in (python, "gconv", "audit")]
            for name in files:
                if LIBRARIES.fullmatch(name):
                    yield str((Path(directory) / name).relative_to(root)), Path(directory) / name


@lru_cache
def needed_modules() -> frozenset[str]:
    """Return the modules of our standard library that the agent imports, as paths without suffix."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "import agent.init, agent.supervise, agent.programs, runpy;"
        "print('\\n'.join(m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)))"
    )
    above = str(Path(agent.__path__[0]).parent)
    loaded = children.output(children.python("-S", "-c", code, above)).decode().split()
    library = os.path.dirname(os.__file__)
    names = {os.path.relpath(name, library).partition(".")[0] for name in loaded if name.startswith(library)}
    return frozenset(names | {"encodings/ascii", "encodings/latin_1", "encodings/utf_8", "linecache"})


def _add_file(archive: CpioArchive, name: str, path: Path, byte_code: bool) -> None:
    """Add a file; of a Python module the byte code instead, where this Python can make it for the guest's."""
    real = _inside(path)
    content = real.read_bytes()
    if name.endswith(".py") and byte_code:
        code = compile(content, f"/{name}", "exec", dont_inherit=True)
        archive.add(f"{name}c", _unchecked(code))
    else:
        archive.add(name, content, stat.S_IFREG | stat.S_IMODE(real.stat().st_mode))


def _unchecked(code: Any) -> bytes:
    """Return a .pyc that Python believes without looking at the source."""
    return importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code)


def _inside(path: Path) -> Path:
    """Return the file behind a link, whose absolute target is meant within the guest's own root."""
    while path.is_symlink():
        target = os.readlink(path)
        if target.startswith("/"):
            root = next(parent for parent in path.parents if (parent / "image.json").is_file())
            path = root / target.lstrip("/")
        else:
            path = path.parent / target
    return path


def _own_code() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
