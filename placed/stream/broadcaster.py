"""Wakes the subscribers when the feed has grown, and gives each one the edits that it lacks. Each frame is made once.

A subscriber is a version, not a queue. A slow one costs no more than the frame that it hasn't taken yet. When its
socket drains it gets everything since, merged. If the feed no longer reaches back to its version, it is told to reload.
When an act changes more pixels than frames can hold, subscribers wait for the act's end, and are told to reload once.

The status says how many subscribers there are, whether the log takes edits, as far as is known, and what acts announce
to everybody. It is in a stream's first bytes, and it is the heartbeat. When the status changes there is a new edition.
If only the number of subscribers has changed, it goes out with the next frame; any other change is sent at once.
Editions are at least `VIEWERS_SECONDS`, or `WRITABLE_SECONDS`, apart.
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
VIEWERS_SECONDS = 5.0  # viewers come and go all the time
WRITABLE_SECONDS = 1.0  # a log that fails and recovers again and again must not cause more writes than edits would
_LOOK_SECONDS = 0.25
# While a large act is under way, subscribers get no frames. One append of it may take 5 s. If nothing more of the act
# comes for longer than that, it was most likely broken off, and they stop waiting for its end.
_BROKEN_OFF_SECONDS = 10.0
_SPREAD = 0.2  # the part of the heartbeat's time over which heartbeats are spread that would all come at once
_GOLDEN = 0.618  # the golden ratio: each step by it falls into the largest gap that the steps before have left
_KNOWN_VERSIONS = 1_024  # old versions for which the time of the next record is remembered: some seconds of them


class Broadcaster:
    """All subscribers of one projection. The reader's task calls `publish`.

    Args:
        projection: the projection that the subscribers follow.
        log_id: the id of the projection's log.
        heartbeat_seconds: the time between two heartbeats to one stream while nobody paints. It is shortened by up to a
            fifth, so that streams which got the same frame don't all get their heartbeats at the same moment.
        is_writable: whether the log takes edits, as far as is known.
        notices: further members of the status's JSON, each after a comma.
        pace: the pace of frames; both lanes share it.
        frame_seconds: the least time between two frames to a stream with a task of its own.
        delivered: called with a lane, and the seconds from a record's arrival to its frame for streams that keep up.

    Attributes:
        log_id: see above.
        subscribers: how many there are.
        reloads: how many were sent back to the image, by the code on the wire.
        frames_sent: frames for streams with a task of their own; `bytes_sent` are their bytes.
        delivered: see above.
        catch_ups: the turns of subscribers that lack a full frame or more.
        writable: the value of `is_writable` in the current edition.
        edition: the status's edition; subscribers with a lower one get the new status with their next frame.
        urgent: the last edition that doesn't wait for a frame.
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
        """Wake waiting subscribers, in turns, and notice changes of the status, until cancelled."""
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
            await self._waiters.somebody()  # while all are in the fast lane, no edit wakes this task: that costs 0.1 ms
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
        """If nothing more of an act comes, send the subscribers that wait for its end back to the image."""
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
        """The status event, as of now."""
        known = self._projection.version, self.subscribers, self.writable, self._told_notices
        if known != self._status[0]:
            self._status = known, sse.status_event(*known[:2], writable=self.writable, notices=self._told_notices)
        return self._status[1]

    def status_chunk(self) -> bytes:
        """The status event as a chunk."""
        return chunk_of(self.status())

    def publish(self) -> None:
        """Wake everybody who waits, because the projection has moved on."""
        self._frames.forget_new()
        if self._published != self._projection.version:
            self._old_since[self._published] = trio.current_time()
            self._published = self._projection.version
            if len(self._old_since) > _KNOWN_VERSIONS:
                del self._old_since[next(iter(self._old_since))]
        self._wake()

    def close(self) -> None:
        """End all streams, each once it has got everything; a stream that begins later ends at once. Idempotent."""
        self._closed = self.catch_ups.is_hurried = True
        self._wake()
        self._waiters.wake_all()

    def subscribe(self, version: int, form: Format, log_id: str | None, place: Place | None = None) -> Subscriber:
        """Begin to follow from `version` of the log `log_id` (None: this log). `Subscriber.close` ends it, and calls
        `place.leave`.
        """
        self.subscribers += 1
        # Nearly every page names this log. To keep its copy of that text would be a quarter of a stream's memory.
        return Subscriber(self, version, form, None if log_id == self.log_id else log_id, place)

    async def wait(self, is_there: Callable[[], bool]) -> None:
        """Wait until `is_there()` is true; it is called again after each change, such as `publish` and `close`."""
        while not is_there():
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    @property
    def version(self) -> int:
        """The projection's version."""
        return self._projection.version

    def frame(self, version: int, form: Format) -> tuple[int, bytes]:
        """The frame from `version` on, which the feed must still have: the version after it, and its chunk."""
        return self._frames.get(version, form)

    def lacks(self, version: int, log_id: str | None) -> int:
        """How many full frames a subscriber at `version` of `log_id` lacks; 0 if it can't be brought up to date."""
        if self.stale(version, log_id) is not None or self.waits(version):
            return 0
        return self._projection.feed.frames_since(version)

    def stale(self, version: int, log_id: str | None) -> str | None:
        """The wire's code for why a subscriber at `version` of `log_id` can't be brought up to date; None if it can."""
        if log_id is not None and log_id != self.log_id:
            return "other-log"
        if version > self._projection.version:
            return "future"
        if version < self._projection.feed.first and not self.waits(version):
            return "canvas" if version < self._projection.kept.grown else "too-old"
        return None

    def waits(self, version: int) -> bool:
        """Whether a subscriber at `version` gets nothing just now, because a large act is under way. It is sent back to
        the image once, at the act's end; otherwise each of the act's corrections would send it there again."""
        first = self._projection.feed.first
        return version < first and first != self._gave_up_at and self._projection.large_acts.is_under_way

    def reload(self, code: str) -> bytes:
        """The event that sends a subscriber back to the image."""
        self.reloads[code] += 1
        return sse.reload_event(code, self._projection.version, self.log_id)

    @property
    def laggards(self) -> int:
        """How many streams with a task of their own haven't taken their last frame yet, and lack another one."""
        return sum(self.is_behind(one.version) for one in self._sending)

    def told(self, lane: str, version: int) -> None:
        """Report a delivery: subscribers that kept up, and stood at `version`, have got the next frame."""
        since = self._old_since.get(version)
        if since is not None:
            self.delivered(lane, trio.current_time() - since)

    def note_sending(self, subscriber: Subscriber, data: bytes, *, is_news: bool) -> None:
        """Count the `data` that a subscriber with a task of its own is about to send."""
        self._sending.add(subscriber)
        self.frames_sent += is_news
        self.bytes_sent += len(data)

    def note_sent(self, subscriber: Subscriber) -> None:
        """Note that the subscriber has sent its data, or is gone. Idempotent."""
        self._sending.discard(subscriber)

    async def wait_for_news(self, version: int, edition: int) -> bool:
        """Wait until there is a frame after `version`, or an urgent status after `edition`, or the end; False when it's
        time for a heartbeat."""
        self._phase = (self._phase + _GOLDEN) % 1
        with trio.move_on_after(self._heartbeat_seconds * (1 - _SPREAD * self._phase)) as heartbeat:
            await self.news(version, edition)
        return not heartbeat.cancelled_caught

    async def news(self, version: int, edition: int) -> None:
        """The same wait without a heartbeat; it ends when it is this waiter's turn."""
        while not (self.closed or self.is_behind(version) or edition < self.urgent):
            await self._waiters.wait()

    def is_behind(self, version: int) -> bool:
        """Whether there is something to send after `version`, and no act that holds it back."""
        return self._projection.version != version and not self.waits(version)
