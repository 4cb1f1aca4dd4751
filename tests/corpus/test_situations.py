# SPDX-License-Identifier: MIT
"""Generated tests read like written ones, and ask what they say."""

import pytest

from cowpath.corpus.situations import KINDS, MORE_KINDS, SITUATIONS, ReferenceKind, Situation
from cowpath.litmus.parse import parse
from cowpath.litmus.print import to_text
from cowpath.litmus.resolve import program_from_text


@pytest.mark.parametrize("kind", [*KINDS, *MORE_KINDS], ids=lambda kind: kind.name)
@pytest.mark.parametrize("one", SITUATIONS, ids=lambda one: one.name)
def test_it_can_be_printed_read_and_checked(kind: ReferenceKind, one: Situation) -> None:
    test = one.test(kind)
    assert parse(to_text(test)) == test
    assert program_from_text(to_text(test)).name == f"{kind.name}-{one.name}"
    assert test.comment.startswith(kind.title)


def test_names_are_unique() -> None:
    assert len({kind.name for kind in (*KINDS, *MORE_KINDS)}) == len(KINDS) + len(MORE_KINDS)
    assert len({one.name for one in SITUATIONS}) == len(SITUATIONS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_takes_one_reference_of_its_kind(kind: ReferenceKind) -> None:
    for one in SITUATIONS:
        text = to_text(one.test(kind))
        call = "pin_user_page" if kind.pin else "get_user_page"
        assert text.count(f"{call}(x{', FOLL_WRITE' if kind.write else ''})") == 1
        assert ("device_write" in text) == kind.write
