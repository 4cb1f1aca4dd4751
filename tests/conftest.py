# SPDX-License-Identifier: MIT
"""Options of the test run."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--accept`: golden files take what is printed now."""
    parser.addoption("--accept", action="store_true", help="rewrite golden files; read the diff afterwards")
