"""Lists the levels and formats of log lines, so that the command line needs no structlog for its help."""

from __future__ import annotations

from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("text", "json")
