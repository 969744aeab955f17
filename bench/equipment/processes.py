"""Processes that aren't children of the one that asks."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def is_there(pid: int) -> bool:
    """Whether there is such a process, and it isn't one that has ended and waits to be asked about."""
    try:
        os.kill(pid, 0)
        if sys.platform != "linux":
            return True
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
