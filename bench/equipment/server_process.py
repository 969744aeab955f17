"""A server for a bench or test: `python -m placed` in a process, with a port that the system chooses, gone at the end.

Tests use parts of this, too: `COMMAND`, `users_environment` and `address_in` start every server of benches and tests,
and find its address.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import trio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

ROOT = Path(__file__).parents[2]
READY_SECONDS = 120.0  # 10 million edits without a snapshot take 2 s; a busy machine needs more
STOP_SECONDS = 15.0  # the server's own deadline is 10 s
COMMAND = (sys.executable, "-m", "placed")
_ADDRESS = re.compile(rb"https?://(\[[0-9a-f:]+\]|[^\s/:\[]+):(\d+)[^\n]*\n")
_LINE_BYTES = 65_536


class ServerFailed(Exception):
    """The process ended, or wasn't ready in time; the message has its last output."""


@attrs.define
class ServerProcess:
    """A server that listens.

    Attributes:
        process: its process.
        host: where it listens.
        port: where it listens.
        log_lines: lines that it logged before it listened.
    """

    process: trio.Process
    host: str
    port: int
    log_lines: list[dict[str, Any]] = attrs.field(factory=list)

    async def stop(self) -> int:
        """Ask the server to stop, wait, and return its exit code; kill it if it doesn't stop in time."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        with trio.move_on_after(STOP_SECONDS):
            return await self.process.wait()
        self.process.kill()
        return await self.process.wait()


def serving(data: Path, *flags: str) -> list[str]:
    """The command that serves `data` without a cooldown, with log lines as JSON."""
    return [
        *(*COMMAND, "--port", "0", "--data", str(data)),
        *("--charge-seconds", "0", "--log-format", "json", *flags),
    ]


def users_environment() -> dict[str, str]:
    """Our environment without a server's settings; Python keeps compiled code, which saves 0.15 s of each start."""
    ours = os.environ.items()
    return {name: value for name, value in ours if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith("PLACED_")}


def address_in(said: bytes) -> tuple[str, int] | None:
    """Host and port in the line that a server prints once it listens; None before the line is complete."""
    found = _ADDRESS.search(said)
    return None if found is None else (found[1].decode().strip("[]"), int(found[2]))


@contextlib.asynccontextmanager
async def running_server(command: Sequence[str]) -> AsyncGenerator[ServerProcess]:
    """Start `command`, which prints its address on standard output once it listens, and stop it at the end.

    Raises:
        ServerFailed: the server ended first, or wasn't ready in time.
    """
    async with trio.open_nursery() as nursery:
        start = partial(
            trio.run_process,
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
            cwd=ROOT,
            env=users_environment(),
            deliver_cancel=kill,
        )
        process = await nursery.start(start)
        errors: list[bytes] = []
        nursery.start_soon(_collect, process.stderr, errors)
        server = ServerProcess(process, *await _address(process, errors))
        server.log_lines = _parsed(b"".join(errors))
        try:
            yield server
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 2 * STOP_SECONDS):
                await server.stop()
            nursery.cancel_scope.cancel()


async def kill(process: trio.Process) -> None:
    """Kill a process as kill -9 does, because a bench that ends waits for nobody."""
    process.kill()


async def _collect(pipe: trio.abc.ReceiveStream, into: list[bytes]) -> None:
    async for data in pipe:
        if sum(map(len, into)) < _LINE_BYTES:
            into.append(bytes(data))


async def _address(process: trio.Process, errors: list[bytes]) -> tuple[str, int]:
    assert process.stdout is not None
    said = b""
    with trio.move_on_after(READY_SECONDS):
        while len(said) < _LINE_BYTES and (data := await process.stdout.receive_some()):
            said += data
            if (address := address_in(said)) is not None:
                return address
    process.kill()
    last_words = b"".join(errors).decode(errors="replace").strip()
    raise ServerFailed(f"the server didn't get ready; it said {said!r} and logged {last_words[-2000:]!r}")


def _parsed(lines: bytes) -> list[dict[str, Any]]:
    parsed = []
    for line in lines.splitlines():
        with contextlib.suppress(ValueError):
            parsed.append(json.loads(line))
    return parsed


def seconds_logged(server: ServerProcess, event: str) -> float:
    """The `seconds` of the log line `event`; NaN without one."""
    return next((float(line["seconds"]) for line in server.log_lines if line.get("event") == event), math.nan)
