# SPDX-License-Identifier: MIT
"""A step of the model, run once in Python and recorded as what it reads and writes."""
