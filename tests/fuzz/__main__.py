# SPDX-License-Identifier: MIT
"""The command line of the fuzz targets."""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.fuzz.targets import TARGETS, fuzz


def main() -> int:
    """Run some targets, each for a while; status 1 where one of them failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Hostile input, made by chance."
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=float, default=60, help="for each target (default 60)")
    parser.add_argument("--seed", type=int, help="of the first attempt; the next has the next number")
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}: there are {', '.join(TARGETS)}")
    failed = False
    for name in arguments.targets or TARGETS:
        seed = secrets.randbits(32) if arguments.seed is None else arguments.seed
        count, failure = fuzz(name, seed, arguments.seconds)
        print(f"{name}: {count} attempts from seed {seed}: {failure or 'nothing'}", flush=True)
        failed = failed or bool(failure)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
