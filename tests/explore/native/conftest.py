# SPDX-License-Identifier: MIT
"""Everything here needs the native engine's library, and so, in a source tree, a C compiler."""

import pytest

from tests.tools import need_engine


@pytest.fixture(autouse=True)
def library() -> None:
    need_engine()
