"""The channel between two processes: if one hangs, ends or sends nonsense, the other notices, and the one is ended."""

from __future__ import annotations

import socket
import sys

import pytest
import trio

from bench.equipment.processes import is_there
from placed.process import handover
from placed.process.handover import VARIABLE, HandoverFailed, predecessor_of, start_successor
from placed.process.inherited_sockets import WrongSocket

LIMIT_SECONDS = 30.0

# Begins to take over as placed does; each test adds what it sends. Its listening socket is the second descriptor.
_SCRIPT = """
import os, socket, sys, time
channel, listening = map(int, os.environ["PLACED_HANDOVER"].split(","))
channel, listening = socket.socket(fileno=channel), socket.socket(fileno=listening)
channel.setblocking(True)
"""
_TAKES_OVER = """
channel.sendall(b"prepared\\n"); assert channel.recv(9) == b"go\\n"; channel.sendall(b"serving\\n")
assert listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
peer, _ = listening.accept(); peer.sendall(b"hello"); peer.close()
"""


def _script(*lines: str) -> list[str]:
    return [sys.executable, "-c", _SCRIPT + "\n".join(lines)]


async def test_new_process_has_the_sockets_and_is_told_when_to_go() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, trio.fail_after(LIMIT_SECONDS):
        successor = await start_successor([listening], _script(_TAKES_OVER))
        await successor.prepared()
        await successor.take_over()
        stream = await trio.open_tcp_stream("127.0.0.1", listening.getsockname()[1])
        assert await stream.receive_some() == b"hello"
        await stream.aclose()
        await successor.end()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("sys.exit(7)", "ended with code 7"),
        ("channel.sendall(b'something else\\n')", "ended with code 0"),
        ("time.sleep(60)", "didn't say 'prepared' within 0.5 s"),
    ],
    ids=["ends", "nonsense", "hangs"],
)
async def test_new_process_that_is_not_prepared_is_gone(
    monkeypatch: pytest.MonkeyPatch, lines: str, words: str
) -> None:
    if "sleep" in lines:
        monkeypatch.setattr(handover, "PREPARE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening, trio.fail_after(LIMIT_SECONDS):
        successor = await start_successor([listening], _script(lines))
        with pytest.raises(HandoverFailed, match=words):
            await successor.prepared()
        assert not is_there(successor.pid)


async def test_new_process_that_hangs_when_it_should_serve_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "SERVE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening, trio.fail_after(LIMIT_SECONDS):
        successor = await start_successor([listening], _script("channel.sendall(b'prepared\\n'); time.sleep(60)"))
        await successor.prepared()
        with pytest.raises(HandoverFailed, match="didn't say 'serving'"):
            await successor.take_over()
        assert not is_there(successor.pid)


async def test_program_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(HandoverFailed, match="can't be started"):
        await start_successor([listening], ["/nowhere/placed"])


async def test_new_process_goes_on_when_the_old_one_is_gone() -> None:
    ours, theirs = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listening, trio.fail_after(LIMIT_SECONDS):
        environment = {VARIABLE: f"{theirs.detach()},{listening.fileno()}"}
        predecessor = predecessor_of(environment)
        assert environment == {}
        assert predecessor is not None
        assert [each.detach() for each in predecessor.sockets] == [listening.fileno()]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(predecessor.wait_for_go)
            await trio.testing.wait_all_tasks_blocked()
            assert ours.recv(20) == b"prepared\n"
            ours.close()
        await predecessor.tell_that_we_serve()


@pytest.mark.parametrize("told", ["", "3;4", "-1", "99999"])
def test_variable_that_no_server_has_set_is_refused(told: str) -> None:
    with pytest.raises(WrongSocket, match="PLACED_HANDOVER"):
        predecessor_of({VARIABLE: told})
