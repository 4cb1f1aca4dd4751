# SPDX-License-Identifier: MIT
"""What upstream changed, and when: kernels as sets of changes."""
