"""Hands over to a new server process: the old one starts it, gives it the listening sockets, and ends once it serves.

    old                                         new
     | starts it ------------------------------> imports, reads its settings, looks at the certificate
     | <------------------------------ prepared  |
     | stops in order, but listens; the folder   |
     | and the log are free                      |
     | go -------------------------------------> locks the folder, opens the log, recovers
     | <------------------------------- serving  | accepts
     | ends                                      v

Connections that come between stopping and serving wait in the sockets. The new process fails if it ends, isn't prepared
after `PREPARE_SECONDS`, or doesn't serve `SERVE_SECONDS` after *go*. Then the old process ends it, and goes on itself.
If the old process is gone, its end of the channel is closed, and the new one waits no longer.

The channel is a pair of Unix sockets. The environment variable `VARIABLE` has the descriptors of the new process's end
and of the listening sockets.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import TYPE_CHECKING, Final

import trio

from placed.process.inherited_sockets import WrongSocket, adopt

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

VARIABLE: Final = "PLACED_HANDOVER"
PREPARE_SECONDS: Final = 60.0  # a start's imports take 1 s; on a machine that swaps they have taken 20
SERVE_SECONDS: Final = 60.0  # a server with a snapshot serves after 1 s; restart one without, rather than hand it over
_END_SECONDS: Final = 5.0  # for the kernel to end a process that was killed
_PREPARED, _GO, _SERVING = b"prepared\n", b"go\n", b"serving\n"
# Variables that are meant for this process alone; the new one has another process id.
_OURS: Final = frozenset({"WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})


class HandoverFailed(Exception):
    """The new process can't take over; the message says why."""


def own_command() -> list[str]:
    """The command line that started this process."""
    return [sys.executable, *sys.orig_argv[1:]]


class Successor:
    """The new process, seen by the old one. Made by `start_successor`."""

    def __init__(self, process: trio.Process, channel: trio.SocketStream) -> None:
        self._process = process
        self._channel = channel

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def prepared(self) -> None:
        """Wait until the new process has all that it needs but the data folder.

        Raises:
            HandoverFailed: it has ended, or took too long and was ended.
        """
        await self._hear(_PREPARED, PREPARE_SECONDS)

    async def take_over(self) -> None:
        """Tell the new process that the folder is free, and wait until it serves.

        Raises:
            HandoverFailed: see `prepared`.
        """
        with contextlib.suppress(trio.BrokenResourceError):  # if it has ended, `_hear` finds out and says so
            await self._channel.send_all(_GO)
        await self._hear(_SERVING, SERVE_SECONDS)

    async def _hear(self, word: bytes, seconds: float) -> None:
        with trio.move_on_after(seconds):
            if await _receive_line(self._channel) == word:
                return
            await self.end()
            raise HandoverFailed(f"it ended with code {self._process.returncode}")
        await self.end()
        raise HandoverFailed(f"it didn't say {word.decode().strip()!r} within {seconds:g} s")

    async def release(self) -> None:
        """Close the channel: the new process waits for that before it goes on alone."""
        await self._channel.aclose()

    def terminate(self) -> None:
        """Ask the new process to stop; do nothing if it has ended."""
        self._process.terminate()

    async def end(self) -> None:
        """Wait until the process is gone, and kill it if it hangs. Idempotent."""
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _END_SECONDS):
            with trio.move_on_after(_END_SECONDS / 5):
                await self._process.wait()
            self._process.kill()
            await self._process.wait()
        await self._channel.aclose()


async def start_successor(listening: Sequence[socket.socket], command: Sequence[str]) -> Successor:
    """Start the new process, and give it the sockets.

    Raises:
        HandoverFailed: the command can't be started.
    """
    ours, theirs = trio.socket.socketpair()
    with theirs:
        descriptors = [theirs.fileno(), *(each.fileno() for each in listening)]
        environment = {name: value for name, value in os.environ.items() if name not in _OURS}
        environment[VARIABLE] = ",".join(map(str, descriptors))
        try:
            process = await trio.lowlevel.open_process(command, env=environment, pass_fds=descriptors)
        except OSError as error:
            ours.close()
            raise HandoverFailed(f"{command[0]} can't be started: {error.strerror}") from error
    return Successor(process, trio.SocketStream(ours))


class Predecessor:
    """The old process, seen by the new one. Made by `predecessor_of`.

    Attributes:
        sockets: its listening sockets.
    """

    def __init__(self, channel: socket.socket, sockets: list[socket.socket]) -> None:
        self._plain = channel
        self._channel: trio.SocketStream | None = None
        self.sockets = sockets

    async def wait_for_go(self) -> None:
        """Say that this process is prepared, and wait until the old one says that the folder is free, or is gone."""
        self._channel = trio.SocketStream(trio.socket.from_stdlib_socket(self._plain))
        with contextlib.suppress(trio.BrokenResourceError):
            await self._channel.send_all(_PREPARED)
        await _receive_line(self._channel)

    async def tell_that_we_serve(self) -> None:
        """Tell the old process that this one serves, and wait until it has told the service manager of this one."""
        assert self._channel is not None
        with contextlib.suppress(trio.BrokenResourceError):
            await self._channel.send_all(_SERVING)
        await _receive_line(self._channel)
        await self._channel.aclose()


def predecessor_of(environment: MutableMapping[str, str]) -> Predecessor | None:
    """The process that started this one as its successor; None if this one was started in another way.

    Args:
        environment: the process's variables; `VARIABLE` is removed.

    Raises:
        WrongSocket: the variable, or a descriptor in it, is no good.
    """
    told = environment.pop(VARIABLE, None)
    if told is None:
        return None
    if not all(part.isdecimal() for part in told.split(",")):
        raise WrongSocket(f"{VARIABLE} is {told!r}; only a server that hands over may set it")
    channel, *descriptors = map(int, told.split(","))
    try:
        ours = socket.socket(fileno=channel)
    except OSError as error:
        raise WrongSocket(f"{VARIABLE} names descriptor {channel}, which is no socket: {error.strerror}") from error
    ours.set_inheritable(False)
    return Predecessor(ours, adopt(descriptors))


async def _receive_line(channel: trio.SocketStream) -> bytes:
    """Receive the next line; empty if the other side is gone."""
    line = b""
    with contextlib.suppress(trio.BrokenResourceError):
        while not line.endswith(b"\n"):
            data = await channel.receive_some(64)
            if not data:
                return b""
            line += data
    return line
