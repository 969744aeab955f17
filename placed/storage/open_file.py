"""Says whether an open file is still the one that its path names.

When a folder is moved, deleted, replaced, or no longer mounted, a process with open files in it can go on writing, into
files that nobody will find again. So this module compares the open file's device and inode with the path's. An open
file's own never change, so they are read only once. Imports the standard library only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class OpenFile:
    """The identity of an open file or folder, and its path."""

    def __init__(self, path: Path, opened: os.stat_result) -> None:
        """Note the identity of the file at `path`: from `os.fstat` of the open file, or `os.stat` while it's locked."""
        self._path = os.fspath(path)
        self._identity = (opened.st_dev, opened.st_ino)

    def why_displaced(self) -> str | None:
        """Why the path doesn't name the open file any more; None while it does.

        Thread: blocks for 4 us; for good if a network's disk hangs.
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
    """The reason of the first of `files` that isn't in its place; None if all are.

    Thread: as `OpenFile.why_displaced`.
    """
    return next((reason for file in files if (reason := file.why_displaced()) is not None), None)
