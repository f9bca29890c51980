"""A process that gives up whatever could harm others, by a filter on its own system calls (seccomp, Linux 3.17).

Promises:

1. After :func:`filter_calls` the process computes, takes memory within its limits, reads and writes what it has open,
   and ends. It opens, renames, removes and changes no file, makes no process and no connection, signals nobody and asks
   for nothing else: such a call fails with EPERM. The filter cannot be taken off again.
2. What is not in the list below is refused, so that a call which a later kernel adds is refused too.
3. Where the system has no such filter (another system than Linux, another processor than x86-64 and ARM64, a kernel
   without seccomp) nothing changes, and the answer says so.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from typing import Final

__all__ = ["filter_calls"]

#: ``<linux/audit.h>``, and numbers of ``<asm/unistd.h>`` for the calls of :data:`_ALLOWED`, in its order; None: the
#: processor has no such call.
_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_ALLOWED: Final[dict[str, tuple[int | None, int | None]]] = {
    # name: x86-64, ARM64
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "set_robust_list": (273, 99),
    "getrandom": (318, 278),
    "membarrier": (324, 283),
    "rseq": (334, 293),
}

# <linux/filter.h>, <linux/seccomp.h>, <linux/prctl.h>
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
_NUMBER, _ARCHITECTURE = 0, 4
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def filter_calls() -> bool:
    """Give up what this module says; whether that was possible here."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _ARCHITECTURES:
        return False
    numbers = [each[list(_ARCHITECTURES).index(machine)] for each in _ALLOWED.values()]
    program = _compiled(_ARCHITECTURES[machine], [number for number in numbers if number is not None])
    libc = ctypes.CDLL(None, use_errno=True)
    filtered = _Program(len(program) // 8, program)
    # Without new privileges, else the filter would need some.
    return bool(
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
        and libc.prctl(_SECCOMP, _FILTER, ctypes.byref(filtered), 0, 0) == 0
    )


def _compiled(architecture: int, numbers: list[int]) -> bytes:
    """The filter as classic BPF: another architecture's calls end the process, those not in the list are refused."""
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        # Over the comparisons behind it and the refusal.
        *((_JUMP_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
