"""Says what an operator can choose of log lines. A command line needs no structlog to tell it."""

from __future__ import annotations

from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("text", "json")
