"""A disk that can be full: a file system of its own, in memory. Needs root, and Linux."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOUNT_SECONDS: Final = 10.0
_BLOCK_BYTES: Final = 4_096


class SmallDisk:
    """The disk.

    Attributes:
        folder: where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Fill the disk completely."""
        with (self.folder / "filler").open("ab", buffering=0) as filler:
            size = os.statvfs(self.folder).f_bavail * _BLOCK_BYTES
            while size >= _BLOCK_BYTES:
                end = filler.seek(0, os.SEEK_END)
                try:
                    os.posix_fallocate(filler.fileno(), end, size)
                except OSError:  # another process has used some of it meanwhile
                    size = size // 2 // _BLOCK_BYTES * _BLOCK_BYTES

    def make_room(self) -> None:
        """Free the room that `fill` took. Idempotent."""
        (self.folder / "filler").unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[SmallDisk | None]:
    """Mount a disk at `folder`, and unmount it at the end; yields None if this process may not mount one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_MOUNT_SECONDS)
    except (OSError, subprocess.SubprocessError):
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True, timeout=_MOUNT_SECONDS)
