# SPDX-License-Identifier: MIT
"""Search of all states of a model, whatever it models: nothing here knows a word of the kernel."""
