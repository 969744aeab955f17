"""Makes glibc's allocator give memory back to the system: large blocks as soon as they are freed, and holes in heaps.

glibc adapts to each large block that is freed: it serves the next blocks of such a size, up to 32 MB, from its heaps,
and each thread has its own. Images, snapshots and their copies then leave holes of a megabyte among the small blocks of
the heaps. With 1,000 people who come and go, 9 MB lie unused, and more by the hour (docs/reliability.md).
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
    """Set this for the process; False if the C library isn't glibc.

    Call it after the replay, which makes many large blocks, one after the other, and would be slower.
    """
    libc = _glibc()
    if libc is None:
        return False
    libc.mallopt(_M_ARENA_MAX, 1)  # no heaps for further threads: Python runs one at a time, and each heap has holes
    libc.mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)
    libc.mallopt(_M_TRIM_THRESHOLD, _THRESHOLD_BYTES)
    libc.malloc_trim(0)
    return True


def give_back_holes() -> None:
    """Give back the free pages in the middle of the heaps, if the C library is glibc.

    The history's thread reads records into heaps that also hold the records of the feed. When a segment has been
    written, 2 MB of pages are empty. By itself, glibc gives back only free memory at a heap's end.

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
