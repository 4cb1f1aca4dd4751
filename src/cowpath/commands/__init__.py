# SPDX-License-Identifier: MIT
"""The commands of `cowpath`, one module each.

A command module has a one-line docstring (its help text) and two functions:
`add_arguments(parser)` declares its options, `run(arguments)` does the work and returns the exit status.
"""
