# SPDX-License-Identifier: MIT
"""A patch to Linux itself: which functions of the model it touches, and a file to say what it does there.

C is not translated.  What the patch touches is found by the names of functions: those in the heads of its
hunks, and those that begin inside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from unidiff.patch import Hunk

from cowpath.history.change import Change
from cowpath.history.changes import CHANGES
from cowpath.survey.functions import LINUX, TreeFunction, functions
from cowpath.survey.patch import parsed

DEFINITION = re.compile(r"^[a-zA-Z_][\w\s*]*?\b(\w+)\s*\((?!.*;\s*$)")
"""The first line of a function of C, at the margin."""

NOT_FUNCTIONS = {"if", "for", "while", "switch", "return", "sizeof", "EXPORT_SYMBOL", "EXPORT_SYMBOL_GPL"}


@dataclass(frozen=True, slots=True)
class Touched:
    """A function of Linux that the patch touches: its file, its name, and what it adds and removes there.

    `model` is the function of the model with that name, None if it has none; `near` are the changes that it
    asks for, or that are known of its file and name it.
    """

    file: str
    name: str
    lines: tuple[str, ...]
    model: TreeFunction | None
    near: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class KernelPatch:
    """A patch to Linux, function by function; `outside` are files that the model has nothing of."""

    name: str
    touched: tuple[Touched, ...]
    outside: tuple[str, ...]

    @property
    def modelled(self) -> tuple[Touched, ...]:
        """Return those that the model has, each function once."""
        return tuple({one.model: one for one in self.touched if one.model is not None}.values())


def is_kernel_patch(text: str) -> bool:
    """True if a diff is one of Linux: it changes files of C.

    >>> is_kernel_patch("--- a/mm/gup.c\\n+++ b/mm/gup.c\\n@@ -1 +1 @@\\n")
    True
    """
    return re.search(r"^\+\+\+ \S+\.[chS]\b", text, re.M) is not None


def read(name: str, text: str) -> KernelPatch:
    """Look at a patch to Linux.  Raises PatchError for what is no unified diff."""
    touched: dict[tuple[str, str], list[str]] = {}
    outside = []
    for file in parsed(name, text):
        if not re.match(r"(mm|kernel|fs|arch|include)/", file.path):
            outside.append(file.path)
            continue
        for hunk in file:
            for function, line in by_function(hunk):
                touched.setdefault((file.path, function), []).append(line)
    found = [
        Touched(file, function, tuple(lines), model := model_of(file, function), near(file, function, model))
        for (file, function), lines in touched.items()
    ]
    return KernelPatch(name, tuple(found), tuple(outside))


def by_function(hunk: Hunk) -> Iterator[tuple[str, str]]:
    """Each line that a hunk adds or removes, with the function it stands in; "" where none is known."""
    current = name_in(hunk.section_header)
    for line in hunk:
        name = name_in(line.value)
        if name:
            current = name
        if not line.is_context:
            yield current, f"{line.line_type}{line.value.rstrip()}"


def name_in(line: str) -> str:
    """The function that begins on a line of C; "" if none does.

    >>> name_in("vm_fault_t do_swap_page(struct vm_fault *vmf)"), name_in("    foo(bar);")
    ('do_swap_page', '')
    """
    match = DEFINITION.match(line)
    return match[1] if match and match[1] not in NOT_FUNCTIONS else ""


def model_of(file: str, function: str) -> TreeFunction | None:
    """The model's function of that name, in the file of that name if several have it."""
    found = [one for one in functions() if one.name == function]
    stem = re.sub(r"^include/linux/", "include/", file).rpartition(".")[0]
    return next((one for one in found if one.path.removesuffix(".py") == stem), found[0] if found else None)


def near(file: str, function: str, model: TreeFunction | None) -> tuple[Change, ...]:
    """The change records that are near: the function asks for them, or they name it."""
    if not function:
        return ()
    word = re.compile(rf"\b{re.escape(function)}\b")
    asked = () if model is None else tuple(one for one in model.changes if one in CHANGES)
    naming = (one for one in CHANGES if one.file == file and word.search(f"{one.rule} {one.before}"))
    return tuple(dict.fromkeys([*asked, *naming]))


def skeleton(patch: KernelPatch) -> str:
    """A Python file with the model's functions that the patch touches, to be changed as the patch does.

    Above each stands what the patch adds and removes there; below each the helpers that the model has for it
    alone, where a rule may stand that the kernel has in the function itself.
    """
    parts = [
        f'"""{patch.name}, as a patch to the model.\n\n'
        "Change each function as the patch changes its twin, then: cowpath review THIS_FILE\n"
        '"""\n'
    ]
    done: set[TreeFunction] = set()
    for one in patch.modelled:
        assert one.model is not None
        said = "\n".join(f"#   {line}" for line in one.lines)
        parts.append(f"\n# linux/{one.model.path}\n#\n# {one.file}, {one.name}, in the patch:\n#\n{said}\n\n")
        for function in (one.model, *helpers(one.model)):
            if function not in done:
                done.add(function)
                parts.append(f"\n{source_of(function)}\n")
    return "\n".join(parts)


def source_of(function: TreeFunction) -> str:
    """The text of a function."""
    lines = (LINUX / function.path).read_text("utf-8").splitlines()
    return "\n".join(lines[function.first - 1 : function.last])


def helpers(function: TreeFunction) -> tuple[TreeFunction, ...]:
    """The functions of the model's own that a function calls, in the same file.

    >>> page = next(one for one in functions() if one.name == "do_swap_page")
    >>> "_exclusive_by_marker" in [one.name for one in helpers(page)]
    True
    """
    named = set(re.findall(r"\b_\w+", source_of(function)))
    return tuple(one for one in functions() if one.path == function.path and one.name in named)
