# SPDX-License-Identifier: MIT
"""Pictures of the machine along a path, step by step: on a local server, or in a file that stands alone.

Nothing here knows a rule of the kernel.  The picture is drawn from what a layout says of its records and
fields, so a record that the model gains tomorrow shows up by itself.
"""
