"""Processes that aren't children of this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def is_there(pid: int) -> bool:
    """Whether there is a process with this id that hasn't ended; a zombie counts as ended."""
    try:
        os.kill(pid, 0)
        if sys.platform != "linux":
            return True
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
