# SPDX-License-Identifier: MIT
"""Old User-Mode Linux on new processors: it is made to believe that ptrace knows no extended registers.

At least until 6.12 (7.2 is fine) User-Mode Linux keeps extended registers in a buffer of fixed size.
The host wants all of them written back at once; with AMX that is 11 KB, and the kernel dies with its first
process ("fatal_sigsegv" below put_fp_registers).  Where ptrace has no NT_X86_XSTATE it is content with the
registers of SSE.  So a seccomp filter says that ptrace has none, and the guest's C library is told to use
nothing wider than SSE, since nobody would save it.
"""

from __future__ import annotations

import ctypes
import errno
import re
import struct
from collections.abc import Callable

LAST_RELEASE = (6, 12)
"""The last release that is known to have a buffer of fixed size."""

WIDE = ("AVX", "AVX2", "AVX512F", "AVX512VL", "AVX512BW", "AVX_Fast_Unaligned_Load")
TUNABLES = "GLIBC_TUNABLES=glibc.cpu.hwcaps=" + ",".join("-" + name for name in WIDE)
"""Settings of glibc for the environment of the guest's first process."""

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER_MODE = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, ARCHITECTURE, REQUEST, KIND = 0, 4, 16, 32  # offsets in struct seccomp_data
ALLOW, ERROR = 0x7FFF0000, 0x00050000
AUDIT_ARCH_X86_64, PTRACE, PTRACE_GETREGSET, NT_X86_XSTATE = 0xC000003E, 101, 0x4204, 0x202


def needs_hiding(program: bytes) -> bool:
    """Tell by the release in its banner whether this User-Mode Linux is one of those.

    >>> needs_hiding(b"Linux version 6.1.176 (x)"), needs_hiding(b"Linux version 7.2.7 (x)")
    (True, False)
    """
    found = re.search(rb"Linux version (\d+)\.(\d+)", program)
    return found is not None and (int(found[1]), int(found[2])) <= LAST_RELEASE


def hider() -> Callable[[], None]:
    """Return a function for the child between fork and exec: from then on ptrace has no NT_X86_XSTATE.

    All that it needs is made here, before the fork.  It raises OSError where the host refuses the filter.
    """
    code = _filter()
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    pointer = ctypes.create_string_buffer(program, len(program))
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def hide(kept: object = buffer) -> None:  # `pointer` has its address only
        if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(PR_SET_SECCOMP, FILTER_MODE, pointer, 0, 0):
            raise OSError(ctypes.get_errno(), "seccomp")

    return hide


def _filter() -> bytes:
    """Return a filter: EINVAL for ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE), as from an older kernel."""
    tests = (
        (ARCHITECTURE, AUDIT_ARCH_X86_64),
        (NUMBER, PTRACE),
        (REQUEST, PTRACE_GETREGSET),
        (KIND, NT_X86_XSTATE),
    )
    code = b""
    for number, (offset, value) in enumerate(tests):
        otherwise = 2 * (len(tests) - number) - 1
        code += struct.pack("=HBBI", LOAD, 0, 0, offset)
        code += struct.pack("=HBBI", JUMP_IF_EQUAL, 0, otherwise, value)
    for action in (ERROR | errno.EINVAL, ALLOW):
        code += struct.pack("=HBBI", RETURN, 0, 0, action)
    return code
