# SPDX-License-Identifier: MIT
"""Debian's kernel headers and cross compilers, fetched once into a private cache.

Everything goes through apt with directories of its own: nothing is installed, no suite or architecture
is added to the system, and signatures are checked with Debian's archive keyring.
"""

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cowpath" / "headers"

# Each further architecture of a suite costs an index of some 9 MB: only what the targets need.
SUITES = {
    "bullseye": ("amd64", "arm64"),
    "bookworm": ("amd64", "i386", "arm64", "armhf", "s390x", "ppc64el"),
    "trixie": ("amd64", "arm64", "armhf", "riscv64"),
    "bookworm-backports": ("ppc64el",),  # 6.12: the mirror's index of trixie names debs that it does not have
}


class MissingError(Exception):
    """Something these tests need cannot be had on this machine; the text names it."""


@dataclass(frozen=True)
class Target:
    """A kernel package to compile against, and the cowpath architecture it must agree with."""

    arch: str
    series: str
    flavour: str
    debian: str
    source: str
    triplet: str = ""
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.arch}-{self.series}"

    @property
    def compiler_package(self) -> str:
        return f"cpp-12-{self.triplet}" if self.triplet else ""


X86 = {"debian": "amd64", "source": "x86", "flags": ("-m64", "-mno-sse", "-mcmodel=kernel")}
X86_32 = {"debian": "i386", "source": "x86", "flags": ("-m32", "-mno-sse", "-mregparm=3")}
ARM64 = {
    "debian": "arm64",
    "source": "arm64",
    "triplet": "aarch64-linux-gnu",
    "flags": ("-mgeneral-regs-only",),
}
ARM = {
    "debian": "armhf",
    "source": "arm",
    "triplet": "arm-linux-gnueabihf",
    "flags": ("-march=armv7-a", "-mfloat-abi=soft", "-D__LINUX_ARM_ARCH__=7"),
}
S390 = {
    "debian": "s390x",
    "source": "s390",
    "triplet": "s390x-linux-gnu",
    "flags": ("-march=z10", "-mpacked-stack", "-mbackchain", "-msoft-float"),
}
POWERPC = {
    "debian": "ppc64el",
    "source": "powerpc",
    "triplet": "powerpc64le-linux-gnu",
    "flags": ("-mcpu=power8",),
}
RISCV = {
    "debian": "riscv64",
    "source": "riscv",
    "triplet": "riscv64-linux-gnu",
    "flags": ("-march=rv64imac", "-mabi=lp64"),
}

TARGETS = (
    Target("x86_64", "5.10", "amd64", **X86),  # type: ignore[arg-type]
    Target("x86_64", "6.1", "amd64", **X86),  # type: ignore[arg-type]
    Target("x86_64", "6.12", "amd64", **X86),  # type: ignore[arg-type]
    Target("i386", "6.1", "686", **X86_32),  # type: ignore[arg-type]
    Target("i386-pae", "6.1", "686-pae", **X86_32),  # type: ignore[arg-type]
    Target("arm64", "5.10", "arm64", **ARM64),  # type: ignore[arg-type]
    Target("arm64", "6.1", "arm64", **ARM64),  # type: ignore[arg-type]
    Target("arm64", "6.12", "arm64", **ARM64),  # type: ignore[arg-type]
    Target("arm", "6.1", "armmp", **ARM),  # type: ignore[arg-type]
    Target("arm-lpae", "6.1", "armmp-lpae", **ARM),  # type: ignore[arg-type]
    Target("arm", "6.12", "armmp", **ARM),  # type: ignore[arg-type]
    Target("arm-lpae", "6.12", "armmp-lpae", **ARM),  # type: ignore[arg-type]
    Target("s390", "6.1", "s390x", **S390),  # type: ignore[arg-type]
    Target("powerpc", "6.1", "powerpc64le", **POWERPC),  # type: ignore[arg-type]
    Target("powerpc-4k", "6.12", "powerpc64le", **POWERPC),  # type: ignore[arg-type]
    Target("powerpc", "6.12", "powerpc64le-64k", **POWERPC),  # type: ignore[arg-type]
    Target("riscv", "6.12", "riscv64", **RISCV),  # type: ignore[arg-type]
)


def run(*command: str, cwd: Path | None = None) -> str:
    """The output of a command; raises MissingError with what it said."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise MissingError(f"{command[0]}: {error}") from error
    if done.returncode:
        raise MissingError(f"{' '.join(command[:2])} ... {command[-1]}: {done.stderr.strip()[-600:]}")
    return done.stdout


def mirror() -> str:
    """The Debian mirror that this machine is set up with."""
    for uri in run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").split():
        if uri.rstrip("/").endswith("/debian"):
            return uri
    raise MissingError("apt on this machine is set up with no Debian mirror")


def apt_options() -> list[str]:
    """apt options that keep everything in the cache, for one command."""
    home = CACHE / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial", "empty"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "status").touch()
    uri = mirror()
    lines = [
        f"deb [arch={','.join(archs)} signed-by={KEYRING}] {uri} {suite} main\n"
        for suite, archs in SUITES.items()
    ]
    (home / "sources.list").write_text("".join(lines))
    architectures = sorted({arch for archs in SUITES.values() for arch in archs})
    options = {
        "Dir::Etc::sourcelist": home / "sources.list",
        "Dir::Etc::sourceparts": home / "empty",
        "Dir::Etc::preferencesparts": home / "empty",
        "Dir::State": home / "state",
        "Dir::State::status": home / "status",
        "Dir::Cache": home / "cache",
        "Dir::Cache::pkgcache": "pkgcache.bin",  # containers switch it off, and then every call takes seconds
        "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
        "APT::Architecture": "amd64",
        "APT::Architectures": ",".join(architectures),
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def header_packages(options: list[str]) -> dict[Target, str]:
    """The header package of each target: what its series' metapackage linux-headers-FLAVOUR depends on."""
    metapackages = {f"linux-headers-{target.flavour}:{target.debian}" for target in TARGETS}
    stanzas = run("apt-cache", *options, "show", *sorted(metapackages)).split("\n\n")
    found = {}
    for target in TARGETS:
        pattern = rf"^Depends: (linux-headers-{re.escape(target.series)}\.\S+?-{target.flavour}) "
        for stanza in stanzas:
            if f"\nArchitecture: {target.debian}\n" in stanza and (
                match := re.search(pattern, stanza, re.MULTILINE)
            ):
                found[target] = match[1]
        if target not in found:
            raise MissingError(f"no linux-headers-{target.series}.*-{target.flavour} in {', '.join(SUITES)}")
    return found


def prepare() -> Path:
    """Fetch and unpack what TARGETS need, once; returns the root of the unpacked tree."""
    if shutil.which("apt-get") is None or not KEYRING.exists():
        raise MissingError("this is no Debian: apt-get or the archive keyring is missing")
    if os.uname().machine != "x86_64":
        raise MissingError("Debian's cross compilers are fetched for x86_64 machines only")
    root, ready = CACHE / "root", CACHE / "ready"
    wanted = "\n".join(f"{target} {target.flavour} {target.compiler_package}" for target in TARGETS)
    if ready.exists() and ready.read_text() == wanted:
        return root
    shutil.rmtree(root, ignore_errors=True)
    options = apt_options()
    run("apt-get", *options, "--quiet", "update", "--error-on=any")
    packages = set()
    for target, package in header_packages(options).items():
        packages |= {f"{package}:{target.debian}", package.removesuffix(target.flavour) + "common:all"}
        if target.compiler_package:
            packages.add(f"{target.compiler_package}:amd64/bookworm")  # the same gcc for all
    debs = CACHE / "debs"
    debs.mkdir(exist_ok=True)
    run(
        "apt-get",
        *options,
        "--quiet",
        "download",
        *(name.removesuffix(":all") for name in sorted(packages)),
        cwd=debs,
    )
    root.mkdir()
    with ThreadPoolExecutor() as pool:
        list(pool.map(unpack, debs.glob("*.deb"), repeat(root)))
    shutil.rmtree(debs)
    shutil.rmtree(CACHE / "apt")  # the indexes are the larger half
    ready.write_text(wanted)
    return root


def unpack(deb: Path, root: Path) -> None:
    """Unpack headers and compilers, without the thousands of empty files in include/config."""
    wanted = ["./usr/src/*/include/*", "./usr/lib/gcc-cross/*/cc1"]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as packed:
        command = [
            "tar",
            "--extract",
            "--wildcards",
            "--exclude=*/include/config/*",
            "-C",
            str(root),
            *wanted,
        ]
        # a package has one of the two: tar's complaint about the other is none
        subprocess.run(command, stdin=packed.stdout, stderr=subprocess.DEVNULL, check=False)
    if packed.returncode:
        raise MissingError(f"{deb.name} cannot be unpacked")


def compile_probe(root: Path, target: Target, source: Path) -> str:
    """Compile `source` against the target's headers, as the kernel would be; returns the assembly.

    Compiling is enough: the probe has every value folded into a constant, as asm-offsets.c does it.
    """
    headers = root / "usr/src"
    flavour = f"-{target.flavour}"
    (own,) = (path for path in headers.glob(f"linux-headers-{target.series}.*{flavour}") if path.is_dir())
    common = own.with_name(own.name.removesuffix(flavour) + "-common")
    arch = f"arch/{target.source}/include"
    folders = [common / arch, own / arch / "generated", common / "include", own / "include"]
    folders += [common / arch / "uapi", own / arch / "generated/uapi", common / "include/uapi"]
    folders += [own / "include/generated/uapi"]
    first = [common / "include/linux" / name for name in ("compiler-version.h", "kconfig.h")]
    first += [source.with_name("probe_config.h"), common / "include/linux/compiler_types.h"]
    folders += [Path(run("gcc", "-print-file-name=include").strip())]  # 5.10 asks for stdarg.h
    words = ["-nostdinc", *(f"-I{folder}" for folder in folders)]
    words += [word for header in first if header.exists() for word in ("-include", str(header))]
    words += [
        "-D__KERNEL__",
        "-DKASAN_SHADOW_SCALE_SHIFT=3",
        '-DKBUILD_MODNAME="probe"',
        '-DKBUILD_BASENAME="probe"',
    ]
    words += [
        "-std=gnu11",
        "-O2",
        "-w",
        "-fno-strict-aliasing",
        "-fshort-wchar",
        "-ffreestanding",
        "-fno-pic",
        "-fno-pie",
    ]
    words += [*target.flags, str(source), "-o", "-"]
    if not target.triplet:
        return run("gcc", "-S", *words)
    compiler = root / "usr/lib/gcc-cross" / target.triplet / "12/cc1"
    return run(str(compiler), "-quiet", "-imultiarch", target.triplet, *words)
