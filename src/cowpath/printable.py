# SPDX-License-Identifier: MIT
"""Text from others, made fit for a terminal."""


def printable(text: str) -> str:
    r"""The text with control characters, and those that turn the direction of writing, shown as escapes.

    Line ends and tabs stay.  Nothing that comes from a file name, a litmus test or a guest reaches a terminal
    without this.

    >>> print(printable("a\x1b[2J\u202eb\tc"))
    a\x1b[2J\u202eb	c
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode("ascii")
        for one in text
    )
