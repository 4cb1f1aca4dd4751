# SPDX-License-Identifier: MIT
"""Values of memory: one visible ASCII character each, or ZERO; and how they are written."""

import string

from cowpath.litmus.ast import ZERO
from cowpath.litmus.program import DISCARDED, SEGV, UNASSIGNED

RESERVED = (DISCARDED, UNASSIGNED)
"""Values that only the kernel model makes: a condition may ask for them, a statement may not store them."""

CHARACTERS = tuple(
    character
    for character in string.digits + string.ascii_letters + string.punctuation
    if character not in (*RESERVED, "'", '"', "\\")
)
"""The characters that a test may store."""


def value_text(value: str) -> str:
    r"""Return a value as the language spells it.

    >>> value_text("a"), value_text(ZERO), value_text(SEGV)
    ("'a'", "'\\0'", 'SEGV')
    """
    return value if value == SEGV else f"'{value}'"


def string_text(content: tuple[str, ...]) -> str:
    r"""Return the content of a page as a string of the language, without ZERO at its end.

    >>> string_text(("a", ZERO, "b", ZERO))
    '"a\\0b"'
    """
    kept = len(content)
    while kept and content[kept - 1] == ZERO:
        kept -= 1
    return f'"{"".join(content[:kept])}"'


def split_string(text: str) -> list[str] | None:
    r"""Return the values in a string that has lost its quotes; None where one of them is not allowed.

    >>> split_string(r"a\0b"), split_string("a?")
    (['a', '\\0', 'b'], None)
    """
    characters = []
    while text:
        character = ZERO if text.startswith(ZERO) else text[0]
        if character != ZERO and character not in CHARACTERS:
            return None
        characters.append(character)
        text = text[len(character) :]
    return characters
