# SPDX-License-Identifier: MIT
"""The judgement of a test: what may happen, what of it breaks the promise, how to call it."""
