"""Reports the server's state to the service manager: ready, stopping, alive; systemd's protocol (sd_notify(3)).

The notifier sends datagrams of NAME=VALUE lines to the Unix socket that NOTIFY_SOCKET names; without that variable it
sends nothing. The server must not fail if its manager doesn't listen: a datagram that can't be sent within a second is
dropped, and the first time there is a log line.
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
_EXTEND_BY_SECONDS: Final = 60.0  # if the loop hangs for this long, the manager ends the process


class Notifier:
    """Reports one process's state to its service manager.

    Args:
        environment: has NOTIFY_SOCKET, and WATCHDOG_USEC if the manager wants regular signs of life.
        process_id: this process's id; WATCHDOG_PID, if set, says for which process WATCHDOG_USEC is.
    """

    def __init__(self, environment: Mapping[str, str], process_id: int) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._watchdog_seconds = _watchdog_seconds(environment, process_id)
        self._failed = False
        self._was_ready = trio.Event()

    async def ready(self, *more: str) -> None:
        """Report that the server serves. `more` goes into the same datagram."""
        self._was_ready.set()
        await self.send("READY=1", "STATUS=serving", *more)

    async def reloading(self) -> None:
        """Report that a new process is about to take over; `ready` ends this state."""
        await self.send("RELOADING=1", f"MONOTONIC_USEC={_monotonic_us()}", "STATUS=handing over to a new process")

    async def stopping(self) -> None:
        """Report that the server stops in order."""
        await self.send("STOPPING=1", "STATUS=stopping")

    async def ask_for_time(self, status: str, until: trio.Event) -> None:
        """Extend the deadline of a start or reload, until `until` is set: a long log takes minutes to read, and a Kafka
        log may be unreachable for a while."""
        while not until.is_set():
            await self.send(f"EXTEND_TIMEOUT_USEC={_EXTEND_BY_SECONDS * 1e6:.0f}", f"STATUS={status}")
            with trio.move_on_after(_EXTEND_EVERY_SECONDS):
                await until.wait()

    async def keep_telling(self) -> None:
        """Send signs of life, twice as often as the manager asks, from the first `ready` on until cancelled.

        They go on while the server starts again, or a new process takes over: the manager's watchdog runs all the time.
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
