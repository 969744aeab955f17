"""Tells the service manager how the server is: ready, stopping, alive; systemd's protocol (sd_notify(3)).

It sends datagrams of NAME=VALUE lines to the Unix socket that NOTIFY_SOCKET names; without that variable it sends
nothing. A manager that doesn't listen is no reason to fail: a datagram that can't be sent within a second is dropped,
with one log line.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import trio

from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEND_SECONDS: Final = 1.0
_EXTEND_EVERY_SECONDS: Final = 10.0
_EXTEND_BY_SECONDS: Final = 60.0  # a log in which no batch is read for so long hangs


class Notifier:
    """The service manager of one process.

    Args:
        environment: has NOTIFY_SOCKET, and WATCHDOG_USEC if it wants to hear from time to time that we are alive.
        process_id: ours; WATCHDOG_PID, if set, says for which process WATCHDOG_USEC is.
    """

    def __init__(self, environment: Mapping[str, str], process_id: int) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._watchdog_seconds = _watchdog_seconds(environment, process_id)
        self._failed = False
        self._was_ready = trio.Event()

    async def ready(self, *more: str) -> None:
        """We serve. `more` goes into the same datagram."""
        self._was_ready.set()
        await self.send("READY=1", "STATUS=serving", *more)

    async def reloading(self) -> None:
        """We go on, and are being replaced; `ready` ends it."""
        await self.send("RELOADING=1", f"MONOTONIC_USEC={_monotonic_us()}", "STATUS=handing over to a new process")

    async def stopping(self) -> None:
        """We stop in order."""
        await self.send("STOPPING=1", "STATUS=stopping")

    async def ask_for_time(self, status: str, until: trio.Event) -> None:
        """Have the deadline of a start or reload moved: a long log takes minutes, and one in Kafka may be away."""
        while not until.is_set():
            await self.send(f"EXTEND_TIMEOUT_USEC={_EXTEND_BY_SECONDS * 1e6:.0f}", f"STATUS={status}")
            with trio.move_on_after(_EXTEND_EVERY_SECONDS):
                await until.wait()

    async def keep_telling(self) -> None:
        """Say that we are alive, twice as often as asked, from the first `ready` on until cancelled.

        Also while the server starts again, or a new process takes over: the manager counts on, whatever we do.
        """
        if self._watchdog_seconds is None:
            return
        await self._was_ready.wait()
        while True:
            await self.send("WATCHDOG=1")
            await trio.sleep(self._watchdog_seconds / 2)

    async def send(self, *lines: str) -> None:
        """Send one datagram."""
        if not self._address:
            return
        try:
            with trio.fail_after(_SEND_SECONDS), trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_DGRAM) as to:
                await to.sendto("\n".join(lines).encode(), self._address)
        except (OSError, trio.TooSlowError) as error:
            if not self._failed:
                get_logger(__name__).warning("the service manager can't be told", lines=lines, reason=str(error))
            self._failed = True


def _watchdog_seconds(environment: Mapping[str, str], process_id: int) -> float | None:
    if environment.get("WATCHDOG_PID", str(process_id)) != str(process_id):
        return None
    microseconds = environment.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) else None


def _monotonic_us() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
