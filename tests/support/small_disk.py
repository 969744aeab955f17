"""A disk that is soon full, or read-only."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class SmallDisk:
    """A file system of its own, in memory.

    Attributes:
        folder: where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, options: str) -> None:
        """Mount it, or change its mount options."""
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=10)

    def fill(self) -> None:
        """Fill it completely."""
        with (self.folder / "filler").open("ab", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)):
                    pass
            except OSError:  # full
                pass

    def make_room(self) -> None:
        """Free the room that `fill` took."""
        (self.folder / "filler").unlink()
