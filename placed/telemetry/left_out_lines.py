"""Runs the task that logs how many lines were left out (`placed.telemetry.line_limit`), also at the server's end."""

from __future__ import annotations

from typing import Final

import trio

from placed.telemetry.structured_logs import tell_left_out

EVERY_SECONDS: Final = 10.0


async def tell_left_out_lines() -> None:
    """Log the counts every `EVERY_SECONDS`, and once more when cancelled."""
    try:
        while True:
            await trio.sleep(EVERY_SECONDS)
            tell_left_out()
    finally:
        tell_left_out()
