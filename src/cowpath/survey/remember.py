# SPDX-License-Identifier: MIT
"""Answers on disk, one file each: a second run takes up where the first one stopped."""

from __future__ import annotations

import contextlib
import os
import pickle
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cowpath.errors import CowpathError
from cowpath.survey.fingerprint import fingerprint
from cowpath.survey.parallel import Answers, Argument, Failed, Value, Workers
from cowpath.userdirs import need_private

SUFFIX = ".answer"


@dataclass(frozen=True, slots=True)
class Remembering:
    """Workers that write each answer to a directory as it comes, and do no task whose answer is there.

    The name of a file is the fingerprint of its task and of cowpath's own source, so what another version
    has found is not taken for an answer of this one.  A file is there whole or not at all.  Errors are not
    kept.  The files are pickles, which can run code: so the directory must be for this user alone to change.
    """

    workers: Workers
    directory: Path

    @classmethod
    def within(cls, workers: Workers, directory: Path) -> Remembering:
        """Make the directory if it is not there.  Raises CowpathError where it is for others to change."""
        need_private(str(directory), "name another directory with --resume")
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CowpathError(f"--resume {directory}: {error.strerror}") from error
        return cls(workers, directory)

    def here(self, tasks: int, judgements: int | None = None) -> bool:
        """See `Workers`: what is done here would be kept nowhere."""
        return False

    def as_they_come(
        self, function: Callable[[Argument], Value], arguments: Sequence[Argument]
    ) -> Answers[Value]:
        """See `Workers`: first those that are there, then the others."""
        files = [self.directory / (fingerprint(function, one) + SUFFIX) for one in arguments]
        missing = []
        for number, file in enumerate(files):
            found: list[Value] = read(file)
            if found:
                yield number, found[0]
            else:
                missing.append(number)
        with contextlib.closing(
            self.workers.as_they_come(function, [arguments[number] for number in missing])
        ) as answers:
            for turn, value in answers:
                if not isinstance(value, Failed):
                    write(files[missing[turn]], value)
                yield missing[turn], value


def read(file: Path) -> list[Any]:
    """The answer in a file; an empty list where there is none, or none that can be read."""
    try:
        return [pickle.loads(file.read_bytes())]
    except FileNotFoundError:
        return []
    except Exception:  # a damaged pickle may raise anything; the task is done once more
        return []


def write(file: Path, value: object) -> None:
    """Keep an answer.  Raises CowpathError where the disk is full, for instance."""
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as half:
            half.write(pickle.dumps(value))
        os.replace(half.name, file)
    except OSError as error:
        raise CowpathError(f"{file.parent}: {error.strerror}") from error
