"""The lines that the server logged while a test ran."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def logged(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[dict[str, Any]]:
    """The event dictionaries of `level` and above, in order."""
    records = [record for record in caplog.records if record.name.startswith("placed") and record.levelno >= level]
    return [record.msg for record in records if isinstance(record.msg, dict)]
