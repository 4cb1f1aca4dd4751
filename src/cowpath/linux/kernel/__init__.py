# SPDX-License-Identifier: MIT
"""kernel/: fork."""
