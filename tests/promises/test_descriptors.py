"""Few file descriptors: the server says so at its start, refused clients don't use them up, and all get an answer."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import trio

from placed.http.lanes.descriptors import LEAST_DESCRIPTORS, LEAST_ROOM
from placed.process.exit_codes import ExitCode
from tests.support.http_connection import LIMIT_SECONDS, connect
from tests.support.server_process import refusal, running

if TYPE_CHECKING:
    from pathlib import Path

_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: placed.test\r\n\r\n"
_SILENT_SECONDS = 10.0  # an answer takes some ms; even on a busy machine less than this


def limited(descriptors: int) -> tuple[str, ...]:
    """A prefix that starts a command with a limit of open files."""
    return ("sh", "-c", f'ulimit -n {descriptors}; exec "$0" "$@"')


@pytest.mark.parametrize("descriptors", [LEAST_DESCRIPTORS, 80])
async def test_server_with_few_descriptors_says_so_and_answers_or_refuses_everybody(
    tmp_path: Path, descriptors: int
) -> None:
    async with running(tmp_path, prefix=limited(descriptors)) as server, AsyncExitStack() as stack:
        (line,) = [line for line in server.output.splitlines() if "few files" in line]
        assert f"room_for_connections={LEAST_ROOM}" in line
        assert "ulimit -n" in line
        held = [await stack.enter_async_context(connect(server.port)) for _ in range(LEAST_ROOM)]
        for one in held:
            assert (await one.request("/healthz")).status == 200
        # They send nothing, read nothing and stay: each would hold a descriptor as long as the server listens to it.
        for _ in range(200):
            stack.enter_context(newcomer := trio.socket.socket())
            await newcomer.connect(("127.0.0.1", server.port))
        for _ in range(20):
            with trio.fail_after(_SILENT_SECONDS):
                assert await refused(server.port)
        for number, one in enumerate(held):
            assert (await one.request(f"/edit?x={number}&y=1&color=1", method="POST")).status == 200
        await server.stop()
        assert "Traceback" not in server.output
        assert "can't accept" not in server.output  # the reserve was enough


async def refused(port: int) -> bool:
    """Whether a new client is answered 503, or closed, within the caller's time limit."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        try:
            await stream.send_all(_REQUEST)
            said = bytes(await stream.receive_some(4_096))
        except trio.BrokenResourceError:
            return True
        return not said or said.startswith(b"HTTP/1.1 503")


async def test_server_with_fewer_descriptors_than_it_needs_does_not_start(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        code, output = await refusal(tmp_path, prefix=limited(LEAST_DESCRIPTORS - 1))
    assert code == ExitCode.UNUSABLE
    (line,) = output.splitlines()
    assert re.search(r"may open 63 files; allowed are 64 or more.*ulimit -n", line)
