# SPDX-License-Identifier: MIT
"""The tutorial as a notebook: every program and command is there, and Jupyter shows what they answer."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from website.notebook import TUTORIAL, main

TEXT = TUTORIAL.read_text("utf-8")


@pytest.fixture
def notebook(tmp_path: Path) -> nbformat.NotebookNode:
    """The notebook as a student opens it."""
    file = tmp_path / "tutorial.ipynb"
    assert main(["--out", str(file)]) == 0
    opened = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(opened)
    assert isinstance(opened, nbformat.NotebookNode)
    return opened


def test_every_program_and_command_is_a_cell(notebook: nbformat.NotebookNode) -> None:
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    programs = re.findall(r"^```c\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert len(programs) == 13
    assert all(any(program in cell for cell in code) for program in programs)
    commands = re.findall(r"^\$ cowpath (\w+) ([\w-]+)", TEXT, re.MULTILINE)
    assert len(code) == 1 + len(programs) + len(commands)
    for _, name in commands:
        assert any(f"cowpath.check({name.replace('-', '_')}, " in cell for cell in code)


def test_answers_are_left_to_the_student(notebook: nbformat.NotebookNode) -> None:
    assert "as promised:" not in json.dumps(notebook.cells)
    assert not any(cell.get("outputs") for cell in notebook.cells)


@pytest.mark.slow
def test_jupyter_runs_it(
    notebook: nbformat.NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
        (tmp_path / variable.lower()).mkdir()
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert not [out for out in shown if out.output_type == "error"]
    pages = [out.data.get("text/html", "") for out in shown if "data" in out]
    assert (
        len(pages) == TEXT.count("\n$ cowpath ") - 1 + 2 * 2
    )  # a story is text; two commands ask of three kernels
    assert (
        sum("data:image/svg+xml" in page for page in pages) == 4
    )  # the path of lesson 1, and three broken promises
