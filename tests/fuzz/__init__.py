# SPDX-License-Identifier: MIT
"""Hostile input, made by chance: `make fuzz`, or `python -m tests.fuzz TARGET --seconds 3600 --seed 7`.

A target is a function of a source of chance and an empty directory.  It makes one attempt and raises where
cowpath does what it never should: a traceback, an unknown exit status, a control character on the terminal,
an attempt that does not end.  The seed of an attempt is printed with what went wrong, and repeats it.
"""
