"""Makes folders, and makes the names in them outlast a power cut. Imports the standard library only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make `folder`, with this mode, and the folders above it, unless they are there; all outlast a power cut.

    Raises:
        OSError: a file is in the way, or there is no permission.

    Thread: blocks for some ms.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` outlast a power cut.

    Thread: blocks for some ms.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # a folder above ours may allow us to write into it, or to pass it, but not to list it
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
