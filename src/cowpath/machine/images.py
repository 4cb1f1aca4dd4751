# SPDX-License-Identifier: MIT
"""The kernels that can be had, and the cache that they are kept in.

`$XDG_CACHE_HOME/cowpath` (or ~/.cache/cowpath) holds one directory for each kernel, cut down to what a guest
needs: the kernel itself, its configuration, a few modules in the order in which they load.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cowpath import userdirs
from cowpath.machine import kept, modules
from cowpath.machine.apt import Archive, UnreachableError, say
from cowpath.machine.errors import MachineError, UnknownMachineError

SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "7.2": "sid", "7.3": "trixie-backports"}
"""The Debian suite that ships each release."""

UML_RELEASES = ("5.10", "6.1", "6.12", "7.2")
"""The releases of which Debian has a User-Mode Linux."""

KERNEL_PACKAGES = {
    "amd64": "linux-image-cloud-amd64",
    "arm64": "linux-image-cloud-arm64",
    "armhf": "linux-image-armmp-lpae",
    "ppc64el": "linux-image-powerpc64le",
    "s390x": "linux-image-s390x",
}
"""The package that names the current kernel of each architecture."""

MODULES = (
    "fuse", "virtio_mmio", "virtio_pci", "virtio_blk", "brd", "lzo", "lzo_rle", "zstd", "zram",
    "aes_generic", "aes", "ecb", "algif_skcipher",
)  # fmt: skip
"""What guests load: for tests, for compressed swap, for the programs in reproducers/."""

UML_LIBRARIES = (
    "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1",
)  # fmt: skip
"""User-Mode Linux is a program of its suite, which may want a newer C library than this machine has."""

PYTHON_SUITE = "bookworm"
PYTHON_PACKAGES = (
    "libc6", "libexpat1", "libffi8", "zlib1g", "libgcc-s1",
    "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """A kernel by name: `uml:6.1` or `qemu:6.1:arm64`."""

    kind: str
    release: str
    architecture: str = "amd64"

    def __str__(self) -> str:
        suffix = "" if self.kind == "uml" or self.architecture == "amd64" else f":{self.architecture}"
        return f"{self.kind}:{self.release}{suffix}"


@dataclass(frozen=True)
class Image:
    """A kernel in the cache."""

    name: str
    directory: Path
    package: str
    version: str
    fetched: str

    @property
    def kernel(self) -> Path:
        """The program (User-Mode Linux) or the boot image (QEMU)."""
        return self.directory / "kernel"

    @property
    def modules(self) -> list[Path]:
        """The modules in the order in which they load."""
        return sorted((self.directory / "modules").glob("*.ko"))

    @property
    def config(self) -> str:
        """The kernel's configuration, empty where its package has none."""
        file = self.directory / "config"
        return file.read_text() if file.is_file() else ""


def parse(name: str) -> Wanted:
    """Read `uml:6.1` or `qemu:6.1:arm64`.  Raises UnknownMachineError.

    >>> str(parse("qemu:6.1"))
    'qemu:6.1'
    >>> parse("uml:2.6")
    Traceback (most recent call last):
    cowpath.machine.errors.UnknownMachineError: no User-Mode Linux 2.6: there are 5.10, 6.1, 6.12, 7.2
    """
    kind, _, rest = name.partition(":")
    release, _, architecture = rest.partition(":")
    title = {"uml": "User-Mode Linux", "qemu": "QEMU kernel"}.get(kind)
    if title is None:
        raise UnknownMachineError(
            f"no machine {name[:60]!r}: host, uml:6.1, qemu:6.1:arm64 or a path to a kernel"
        )
    releases = UML_RELEASES if kind == "uml" else tuple(SUITES)
    if release not in releases:
        raise UnknownMachineError(f"no {title} {release or '(no release)'}: there are {', '.join(releases)}")
    if architecture and (kind == "uml" or architecture not in KERNEL_PACKAGES):
        known = "amd64" if kind == "uml" else ", ".join(KERNEL_PACKAGES)
        raise UnknownMachineError(f"no {title} for {architecture!r}: there is {known}")
    return Wanted(kind, release, architecture or "amd64")


def available() -> list[Wanted]:
    """Return every kernel that can be fetched by name."""
    found = [Wanted("uml", release) for release in UML_RELEASES]
    return found + [Wanted("qemu", release, a) for release in SUITES for a in KERNEL_PACKAGES]


def cache() -> Path:
    """Return the directory where kernels are kept; raises ForeignDirectoryError if others can change it."""
    return Path(userdirs.need_private(userdirs.cache()))


def cached(wanted: Wanted) -> Image | None:
    """Return the kernel if it is in the cache, else None."""
    return _read(_directory(wanted), str(wanted))


def fetch(wanted: Wanted) -> Image:
    """Return the kernel, from the cache or else from Debian.  Raises UnreachableError or MachineError."""
    build = _build_uml if wanted.kind == "uml" else _build_qemu
    directory = _directory(wanted)
    modules = {"modules": " ".join(MODULES)}
    _fill(directory, lambda target: build(wanted, target) | modules, modules)
    image = cached(wanted)
    assert image is not None
    return image


def python_root(architecture: str) -> Path:
    """Return the files of a small Python for guests of an architecture.  Raises UnreachableError."""
    directory = cache() / "python" / architecture

    def build(target: Path) -> dict[str, str]:
        archive = Archive(PYTHON_SUITE, architecture, cache())
        archive.unpack(PYTHON_PACKAGES, target)
        return {"package": "python3.11-minimal", "version": archive.version("python3.11-minimal")}

    _fill(directory, build)
    return directory


# -- how they get there ----------------------------------------------------------------------------


def _directory(wanted: Wanted) -> Path:
    return cache() / "kernels" / f"{wanted.kind}-{wanted.release}-{wanted.architecture}"


def _read(directory: Path, name: str) -> Image | None:
    known = kept.facts(directory)
    return Image(name, directory, known["package"], known["version"], known["fetched"]) if known else None


def _fill(directory: Path, build: kept.Build, wanted: Mapping[str, str] = MappingProxyType({})) -> None:
    """Build a directory of the cache unless it is there, whole, and has all that is `wanted`.

    One that is whole and merely old, without digests or with other modules, serves where Debian cannot be
    reached; one that is damaged never does.
    """
    with kept.alone(cache(), say):
        damage = kept.damage(directory)
        known = kept.facts(directory) or {}
        if not damage and "files" in known and wanted.items() <= known.items():
            return
        if damage and directory.exists():
            say(f"{directory}: {damage}: fetched anew")
        try:
            kept.keep(directory, build)
        except UnreachableError:
            if damage:
                raise


def _build_uml(wanted: Wanted, target: Path) -> dict[str, str]:
    archive = Archive(SUITES[wanted.release], "amd64", cache())
    version = archive.version("user-mode-linux")
    _check_release(wanted, version)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        root = Path(name)
        archive.unpack(["user-mode-linux", "libc6"], root)
        shutil.copy2(root / "usr/bin/linux.uml", target / "kernel")
        (target / "lib").mkdir()
        for library in UML_LIBRARIES:
            if found := [file for file in sorted(root.rglob(library)) if file.is_file()]:
                shutil.copy2(found[0], target / "lib" / library)
        modules.install(root, MODULES, target / "modules")
        _keep_config(root, target)
    return {"package": "user-mode-linux", "version": version}


def _build_qemu(wanted: Wanted, target: Path) -> dict[str, str]:
    archive = Archive(SUITES[wanted.release], wanted.architecture, cache())
    packages = _kernel_packages(archive, KERNEL_PACKAGES[wanted.architecture])
    _check_release(wanted, archive.version(packages[-1]))
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        root = Path(name)
        archive.unpack(packages, root)
        kernels = [file for file in root.rglob("vmlinu[xz]*") if file.is_file() and not file.is_symlink()]
        if not kernels:
            raise MachineError(f"{packages[-1]} holds no kernel")
        shutil.copy2(kernels[0], target / "kernel")
        modules.install(root, MODULES, target / "modules")
        _keep_config(root, target)
    return {"package": packages[-1], "version": archive.version(packages[-1])}


def _kernel_packages(archive: Archive, package: str) -> list[str]:
    """Return the packages with the kernel and its modules behind a name that only depends on them."""
    parts = ("linux-base-", "linux-image-", "linux-binary-", "linux-modules-")
    found = [name for name in archive.depends(package) if name.startswith(parts)]
    if not found:
        return [package]
    deeper = [name for package in found for name in archive.depends(package) if name.startswith(parts)]
    return list(dict.fromkeys([*found, *deeper]))


def _keep_config(root: Path, target: Path) -> None:
    for file in sorted([*root.glob("boot/config-*"), *root.glob("usr/lib/modules/*/config"),
                        *root.rglob("config/config-*")]):  # fmt: skip
        if file.is_file():
            shutil.copy2(file, target / "config")
            return


def _check_release(wanted: Wanted, version: str) -> None:
    if not version.startswith(wanted.release + ".") and not version.startswith(wanted.release + "um"):
        message = f"Debian {SUITES[wanted.release]} has moved on to kernel {version}"
        raise MachineError(f"{wanted} cannot be had: {message}")
