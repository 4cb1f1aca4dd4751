# SPDX-License-Identifier: MIT
"""arch/: translation caches."""
