# SPDX-License-Identifier: MIT
"""cowpath explores every path of Linux copy-on-write.

`cowpath.check(path_or_text, kernel="6.1")` judges one litmus test; see `cowpath.api`.  Importing this package
imports nothing else: what a name needs is loaded when the name is first used.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from cowpath.api import Check, Trace, check
    from cowpath.errors import CowpathError

__all__ = ["Check", "CowpathError", "Trace", "__version__", "check"]


def __getattr__(name: str) -> Any:
    if name in ("Check", "Trace", "check"):
        from cowpath import api

        return getattr(api, name)
    if name == "api":
        import cowpath.api as module

        return module
    if name == "CowpathError":
        from cowpath.errors import CowpathError

        return CowpathError
    raise AttributeError(f"module 'cowpath' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
