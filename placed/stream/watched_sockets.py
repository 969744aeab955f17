"""Watches many sockets from one task: tells who has said something and who has room, and gives other tasks turns.

Both who stream and who keep a connection alive between two requests have thousands of sockets with nothing to do. A
task for each would cost some 2 KB, and a `wait_readable` of its own costs two system calls and a turn of the scheduler
each time. Here one selector has them all, one task awaits the selector, and a socket costs a system call only when
what it waits for changes.

What a socket waits for is its state, and the state says what the selector reports of it:

    state     it waits for                                  reported
    IDLE      its peer, or something to send                input
    BUSY      an answer that is being made, or its turn     input
    DEAF      an answer; its peer has said more meanwhile   nothing
    STALLED   room for the rest of what it was sent         input and room
    GONE      nobody: it isn't watched here any more        nothing

             asked, or stands in line        said more, which is read later
    add -> IDLE ------------------> BUSY ------------------> DEAF
            ^ |  <- answered, had its turn                     |
            | |  <------------- answered ----------------------+
            | | didn't take it whole
            | +-------> STALLED -- took it all, stands in line again --> BUSY
            +-- took it all --+

    every state -- release --> GONE

Whoever uses this decides who moves where. A peer that has ended its own side is heard in no state. What goes wrong with
one socket ends that one alone, and is logged. Nothing here knows what is read or written. It may import Trio, and log
lines.
"""

from __future__ import annotations

import enum
import selectors
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import trio

from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

# By names of their own, as the states below.
_READ: Final = selectors.EVENT_READ
_WRITE: Final = selectors.EVENT_WRITE
TICK_SECONDS: Final = 1.0  # how late a time limit may strike; all limits here are many seconds long


class State(enum.Enum):
    """What a socket waits for; the module says it.

    Attributes:
        events: what the selector reports, as its mask.
    """

    IDLE = "idle", _READ
    BUSY = "busy", _READ
    DEAF = "deaf", 0
    STALLED = "stalled", _READ | _WRITE
    GONE = "gone", 0

    def __init__(self, word: str, events: int) -> None:
        self.events = events


# By names of their own: to look a member up in its class takes 0.1 us in Python 3.11, and each edit does so five times.
IDLE, BUSY, DEAF, STALLED, GONE = State


class WatchedSocket:
    """One socket.

    Attributes:
        fd: its descriptor; -1 once it is gone, since the kernel gives the number to the next connection.
        state: changed by `WatchedSockets` alone.
    """

    __slots__ = ("fd", "state")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.state = IDLE


Socket = TypeVar("Socket", bound=WatchedSocket)


class WatchedSockets(Generic[Socket]):
    """All sockets that one user watches.

    Args:
        turn: for so many sockets something is done at once; then other tasks have their turn.
        hear: called when a socket has input, or its peer has ended.
        resume: called when a stalled one has room.
        end: called for one for which something has gone wrong, and for each at the end. It calls `release`.
        tick: called each second.

    Attributes:
        ended: sockets whose peers have ended their own side.
    """

    def __init__(
        self,
        *,
        turn: int,
        hear: Callable[[Socket], None],
        resume: Callable[[Socket], None],
        end: Callable[[Socket], None],
        tick: Callable[[], Awaitable[None]],
    ) -> None:
        self._turn = turn
        self._hear = hear
        self._resume = resume
        self._end = end
        self._tick = tick
        # Level-triggered, as selectors are: what isn't read at once is reported again. So one read for each report is
        # enough, and nobody who sends without a pause keeps the task from the others.
        self._selector = selectors.DefaultSelector()
        self._all: dict[int, Socket] = {}
        self._empty = trio.Event()
        self.ended: set[Socket] = set()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Socket]:
        """Those that are there now; they may go meanwhile."""
        # A copy, as whoever loops ends sockets on the way.
        return iter(list(self._all.values()))

    async def run(self) -> None:
        """Watch until cancelled; then end all."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch)
                nursery.start_soon(self._tick_on)
        finally:
            self.end_all()
            self._selector.close()

    async def wait_empty(self) -> None:
        """Wait until none is left."""
        while self._all:
            await self._empty.wait()

    def add(self, socket: Socket) -> None:
        """Watch an idle one from here on."""
        self._selector.register(socket.fd, socket.state.events, socket)
        self._all[socket.fd] = socket

    def change(self, socket: Socket, state: State) -> None:
        """Let it wait for something else."""
        before, socket.state = socket.state, state
        if state.events != before.events:  # an edit makes its connection busy and idle without a system call
            self._report(socket, self._events(socket, before), self._events(socket, state))

    def end_input(self, socket: Socket) -> None:
        """Its peer says no more, which a level-triggered selector would report for ever."""
        before = self._events(socket, socket.state)
        self.ended.add(socket)
        self._report(socket, before, self._events(socket, socket.state))

    def release(self, socket: Socket) -> int:
        """Watch it no more. Idempotent.

        Returns:
            its descriptor, to be closed after this: a selector can't be told of a closed one, and might take the next
            connection with that number for it; -1 if it was gone.
        """
        if socket.state is GONE:
            return -1
        self._report(socket, self._events(socket, socket.state), 0)
        self.ended.discard(socket)
        fd, socket.fd, socket.state = socket.fd, -1, GONE
        del self._all[fd]
        if not self._all:
            self._empty.set()
            self._empty = trio.Event()
        return fd

    def attempt(self, do: Callable[[Socket], None], socket: Socket) -> None:
        """Do something for one that isn't gone."""
        if socket.state is not GONE:
            try:
                do(socket)
            except Exception as error:  # noqa: BLE001 - supervised here: it ends this one, not the task of everybody
                self._fail(socket, error)

    async def in_turns(self, several: Iterable[Socket], do: Callable[[Socket], None]) -> None:
        """Do something for each that isn't gone by then, and give other tasks their turn in between."""
        for count, socket in enumerate(several, 1):
            if socket.state is not GONE:
                try:  # as `attempt`: a call of its own for each edit takes 0.1 us
                    do(socket)
                except Exception as error:  # noqa: BLE001 - see there
                    self._fail(socket, error)
            if count % self._turn == 0:
                await trio.lowlevel.checkpoint()

    def _fail(self, socket: Socket, error: Exception) -> None:
        """End one for which something has gone wrong: it asked for too much, or came upon a bug, which is logged."""
        if not isinstance(error, MemoryError):
            get_logger(__name__).error("a connection failed", exc_info=error)
        self._end(socket)

    def end_all(self) -> None:
        """End each, whatever it waits for."""
        for socket in self:
            self._end(socket)

    async def _watch(self) -> None:
        while True:
            # The selector is itself a descriptor: Trio watches one, however many it has.
            await trio.lowlevel.wait_readable(self._selector.fileno())
            for count, (key, events) in enumerate(self._selector.select(0), 1):
                # A report may be old: since the last turn its socket may have gone, and another have its number.
                if events & _READ and key.data.state is not GONE:
                    try:  # as `attempt`, which `in_turns` says
                        self._hear(key.data)
                    except Exception as error:  # noqa: BLE001 - see there
                        self._fail(key.data, error)
                if events & _WRITE and key.data.state is STALLED:
                    self.attempt(self._resume, key.data)
                if count % self._turn == 0:
                    await trio.lowlevel.checkpoint()

    async def _tick_on(self) -> None:
        while True:
            await trio.sleep(TICK_SECONDS)
            await self._tick()

    def _events(self, socket: Socket, state: State) -> int:
        return state.events & ~_READ if socket in self.ended else state.events

    def _report(self, socket: Socket, before: int, events: int) -> None:
        """Have the selector report these of it, rather than those before."""
        if events == before:
            return
        # Not registered for nothing: epoll would report a reset all the same, over and over.
        if not events:
            self._selector.unregister(socket.fd)
        elif not before:
            self._selector.register(socket.fd, events, socket)
        else:
            self._selector.modify(socket.fd, events, socket)
