"""A real server, `python -m placed`, as a process that tests may kill.

Its imports were done before its start, unless another command starts it: see `tests.support.fork_server`.

Every wait has a time limit, and the process is gone when the block ends, no matter what happened in it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Final

import trio

from bench.equipment.server_process import COMMAND, address_in, users_environment
from bench.equipment.server_process import ROOT as ROOT  # tests of other commands use it, too
from tests.support.forked import Forked, start
from tests.support.http_connection import HOST
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

READY_SECONDS: Final = PATIENCE_SECONDS  # 1 s on an idle machine
ENDED_SECONDS: Final = PATIENCE_SECONDS  # the server itself stops within 10 s; its exit code shows whether it did
_LAST_CHARACTERS: Final = 8_000  # enough for some tracebacks and the lines before them
_LAST_SECONDS: Final = 1.0  # a server that ends cuts its connections first, and logs the reason a moment later
_ARGUMENTS: Final = ("--port", "0", "--allowed-host", HOST)
_CREATED_WITH: Final = ("--charge-seconds", "0", "--width", "64", "--height", "48")


class ServerProcess:
    """One run of the server.

    Attributes:
        port: the port that it listens on; 0 until it is ready.
    """

    def __init__(self, process: trio.Process | Forked, said: trio.abc.ReceiveStream, errors: IO[bytes]) -> None:
        self._process = process
        self._said = said
        self._errors = errors
        self.port = 0

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    @property
    def output(self) -> str:
        """Its standard error so far."""
        self._errors.seek(0)
        return self._errors.read().decode()

    def last_words(self) -> str:
        """Whether it runs, and the end of its standard error, to find the cause of a failure."""
        code = self._process.poll()
        state = "runs" if code is None else f"has ended with {code}"
        return f"The server, process {self.pid}, {state}. It has written:\n{self.output[-_LAST_CHARACTERS:]}"

    async def ready(self) -> None:
        """Wait until it has printed where it listens."""
        line = b""
        with trio.fail_after(READY_SECONDS):
            while b"\n" not in line:
                data = await self._said.receive_some()
                if not data:
                    await self._process.wait()
                    raise AssertionError(f"it ended with {self._process.returncode}:\n{self.output}")
                line += data
        address = address_in(line)
        assert address, f"no address in {line!r}"
        self.port = address[1]

    async def writes(self, text: str) -> None:
        """Wait until it has written `text` to standard error."""
        with trio.fail_after(READY_SECONDS):
            while text not in self.output:
                assert not self.ended, self.output
                await trio.sleep(0.01)  # a file gives no signal when it grows

    async def wait(self) -> int:
        """Wait until it has ended, and return its exit code; -N for signal N."""
        with trio.fail_after(ENDED_SECONDS):
            return await self._process.wait()

    def terminate(self) -> None:
        """Ask it to stop (SIGTERM)."""
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def kill(self) -> None:
        """Kill it as kill -9 does, and wait until it is gone."""
        with trio.CancelScope(shield=True):
            self._process.kill()
            await self.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it as an operator does, and check that it ends well."""
        self.send(number)
        code = await self.wait()
        assert code == 0, f"it ended with {code}:\n{self.output}"

    def resident_bytes(self) -> int:
        """Its resident memory."""
        asked = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, timeout=10, check=True
        )
        return int(asked.stdout) * 1024


@contextlib.asynccontextmanager
async def starting(
    data: Path, *flags: str, prefix: tuple[str, ...] = (), pass_fds: tuple[int, ...] = ()
) -> AsyncGenerator[ServerProcess]:
    """Start a server on a port that the system chooses; it is killed at the end if it still runs.

    A test that fails in the block shows the server's last words.

    Args:
        data: its data folder.
        flags: more flags.
        prefix: a command to start it with.
        pass_fds: open descriptors that it inherits.
    """
    arguments = (*_ARGUMENTS, "--data", str(data), *flags)
    with tempfile.TemporaryFile() as errors:
        if prefix or pass_fds:
            process, said = await _executed((*prefix, *COMMAND, *arguments), errors, pass_fds)
        else:
            process, said = _forked(arguments, errors)
        server = ServerProcess(process, said, errors)
        try:
            yield server
        except Exception as error:
            with trio.move_on_after(_LAST_SECONDS, shield=True):
                await server.wait()
            error.add_note(server.last_words())
            raise
        except BaseException:
            # Cancelled by a time limit, which is raised further out. pytest shows this output if the test fails.
            print(server.last_words(), file=sys.stderr)  # noqa: T201
            raise
        finally:
            await server.kill()
            await said.aclose()


def _forked(arguments: tuple[str, ...], errors: IO[bytes]) -> tuple[trio.Process | Forked, trio.abc.ReceiveStream]:
    said, says = os.pipe()
    try:
        process = start(*arguments, stdout=says, stderr=errors.fileno())
    finally:
        os.close(says)
    return process, trio.lowlevel.FdStream(said)


async def _executed(
    command: tuple[str, ...], errors: IO[bytes], pass_fds: tuple[int, ...]
) -> tuple[trio.Process | Forked, trio.abc.ReceiveStream]:
    process = await trio.lowlevel.open_process(
        command, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, env=users_environment(), pass_fds=pass_fds
    )
    assert process.stdout is not None
    return process, process.stdout


@contextlib.asynccontextmanager
async def running(
    data: Path, *flags: str, prefix: tuple[str, ...] = (), pass_fds: tuple[int, ...] = ()
) -> AsyncGenerator[ServerProcess]:
    """Run a server until it is ready, with 64 x 48 pixels and without a cooldown unless `flags` say otherwise."""
    async with starting(data, *_CREATED_WITH, *flags, prefix=prefix, pass_fds=pass_fds) as server:
        await server.ready()
        yield server


async def refusal(
    data: Path, *flags: str, prefix: tuple[str, ...] = (), pass_fds: tuple[int, ...] = ()
) -> tuple[int, str]:
    """The exit code and the standard error of a server that can't start."""
    async with starting(data, *flags, prefix=prefix, pass_fds=pass_fds) as server:
        code = await server.wait()
        return code, server.output


@contextlib.contextmanager
def stopped_clock(server: ServerProcess) -> Iterator[None]:
    """Freeze the process (SIGSTOP) while the block runs."""
    server.send(signal.SIGSTOP)
    try:
        yield
    finally:
        server.send(signal.SIGCONT)
