"""Programs as processes that start with their imports done: see `tests.support.fork_server`.

Each process of pytest has one fork server, which starts with the first program, and ends with that process.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from bench.equipment.server_process import ROOT, users_environment
from tests.support.forked_program import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

_START_SECONDS: Final = 60.0  # the imports take 0.6 s on an idle machine


class Forked:
    """The process of one program, with the methods of `subprocess.Popen` and `trio.Process` that tests use.

    Attributes:
        pid: its process id.
        returncode: its exit code, -N for signal N; None until its end has been noticed.
    """

    def __init__(self, pid: int, ended: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = ended

    def __del__(self) -> None:
        os.close(self._ended)

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self.returncode = int(os.read(self._ended, 16))
        return self.returncode

    async def wait(self) -> int:
        """Wait until it has ended, and return its exit code."""
        if self.poll() is None:
            own = os.dup(self._ended)  # a copy for this task: two tasks can't wait for one descriptor
            try:
                await trio.lowlevel.wait_readable(own)
            finally:
                os.close(own)
        return self._exit_code()

    def wait_at_most(self, seconds: float) -> int:
        """Wait until it has ended, in a thread, and return its exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        if self.poll() is None and not select.select([self._ended], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired(["placed"], seconds)
        return self._exit_code()

    def _exit_code(self) -> int:
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if the process hasn't ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended just now, and the exit code is on its way
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def start(
    *arguments: str, stdout: int, stderr: int, variables: Mapping[str, str] | None = None, module: str = "placed"
) -> Forked:
    """Start `python -m MODULE ARGUMENTS` in the repository's folder, with a user's environment and no standard input.

    Args:
        arguments: arguments of the command line.
        stdout: a descriptor for standard output; it stays the caller's.
        stderr: the same for standard error.
        variables: additional environment variables.
        module: `placed`, or `bench`.
    """
    environment = {**users_environment(), **(variables or {})}
    ended, ends = os.pipe()
    try:
        with Path(os.devnull).open("rb") as nothing:
            descriptors = [nothing.fileno(), stdout, stderr, ends]
            pid = _fork_server().ask(descriptors, module=module, arguments=arguments, environment=environment)
    finally:
        os.close(ends)
    return Forked(pid, ended)


class _ForkServer:
    """The process that starts programs."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_START_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno())],
                cwd=ROOT, env=users_environment(), stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        atexit.register(self._end)

    def ask(self, descriptors: list[int], **asked: object) -> int:
        """Start a program, and return its process id."""
        with self._asking:
            return ask(self._control, descriptors, **asked, folder=str(ROOT))

    def _end(self) -> None:
        self._control.close()
        self._process.wait(_START_SECONDS)


_fork_server = functools.cache(_ForkServer)
