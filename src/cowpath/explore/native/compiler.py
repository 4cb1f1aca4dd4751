# SPDX-License-Identifier: MIT
"""Making the engine's library from its C files.

Used at the first search that needs it, and by hatch_build.py, which puts the library into wheels; so nothing
else of cowpath is imported here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

SOURCES = Path(__file__).parent / "c"

FLAGS = ("-std=c11", "-O2", "-fPIC", "-shared", "-pthread")


Find = Callable[[str], str | None]
"""Tells the path of a program."""


class CompilerError(Exception):
    """There is no C compiler, or it refuses; the text says which."""


def library_name() -> str:
    """The name of the library made from these sources: an older one is never mistaken for it.

    >>> library_name().startswith("engine-"), library_name().endswith(".so")
    (True, True)
    """
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(SOURCES.iterdir()):
        digest.update(file.name.encode() + file.read_bytes())
    return f"engine-{digest.hexdigest()}.so"


def compiler(find: Find = shutil.which) -> str | None:
    """The user's C compiler: `$CC`, or the first of cc, gcc and clang that `find` knows."""
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    return next(filter(None, map(find, names)), None)


def compile_library(
    target: Path, *more: str, find: Find = shutil.which, environment: dict[str, str] | None = None
) -> None:
    """Write the library to `target`, whole or not at all; `more` are further flags.  Raises CompilerError.

    The compiler is looked for by `find` and sees this environment, or ours.
    """
    import subprocess

    found = compiler(find)
    if found is None:
        raise CompilerError("there is no C compiler (cc, gcc or clang)")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    command = [found, *FLAGS, *more, *map(str, sorted(SOURCES.glob("*.c"))), "-o", str(unfinished)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CompilerError(f"{found} refuses the engine's sources:\n{done.stderr.strip()}")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
