"""Watches many sockets from one task: reports input and room to write, and gives other tasks their turns in between.

Both streams and keep-alive connections between two requests are thousands of sockets with nothing to do. A task for
each would take some 2 KB, and a `wait_readable` for each takes two system calls and a turn of the scheduler every time.
Here one selector has all sockets, one task awaits the selector, and a socket takes a system call only when the events
that it waits for change.

A socket's state says what it waits for, and so which events the selector reports:

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

The user of this module decides when a socket changes its state. Once a peer has ended its own side, no state reports
input any more. An error with one socket ends that socket alone, and is logged. This module reads and writes no data. It
may import Trio, and log lines.
"""

from __future__ import annotations

import enum
import selectors
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import trio

from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

# Module-level names, for the same reason as the states below.
_READ: Final = selectors.EVENT_READ
_WRITE: Final = selectors.EVENT_WRITE
TICK_SECONDS: Final = 1.0  # how late a time limit may strike; all limits here are many seconds long


class State(enum.Enum):
    """What a socket waits for, see the module's docstring.

    Attributes:
        events: the events that the selector reports, as its mask.
    """

    IDLE = "idle", _READ
    BUSY = "busy", _READ
    DEAF = "deaf", 0
    STALLED = "stalled", _READ | _WRITE
    GONE = "gone", 0

    def __init__(self, word: str, events: int) -> None:
        self.events = events


# Module-level names: to look a member up in its class takes 0.1 us in Python 3.11, and each edit does so five times.
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
    """All sockets that one user of this module watches.

    Args:
        turn: the number of sockets that are handled in a row; then other tasks have their turn.
        hear: called when a socket has input, or its peer has ended its side.
        resume: called when a stalled socket has room.
        end: called for a socket whose handling failed, and for each socket at the end. It must call `release`.
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
        # Level-triggered, as selectors are: input that isn't read at once is reported again. So one read for each
        # report is enough, and a peer that sends without a pause can't keep the task from the other sockets.
        self._selector = selectors.DefaultSelector()
        self._all: dict[int, Socket] = {}
        self._empty = trio.Event()
        self.ended: set[Socket] = set()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Socket]:
        """The sockets that are watched now; some may be released during the loop."""
        # A copy, because callers release sockets while they loop.
        return iter(list(self._all.values()))

    async def run(self) -> None:
        """Watch until cancelled; then end all sockets."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch)
                nursery.start_soon(self._tick_on)
        finally:
            self.end_all()
            self._selector.close()

    async def wait_empty(self) -> None:
        """Wait until no socket is left."""
        while self._all:
            await self._empty.wait()

    def add(self, socket: Socket) -> None:
        """Begin to watch an idle socket."""
        self._selector.register(socket.fd, socket.state.events, socket)
        self._all[socket.fd] = socket

    def change(self, socket: Socket, state: State) -> None:
        """Set the socket's state."""
        before, socket.state = socket.state, state
        if state.events != before.events:  # IDLE to BUSY and back, as for each edit, takes no system call
            self._report(socket, self._events(socket, before), self._events(socket, state))

    def end_input(self, socket: Socket) -> None:
        """Report no more input: the peer has ended its side, which a level-triggered selector would report for ever."""
        before = self._events(socket, socket.state)
        self.ended.add(socket)
        self._report(socket, before, self._events(socket, socket.state))

    def release(self, socket: Socket) -> int:
        """Stop watching the socket. Idempotent.

        Returns:
            its descriptor, which the caller closes after this, and not before: a closed descriptor can't be removed
            from the selector, which might take the next connection with that number for it. -1 if it was gone.
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
        """Call `do` for a socket that isn't gone; an error ends that socket."""
        if socket.state is not GONE:
            try:
                do(socket)
            except Exception as error:  # noqa: BLE001 - supervised here: it ends this socket, not the task of all
                self._fail(socket, error)

    async def in_turns(self, several: Iterable[Socket], do: Callable[[Socket], None]) -> None:
        """Call `do` for each socket that isn't gone by then, and give other tasks their turn in between."""
        for count, socket in enumerate(several, 1):
            if socket.state is not GONE:
                try:  # as in `attempt`; written out, because one more call for each edit takes 0.1 us
                    do(socket)
                except Exception as error:  # noqa: BLE001 - see there
                    self._fail(socket, error)
            if count % self._turn == 0:
                await trio.lowlevel.checkpoint()

    def _fail(self, socket: Socket, error: Exception) -> None:
        """End a socket whose handling failed: memory ran out, or its request met a bug, which is logged."""
        if not isinstance(error, MemoryError):
            get_logger(__name__).error("a connection failed", exc_info=error)
        self._end(socket)

    def end_all(self) -> None:
        """End all sockets, in any state."""
        for socket in self:
            self._end(socket)

    async def _watch(self) -> None:
        while True:
            # The selector is itself a descriptor, so Trio watches only this one for all sockets.
            await trio.lowlevel.wait_readable(self._selector.fileno())
            for count, (key, events) in enumerate(self._selector.select(0), 1):
                # A report may be old: during a checkpoint below its socket may have gone, and its number may belong to
                # another connection by now.
                if events & _READ and key.data.state is not GONE:
                    try:  # as in `attempt`; written out for the reason that `in_turns` gives
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
        """Let the selector report `events` of the socket, instead of those `before`."""
        if events == before:
            return
        # A socket that waits for nothing is unregistered: epoll would still report a reset, over and over.
        if not events:
            self._selector.unregister(socket.fd)
        elif not before:
            self._selector.register(socket.fd, events, socket)
        else:
            self._selector.modify(socket.fd, events, socket)
