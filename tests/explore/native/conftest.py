# SPDX-License-Identifier: MIT
"""Everything here needs the native engine's library, and so, in a source tree, a C compiler."""

import pytest

from cowpath.explore.engine import available


@pytest.fixture(autouse=True)
def library() -> None:
    if not available():
        pytest.skip("no C compiler")
