"""A subscriber: one stream, or one request that asks for new edits. It is a version that moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import trio

from placed.stream import sse
from placed.stream.chunked import chunk_of, data_of
from placed.telemetry.metrics import SLOW

if TYPE_CHECKING:
    from placed.stream.broadcaster import Broadcaster
    from placed.stream.frames import Format

_SEND_SECONDS: Final = 0.0003  # what a frame costs afterwards, in Quart, Hypercorn and h11


class Place(Protocol):
    """What a subscriber takes up for as long as it follows: one of those that its client may have."""

    def leave(self) -> None:
        """It follows no more. Called once."""


class Subscriber:
    """Somebody who follows from a version on. It says `opening` first, and then what `poll` or `next` gives.

    Attributes:
        version: of the one who follows, once all that it was given has arrived.
        edition: likewise, of the status.
        form: how edits are told.
        is_nudged: whether a sign of life is to come next, whatever there is to say.
        is_over: whether it has been sent back to the image, or may not go on, so that nothing more comes.
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
        self._place = place  # itself: a bound method to call at the end would be 64 bytes of each subscriber
        self._log_id = log_id
        self._open = True
        self._waiting: trio.CancelScope | None = None
        self.is_nudged = False
        self.is_over = False
        self.version = version
        self.edition = broadcaster.edition
        self.form = form

    def opening(self, retry_ms: int) -> bytes:
        """The first event: the status, or reload, after which nothing comes; with the time to reconnect in it."""
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
        """Whether it lacks a full frame or more, which it gets in turns."""
        return not self.is_over and self._broadcaster.lacks(self.version, self._log_id) > 0

    def poll_chunks(self) -> tuple[bytes, ...] | None:
        """The bytes to send now, in chunks of HTTP/1.1; empty while there are none, None at the end.

        A stream that is ended while it lacks something gets that first: the last edits of a server that stops were
        acknowledged, and whoever placed them watches.
        """
        hub = self._broadcaster
        if self.is_over:
            return None
        stale = hub.stale(self.version, self._log_id)
        if stale is None and hub.is_behind(self.version):
            # Also once the streams are closed: whoever lacks edits gets them before the end.
            self.version, frame = hub.frame(self.version, self.form)
            return (frame,) if self.edition == hub.edition else (frame, self.heartbeat_chunk())
        if hub.closed:
            return None
        if stale is None:
            return (self.heartbeat_chunk(),) if self.edition < hub.urgent else ()
        return (chunk_of(self._reload(stale)),)

    def poll(self) -> bytes | None:
        """The same as it is without the chunks."""
        chunks = self.poll_chunks()
        return None if chunks is None else b"".join(map(data_of, chunks))

    def heartbeat_chunk(self) -> bytes:
        """A sign of life: the status, which is news or isn't."""
        return chunk_of(self._heartbeat())

    def _heartbeat(self) -> bytes:
        self.edition = self._broadcaster.edition
        return self._broadcaster.status()

    async def take(self, enough_bytes: int) -> bytes:
        """The frames after `version`, one by one until it's all, or `enough_bytes`; empty when there are none.

        It is behind what it has taken: ask again from `version` on.
        """
        parts, size = [], 0
        # A poll's answer is built in memory, so it is bounded, unlike a stream.
        while size < enough_bytes and (data := await self._polled()):
            parts.append(data)
            size += len(data)
        return b"".join(parts)

    async def _polled(self) -> bytes | None:
        """The bytes that `poll` gives; of a catch-up, the next part when its turn comes."""
        if not self.catches_up:
            return self.poll()
        async with self._broadcaster.catch_ups.turn(_SEND_SECONDS):
            return self.poll()

    async def wait(self) -> None:
        """Wait until `take` has something to give, or there is nothing more to wait for."""
        if not self.has_news():
            await self._broadcaster.news(self.version, self.edition)

    def has_news(self) -> bool:
        """Whether there is something to say, or there is nothing more to wait for."""
        hub = self._broadcaster
        if self.is_over or hub.closed or self.edition < hub.urgent or hub.is_behind(self.version):
            return True
        return hub.stale(self.version, self._log_id) is not None

    async def wait_until_there(self) -> None:
        """Wait while the version is one that the server has yet to come to."""
        hub = self._broadcaster
        await hub.wait(lambda: hub.closed or hub.stale(self.version, self._log_id) != "future")

    @property
    def is_ending(self) -> bool:
        """Whether all streams are being ended."""
        return self._broadcaster.closed

    async def next(self) -> bytes | None:
        """The bytes to send next, as soon as there are any, or a heartbeat; None at the stream's end.

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
        """Wait until there is something to say; False when it's time for a sign of life."""
        # A scope of its own, so that `nudge` can end this wait and nothing else.
        with trio.CancelScope() as self._waiting:
            if not self.is_nudged and await self._broadcaster.wait_for_news(self.version, self.edition):
                return True
        self.is_nudged = False
        return False

    def end(self) -> None:
        """Let nothing more come, also to whoever waits in `next`."""
        self.is_over = True
        self.nudge()

    def nudge(self) -> None:
        """Let `next` give a sign of life, if there is nothing else to send: a peer that has left is found out by it."""
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
        """A request can end before its first frame, where its generator, not begun, has nothing to end."""
        self.close()
