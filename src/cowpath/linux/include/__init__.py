# SPDX-License-Identifier: MIT
"""include/linux/: page-table entries and faults."""
