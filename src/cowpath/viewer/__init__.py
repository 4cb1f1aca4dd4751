# SPDX-License-Identifier: MIT
"""What cowpath finds, to look at: pictures of the machine along a path, on a local server or in one file.

Nothing here knows a rule of the kernel.  The picture is drawn from what a layout says of its records and
fields, so a record that the model gains tomorrow shows up by itself.
"""
