"""Sockets watched from one task: reports in each state, turns, and that one socket's fault doesn't affect others."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from placed.stream import watched_sockets
from placed.stream.watched_sockets import State, WatchedSocket, WatchedSockets
from tests.support.log_lines import logged
from tests.support.serving import LIMIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

MANY = 12
TURN = 4


class User:
    """The user of watched sockets; it records all calls.

    Attributes:
        heard: the data read, with its socket.
        resumed: the sockets that have room again.
        ended: the ended sockets, in order.
        failing: a socket for which there isn't enough memory, or that has another `error`.
        victims: the socket to end when another one is heard.
        peers: the other ends of the sockets.
        ticks: how often the tick was called.
    """

    def __init__(self) -> None:
        self.sockets = WatchedSockets[WatchedSocket](
            turn=TURN, hear=self._hear, resume=self._resume, end=self._end, tick=self._tick
        )
        self.heard: list[tuple[WatchedSocket, bytes]] = []
        self.resumed: list[WatchedSocket] = []
        self.ended: list[WatchedSocket] = []
        self.failing: WatchedSocket | None = None
        self.error: Exception = MemoryError()
        self.victims: dict[WatchedSocket, WatchedSocket] = {}
        self.peers: dict[WatchedSocket, socket.socket] = {}
        self.ticks = 0

    def add(self) -> WatchedSocket:
        """Watch one end of a new pair of sockets."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        one = WatchedSocket(ours.detach())
        self.peers[one] = theirs
        self.sockets.add(one)
        return one

    def _hear(self, one: WatchedSocket) -> None:
        if one is self.failing:
            raise self.error
        self.heard.append((one, os.read(one.fd, 100)))
        if one in self.victims:
            self._end(self.victims[one])

    def _resume(self, one: WatchedSocket) -> None:
        self.resumed.append(one)
        self.sockets.change(one, State.IDLE)

    def _end(self, one: WatchedSocket) -> None:
        fd = self.sockets.release(one)
        if fd >= 0:
            os.close(fd)
            self.ended.append(one)

    async def _tick(self) -> None:
        self.ticks += 1


@contextlib.asynccontextmanager
async def watching() -> AsyncGenerator[User]:
    """A user, running; cancelled at the end."""
    user = User()
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(user.sockets.run)
            await trio.testing.wait_all_tasks_blocked()
            yield user
            nursery.cancel_scope.cancel()
    for peer in user.peers.values():
        peer.close()


async def told(user: User) -> list[bytes]:
    """The data heard since the last call."""
    await trio.testing.wait_all_tasks_blocked()
    heard, user.heard = user.heard, []
    return [data for _, data in heard]


async def test_what_is_reported_depends_on_the_state() -> None:
    async with watching() as user:
        one = user.add()
        for state, heard in ((State.IDLE, [b"?"]), (State.BUSY, [b"?"]), (State.STALLED, [b"?"]), (State.DEAF, [])):
            user.sockets.change(one, state)
            user.peers[one].send(b"?")
            assert await told(user) == heard
        assert user.resumed == [one]  # resumed while it was stalled, because its socket had room
        user.sockets.change(one, State.IDLE)
        assert await told(user) == [b"?"]


async def test_what_is_not_read_whole_is_reported_again() -> None:
    async with watching() as user:
        user.peers[user.add()].send(bytes(250))
        assert [len(data) for data in await told(user)] == [100, 100, 50]


async def test_one_that_says_no_more_is_heard_no_more_and_told_of_room() -> None:
    async with watching() as user:
        one = user.add()
        user.peers[one].shutdown(socket.SHUT_WR)
        user.sockets.end_input(one)
        assert await told(user) == []
        user.sockets.change(one, State.STALLED)
        assert await told(user) == []
        assert user.resumed == [one]
        assert user.sockets.ended == {one}
        os.close(user.sockets.release(one))
        assert user.sockets.ended == set()


async def test_others_have_their_turn_in_between() -> None:
    async with watching() as user:
        for _ in range(MANY):
            user.peers[user.add()].send(b"?")
        counts = [0]
        while counts[-1] < MANY:
            await trio.lowlevel.checkpoint()
            counts.append(len(user.heard))
        most = max(after - before for before, after in itertools.pairwise(counts))
        assert 0 < most <= 2 * TURN < MANY  # two turns at most lie between two of another task


@pytest.mark.parametrize("error", [MemoryError(), ZeroDivisionError("a bug")], ids=lambda e: type(e).__name__)
async def test_one_that_takes_all_memory_or_comes_upon_a_bug_is_ended_alone(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching() as user:
        sockets = [user.add() for _ in range(3)]
        user.failing, user.error = sockets[1], error
        for one in sockets:
            user.peers[one].send(b"?")
        assert await told(user) == [b"?", b"?"]
        assert user.ended == [user.failing]
        assert len(user.sockets) == 2

        def fail(_: WatchedSocket) -> None:
            raise error

        user.sockets.attempt(fail, sockets[0])
        assert user.ended == [sockets[1], sockets[0]]
        await user.sockets.in_turns(sockets, fail)
        assert user.ended == [sockets[1], sockets[0], sockets[2]]
    lines = [line["event"] for line in logged(caplog)]
    assert lines == ([] if isinstance(error, MemoryError) else ["a connection failed"] * 3)


async def test_report_of_one_that_has_gone_meanwhile_is_not_told() -> None:
    async with watching() as user:
        one, other = user.add(), user.add()
        user.victims = {one: other, other: one}  # the socket that is heard first ends the other one
        for peer in user.peers.values():
            peer.send(b"?")
        assert await told(user) == [b"?"]
        assert len(user.ended) == len(user.sockets) == 1


async def test_released_one_is_forgotten_and_gone_for_good() -> None:
    async with watching() as user:
        one, other = user.add(), user.add()
        fd = user.sockets.release(one)
        assert one.state is State.GONE
        assert (one.fd, user.sockets.release(one)) == (-1, -1)
        assert list(user.sockets) == [other]
        user.peers[one].send(b"?")
        assert await told(user) == []
        os.close(fd)


async def test_all_are_ended_at_the_end_and_whoever_waits_for_that_is_told() -> None:
    async with watching() as user, trio.open_nursery() as nursery:
        sockets = [user.add() for _ in range(MANY)]
        nursery.start_soon(user.sockets.wait_empty)
        await trio.testing.wait_all_tasks_blocked()
        user.sockets.end_all()
    assert user.ended == sockets
    assert {one.state for one in sockets} == {State.GONE}


async def test_those_who_are_left_at_the_end_are_ended() -> None:
    async with watching() as user:
        sockets = [user.add() for _ in range(MANY)]
    assert user.ended == sockets


async def test_tick_comes_each_second(autojump_clock: trio.testing.MockClock) -> None:
    async with watching() as user:
        await trio.sleep(3.5)
        assert user.ticks == 3


@pytest.mark.parametrize("state", State)
def test_docs_draw_each_state(state: State) -> None:
    table, _, drawing = (watched_sockets.__doc__ or "").partition("add -> IDLE")
    assert f"    {state.name} " in table
    assert state is State.IDLE or state.name in drawing
