"""Tells the C library's allocator to give large blocks back to the system as soon as they are freed.

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
_THRESHOLD_BYTES: Final = 128 << 10


def give_back_large_blocks() -> bool:
    """Set it for the process, and say whether that could be done: it is glibc's alone.

    A long replay makes many large blocks, one after the other, and is quicker before this.
    """
    try:
        libc = ctypes.CDLL(None)
        set_option, trim = libc.mallopt, libc.malloc_trim
    except (OSError, TypeError, AttributeError):
        return False
    set_option(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)
    set_option(_M_TRIM_THRESHOLD, _THRESHOLD_BYTES)
    trim(0)
    return True
