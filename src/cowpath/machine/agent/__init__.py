# SPDX-License-Identifier: MIT
"""The agent, which runs a litmus test on a real kernel: standard library only, Python 3.9 or later.

It runs on the host or inside a guest (`python3 -m agent JOB`), reads one job (see machine/compile.py) and
prints what it saw, both as JSON.  It imports nothing from the rest of cowpath.
"""
