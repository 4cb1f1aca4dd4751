# SPDX-License-Identifier: MIT
"""cowpath explores every path of Linux copy-on-write."""

__version__ = "0.1.0"
