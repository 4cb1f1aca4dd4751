# SPDX-License-Identifier: MIT
"""Real kernels: the host, User-Mode Linux and QEMU guests run the same litmus tests as the model."""
