# SPDX-License-Identifier: MIT
"""What the filter hides, and what it does not."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from cowpath.machine.xstate import NT_X86_XSTATE, hider, needs_hiding

NT_PRSTATUS = 1
ASK = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace(0x4204, os.getpid(), {kind}, None)
print(ctypes.get_errno())
"""


@pytest.mark.parametrize(("kind", "hidden"), [(NT_X86_XSTATE, True), (NT_PRSTATUS, False)])
def test_ptrace_has_no_extended_registers_and_all_others(kind: int, hidden: bool) -> None:
    command = [sys.executable, "-c", ASK.format(kind=kind)]
    answer = subprocess.run(command, preexec_fn=hider(), capture_output=True, check=True, text=True).stdout
    assert int(answer) == (errno.EINVAL if hidden else errno.ESRCH)


def test_a_program_without_a_banner_is_left_alone() -> None:
    assert not needs_hiding(b"Linux")
