# SPDX-License-Identifier: MIT
"""Kernels as sets of upstream changes, and the releases in which each change came."""
