# SPDX-License-Identifier: MIT
"""Packages of any Debian suite and architecture, fetched without touching the system.

Every suite and architecture gets an apt directory of its own (sources, lists, state) under the cache; it is
named to each apt command with `-o` options and never exported.  apt itself checks the signature of the suite
and the hash of the package; nothing is installed, packages are only unpacked.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cowpath import children
from cowpath.machine.errors import MachineError
from cowpath.printable import brief

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEFAULT_MIRROR = "http://deb.debian.org/debian"
PATIENCE = 900
"""Seconds that one command gets."""

FRESH_SECONDS = 7 * 24 * 3600
"""Lists older than this are fetched again; a package in the cache is used however old it is."""

_read: set[Path] = set()
"""The apt directories whose lists this process has read from the mirror."""


class UnreachableError(MachineError):
    """Raised where the mirror, or a package on it, cannot be reached."""


@dataclass(frozen=True)
class Archive:
    """A suite for one architecture, seen through a private apt directory."""

    suite: str
    architecture: str
    root: Path

    @property
    def directory(self) -> Path:
        """The directory of this archive's lists, state and packages."""
        return self.root / "apt" / f"{self.suite}-{self.architecture}"

    def options(self) -> list[str]:
        """Return the options that make an apt command look at this archive and at nothing else."""
        base = self.directory
        settings = {
            "Dir::Etc::SourceList": base / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::State": base / "state",
            "Dir::State::status": base / "state" / "status",
            "Dir::Cache": base / "cache",
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Sandbox::User": "",
            "APT::Install-Recommends": "false",
            "Acquire::Languages": "none",
            "APT::Get::AllowUnauthenticated": "false",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false",
            "Acquire::AllowDowngradeToInsecureRepositories": "false",
            "Acquire::Retries": "2",
        }
        return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]

    def refresh(self) -> None:
        """Fetch the package lists unless they are fresh.  Raises UnreachableError."""
        base, stamp = self.directory, self.directory / "updated"
        if stamp.exists() and stamp.stat().st_mtime + FRESH_SECONDS > time.time():
            return
        for part in ("state/lists/partial", "cache/archives/partial"):
            (base / part).mkdir(parents=True, exist_ok=True)
        (base / "state" / "status").touch()
        line = f"deb [signed-by={KEYRING} arch={self.architecture}] {mirror()} {self.suite} main\n"
        (base / "sources.list").write_text(line)
        say(f"reading the package lists of {self.suite} ({self.architecture})")
        self._apt(["apt-get", "update", "--error-on=any"])
        stamp.touch()
        _read.add(base)

    def forget(self) -> None:
        """Throw the package lists away, and what apt has made of them; the next command reads them anew."""
        (self.directory / "updated").unlink(missing_ok=True)
        for part in ("state/lists", "cache"):
            shutil.rmtree(self.directory / part, ignore_errors=True)

    def depends(self, package: str) -> list[str]:
        """Return the packages that a package needs, without alternatives.  Raises UnreachableError."""
        field = re.search(r"^Depends: (.*)$", self._shown(package), re.MULTILINE)
        names = field[1].split(",") if field else []
        return [re.split(r"[ (|:]", name.strip())[0] for name in names]

    def version(self, package: str) -> str:
        """Return the archive's version of a package.  Raises UnreachableError where it has none."""
        field = re.search(r"^Version: (.*)$", self._shown(package), re.MULTILINE)
        if field is None:
            raise UnreachableError(f"{self.suite} has no package {package} for {self.architecture}")
        return field[1]

    def _shown(self, package: str) -> str:
        """Return what the lists say of a package.  Raises UnreachableError."""
        return self._with_lists(lambda: self._apt(["apt-cache", "show", "--no-all-versions", package]))

    def _with_lists(self, ask: Callable[[], str]) -> str:
        """Do what needs the lists; once more with lists read anew, if they were read by an earlier process.

        Those may be damaged, or name a package that the mirror has replaced since.  Raises UnreachableError.
        """
        self.refresh()
        try:
            return ask()
        except UnreachableError as error:
            if self.directory in _read:
                raise
            say(f"{error}: once more, with new package lists")
        self.forget()
        self.refresh()
        return ask()

    def unpack(self, packages: Iterable[str], target: Path) -> None:
        """Fetch packages and unpack them all into one directory.  Raises UnreachableError."""
        downloads = self.directory / "packages"
        downloads.mkdir(parents=True, exist_ok=True)
        target.mkdir(parents=True, exist_ok=True)
        for package in packages:
            say(f"fetching {package} from {self.suite} ({self.architecture})")
            command = ["apt-get", "download", f"{package}:{self.architecture}"]
            self._with_lists(functools.partial(self._apt, command, downloads))
            for file in downloads.glob(f"{package}_*.deb"):
                run(["dpkg-deb", "-x", str(file), str(target)], downloads)
                file.unlink()

    def _apt(self, command: Sequence[str], directory: Path | None = None) -> str:
        program, *rest = command
        return run([program, "-q", *self.options(), *rest], directory or self.directory)


def run(command: Sequence[str], directory: Path) -> str:
    """Run a program and return its output.  Raises UnreachableError with what it complained about."""
    program = children.find(command[0])
    if program is None:
        raise UnreachableError(f"{command[0]} is not installed: kernels are fetched with Debian's apt")
    proxies = [*children.PROXIES, *map(str.upper, children.PROXIES)]
    try:
        done = children.run(
            [program, *command[1:]], cwd=directory, timeout=PATIENCE, env=children.environment(*proxies)
        )
    except subprocess.TimeoutExpired:
        raise UnreachableError(f"{command[0]} takes more than {PATIENCE} s") from None
    if done.returncode:
        complaint = next((line for line in done.stderr.splitlines() if line.startswith("E:")), done.stderr)
        raise UnreachableError(f"{command[0]} failed: {complaint.strip()}")
    return done.stdout


def mirror() -> str:
    """Return the Debian mirror that this machine is set up with."""
    for file in [*sorted(Path("/etc/apt/sources.list.d").glob("*.sources")), Path("/etc/apt/sources.list")]:
        text = file.read_text() if file.is_file() else ""
        for pattern in (r"^URIs:\s*(\S+/debian)/?\s*$", r"^deb\s(?:\[.*?\]\s*)?(\S+/debian)/?\s"):
            if found := re.search(pattern, text, re.MULTILINE):
                return found[1]
    return DEFAULT_MIRROR


def say(text: str) -> None:
    """Print a line of progress on stderr."""
    print(f"cowpath: {brief(text)}", file=sys.stderr, flush=True)
