# SPDX-License-Identifier: MIT
"""Many tests on many kernels: what a whole corpus says."""
