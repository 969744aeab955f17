"""Says whether an open file is still the one that its path names.

When a folder is moved, deleted, replaced, or no longer mounted, a process that has its files open can go on writing,
into files that nobody will find again. So the open file, by its device and inode, is compared with the path. Both stay
as they are while the file is open, so they are asked for once. Imports the standard library only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class OpenFile:
    """A file, or a folder, as it was when it was opened."""

    def __init__(self, path: Path, opened: os.stat_result) -> None:
        """Hold on to which file `path` named, as `os.fstat` said of the open one, or `os.stat` while it was locked."""
        self._path = os.fspath(path)
        self._identity = (opened.st_dev, opened.st_ino)

    def why_displaced(self) -> str | None:
        """Why its path doesn't name it any more; None while it does.

        Thread: blocks for 4 us; for good where a network's disk hangs.
        """
        try:
            found = os.stat(self._path)  # noqa: PTH116 - a Path's costs twice as much, at each commit
        except (FileNotFoundError, NotADirectoryError):
            return f"{self._path} is gone"
        except OSError as error:
            return f"{self._path} can't be looked at: {error.strerror}"
        if (found.st_dev, found.st_ino) != self._identity:
            return f"{self._path} is not the one that was opened"
        return None


def first_displaced(files: list[OpenFile]) -> str | None:
    """Why the first of `files` that isn't in its place is not; None when all are.

    Thread: as `OpenFile.why_displaced`.
    """
    return next((reason for file in files if (reason := file.why_displaced()) is not None), None)
