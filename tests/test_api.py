# SPDX-License-Identifier: MIT
"""`import cowpath`: light, and what it gives is what the commands print."""

import base64
import re
import subprocess
import sys

import pytest

import cowpath
from cowpath.corpus.files import corpus
from tests.founding import FOUNDING

HOSTILE = "C t { char x[1] = \"<\"; } P0(char *x) { r0 = x[0]; } exists (0:r0='<')"


def test_importing_it_loads_nothing_else() -> None:
    code = (
        "import sys, cowpath; print([m for m in sys.modules if m.startswith(('cowpath.', 'lark', 'rich'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_path_and_its_text_give_the_same() -> None:
    by_path = cowpath.check(FOUNDING, "5.18")
    by_text = cowpath.check(FOUNDING.read_text(), kernel="5.18")
    assert by_path.outcomes == by_text.outcomes
    assert repr(by_path) == "<get-write-read-refault on 5.18 x86_64: lost write; 1 outcome, 44 states>"
    assert not by_path.kept
    assert cowpath.check(FOUNDING, "5.18", added=["H1"]).kernel.added


def test_a_trace_leads_where_it_was_asked_to() -> None:
    found = cowpath.check(FOUNDING, "5.18")
    worst = found.trace()
    assert worst.steps == found.trace("1").steps == found.trace("0:r1='a'").steps
    assert found.trace(found.outcomes[0]).goal == worst.goal
    assert str(worst).splitlines()[-1] == "Promise broken on 5.18 x86_64: lost write"
    assert repr(worst) == "<path to lost write on 5.18 x86_64: 18 steps>"
    with pytest.raises(cowpath.CowpathError, match="cannot happen"):
        found.trace("0:r1='D'")


def test_html_for_notebooks_is_escaped() -> None:
    found = cowpath.check(HOSTILE)
    for html in (found._repr_html_(), found.trace()._repr_html_()):
        assert "&lt;" in html
        assert "=<;" not in html
        assert "<script" not in html


def test_what_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'chekc'"):
        cowpath.chekc  # noqa: B018
    assert "check" in dir(cowpath)


def test_a_notebook_shows_how_a_promise_is_broken() -> None:
    """As an image, so that its styles stay inside."""
    file = next(file for file in corpus() if file.stem == "lesson-5")
    broken, kept = (cowpath.check(file, kernel=release)._repr_html_() for release in ("5.18", "6.1"))
    assert "<img" not in kept
    (image,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', broken)
    assert b"wp_page_copy" in base64.b64decode(image)
    assert "<style" not in broken


def test_the_module_is_there_without_an_import_of_its_own() -> None:
    """`import cowpath; help(cowpath.api)` in a fresh session."""
    code = "import cowpath; print(cowpath.api.__name__, cowpath.api.check is cowpath.check)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "cowpath.api True\n"


def test_a_kernel_is_written_as_text() -> None:
    with pytest.raises(cowpath.CowpathError, match=r'kernel=6.1: write it as text, "6.1"'):
        cowpath.check("fresh-page", 6.1)  # type: ignore[arg-type]
