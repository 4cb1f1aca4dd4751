# SPDX-License-Identifier: MIT
"""Results as text for people and as formats for programs.  Nothing here decides anything."""
