"""A server on a terminal: a pseudo-terminal; the test reads its other end."""

from __future__ import annotations

import contextlib
import os
import pty
import sys
from typing import TYPE_CHECKING, Final

import trio

from tests.support.server_process import ENDED_SECONDS, ROOT

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncGenerator
    from pathlib import Path

SHOWS_SECONDS: Final = 60.0


class Terminal:
    """The terminal of one server process.

    Attributes:
        text: everything written so far, including escape sequences.
        process: the server.
    """

    def __init__(self, process: trio.Process, keyboard: int) -> None:
        self._stream = trio.lowlevel.FdStream(keyboard)
        self.process = process
        self.text = ""

    async def shows(self, text: str) -> None:
        """Wait until `text` has been written."""
        with trio.fail_after(SHOWS_SECONDS):
            while text not in self.text:
                try:
                    data = await self._stream.receive_some()
                except trio.BrokenResourceError:  # Linux: EIO, no process has the other end open any more
                    data = b""
                assert data, f"no {text!r} in {self.text!r}"
                self.text += data.decode()

    async def ends(self) -> int:
        """Wait until the process has ended, and return its exit code."""
        with trio.fail_after(ENDED_SECONDS):
            return await self.process.wait()

    async def press_control_c(self) -> None:
        """Press the key: the terminal sends SIGINT."""
        await self._stream.send_all(b"\x03")

    async def hang_up(self) -> None:
        """Close the terminal: the system sends SIGHUP, and the process can't write to it any more."""
        await self._stream.aclose()

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    async def aclose(self) -> None:
        """Kill the process if it still runs, and close the terminal."""
        with trio.CancelScope(shield=True):
            self.process.kill()
            await self.process.wait()
            await self._stream.aclose()


@contextlib.asynccontextmanager
async def on_terminal(data: Path, *flags: str) -> AsyncGenerator[Terminal]:
    """Start a server on a terminal, which is its controlling terminal."""
    keyboard, screen = pty.openpty()
    try:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-c", _ON_THIS_TERMINAL, "--port", "0", "--data", str(data), *flags],
            stdin=screen,
            stdout=screen,
            stderr=screen,
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"},
            start_new_session=True,
        )
    finally:
        os.close(screen)
    terminal = Terminal(process, keyboard)
    try:
        yield terminal
    finally:
        await terminal.aclose()


# In a session of its own, the process makes the terminal its controlling terminal, so that ^C works.
_ON_THIS_TERMINAL: Final = (
    "import fcntl, runpy, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); sys.argv[0] = 'placed'; "
    "runpy.run_module('placed', run_name='__main__')"
)
