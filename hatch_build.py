# SPDX-License-Identifier: MIT
"""Puts the native engine's library into a wheel, where a C compiler is at hand.

Without one the wheel is pure Python: cowpath then compiles the library at the first search that needs it, or
searches with its reference search.  `COWPATH_PURE=1` asks for such a wheel.
"""

import importlib.util
import os
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILER = "src/cowpath/explore/native/compiler.py"


class NativeEngine(BuildHookInterface[Any]):
    """Compiles explore/native/c."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the library; an editable installation compiles at first use, since its sources change."""
        if version == "editable" or os.environ.get("COWPATH_PURE"):
            return
        spec = importlib.util.spec_from_file_location("compiler", Path(self.root) / COMPILER)
        assert spec is not None
        assert spec.loader is not None
        compiler = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(compiler)
        name = compiler.library_name()
        self.made_in = tempfile.TemporaryDirectory()
        library = Path(self.made_in.name) / name
        try:
            compiler.compile_library(library)
        except compiler.CompilerError as error:
            self.app.display_warning(f"no native engine in this wheel: {error}")
            return
        build_data["force_include"][str(library)] = f"cowpath/explore/native/{name}"
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled."""
        if hasattr(self, "made_in"):
            self.made_in.cleanup()
