# SPDX-License-Identifier: MIT
"""The litmus language, from text to a checked `Program` and back; docs/litmus.md defines it."""
