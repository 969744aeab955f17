"""A server that hands over to new processes, and people who come and paint all the while."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from typing import TYPE_CHECKING, Final

import attrs
import trio

from bench.equipment.processes import is_there
from tests.support.http_connection import ConnectionCut, connect, get, place
from tests.support.server_process import READY_SECONDS, running
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from tests.support.offline_log import Edit
    from tests.support.server_process import ServerProcess

FAST, SLOW = ("--fast-lane",), ("--no-fast-lane",)
_GONE_SECONDS: Final = PATIENCE_SECONDS


@attrs.define
class Generations:
    """The processes of one server; each took over from the one before.

    Attributes:
        first: the process that the test started.
        pids: ids of all processes, in order.
    """

    first: ServerProcess
    pids: list[int]

    @property
    def port(self) -> int:
        """The port that they listen on."""
        return self.first.port

    async def hand_over(self) -> None:
        """Make a new process take over, and wait until it serves and the old one is gone."""
        self.ask()
        await self.first_writes("a new process serves", len(self.pids))
        self.pids = [self.pids[0], *map(int, re.findall(r"a new process serves .*process=(\d+)", self.first.output))]
        await wait_until_gone(self.pids[-2])

    def ask(self) -> None:
        """Ask the serving process to hand over."""
        os.kill(self.pids[-1], signal.SIGUSR2)

    async def first_writes(self, text: str, times: int = 1) -> None:
        """Wait until standard error has `text` at least `times` times, from all processes together."""
        with trio.fail_after(READY_SECONDS):
            while self.first.output.count(text) < times:  # noqa: ASYNC110 - a file gives no signal when it grows
                await trio.sleep(0.01)

    async def stop(self) -> None:
        """Stop the last process, and wait until it is gone."""
        os.kill(self.pids[-1], signal.SIGTERM)
        await wait_until_gone(self.pids[-1])


@contextlib.asynccontextmanager
async def generations(
    data: Path, *flags: str, prefix: tuple[str, ...] = (), pass_fds: tuple[int, ...] = ()
) -> AsyncGenerator[Generations]:
    """Run a server that can hand over; the last process is killed at the end."""
    async with running(data, *flags, prefix=prefix, pass_fds=pass_fds) as server:
        made = Generations(server, [server.pid])
        try:
            yield made
        finally:
            for pid in {made.pids[-1], *map(int, re.findall(r"process=(\d+)", server.output))} - {server.pid}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


async def wait_until_gone(pid: int) -> None:
    """Wait until the process has ended."""
    with trio.fail_after(_GONE_SECONDS):
        while is_there(pid):  # noqa: ASYNC110 - it isn't our child
            await trio.sleep(0.01)


@attrs.define
class Crowd:
    """People who open a new connection for each request, and people who paint on a connection that they keep.

    Attributes:
        acknowledged: each edit that was answered 200, with the version of the answer.
        refused: the answers to edits other than 200: status and code.
        visits: how many requests on new connections were answered.
        broken: what went wrong with a request.
        silent_seconds: the longest time that a request waited for its answer.
    """

    edits: Iterator[Edit]
    acknowledged: list[tuple[Edit, int]] = attrs.field(factory=list)
    refused: list[tuple[int, str]] = attrs.field(factory=list)
    visits: int = 0
    broken: list[str] = attrs.field(factory=list)
    silent_seconds: float = 0.0
    _changed: trio.Event = attrs.field(factory=trio.Event)

    async def painted(self, count: int) -> None:
        """Wait until `count` edits have been acknowledged."""
        while len(self.acknowledged) < count:
            await self._changed.wait()

    async def visit(self, port: int) -> None:
        """Request `/info` over one new connection after the other."""
        while True:
            began = trio.current_time()
            try:
                answer = await get(port, "/info", ("Connection", "close"))
            except ConnectionCut as cut:
                self.broken.append(str(cut))
            else:
                self.visits += 1
                if answer.status != 200:
                    self.broken.append(f"{answer.status}")
            self.silent_seconds = max(self.silent_seconds, trio.current_time() - began)
            await trio.sleep(0.005)

    async def paint(self, port: int) -> None:
        """Place edits on a connection that stays open, and on a new one when it has ended."""
        while True:
            with contextlib.suppress(ConnectionCut):
                async with connect(port) as connection:
                    for edit in self.edits:
                        answer = await place(connection, *edit)
                        if answer.status == 200:
                            self.acknowledged.append((edit, answer.json()["v"]))
                            self._changed.set()
                            self._changed = trio.Event()
                        else:
                            self.refused.append((answer.status, answer.json()["code"]))
                            assert "retry-after" in answer.headers
                        await trio.sleep(0.005)
