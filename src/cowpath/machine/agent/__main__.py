# SPDX-License-Identifier: MIT
"""`python3 -m agent JOB.json`: run one job on this machine and print its result."""

from __future__ import annotations

import json
import sys

from .supervise import StoppedError, run_job


def main() -> int:
    """Run the job and print its result; return 0, or 130 where it was stopped."""
    with open(sys.argv[1]) as file:
        job = json.load(file)
    try:
        result = run_job(job)
    except StoppedError:
        return 130
    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
