# SPDX-License-Identifier: MIT
"""mm/: the memory manager."""
