# SPDX-License-Identifier: MIT
"""fs/proc/: clear_refs and pagemap."""
