# SPDX-License-Identifier: MIT
"""Make kernel_names.txt anew: which kernel files define the functions that the model has, by name.

    python tests/linux/kernel_names.py TREE...

A TREE is an unpacked kernel source tree; the list was made from Debian's linux-source-5.10, 6.1, 6.12, 7.2
and 7.3 packages.  Only names are kept, and only of functions that src/cowpath/linux/ has.  What none of the
trees has is printed, and has to be looked up in the history of the kernel (see LOOKED_UP).
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

MODEL = Path(__file__).parents[2] / "src/cowpath/linux"
LIST = Path(__file__).with_name("kernel_names.txt")

PARTS = ("arch/x86/include/asm", "arch/x86/mm", "block", "fs", "include", "kernel", "mm")
"""Where to look in a tree."""

LOOKED_UP = {"reuse_ksm_page": "mm/ksm.c"}
"""v5.0 to v5.8 (52d1e606ee73; removed by 1a0cf26323c8): no such tree is packaged any more."""

DEFINITION = re.compile(
    r"^SYSCALL_DEFINE\d\((\w+)"
    r"|^#define[ \t]+(\w+)\("
    r"|^(?!return|else|if|while|for|switch)(?:[a-zA-Z_][\w \t*]*?\b)?(\w+)\([^;]*?\)\s*\{",  # int name() {
    re.MULTILINE,
)


def mirrors() -> Iterator[Path]:
    """The files of the model that mirror a kernel file: all but those at the top."""
    return (file for file in sorted(MODEL.rglob("*.py")) if file.parent != MODEL)


def public(file: Path) -> list[ast.FunctionDef]:
    """The functions of a file that bear the kernel's names: ours begin with one underscore."""
    functions = [
        node for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)
    ]
    return [f for f in functions if not f.name.startswith("_") or f.name.startswith("__")]


def main(trees: list[str]) -> None:
    """Write the list from these trees."""
    wanted = {function.name for file in mirrors() for function in public(file)}
    found: dict[str, set[str]] = defaultdict(set)
    for name in wanted & set(LOOKED_UP):
        found[name].add(LOOKED_UP[name])
    for tree in map(Path, trees):
        for part in PARTS:
            for source in (tree / part).rglob("*.[ch]"):
                for match in DEFINITION.finditer(source.read_text("utf-8", errors="replace")):
                    if (name := match[1] or match[2] or match[3]) in wanted:
                        found[name].add(str(source.relative_to(tree)))
    lines = [f"{name} {' '.join(sorted(found[name]))}" for name in sorted(found)]
    LIST.write_text("\n".join(["# SPDX-License-Identifier: MIT", *lines]) + "\n", "utf-8")
    print("in no tree:", *sorted(wanted - set(found)))


if __name__ == "__main__":
    main(sys.argv[1:])
