# SPDX-License-Identifier: MIT
"""Directories of the cache: built elsewhere, moved there whole, and looked at again before they are used.

Beside what was built there is a file that says what it is and what each file in it must be.  A directory that
is not what that file says was damaged, and is made anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

FACTS = "image.json"

Build = Callable[[Path], dict[str, str]]
"""Fills a directory and returns what it is: `package` and `version`, and more."""

_sound: set[Path] = set()
"""Directories that this process has looked at."""


def facts(directory: Path) -> dict[str, Any] | None:
    """The facts that a directory of the cache keeps of itself; None where they cannot be read."""
    try:
        found = json.loads((directory / FACTS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    named = isinstance(found, dict) and all(
        isinstance(found.get(name), str) for name in ("package", "version", "fetched")
    )
    return found if named else None


def damage(directory: Path) -> str:
    """Return what is wrong with a directory of the cache; empty where nothing is.

    Digests are compared once in the life of a process.  A directory from before there were any has none.
    """
    known = facts(directory)
    if known is None:
        return f"{FACTS} is missing or damaged"
    wanted = known.get("files", {})
    if not isinstance(wanted, dict):
        return f"{FACTS} is damaged"
    if directory not in _sound and wanted and (found := digests(directory)) != wanted:
        names = [name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]
        return f"{names[0]} is not what it was"
    _sound.add(directory)
    return ""


def digests(directory: Path) -> dict[str, str]:
    """A digest of each file, by its name below the directory; of a link, where it leads."""
    found = {}
    for above, below, files in os.walk(directory):
        for name in [*files, *(name for name in below if os.path.islink(os.path.join(above, name)))]:
            path = os.path.join(above, name)
            content = os.readlink(path).encode() if os.path.islink(path) else Path(path).read_bytes()
            found[os.path.relpath(path, directory)] = hashlib.sha256(content).hexdigest()
    found.pop(FACTS, None)
    return found


def keep(directory: Path, build: Build) -> None:
    """Build a directory and move it to its place whole, so that no half is ever seen."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}-") as name:
        target, old = Path(name) / "root", Path(name) / "old"
        target.mkdir()
        known = build(target) | {"fetched": date.today().isoformat()}
        whole = {**known, "files": digests(target)}
        (target / FACTS).write_text(json.dumps(whole, indent=1) + "\n")
        with contextlib.suppress(FileNotFoundError):
            directory.rename(old)  # who has a file of it open keeps it
        target.rename(directory)
        shutil.rmtree(old, ignore_errors=True)
    _sound.discard(directory)


@contextlib.contextmanager
def alone(cache: Path, told: Callable[[str], None]) -> Iterator[None]:
    """Let one process at a time fill the cache; who comes second finds what the first has built."""
    cache.mkdir(parents=True, exist_ok=True)
    lock = os.open(cache / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told(f"waiting for another cowpath that fills {cache}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
