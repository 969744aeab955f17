"""Gives files made by root to their folder's owner. Imports the standard library only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def give_to_folders_owner(path: Path) -> None:
    """Give `path` to the owner of its folder, if we are root.

    The server runs as a user of its own, and an operator as root: without this, the next start couldn't open the files
    of the operator's command.
    """
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
