# SPDX-License-Identifier: MIT
"""Text from others, made fit for a terminal."""


def printable(text: str) -> str:
    r"""The text with control characters, and those that turn the direction of writing, shown as escapes.

    Line ends and tabs stay.  Nothing that comes from a file name, a litmus test or a guest reaches a terminal
    without this.

    >>> print(printable("a\x1b[2J\u202eb"))
    a\x1b[2J\u202eb
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode("ascii")
        for one in text
    )


LONGEST_LINE = 1000
"""Characters of a line of a message; what is longer says no more."""


def brief(text: str) -> str:
    r"""A message with every line printable and of a length that somebody can read.

    >>> len(brief("x" * 5000))
    1003
    >>> print(brief("no such\x07 file"))
    no such\x07 file
    """
    lines = [printable(line) for line in text.split("\n")]
    return "\n".join(line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + "..." for line in lines)
