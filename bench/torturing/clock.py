"""A wall clock that jumps, for a server: `clock.c` replaces its C library's clock."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_OFFSET: Final = struct.Struct("=q")
_MOST_SECONDS: Final = 400 * 86_400


class Clock:
    """The clock.

    Attributes:
        offset_seconds: how far it is ahead of the real clock.
    """

    def __init__(self, library: Path, file: Path) -> None:
        self._library = library
        self._file = file
        self.offset_seconds = 0.0
        self._write()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that give a server this clock."""
        return {"LD_PRELOAD": str(self._library), "TORTURE_CLOCK": str(self._file)}

    def step(self, seconds: float) -> None:
        """Move the clock forward or back, but never more than 400 days from the real one."""
        self.offset_seconds = max(-_MOST_SECONDS, min(_MOST_SECONDS, self.offset_seconds + seconds))
        self._write()

    def _write(self) -> None:
        # Write in place, because the server has mapped the file.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(_OFFSET.pack(round(self.offset_seconds * 1e9)))
