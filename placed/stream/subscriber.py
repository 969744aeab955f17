"""A subscriber: one stream, or one polling request for new edits. It is little more than a version that moves on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import trio

from placed.stream import sse
from placed.stream.chunked import chunk_of, data_of
from placed.telemetry.metrics import SLOW

if TYPE_CHECKING:
    from placed.stream.broadcaster import Broadcaster
    from placed.stream.frames import Format

_SEND_SECONDS: Final = 0.0003  # the time that a frame costs afterwards, in Quart, Hypercorn and h11


class Place(Protocol):
    """One of the streams that a client may have; a subscriber holds it for as long as it follows."""

    def leave(self) -> None:
        """Give the place back. Called once, when the subscriber ends."""


class Subscriber:
    """Follows from a version on. Its client gets the bytes of `opening` first, and then those of `poll` or `next`.

    Attributes:
        version: the client's version once all bytes that this has given have arrived.
        edition: in the same way, the edition of the status that the client has got.
        form: the form in which the client gets edits.
        is_nudged: whether `next` must give at least a heartbeat now.
        is_over: whether nothing more comes, because the client was sent back to the image, or may not go on.
    """

    __slots__ = (
        "__weakref__",
        "_broadcaster",
        "_log_id",
        "_open",
        "_place",
        "_waiting",
        "edition",
        "form",
        "is_nudged",
        "is_over",
        "version",
    )

    def __init__(
        self, broadcaster: Broadcaster, version: int, form: Format, log_id: str | None, place: Place | None
    ) -> None:
        self._broadcaster = broadcaster
        self._place = place  # not its `leave`: a bound method takes 64 bytes for each subscriber
        self._log_id = log_id
        self._open = True
        self._waiting: trio.CancelScope | None = None
        self.is_nudged = False
        self.is_over = False
        self.version = version
        self.edition = broadcaster.edition
        self.form = form

    def opening(self, retry_ms: int) -> bytes:
        """The first event, with the time to reconnect: the status; or reload, after which nothing more comes."""
        self.edition = self._broadcaster.edition
        stale = self._broadcaster.stale(self.version, self._log_id)
        told = self._broadcaster.status() if stale is None else self._reload(stale)
        return sse.retry_line(retry_ms) + told

    def _reload(self, code: str) -> bytes:
        self.is_over = True
        return self._broadcaster.reload(code)

    @property
    def is_same_log(self) -> bool:
        """Whether it follows the log that is served."""
        return self._log_id is None or self._log_id == self._broadcaster.log_id

    @property
    def catches_up(self) -> bool:
        """Whether it lacks a full frame or more. It gets such frames in turns, see `CatchUps`."""
        return not self.is_over and self._broadcaster.lacks(self.version, self._log_id) > 0

    def poll_chunks(self) -> tuple[bytes, ...] | None:
        """The bytes to send now, in chunks of HTTP/1.1; empty while there are none, None at the end.

        A stream that is ended while it lacks edits gets those first: a server that stops has acknowledged its last
        edits, and the people who placed them are watching.
        """
        hub = self._broadcaster
        if self.is_over:
            return None
        stale = hub.stale(self.version, self._log_id)
        if stale is None and hub.is_behind(self.version):
            # Before the look at `closed`: a subscriber that lacks edits gets them before the end.
            self.version, frame = hub.frame(self.version, self.form)
            return (frame,) if self.edition == hub.edition else (frame, self.heartbeat_chunk())
        if hub.closed:
            return None
        if stale is None:
            return (self.heartbeat_chunk(),) if self.edition < hub.urgent else ()
        return (chunk_of(self._reload(stale)),)

    def poll(self) -> bytes | None:
        """The same bytes without the framing of chunks."""
        chunks = self.poll_chunks()
        return None if chunks is None else b"".join(map(data_of, chunks))

    def heartbeat_chunk(self) -> bytes:
        """A heartbeat: the status event, even if it hasn't changed."""
        return chunk_of(self._heartbeat())

    def _heartbeat(self) -> bytes:
        self.edition = self._broadcaster.edition
        return self._broadcaster.status()

    async def take(self, enough_bytes: int) -> bytes:
        """Take the frames after `version`, until there are no more, or they have `enough_bytes`; empty without any.

        `version` moves on past them, so that the next call goes on from there.
        """
        parts, size = [], 0
        # A poll's answer is built in memory, so it is bounded, unlike a stream.
        while size < enough_bytes and (data := await self._polled()):
            parts.append(data)
            size += len(data)
        return b"".join(parts)

    async def _polled(self) -> bytes | None:
        """The bytes of `poll`; for a subscriber that catches up, after a wait for its turn."""
        if not self.catches_up:
            return self.poll()
        async with self._broadcaster.catch_ups.turn(_SEND_SECONDS):
            return self.poll()

    async def wait(self) -> None:
        """Wait until `take` has something to give, or the stream is over."""
        if not self.has_news():
            await self._broadcaster.news(self.version, self.edition)

    def has_news(self) -> bool:
        """Whether there is something to send, or the stream is over."""
        hub = self._broadcaster
        if self.is_over or hub.closed or self.edition < hub.urgent or hub.is_behind(self.version):
            return True
        return hub.stale(self.version, self._log_id) is not None

    async def wait_until_there(self) -> None:
        """Wait while the server hasn't reached the subscriber's version yet."""
        hub = self._broadcaster
        await hub.wait(lambda: hub.closed or hub.stale(self.version, self._log_id) != "future")

    @property
    def is_ending(self) -> bool:
        """Whether all streams are being ended."""
        return self._broadcaster.closed

    async def next(self) -> bytes | None:
        """Wait for the next bytes to send, a heartbeat if there are none for long; None at the stream's end.

        Cancellation: loses nothing.
        """
        hub, stood, is_news = self._broadcaster, None, True
        hub.note_sent(self)
        while (data := await self._polled()) == b"":
            stood = self.version
            if not await self._wait_for_news():
                data, is_news = self._heartbeat(), False
                break
        if data is not None:
            hub.note_sending(self, data, is_news=is_news)
        if stood is not None and self.version != stood:
            hub.told(SLOW, stood)
        return data

    async def _wait_for_news(self) -> bool:
        """Wait until there is something to send; False when it's time for a heartbeat."""
        # A scope of its own, so that `nudge` can end this wait and nothing else.
        with trio.CancelScope() as self._waiting:
            if not self.is_nudged and await self._broadcaster.wait_for_news(self.version, self.edition):
                return True
        self.is_nudged = False
        return False

    def end(self) -> None:
        """End the stream, also for a task that waits in `next`."""
        self.is_over = True
        self.nudge()

    def nudge(self) -> None:
        """Let `next` give a heartbeat now, if there is nothing else to send, to find out whether the peer has left."""
        self.is_nudged = True
        if self._waiting is not None:
            self._waiting.cancel()

    def close(self) -> None:
        """Stop following. Idempotent."""
        if self._open:
            self._open = False
            self._broadcaster.subscribers -= 1
            self._broadcaster.note_sent(self)
            if self._place is not None:
                self._place.leave()

    def __del__(self) -> None:
        """Close: a request can end before a task has begun to send its stream, and then nobody else calls `close`."""
        self.close()
