"""Tells the C library's allocator to give memory back to the system: large blocks as soon as they are freed, and holes.

glibc learns from each large block that is freed, and serves the next one from its heaps, up to 32 MB: one heap for each
thread. An image, a snapshot and their copies then leave heaps behind with holes of a megabyte among small blocks. With
1,000 people who come and go, that is 9 MB that nothing uses, and more by the hour (docs/reliability.md).
"""

from __future__ import annotations

import ctypes
from typing import Final

# glibc's malloc.h, and its defaults before it learns.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_THRESHOLD_BYTES: Final = 128 << 10


def give_back_large_blocks() -> bool:
    """Set it for the process, and say whether that could be done: it is glibc's alone.

    A long replay makes many large blocks, one after the other, and is quicker before this.
    """
    libc = _glibc()
    if libc is None:
        return False
    libc.mallopt(_M_ARENA_MAX, 1)  # no further heaps for threads: Python has one thread at work, and each has holes
    libc.mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)
    libc.mallopt(_M_TRIM_THRESHOLD, _THRESHOLD_BYTES)
    libc.malloc_trim(0)
    return True


def give_back_holes() -> None:
    """Give back what is free in the midst of the heaps, where the C library is glibc.

    The history's thread reads records into heaps that also hold those which the feed keeps. When a segment has been
    written, 2 MB of pages have nothing left in them, and glibc gives back by itself only what is at a heap's end.

    Thread: any; it takes 1 ms, without the interpreter's lock.
    """
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
