"""Makes LMDB's lock file before LMDB does, with room on the disk.

LMDB maps this file and writes through the map. It makes the file longer without taking room on the disk. If the disk is
full when LMDB first writes to a page, the system ends the process (SIGBUS). So this module takes the room before, with
a call that fails with an error. LMDB doesn't write the data file through a map: there its own calls fail with an error.
Imports the standard library only.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME: Final = "lock.mdb"
_LOCK_BYTES: Final = 8_192  # LMDB's size for 126 readers, its default; LMDB leaves a longer file as it is


def allocate_lock(folder: Path) -> None:
    """Make LMDB's lock file in `folder`, or fill its holes, before LMDB maps it.

    Raises:
        OSError: no room, no permission.

    Thread: blocks for some us.
    """
    path = folder / LOCK_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size_bytes = os.fstat(descriptor).st_size
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, max(_LOCK_BYTES, size_bytes))
        elif not size_bytes:  # macOS; a file with bytes in it was made here, or LMDB has written to it
            os.write(descriptor, bytes(_LOCK_BYTES))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(descriptor)


def remove_unused_lock(path: Path) -> None:
    """Remove LMDB's lock file at `path`, unless another process has the environment open, and so locks its first byte.

    The caller keeps others from opening the environment meanwhile: they would lock a file that is gone.

    Raises:
        OSError: the file is in use, or can't be removed.

    Thread: blocks for some us.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        path.unlink()
    finally:
        os.close(descriptor)
