# SPDX-License-Identifier: MIT
"""arch/: page-fault exceptions and TLB flushes."""
