# SPDX-License-Identifier: MIT
"""User-Mode Linux built from Debian's source, as it is or with a rule changed by a few words of an edit.

The source and its objects are in the cache, so that only what an edit touches is compiled again: a mutant
takes a minute.  Of each file that was ever edited the original is kept beside the source.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cowpath import children
from cowpath.machine import images, kept, needs
from cowpath.machine.apt import Archive, say
from cowpath.machine.errors import MachineError

SUITE = {"6.1": "bookworm"}
"""Where the source of a release is."""

SMALL = "".join(
    f"# CONFIG_{name} is not set\n"
    for name in ("MODULES", "NET", "SOUND", "DEBUG_INFO", "EXT4_FS", "REISERFS_FS")
)
"""What User-Mode Linux's own configuration has and no guest needs: it would take time to build."""

TOOLS = {"make": "make", "gcc": "gcc", "flex": "flex", "bison": "bison", "bc": "bc"}
"""Programs that a kernel is built with, and their Debian packages."""

BUILD_SECONDS = 2 * 3600


class EditError(MachineError):
    """Raised for an edit that does not fit its source."""


@dataclass(frozen=True)
class Edit:
    """A change of a few words in a file of the kernel, wherever they are in one function.

    Without `function`, in all of the file.  They must be there `times` times.
    """

    file: str
    old: str
    new: str
    function: str = ""
    times: int = 1

    def apply(self, text: str) -> str:
        r"""Return a file's text with the change in it.  Raises EditError.

        >>> Edit("a.c", "x", "0", "f").apply("int g(void)\n{\n\tx;\n}\nint f(void)\n{\n\tx;\n}\n")[-8:]
        '{\n\t0;\n}\n'
        """
        start, end = self._range(text)
        found = text.count(self.old, start, end)
        if found != self.times:
            raise EditError(f"{self.file}: {self.old!r} is there {found} times, and not {self.times}")
        return text[:start] + text[start:end].replace(self.old, self.new) + text[end:]

    def _range(self, text: str) -> tuple[int, int]:
        """Return where a function begins and ends: its definition and its last brace begin a line."""
        if not self.function:
            return 0, len(text)
        at = -1
        while (at := text.find(f"{self.function}(", at + 1)) >= 0:
            brace, semicolon = text.find("\n{", at), text.find(";", at)
            line = text.rfind("\n", 0, at) + 1
            if 0 <= brace < semicolon and not text[line].isspace():
                return brace, text.find("\n}", brace)
        raise EditError(f"{self.file}: there is no function {self.function}")


class TreeBuilder:
    """The source of a release and a directory of objects, both in the cache."""

    def __init__(self, release: str) -> None:
        """Get everything ready.  Raises MachineError."""
        for program, package in TOOLS.items():
            children.need(program, f": kernels are built with it (Debian: apt-get install {package})")
        self.archive = Archive(SUITE[release], "amd64", images.cache())
        self.package = f"linux-source-{release}"
        self.version = self.archive.version(self.package)
        base = images.cache() / "source" / self.package
        self.source, self.objects = base / "source", base / "objects"
        self.originals, self.built = base / "originals", base / "built"
        with kept.alone(images.cache(), say):
            self._unpack(base)

    def _unpack(self, base: Path) -> None:
        stamp = base / "version"
        if stamp.is_file() and stamp.read_text() == self.version:
            return
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=base) as name:
            self.archive.unpack([self.package], Path(name))
            (packed,) = Path(name).rglob(f"{self.package}.tar.*")
            say(f"unpacking {packed.name}")
            with tarfile.open(packed) as archive:
                archive.extractall(name, filter="tar")
            (Path(name) / self.package).rename(self.source)
        stamp.write_text(self.version)

    def build(self, edits: Sequence[Edit]) -> Path:
        """Return a User-Mode Linux with these edits, from the cache or newly built.  Raises MachineError."""
        config = needs.fragment(needs.UML) + SMALL
        key = hashlib.sha256(repr((self.version, config, list(edits))).encode()).hexdigest()[:16]
        kernel = self.built / f"linux-{key}"
        if not kernel.is_file():
            self._configure(config)
            self._edit(edits)
            say(f"building {self.package} {self.version} with {len(edits)} edits")
            self._make("linux")
            self.built.mkdir(exist_ok=True)
            unfinished = kernel.with_suffix(".new")
            shutil.copy2(self.objects / "linux", unfinished)
            unfinished.rename(kernel)
        return kernel

    def _configure(self, config: str) -> None:
        done = self.objects / "fragment"
        if done.is_file() and done.read_text() == config:
            return
        self.objects.mkdir(exist_ok=True)
        self._make("defconfig")
        (self.objects / "wanted").write_text(config)
        script = self.source / "scripts/kconfig/merge_config.sh"
        self._run([str(script), "-m", "-O", ".", ".config", "wanted"])
        self._make("olddefconfig")
        done.write_text(config)

    def _edit(self, edits: Sequence[Edit]) -> None:
        """Write every file that was ever edited as it is to be now, unless it is so already."""
        for edit in edits:
            original = self.originals / edit.file
            if not original.is_file():
                original.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.source / edit.file, original)
        for original in sorted(file for file in self.originals.rglob("*") if file.is_file()):
            name = str(original.relative_to(self.originals))
            text = original.read_text()
            for edit in edits:
                text = edit.apply(text) if edit.file == name else text
            if text != (self.source / name).read_text():
                (self.source / name).write_text(text)

    def _make(self, target: str) -> None:
        jobs = len(os.sched_getaffinity(0))
        self._run(["make", "-s", f"-j{jobs}", "ARCH=um", f"O={self.objects}", "-C", str(self.source), target])

    def _run(self, command: list[str]) -> None:
        program = command[0] if command[0].startswith("/") else children.need(command[0])
        done = children.run([program, *command[1:]], cwd=self.objects, timeout=BUILD_SECONDS)
        if done.returncode:
            complaint = [line for line in done.stderr.splitlines() if "rror" in line] or [done.stderr[-200:]]
            raise MachineError(f"{' '.join(command[:1])}: the kernel does not build: {complaint[0]}")
