# SPDX-License-Identifier: MIT
"""Exit statuses: every command uses these, and `cowpath --help` prints them."""

KEPT = 0
BROKEN = 1
BAD_INPUT = 2
NOT_FINISHED = 3
NOTHING_RAN = 4
INTERRUPTED = 130

MEANING = {
    KEPT: "as promised, or as expected",
    BROKEN: "the promise is broken, or something is not as expected or asked for",
    BAD_INPUT: "bad input",
    NOT_FINISHED: "a search or a machine did not finish, so nothing is claimed",
    NOTHING_RAN: "nothing ran (as kselftest says of a test that is skipped)",
    INTERRUPTED: "interrupted",
}
"""The meaning of each status."""


def table() -> str:
    """The statuses, one a line.

    >>> table().splitlines()[3]
    '  3    a search or a machine did not finish, so nothing is claimed'
    """
    return "\n".join(f"  {status:<3}  {meaning}" for status, meaning in MEANING.items())
