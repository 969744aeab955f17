"""Runs the task that says how many log lines were left out (`placed.telemetry.line_limit`), also at the end."""

from __future__ import annotations

from typing import Final

import trio

from placed.telemetry.structured_logs import tell_left_out

EVERY_SECONDS: Final = 10.0


async def tell_left_out_lines() -> None:
    """Tell it now and then, for ever, and when cancelled."""
    try:
        while True:
            await trio.sleep(EVERY_SECONDS)
            tell_left_out()
    finally:
        tell_left_out()
