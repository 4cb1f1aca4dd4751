# SPDX-License-Identifier: MIT
"""The documentation site: `make site`."""
