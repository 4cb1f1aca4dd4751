# SPDX-License-Identifier: MIT
"""Every program over an alphabet, of any length, against the promise: see docs/every-program.md."""
