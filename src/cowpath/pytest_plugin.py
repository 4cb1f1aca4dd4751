# SPDX-License-Identifier: MIT
"""pytest collects `*.litmus` files: one test per file and kernel, held against the verdict expected of it.

Verdicts come from the `expected.toml` beside a file.  A file that has none there is checked on the kernels of
the ini option `cowpath_kernels` (default: the newest that is modelled), where the promise must be kept.

    pytest litmus/ -k fork --junitxml=report.xml
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cowpath.history.asked import Asked
    from cowpath.history.version import Version
    from cowpath.judge.result import Result


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one option that the plugin adds."""
    parser.addini("cowpath_kernels", "kernels for litmus tests that expected.toml does not name", "linelist")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Every litmus file is a collector."""
    return LitmusFile.from_parent(parent, path=file_path) if file_path.suffix == ".litmus" else None


class Unexpected(Exception):  # noqa: N818 - a failed test, not an error
    """A verdict that is not the expected one; its text is the report."""


class LitmusFile(pytest.File):
    """A litmus test, with an item for each kernel."""

    known: list[tuple[Asked, Result]]

    def setup(self) -> None:
        """Begin without results."""
        self.known = []

    def teardown(self) -> None:
        """Forget all results: the explorations in them are large."""
        self.known.clear()

    def judged(self, kernel: Version) -> Result:
        """The test on a kernel, explored once for all that are alike."""
        from cowpath.history.asked import Asked
        from cowpath.judge.judge import judge
        from cowpath.litmus.resolve import load_program

        for asked, result in self.known:
            if asked.alike(kernel):
                return result.on(kernel)
        asked = Asked(kernel)
        self.known.append((asked, judge(load_program(self.path), asked)))
        return self.known[-1][1]

    def collect(self) -> Iterator[pytest.Item]:
        """The kernels that expected.toml names, or the configured ones."""
        from cowpath.corpus.expected import Expected
        from cowpath.errors import CowpathError
        from cowpath.history.version import NEWEST
        from cowpath.litmus.resolve import load_program

        try:
            program = load_program(self.path)
            verdicts = Expected.beside(self.path).kernels(program.name)
        except CowpathError as error:
            raise self.CollectError(str(error)) from error
        configured: list[str] = self.config.getini("cowpath_kernels")
        kernels = dict(verdicts) or dict.fromkeys(configured or [str(NEWEST)], "")
        for kernel, expected in kernels.items():
            yield LitmusItem.from_parent(self, name=kernel, expected=expected)


class LitmusItem(pytest.Item):
    """A litmus test on one kernel."""

    def __init__(self, *, expected: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.expected = expected

    def runtest(self) -> None:
        """Judge the test; raises Unexpected."""
        from cowpath.corpus.expected import named
        from cowpath.judge.answer import as_expected

        assert isinstance(self.parent, LitmusFile)
        result = self.parent.judged(named(self.name))
        good = as_expected(result, self.expected) if self.expected else promised(result)
        if not good:
            raise Unexpected(failure(result, self.expected or "kept"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The verdict and how it comes about; a user's mistake is told without a traceback."""
        from cowpath.errors import CowpathError

        if isinstance(excinfo.value, Unexpected | CowpathError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The heading that pytest gives the report of a failure."""
        return self.path, None, f"{self.path.stem} on {self.name}"


def promised(result: Result) -> bool:
    """True if a test without an expectation passes."""
    from cowpath.judge.answer import as_asked

    return result.verdict == "kept" and as_asked(result)


def failure(result: Result, expected: str) -> str:
    """The report: both verdicts, the outcomes, the path to the worst."""
    from cowpath.explore.trace import trace
    from cowpath.judge.answer import answer
    from cowpath.judge.goal import default_goal
    from cowpath.report import text
    from cowpath.report.trace import trace_text

    said = f"expected: {expected}\nfound:    {answer(result)}\n\n{text.result_text(result)}"
    goal = default_goal(result) if result.verdict == "broken" else None
    return (
        said
        if goal is None
        else said + "\n" + trace_text(result, trace(result.exploration, goal.state), goal)
    )
