# SPDX-License-Identifier: MIT
"""A path of the model, driven step by step on a real kernel under QEMU's gdb stub."""
