# SPDX-License-Identifier: MIT
"""Programs of themes with and without a change."""

from cowpath.history.version import version
from cowpath.prove.themes import Combination
from cowpath.survey.examine import examine, newly_broken
from cowpath.survey.telling import Effort

EFFORT = Effort(100_000, 120.0)

GUP, SWAP = Combination(("swap", "gup")), Combination(("swap",))


def test_what_a_change_breaks_and_what_tells() -> None:
    plain, changed = version("6.1"), version("6.1", dropped=["H5"])
    broken, apart = examine(plain, changed, None, [GUP, SWAP], EFFORT)
    assert [(one.name, one.kind, one.statements) for one in broken] == [
        ("swap+gup", "I5 reference meets mapping", 3),
        ("swap+gup", "lost write", 4),
    ]
    verdicts = {(one.name, one.against): one.verdict for one in apart}
    assert verdicts["swap+gup", str(changed)] == "broken"
    assert verdicts["swap", str(plain)] == verdicts["swap", str(changed)] == "kept"


def test_what_was_broken_before_is_not_new() -> None:
    assert newly_broken(version("5.17"), version("5.18"), None, [GUP], EFFORT) == []
