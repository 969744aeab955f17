"""Wakes the subscribers when the feed has grown, and gives each the edits that it lacks, framed once for all.

A subscriber is a version, not a queue. A slow one costs no more than the frame that it hasn't taken yet. When its
socket drains it gets everything since, merged; and it is told to reload when the feed no longer reaches back to it. An
act that changes more than frames can tell has it wait for the act's end, and then it is told to reload once.

The status tells how many subscribers there are, whether the log takes edits, as far as is known, and what acts have to
say to everybody. It stands in a stream's first bytes, and replaces a heartbeat's comment. When it changes there is a
new edition: one of the number goes out with the next frame, any other one is written at once. Editions are at least
`VIEWERS_SECONDS`, or `WRITABLE_SECONDS`, apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from placed.stream import sse
from placed.stream.catch_ups import CatchUps
from placed.stream.chunked import chunk_of
from placed.stream.frames import Frames
from placed.stream.pace import Pace, Waiters
from placed.stream.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.canvas.projection import Projection
    from placed.stream.frames import Format
    from placed.stream.subscriber import Place

HEARTBEAT_SECONDS = 15.0  # design.md; most proxies cut a silent connection after 30 to 60 s
VIEWERS_SECONDS = 5.0  # they come and go all the time
WRITABLE_SECONDS = 1.0  # a log that comes and goes must not make more writes than edits would
_LOOK_SECONDS = 0.25
# An append may take 5 s, and nobody is told the canvas for as long: after that an act has been broken off, most likely.
_BROKEN_OFF_SECONDS = 10.0
_SPREAD = 0.2  # of the time between heartbeats, over which those are spread that would come at once
_GOLDEN = 0.618  # each step by it falls into the largest gap that the steps before have left
_KNOWN_VERSIONS = 1_024  # of which it's known since when they are old: seconds of them


class Broadcaster:
    """Everybody who follows one projection. Woken by the reader's `publish`.

    Args:
        projection: the one that subscribers follow.
        log_id: its log's.
        heartbeat_seconds: between two signs of life to one stream when nothing is placed, or up to a fifth less: those
            who got the same frame last aren't to be told at the same moment.
        is_writable: whether the log takes edits, as far as is known.
        notices: what else the status tells, as members of its JSON, each after a comma.
        pace: shared by all who tell many.
        frame_seconds: at least, between two frames to those who have tasks of their own.
        delivered: told the lane, and how many seconds those who kept up have waited for a frame.

    Attributes:
        log_id: see above.
        subscribers: how many there are.
        reloads: how many were sent back to the image, by the word for the wire.
        frames_sent: frames for streams with a task of their own; `bytes_sent` are their bytes.
        delivered: see above.
        catch_ups: turns of those who lack a full frame or more.
        writable: the last value of `is_writable` that was told.
        edition: of the status; a higher one is news, for the next frame.
        urgent: the edition that isn't to wait for a frame.
    """

    def __init__(
        self,
        projection: Projection,
        log_id: str,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        is_writable: Callable[[], bool] = lambda: True,
        notices: Callable[[], bytes] = lambda: b"",
        delivered: Callable[[str, float], None] = lambda lane, seconds: None,
        pace: Pace | None = None,
        frame_seconds: float = 0.0,
    ) -> None:
        self._projection = projection
        self._heartbeat_seconds = heartbeat_seconds
        self._phase = 0.0
        self._is_writable = is_writable
        self._notices = notices
        self._told_notices = notices()
        self._status = (-1, 0, True, b""), b""
        self._told_subscribers = 0
        self._subscribers_due = self._writable_due = 0.0
        self._changed = trio.Event()
        self._waiters = Waiters()
        self._frame_seconds = frame_seconds
        self._frames = Frames(projection.feed)
        self.log_id = log_id
        self._closed = False
        self._published = projection.version
        self._old_since: dict[int, float] = {}
        self._act_reached = self._gave_up_at = -1
        self._act_reached_at = 0.0
        self._sending: set[Subscriber] = set()
        self.subscribers = 0
        self.reloads = dict.fromkeys(("other-log", "future", "too-old", "canvas"), 0)
        self.writable = True
        self.edition = self.urgent = 0
        self.frames_sent = 0
        self.bytes_sent = 0
        self.delivered = delivered
        self.pace = Pace() if pace is None else pace
        self.catch_ups = CatchUps()

    @property
    def closed(self) -> bool:
        """Whether all streams have been ended."""
        return self._closed

    async def run(self) -> None:
        """Wake those who wait when their turn comes, and notice when the status changes, until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._wake_waiters)
                while True:
                    self.look()
                    self.pace.watch(others=self.subscribers > 0)
                    await trio.sleep(_LOOK_SECONDS)
        finally:
            self.pace.watch(others=False)

    async def _wake_waiters(self) -> None:
        told = self.version, self.urgent
        while not self.closed:
            await self._waiters.somebody()  # where all are in the fast lane, an edit needn't wake this task: 0.1 ms
            await self.wait(lambda: self.closed or told != (self.version, self.urgent))  # noqa: B023 - asked at once
            started, told = trio.current_time(), (self.version, self.urgent)
            await self._waiters.wake(self.pace)
            await trio.sleep_until(started + self._frame_seconds)

    def look(self) -> None:
        """Make a new edition of the status, if it has changed and the last one is old enough."""
        now, writable, notices = trio.current_time(), self._is_writable(), self._notices()
        self._look_at_act(now)
        if (writable, notices) != (self.writable, self._told_notices) and now >= self._writable_due:
            self.writable, self._told_notices = writable, notices
            self._writable_due = now + WRITABLE_SECONDS
            self._tell_now(now)
        elif self.subscribers != self._told_subscribers and now >= self._subscribers_due:
            self._new_edition(now)

    def _look_at_act(self, now: float) -> None:
        """Send those to the image who wait for the end of an act, if nothing more of it comes."""
        reached = self._projection.feed.first if self._projection.large_acts.is_under_way else -1
        if reached != self._act_reached:
            self._act_reached, self._act_reached_at = reached, now
        elif reached > self._gave_up_at and now >= self._act_reached_at + _BROKEN_OFF_SECONDS:
            self._gave_up_at = reached
            self._tell_now(now)

    def _tell_now(self, now: float) -> None:
        self._new_edition(now)
        self.urgent = self.edition
        self._wake()

    def _new_edition(self, now: float) -> None:
        self.edition += 1
        self._told_subscribers = self.subscribers
        self._subscribers_due = now + VIEWERS_SECONDS

    def status(self) -> bytes:
        """The event that tells it, as of now."""
        known = self._projection.version, self.subscribers, self.writable, self._told_notices
        if known != self._status[0]:
            self._status = known, sse.status_event(*known[:2], writable=self.writable, notices=self._told_notices)
        return self._status[1]

    def status_chunk(self) -> bytes:
        """The same as a chunk."""
        return chunk_of(self.status())

    def publish(self) -> None:
        """Tell everybody that the projection has moved on."""
        self._frames.forget_new()
        if self._published != self._projection.version:
            self._old_since[self._published] = trio.current_time()
            self._published = self._projection.version
            if len(self._old_since) > _KNOWN_VERSIONS:
                del self._old_since[next(iter(self._old_since))]
        self._wake()

    def close(self) -> None:
        """End all streams, each once it has got everything; streams that come later end at once, too. Idempotent."""
        self._closed = self.catch_ups.is_hurried = True
        self._wake()
        self._waiters.wake_all()

    def subscribe(self, version: int, form: Format, log_id: str | None, place: Place | None = None) -> Subscriber:
        """Begin to follow from `version` of the log `log_id` (None: of this one); leave with `Subscriber.close`, which
        leaves `place`, too.
        """
        self.subscribers += 1
        # Every page names this log: that text would be a quarter of what its stream costs.
        return Subscriber(self, version, form, None if log_id == self.log_id else log_id, place)

    async def wait(self, is_there: Callable[[], bool]) -> None:
        """Wait until `is_there()` says so; asked again after each `publish` and `close`."""
        while not is_there():
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    @property
    def version(self) -> int:
        """Where the projection stands."""
        return self._projection.version

    def frame(self, version: int, form: Format) -> tuple[int, bytes]:
        """The version after, and the chunk of, the frame from `version` on, which the feed reaches back to."""
        return self._frames.get(version, form)

    def lacks(self, version: int, log_id: str | None) -> int:
        """How many full frames a subscriber at `version` of `log_id` lacks; 0 if it can't be brought up to date."""
        if self.stale(version, log_id) is not None or self.waits(version):
            return 0
        return self._projection.feed.frames_since(version)

    def stale(self, version: int, log_id: str | None) -> str | None:
        """Why nobody can be brought up to date from `version` of `log_id`: a word for the wire; None if they can."""
        if log_id is not None and log_id != self.log_id:
            return "other-log"
        if version > self._projection.version:
            return "future"
        if version < self._projection.feed.first and not self.waits(version):
            return "canvas" if version < self._projection.kept.grown else "too-old"
        return None

    def waits(self, version: int) -> bool:
        """Whether somebody at `version` is told nothing just now: an act that is under way will send them to the image,
        and each of its corrections would do that again."""
        first = self._projection.feed.first
        return version < first and first != self._gave_up_at and self._projection.large_acts.is_under_way

    def reload(self, code: str) -> bytes:
        """The event that sends somebody back to the image."""
        self.reloads[code] += 1
        return sse.reload_event(code, self._projection.version, self.log_id)

    @property
    def laggards(self) -> int:
        """Streams with a task of their own that haven't taken their last frame yet, and lack another one."""
        return sum(self.is_behind(one.version) for one in self._sending)

    def told(self, lane: str, version: int) -> None:
        """Some who stood at `version`, and kept up, have what came next."""
        since = self._old_since.get(version)
        if since is not None:
            self.delivered(lane, trio.current_time() - since)

    def note_sending(self, subscriber: Subscriber, data: bytes, *, is_news: bool) -> None:
        """One with a task of its own has been given this to send."""
        self._sending.add(subscriber)
        self.frames_sent += is_news
        self.bytes_sent += len(data)

    def note_sent(self, subscriber: Subscriber) -> None:
        """It has sent that, or is gone. Idempotent."""
        self._sending.discard(subscriber)

    async def wait_for_news(self, version: int, edition: int) -> bool:
        """Wait until there is something after `version`, or a status after `edition` that can't wait, or the end;
        False when it's time for a heartbeat."""
        self._phase = (self._phase + _GOLDEN) % 1
        with trio.move_on_after(self._heartbeat_seconds * (1 - _SPREAD * self._phase)) as heartbeat:
            await self.news(version, edition)
        return not heartbeat.cancelled_caught

    async def news(self, version: int, edition: int) -> None:
        """The same wait without a heartbeat; it ends when those who wait have their turn."""
        while not (self.closed or self.is_behind(version) or edition < self.urgent):
            await self._waiters.wait()

    def is_behind(self, version: int) -> bool:
        """Whether there is something after `version` that can be told."""
        return self._projection.version != version and not self.waits(version)
