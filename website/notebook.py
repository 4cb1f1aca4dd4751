# SPDX-License-Identifier: MIT
"""`make notebook`: the tutorial as a Jupyter notebook, made of docs/tutorial.md.

Each program is a cell that a student may change, each command of the tutorial one that runs it from Python.
What the commands print is left out: the student predicts it first.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from website.links import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"

FENCE = re.compile(r"^```(\w+)\n(.*?)^```\n?", re.MULTILINE | re.DOTALL)

FIRST = """# On a machine without cowpath: %pip install cowpath
import cowpath
from IPython.display import display"""

Cell = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the notebook."""
    parser = argparse.ArgumentParser(prog="python -m website.notebook", description="Make the notebook.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "tutorial.ipynb")
    out: Path = parser.parse_args(argv).out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(notebook(TUTORIAL.read_text("utf-8")), "utf-8")
    return 0


def notebook(text: str) -> str:
    """Return a Markdown document as a notebook (nbformat 4.5): its prose, and cells for what can be run."""
    found = [{"cell_type": "code", "source": FIRST}, *cells(text)]
    for number, cell in enumerate(found):
        cell |= {"id": f"cell-{number}", "metadata": {}}
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"cells": found, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def cells(text: str) -> Iterator[Cell]:
    """Yield the cells of a document: prose as it is, programs and commands as code."""
    start = 0
    for fence in FENCE.finditer(text):
        code = program(fence[2]) if fence[1] == "c" else commands(fence[2])
        if code:
            yield from prose(text[start : fence.start()])
            yield {"cell_type": "code", "source": code}
            start = fence.end()
    yield from prose(text[start:])


def prose(text: str) -> Iterator[Cell]:
    """Yield a cell for some prose, if there is any; links to files of the repository are left as words."""
    words = re.sub(r"<!--.*?-->\n?", "", text)
    words = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", words).strip()
    if words:
        yield {"cell_type": "markdown", "source": words}


def program(text: str) -> str:
    """Return the cell that keeps a litmus test under its name.

    >>> print(program("C lesson-1\\n{ char x[1]; }\\n"))
    lesson_1 = r\"\"\"
    C lesson-1
    { char x[1]; }
    \"\"\"
    """
    return f'{variable(text.split()[1])} = r"""\n{text}"""'


def commands(text: str) -> str:
    """Return the cell that does what the commands of a transcript do; empty where there is none.

    >>> commands("$ cowpath check lesson-2 --kernel 6.1\\n...\\n")
    'cowpath.check(lesson_2, kernel="6.1")'
    """
    return "\n".join(
        call(shlex.split(line[2:])) for line in text.splitlines() if line.startswith("$ cowpath ")
    )


def call(words: Sequence[str]) -> str:
    """Return the Python that does what a command line does.

    >>> print(call(shlex.split('cowpath trace lesson-1 --kernel 6.1 --to "1:r0=\\'a\\'"')))
    cowpath.check(lesson_1, kernel="6.1").trace("1:r0='a'")
    >>> print(call("cowpath check lesson-5 --kernel 5.18 --kernel 6.1".split()))
    for kernel in ("5.18", "6.1"):
        display(cowpath.check(lesson_5, kernel=kernel))
    >>> print(call("cowpath check lesson-5 --kernel 6.1 --without 1493a1913e34".split()))
    cowpath.check(lesson_5, kernel="6.1", dropped=["1493a1913e34"])
    """
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("command", choices=("check", "trace"))
    parser.add_argument("test")
    parser.add_argument("--kernel", action="append", required=True)
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--to", default="")
    parser.add_argument("--story", action="store_true")
    asked = parser.parse_args(words[1:])
    dropped = f", dropped={quoted(*asked.without, sign='[]')}" if asked.without else ""
    if len(asked.kernel) > 1:
        shown = f"display(cowpath.check({variable(asked.test)}, kernel=kernel{dropped}))"
        return f"for kernel in {quoted(*asked.kernel)}:\n    {shown}"
    checked = f'cowpath.check({variable(asked.test)}, kernel="{asked.kernel[0]}"{dropped})'
    if asked.command == "check":
        return checked
    path = f"{checked}.trace({json.dumps(asked.to) if asked.to else ''})"
    return f"print({path}.story)" if asked.story else path


def quoted(*texts: str, sign: str = "()") -> str:
    """Return some texts as a list or tuple of Python."""
    return sign[0] + ", ".join(json.dumps(text) for text in texts) + sign[1]


def variable(name: str) -> str:
    """Return the name of a test as one of Python."""
    return name.replace("-", "_")


if __name__ == "__main__":
    sys.exit(main())
