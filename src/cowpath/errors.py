# SPDX-License-Identifier: MIT
"""The base of every error that a user can cause and mend."""

from cowpath.printable import printable


class CowpathError(Exception):
    r"""Bad input of any kind.  Its text is all that the user sees: it says what is wrong and what to do.

    >>> print(CowpathError("no such file: \x1b[31mred"))
    no such file: \x1b[31mred
    """

    def __str__(self) -> str:
        return printable(super().__str__())
