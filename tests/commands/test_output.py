"""Output that nobody reads, or that can't be written, doesn't end a server or hold it up."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Final

import pytest
import trio

from bench.equipment.free_ports import free_ports
from placed.process.exit_codes import ExitCode
from placed.storage.folder_lock import LOCK_NAME
from tests.support.handing_over import wait_until_gone
from tests.support.http_connection import ConnectionCut, connect, get, place
from tests.support.offline_log import read_records
from tests.support.server_process import READY_SECONDS, ROOT, starting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from tests.support.server_process import ServerProcess

SMALL: Final = ("--charge-seconds", "0", "--width", "64", "--height", "48")
PIPE_BYTES: Final = 4096
LIMIT_SECONDS: Final = 60.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full, or a pipe's size")


def _shell(redirection: str) -> tuple[str, ...]:
    return ("bash", "-c", f'exec "$0" "$@" {redirection}')


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@contextlib.asynccontextmanager
async def _serving(
    data: Path, port: int, redirection: str, *flags: str, pass_fds: tuple[int, ...] = ()
) -> AsyncGenerator[ServerProcess]:
    """Run a server with its output redirected; the process that serves at the end is killed."""
    more = (*SMALL, "--port", str(port), *flags)
    async with starting(data, *more, prefix=_shell(redirection), pass_fds=pass_fds) as server:
        await _answers(server, port)
        try:
            yield server
        finally:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                os.kill(_holder(data), signal.SIGKILL)


async def _answers(server: ServerProcess, port: int) -> None:
    with trio.fail_after(READY_SECONDS):
        while True:
            with contextlib.suppress(ConnectionCut):
                if (await get(port, "/readyz")).status == 200:
                    return
            assert not server.ended
            await trio.sleep(0.02)


def _holder(data: Path) -> int:
    """The id of the process that has the data folder open."""
    return int((data / LOCK_NAME).read_text(encoding="utf-8"))


@pytest.fixture
def dead_pipe() -> Iterator[int]:
    """A pipe whose reader is gone, as in `placed | true`."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@linux
@pytest.mark.parametrize(
    "redirection", [">/dev/full", ">/dev/full 2>&1", ">&-", "2>&-", "<&- >&- 2>&-", ">&{0}", ">&{0} 2>&{0}"]
)
async def test_server_paints_hands_over_and_stops_whatever_its_output_is(
    tmp_path: Path, port: int, dead_pipe: int, redirection: str
) -> None:
    data = tmp_path / "data"
    async with _serving(data, port, redirection.format(dead_pipe), "--log-level=debug", pass_fds=(dead_pipe,)) as old:
        async with connect(port) as painter:
            assert (await place(painter, 1, 2, 3)).json() == {"v": 2}
        old.send(signal.SIGUSR2)
        assert await old.wait() == 0
        new = _holder(data)
        assert new != old.pid
        async with connect(port) as painter:
            assert (await place(painter, 4, 5, 6)).json() == {"v": 3}
        os.kill(new, signal.SIGTERM)
        await wait_until_gone(new)
    # No line has gone into a file of the database, which may have got the number of a closed descriptor.
    assert await read_records(data / "log") == [[], [(1, 2, 3)], [(4, 5, 6)]]


@pytest.fixture
def stuck_pipe() -> Iterator[tuple[int, int]]:
    """A small pipe that is only read by the test."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    yield reading, writing
    os.close(reading)
    os.close(writing)


@linux
@pytest.mark.parametrize("redirection", ["2>&{0}", ">&{0} 2>&{0}"])
async def test_reader_that_is_stuck_stops_neither_answers_nor_the_end(
    tmp_path: Path, port: int, stuck_pipe: tuple[int, int], redirection: str
) -> None:
    _, writing = stuck_pipe
    redirection = redirection.format(writing)
    async with _serving(tmp_path, port, redirection, "--log-level=debug", pass_fds=(writing,)) as server:
        with trio.fail_after(LIMIT_SECONDS):
            async with connect(port) as painter:
                for number in range(200):  # 23 were enough to fill the pipe
                    assert (await place(painter, number % 64, 1, 2)).status == 200
            await server.stop()


@linux
async def test_reader_that_reads_again_hears_how_many_lines_were_left_out(
    tmp_path: Path, port: int, stuck_pipe: tuple[int, int]
) -> None:
    reading, writing = stuck_pipe
    # The test is about the lines; 2,500 edits may take long on a busy machine's disk.
    flags = ("--log-level=debug", "--log-format=json", "--log=memory:")
    async with _serving(tmp_path, port, f"2>&{writing}", *flags, pass_fds=(writing,)) as server:
        with trio.fail_after(LIMIT_SECONDS):
            async with connect(port) as painter:
                for number in range(2_500):
                    assert (await place(painter, number % 64, 1, 2)).status == 200
            text = b""
            while b'"log lines were left out"' not in text:
                await trio.lowlevel.wait_readable(reading)
                text += os.read(reading, PIPE_BYTES)
        assert all(line.startswith(b"{") for line in text.split(b"\n")[:-1])  # the lines that are left are complete
        await server.stop()


def _placed(*args: str, redirection: str) -> tuple[int, str]:
    """The exit code of a command, and what it wrote to standard error."""
    with tempfile.TemporaryFile() as errors:
        command = [*_shell(redirection), sys.executable, "-m", "placed", *args]
        done = subprocess.run(command, cwd=ROOT, stderr=errors, timeout=LIMIT_SECONDS, check=False)
        errors.seek(0)
        return done.returncode, errors.read().decode()


@linux
@pytest.mark.parametrize("what", ["--version", "--help", "check"])
def test_other_commands_say_that_nobody_could_see_their_result(tmp_path: Path, what: str) -> None:
    flags = ("--data", str(tmp_path)) if what == "check" else ()
    if what == "check":
        trio.run(_make_canvas, tmp_path)
    code, errors = _placed(what, *flags, redirection=">/dev/full")
    assert code == ExitCode.FAULT
    assert errors == "placed: standard output can't be written: [Errno 28] No space left on device\n"


async def _make_canvas(data: Path) -> None:
    async with starting(data, *SMALL) as server:
        await server.ready()
        await server.stop()


def test_whoever_closes_the_pipe_of_a_command_is_told_nothing(dead_pipe: int) -> None:
    with tempfile.TemporaryFile() as errors:
        command = [sys.executable, "-m", "placed", "--help"]
        done = subprocess.run(command, cwd=ROOT, stdout=dead_pipe, stderr=errors, timeout=LIMIT_SECONDS, check=False)
        errors.seek(0)
        assert (done.returncode, errors.read()) == (ExitCode.FAULT, b"")
