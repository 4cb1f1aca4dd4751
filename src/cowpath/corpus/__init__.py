# SPDX-License-Identifier: MIT
"""The corpus: litmus tests by theme, what is expected of them, and tests made from parts."""
