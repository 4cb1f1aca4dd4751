# SPDX-License-Identifier: MIT
"""A patch to the model: a Python file that replaces functions of the kernel tree, or a unified diff of it.

The tree is copied, the patch applied to the copy, and the copy checked: it must load, and its generators must
keep the rules of model code (explore/record/rules.py).
"""

from __future__ import annotations

import ast
import difflib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from cowpath.errors import CowpathError
from cowpath.explore.record import rules
from cowpath.explore.record.step import ModelError
from cowpath.judge.tree import explained, load_tree, relative
from cowpath.survey.functions import LINUX, TreeFunction, functions


class PatchError(CowpathError):
    """A patch that cannot be applied, or that breaks a rule of model code."""


@dataclass(frozen=True, slots=True)
class Patched:
    """A copy of the kernel tree with a patch in it, and the functions that the patch replaces or changes."""

    name: str
    directory: Path
    functions: tuple[TreeFunction, ...]


def apply(name: str, text: str, directory: Path) -> Patched:
    """Copy the tree to a directory and patch it there.  Raises PatchError."""
    shutil.copytree(LINUX, directory, ignore=shutil.ignore_patterns("__pycache__"))
    touched = (apply_diff if is_diff(text) else apply_functions)(name, text, directory)
    check(directory, {function.path for function in touched})
    return Patched(name, directory, tuple(touched))


def is_diff(text: str) -> bool:
    """True if a text is a unified diff.

    >>> is_diff("--- a/mm/gup.c\\n+++ b/mm/gup.c\\n@@ -1 +1 @@\\n"), is_diff("def f(k):\\n    return 1\\n")
    (True, False)
    """
    return re.search(r"^(?:diff --git |--- )", text, re.M) is not None and "\n@@ " in text


def check(directory: Path, paths: set[str]) -> None:
    """Hold changed files against the rules of model code, and load the tree.  Raises PatchError."""
    for path in sorted(paths):
        try:
            rules.load(str(directory / path))
        except (ModelError, SyntaxError) as error:
            raise PatchError(relative(str(error), directory)) from error
    try:
        load_tree(directory)
    except Exception as error:  # whatever the patch's code may raise while it is imported
        raise PatchError(f"the patched tree does not load: {explained(error, directory)}") from error


# -- functions -------------------------------------------------------------------------------------

PLACE = re.compile(r"^#\s*(?:src/cowpath/)?linux/(\S+\.py)\s*$")
"""A comment that says which file of the tree the functions below it belong to."""


@dataclass
class Target:
    """The changes that go into one file of the tree."""

    replaced: list[tuple[TreeFunction, str]] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)


def apply_functions(name: str, text: str, directory: Path) -> list[TreeFunction]:
    """Replace functions by those of the same name in a Python file; helpers of its own begin with "_".

    Imports of the file go to every file that it changes.  A comment `# linux/mm/memory.py` says where what
    follows belongs; it is needed for a new function, and for a name that several files have.
    """
    try:
        tree = ast.parse(text, name)
    except SyntaxError as error:
        raise PatchError(f"{name}:{error.lineno}: {error.msg}") from error
    targets: dict[str, Target] = {}
    imports = [ast.get_source_segment(text, node) or "" for node in tree.body if is_import(node)]
    waiting: list[str] = []
    path = ""
    for node, place, source in parts(tree, text):
        path = place or path
        function = known(name, node, place) if isinstance(node, ast.FunctionDef) else None
        if function is not None:
            path = function.path
            targets.setdefault(path, Target()).replaced.append((function, source))
        else:
            waiting.append(source)
        if path:
            targets.setdefault(path, Target()).added += waiting
            waiting = []
    if not any(target.replaced for target in targets.values()):
        raise PatchError(f"{name} replaces no function of the model: `def do_swap_page(k, ...)` would")
    for path, target in targets.items():
        target.imports = [localised(one, path) for one in imports]
        write(directory / path, target)
    return [function for target in targets.values() for function, _ in target.replaced]


def parts(tree: ast.Module, text: str) -> Iterator[tuple[ast.stmt, str, str]]:
    """The statements of a file, with the place that a comment before each names and their source."""
    lines = text.splitlines(keepends=True)
    end = 0
    for number, node in enumerate(tree.body):
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        places = [match[1] for line in lines[end : first - 1] if (match := PLACE.match(line))]
        end = node.end_lineno or first
        is_text = number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_import(node) and not is_text:
            yield node, places[-1] if places else "", "".join(lines[first - 1 : end])


def is_import(node: ast.stmt) -> bool:
    """True if a statement imports something."""
    return isinstance(node, ast.Import | ast.ImportFrom)


def known(name: str, node: ast.FunctionDef, place: str) -> TreeFunction | None:
    """The function of the tree that a definition replaces; None for a helper.  Raises PatchError."""
    found = [one for one in functions() if one.name == node.name and place in ("", one.path)]
    if len(found) > 1:
        where = ", ".join(f"linux/{one.path}" for one in found)
        raise PatchError(f"{name}:{node.lineno}: {node.name} is in {where}: say which by a comment before it")
    if found or node.name.startswith("_") or place:
        return found[0] if found else None
    close = difflib.get_close_matches(node.name, [one.name for one in functions()], n=1)
    hint = f"did you mean {close[0]}?" if close else "`cowpath changes FILE` says which file knows what"
    raise PatchError(
        f"{name}:{node.lineno}: the model has no function {node.name}: {hint} "
        "(a helper of your own begins with _, or has `# linux/mm/FILE.py` before it)"
    )


def localised(statement: str, path: str) -> str:
    """An import of the tree by its full name, made relative to a file of the tree.

    >>> localised("from cowpath.linux.mm.rmap import x", "mm/memory.py")
    'from ..mm.rmap import x'
    """
    dots = "." * (1 + path.count("/"))
    return re.sub(r"from cowpath\.linux\.?([\w.]*) import", lambda m: f"from {dots}{m[1]} import", statement)


def write(file: Path, target: Target) -> None:
    """Put functions, helpers and imports into a file."""
    if not file.exists():
        raise PatchError(f"the model has no file linux/{file.name}")
    lines = file.read_text("utf-8").splitlines(keepends=True)
    for function, source in sorted(target.replaced, key=lambda one: -one[0].first):
        lines[function.first - 1 : function.last] = [source if source.endswith("\n") else source + "\n"]
    lines += [f"\n\n{source}\n" for source in target.added]
    if target.imports:
        last = max(node.end_lineno or 0 for node in ast.parse("".join(lines)).body if is_import(node))
        lines[last:last] = [f"{one}\n" for one in target.imports]
    file.write_text("".join(lines), "utf-8")


# -- diffs -----------------------------------------------------------------------------------------


def apply_diff(name: str, text: str, directory: Path) -> list[TreeFunction]:
    """Apply a unified diff of the tree; the functions that it changes."""
    touched: list[TreeFunction] = []
    for one in parsed(name, text):
        path = below_linux(name, one.path)
        file = directory / path
        before = [] if one.is_added_file else file.read_text("utf-8").splitlines(keepends=True)
        after, changed = with_hunks(f"linux/{path}", before, one)
        file.write_text("".join(after), "utf-8")
        touched += [
            function
            for function in functions()
            if function.path == path and any(function.first <= line <= function.last for line in changed)
        ]
    return list(dict.fromkeys(touched))


def parsed(name: str, text: str) -> PatchSet:
    """The files of a unified diff.  Raises PatchError."""
    try:
        return PatchSet(text)
    except UnidiffParseError as error:
        raise PatchError(f"{name} is no unified diff that can be read: {error}") from error


def below_linux(name: str, path: str) -> str:
    """The path of a file below the tree.  Raises PatchError for one that is not there."""
    found = re.search(r"(?:^|/)linux/(.+\.py)$", path)
    if found is None or not (LINUX / found[1]).exists():
        raise PatchError(f"{name} changes {path}, which is no file of the model's linux/")
    return found[1]


def changed_lines(hunk: Hunk) -> Iterator[int]:
    """The lines of the file as it was that a hunk removes, or after which it adds."""
    last = hunk.source_start
    for line in hunk:
        last = line.source_line_no or last
        if not line.is_context:
            yield last


def with_hunks(shown: str, before: list[str], one: PatchedFile) -> tuple[list[str], list[int]]:
    """A file's lines after its hunks, and which lines of it they change.

    Each hunk is looked for at its line, then nearby.  Raises PatchError where it is nowhere.
    """
    lines, changed, shift = list(before), [], 0
    for hunk in one:
        old = [line.value for line in hunk if line.is_context or line.is_removed]
        new = [line.value for line in hunk if line.is_context or line.is_added]
        wanted = max(0, hunk.source_start - 1 + shift)
        places = sorted(range(len(lines) - len(old) + 1), key=lambda place: abs(place - wanted))
        place = next((place for place in places if lines[place : place + len(old)] == old), None)
        if place is None:
            raise PatchError(f"{shown}: the hunk at line {hunk.source_start} was made for another tree")
        changed += [line + place - wanted for line in changed_lines(hunk)]
        lines[place : place + len(old)] = new
        shift += len(new) - len(old)
    return lines, changed
