# SPDX-License-Identifier: MIT
"""fs/: userfaultfd, /proc."""
