"""systemd's protocols, with real sockets: sd_notify, and sockets that outlive the process."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import IO, TYPE_CHECKING

import pytest
import trio

from placed.process.exit_codes import ExitCode
from placed.process.inherited_sockets import WrongSocket, activated_sockets
from placed.process.sd_notify import Notifier
from tests.support.handing_over import generations
from tests.support.http_connection import connect, place
from tests.support.server_process import READY_SECONDS, refusal, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BYTES = 4096


class Manager:
    """Does what systemd does for a service.

    Attributes:
        name: value for NOTIFY_SOCKET.
    """

    def __init__(self, plain: socket.socket, name: str) -> None:
        self._socket = trio.socket.from_stdlib_socket(plain)
        self.name = name

    async def hears(self, line: str) -> list[str]:
        """Wait for the next datagram with this line in it; return its lines."""
        with trio.fail_after(READY_SECONDS):
            while True:
                lines = (await self._socket.recv(_BYTES)).decode().split("\n")
                if line in lines:
                    return lines


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """A manager that listens, at a path and in Linux's abstract namespace."""
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("abstract sockets are Linux's")
    name = str(tmp_path / "notify") if request.param == "path" else f"@placed-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plain:
        plain.bind("\0" + name[1:] if name.startswith("@") else name)
        yield Manager(plain, name)


async def test_service_manager_is_told_when_it_serves_and_when_it_stops(
    manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.name)
    async with running(tmp_path / "data") as server:
        await manager.hears("READY=1")
        server.terminate()
        await manager.hears("STOPPING=1")
        assert await server.wait() == 0


async def test_start_asks_for_more_time_until_it_serves(
    manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.name)
    async with running(tmp_path / "data"):
        assert "STATUS=reading the log" in await manager.hears("EXTEND_TIMEOUT_USEC=60000000")
        await manager.hears("READY=1")


async def test_watchdog_is_fed_while_the_server_lives(
    manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.name)
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    async with running(tmp_path / "data"):
        for _ in range(3):
            await manager.hears("WATCHDOG=1")


async def test_watchdog_of_another_process_is_left_alone() -> None:
    async with trio.open_nursery() as nursery:
        environment = {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}
        nursery.start_soon(Notifier(environment, os.getpid()).keep_telling)  # ends at once


async def test_handover_tells_who_goes_on(manager: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.name)
    async with generations(tmp_path / "data") as served:
        await manager.hears("READY=1")
        await served.hand_over()
        assert any(line.startswith("MONOTONIC_USEC=") for line in await manager.hears("RELOADING=1"))
        assert f"MAINPID={served.pids[-1]}" in await manager.hears("READY=1")
        await served.stop()
        await manager.hears("STOPPING=1")


async def test_manager_that_does_not_listen_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    async with running(tmp_path / "data") as server:
        assert server.output.count("the service manager can't be told") == 1
        await server.stop()


# As systemd does it: sockets from descriptor 3 on, announced by variables that name the process.
_ACTIVATE = """
import os, sys
descriptors, command = sys.argv[1].split(","), sys.argv[2:]
high = [os.dup2(int(each), 100 + number) for number, each in enumerate(descriptors)]
for number, each in enumerate(high):
    os.dup2(each, 3 + number)
    os.close(each)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(high)), "LISTEN_FDNAMES": "placed"}
os.execv(command[0], command)
"""


def _activation(*sockets: socket.socket | IO[bytes]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """A command to start a server with, and the descriptors that it needs."""
    descriptors = tuple(each.fileno() for each in sockets)
    return (sys.executable, "-c", _ACTIVATE, ",".join(map(str, descriptors))), descriptors


@pytest.fixture
def port_socket() -> Iterator[socket.socket]:
    """A listening socket, as a .socket unit has."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


async def test_connections_wait_in_the_manager_s_socket_while_the_server_restarts(
    tmp_path: Path, port_socket: socket.socket
) -> None:
    port = port_socket.getsockname()[1]
    prefix, descriptors = _activation(port_socket)
    async with running(tmp_path, prefix=prefix, pass_fds=descriptors) as server:
        assert server.port == port
        async with connect(port) as painter:
            assert (await place(painter, 1, 2, 3)).json() == {"v": 2}
        await server.stop()
    async with connect(port) as early:  # nobody is there to accept it
        await early.send("/edit?x=1&y=2&color=4", method="POST")
        async with running(tmp_path, prefix=prefix, pass_fds=descriptors):
            answer = await early.answer()
            assert (answer.status, answer.json()) == (200, {"v": 3})


async def test_server_listens_on_all_sockets_that_it_is_given(tmp_path: Path, port_socket: socket.socket) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        prefix, descriptors = _activation(port_socket, other)
        async with running(tmp_path, prefix=prefix, pass_fds=descriptors) as server:
            assert server.port == port_socket.getsockname()[1]
            with trio.fail_after(READY_SECONDS):
                await (await trio.open_tcp_stream("::1", other.getsockname()[1])).aclose()


async def test_sockets_of_the_manager_are_handed_over(tmp_path: Path, port_socket: socket.socket) -> None:
    prefix, descriptors = _activation(port_socket)
    async with generations(tmp_path, prefix=prefix, pass_fds=descriptors) as served:
        await served.hand_over()
        async with connect(port_socket.getsockname()[1]) as painter:
            assert (await place(painter, 1, 2, 3)).json() == {"v": 2}


def _listen(unix: socket.socket, path: Path) -> None:
    unix.bind(str(path))
    unix.listen()


@pytest.mark.parametrize("kind", ["file", "unix", "not listening"])
async def test_what_is_no_listening_tcp_socket_is_refused_in_a_line(tmp_path: Path, kind: str) -> None:
    with contextlib.ExitStack() as stack:
        wrong: socket.socket | IO[bytes]
        if kind == "unix":
            wrong = unix = stack.enter_context(socket.socket(socket.AF_UNIX))
            _listen(unix, tmp_path / "unix")
        elif kind == "not listening":
            wrong = stack.enter_context(socket.socket())
        else:
            wrong = stack.enter_context((tmp_path / "file").open("wb"))
        prefix, descriptors = _activation(wrong)
        code, output = await refusal(tmp_path / "data", prefix=prefix, pass_fds=descriptors)
    assert code == ExitCode.CANNOT_LISTEN
    assert "can't listen" in output
    assert "descriptor 3 is" in output
    assert "Traceback" not in output


def test_sockets_of_another_process_are_left_alone() -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "PATH": "x"}
    assert activated_sockets(environment) == []
    assert environment == {"PATH": "x"}


@pytest.mark.parametrize("count", ["0", "-1", "many", "65", ""])
def test_count_of_sockets_that_makes_no_sense_is_refused(count: str) -> None:
    with pytest.raises(WrongSocket, match="LISTEN_FDS"):
        activated_sockets({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count})
