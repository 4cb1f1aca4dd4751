# SPDX-License-Identifier: MIT
"""Since when, until when, and by what: the history of the corpus."""

from pathlib import Path

import pytest

from cowpath.corpus.expected import OPEN, Expected, named
from cowpath.corpus.files import corpus, source
from cowpath.errors import CowpathError
from cowpath.history.release import Release
from cowpath.history.version import DEFAULT_ARCHITECTURE
from cowpath.litmus.parse import parse_source
from cowpath.litmus.resolve import resolve
from cowpath.survey.bisect import NOT_SEEN, SEEN, Bisection, bisect
from cowpath.survey.parallel import Processes, default_jobs, each


def found(test: str, architecture: str = DEFAULT_ARCHITECTURE, wanted: str = "") -> Bisection:
    """The history of a corpus test."""
    text = source(test)
    tree = parse_source(text)
    return bisect(resolve(tree, text), tree, architecture, wanted)


def spans(one: Bisection) -> list[tuple[str, str, str]]:
    """What mainline did, without the reasons."""
    return [(str(span.first), str(span.last), span.answer) for span in one.mainline]


def causes(one: Bisection) -> list[tuple[set[str], set[str]]]:
    """The names of the changes that came and went where each span began."""
    return [
        ({change.name for change in span.cause.came}, {change.name for change in span.cause.went})
        for span in one.mainline
        if span.cause is not None
    ]


def test_the_founding_bug_came_with_one_commit_and_went_with_a_series() -> None:
    one = found("get-write-read-refault")
    assert spans(one) == [("5.7", "5.8", "kept"), ("5.9", "5.18", "lost write"), ("5.19", "7.3", "kept")]
    assert one.first is one.last
    came, mended = causes(one)
    assert came == ({"wp-reuse-by-refcount"}, set())
    assert mended == ({"H1", "H4a", "H4d", "H5", "anon-exclusive", "swp-exclusive-x86"}, set())


def test_an_architecture_may_be_late() -> None:
    one = found("get-write-swapoff", "arm")
    assert spans(one)[1:] == [("5.9", "6.2", "lost write"), ("6.3", "7.3", "kept")]
    assert causes(one)[-1] == ({"swp-exclusive-all"}, set())


def test_what_was_taken_back_is_a_cause() -> None:
    one = found("pin-read-after-fork")
    assert [span.answer for span in one.mainline] == ["stale data", "kept", "stale data", "kept"]
    assert causes(one)[1] == (set(), {"forced-cow-break"})


def test_two_that_have_the_same_effect() -> None:
    """v5.9 took the forced copy back and began to reuse by reference count: either breaks this test."""
    (cause,) = [span.cause for span in found("088b8aa537c2").mainline if span.first == Release(5, 9)]
    assert cause is not None
    assert not cause.enough


def test_an_update_may_mend_it_early() -> None:
    one = found("04fc7816089c")
    assert spans(one) == [("5.7", "6.3", "lost write"), ("6.4", "6.7", "hang"), ("6.8", "7.3", "kept")]
    ((broken, hung, mended),) = one.stable
    assert (broken.first, broken.last) == (Release(6, 1), Release(6, 1, 29))
    assert (hung.first, hung.answer) == (Release(6, 1, 30), "hang")  # until e3b63e966cac
    assert (mended.first, mended.answer) == (Release(6, 1, 80), "kept")
    assert one.answer(Release(6, 1, 176)) == "kept"
    assert one.answer(Release(6, 2)) == "lost write"


def test_any_outcome_can_be_asked_for() -> None:
    one = found("get-read-leak", wanted="leak")
    assert [span.answer for span in one.mainline] == [SEEN, NOT_SEEN]
    assert [span.answer for span in found("fresh-page", wanted="copies=0").mainline] == [SEEN]
    with pytest.raises(CowpathError, match="outcome 9 is another one on each kernel"):
        found("fresh-page", wanted="9")


def history_of(file: Path) -> Bisection:
    """The history of a test on x86_64."""
    return found(str(file))


@pytest.mark.slow
def test_the_whole_corpus_is_as_expected() -> None:
    """Whatever expected.toml says of a release of mainline or an update, the span around it says, too."""
    compared = 0
    for file, one in zip(corpus(), each(history_of, corpus(), Processes(default_jobs())), strict=True):
        verdicts = Expected.beside(file).kernels(one.test)
        for written, expected in verdicts.items():
            kernel = named(written)
            if written == OPEN or kernel.added or kernel.dropped or kernel.architecture != one.architecture:
                continue
            compared += 1
            assert one.answer(kernel.release) == expected.split(";")[0], (one.test, written)
    assert compared > 300
