# SPDX-License-Identifier: MIT
"""The base of every error that a user can cause and mend."""


class CowpathError(Exception):
    """Bad input of any kind.  Its text is all that the user sees: it says what is wrong and what to do."""
