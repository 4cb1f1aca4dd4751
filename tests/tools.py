# SPDX-License-Identifier: MIT
"""Programs that some tests need: a test without them is skipped, under CI=true it fails."""

import os
import shutil

import pytest


def need(*programs: str) -> None:
    """Skip the running test, and say why, where one of these programs is not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"{', '.join(missing)} not installed: `make tools`")
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: `make tools`")
