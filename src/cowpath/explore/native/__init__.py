# SPDX-License-Identifier: MIT
"""The native engine: the same search on packed words."""
