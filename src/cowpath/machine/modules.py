# SPDX-License-Identifier: MIT
"""Kernel modules: found, uncompressed, and put into the order in which they load.

Packages that are only unpacked have no modules.dep, so what a module needs is read from the module itself.
"""

from __future__ import annotations

import hashlib
import lzma
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cowpath import children

SUFFIXES = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")


def install(root: Path, names: Iterable[str], target: Path) -> None:
    """Copy the named modules under `root`, and what they need, to `target` as 00-first.ko, 01-second.ko, ...

    A module that is not there is built in or was never built; which of the two, the guest finds out.
    """
    target.mkdir()
    files = {_name(file): file for suffix in SUFFIXES for file in root.rglob(f"*{suffix}")}
    contents: dict[str, bytes] = {}
    for name in names:
        _collect(files, name, contents)
    for number, (name, content) in enumerate(contents.items()):
        (target / f"{number:02}-{name}.ko").write_bytes(content)


def kept(root: Path, names: Iterable[str], cache: Path) -> list[Path]:
    """Return the named modules under `root` in their order, copied to a directory named by their contents.

    Modules of a tree change with each build of it, so they are read anew each time.
    """
    with tempfile.TemporaryDirectory(prefix="cowpath-") as name:
        target = Path(name) / "modules"
        install(root, names, target)
        found = [(file.name, file.read_bytes()) for file in sorted(target.iterdir())]
    digest = hashlib.sha256(b"".join(content for _, content in found)).hexdigest()[:16]
    directory = cache / digest
    directory.mkdir(parents=True, exist_ok=True)
    for file_name, content in found:
        if not (directory / file_name).exists():
            (directory / file_name).write_bytes(content)
    return [directory / file_name for file_name, _ in found]


def needs(content: bytes) -> list[str]:
    """Return the modules that a module says it needs.

    >>> needs(b"license=GPL" + bytes(1) + b"depends=virtio,virtio-ring" + bytes(1))
    ['virtio', 'virtio_ring']
    """
    found = re.search(rb"\0depends=([^\0]*)\0", b"\0" + content)
    return [name.replace("-", "_") for name in found[1].decode().split(",") if name] if found else []


def _collect(files: dict[str, Path], name: str, contents: dict[str, bytes]) -> None:
    if name in contents or name not in files:
        return
    content = _read(files[name])
    for needed in needs(content):
        _collect(files, needed, contents)
    contents[name] = content


def _name(file: Path) -> str:
    return file.name.partition(".ko")[0].replace("-", "_")


def _read(file: Path) -> bytes:
    if file.suffix == ".xz":
        return lzma.decompress(file.read_bytes())
    if file.suffix in (".zst", ".gz"):
        tool = "zstd" if file.suffix == ".zst" else "gzip"
        program = children.need(tool, f": {file.name} cannot be read")
        return children.output([program, "-dc", str(file)])
    return file.read_bytes()
