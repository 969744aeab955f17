"""Reads a Kafka log: a thread with a consumer of its own fills a channel.

    thread:  bounds -> seek -> poll -> batch --(channel of size 0: waits until it is received)--> Trio task
                ^---------------------+

The thread ends when the reader is closed or has failed, at the latest after one call of `SLICE_SECONDS`. It closes its
consumer, whose thread ends with it. Only kafka-python holds records in advance: one answer of a broker, at most
`FETCH_BYTES`. May import Trio and numpy.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import trio
from kafka.errors import LogTruncationError, OffsetOutOfRangeError

from placed.backends import LogError, LogUnavailable
from placed.backends.kafka.client import check_topic_id, out_of_range
from placed.backends.tail import BATCH_RECORDS
from placed.canvas.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.backends.kafka.client import Client, Consumer

LAST_STEP_SECONDS: Final = 1.0  # for a thread that has reported its end, and has nothing left to do
_TOPIC_TRIES: Final = 5
_TOPIC_SECONDS: Final = 1.0  # between two tries; a topic that is made anew has its leader within 1 s
STOP_SECONDS: Final = 2.0  # one slice, and closing the consumer; longer only where a name server doesn't answer


class KafkaReader(trio.abc.ReceiveChannel[Batch]):
    """A reader of a Kafka log; for one task.

    Attributes:
        offset: the first offset that it hasn't received yet.
        has_failed: whether it ended because it couldn't read; False if others ended it.
    """

    def __init__(
        self,
        client: Client,
        topic_id: str | None,
        offset: int,
        batch_of: Callable[[list[Any]], Batch],
        *,
        is_doubtful: bool,
        passed: Callable[[int], None],
    ) -> None:
        """Read from `offset` on, once `start` has been called.

        Args:
            client: this log's client.
            topic_id: the topic's id when it was opened.
            offset: the first offset to read.
            batch_of: makes a batch of kafka-python's records, at least one.
            is_doubtful: whether the last reader couldn't read the next record; `start` then waits until this one has.
            passed: the reader calls it with each batch's `next_offset`, once the batch was received.
        """
        self._client = client
        self._topic_id = topic_id
        self.offset = offset
        self._batch_of = batch_of
        self._is_doubtful = is_doubtful
        self._passed = passed
        self._batches, self._received = trio.open_memory_channel[Batch](0)
        self._ready = trio.Event()
        self._ended = trio.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="placed-kafka-reader", daemon=True)
        self._error: LogError | None = None
        self.has_failed = False
        self._token = trio.lowlevel.current_trio_token()

    async def start(self) -> None:
        """Begin; return once it is known that the log holds the offset.

        Raises: as `Log.read`, on entering.
        """
        self._thread.start()
        await self._ready.wait()
        if self._error is not None:
            raise self._error

    async def receive(self) -> Batch:
        """The next batch; see `Log.read` for its errors."""
        try:
            batch = await self._received.receive()
        except trio.EndOfChannel:
            assert self._error is not None
            raise self._error from None
        self._passed(batch.next_offset)
        return batch

    def fail(self, error: LogError) -> None:
        """End the reader: a waiting `receive`, and later ones, raise `error`. The first error counts."""
        if self._error is None:
            self._error = error
        self._stop.set()
        self._batches.close()
        self._ready.set()

    async def aclose(self) -> None:
        """Close, and wait for the thread to end; `receive` then raises `trio.ClosedResourceError`. Idempotent.

        Cancellation: the reader waits all the same, at most `STOP_SECONDS`.
        """
        self._stop.set()
        self._received.close()
        await self.ended()

    async def ended(self) -> None:
        """Wait until the thread has ended, at most `STOP_SECONDS`, also when cancelled."""
        with trio.move_on_after(STOP_SECONDS, shield=True):
            await self._ended.wait()
            self._thread.join(LAST_STEP_SECONDS)
        await trio.lowlevel.checkpoint_if_cancelled()

    # The methods below run in the reader's thread.

    def _run(self) -> None:
        error: LogError | None = None
        try:
            with self._client.consumer() as consumer:
                try:
                    self._follow(consumer)
                except LogTruncationError:
                    self._check_topic()
                    raise
        except LogError as found:
            error = found
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.Cancelled, trio.RunFinishedError):
            pass  # nobody receives any more
        finally:
            with contextlib.suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._end, error)

    def _end(self, error: LogError | None) -> None:
        self.has_failed = error is not None and self._error is None
        self.fail(error or LogUnavailable(f"{self._client.place}: the reader ended"))
        self._ended.set()

    def _follow(self, consumer: Consumer) -> None:
        bounds = consumer.bounds(go_on=lambda: not self._stop.is_set())
        check_topic_id(consumer, self._topic_id, self._client.place)
        if not bounds.first <= self.offset <= bounds.next:
            raise out_of_range(self.offset, bounds)
        consumer.seek(self.offset)
        if not self._is_doubtful:
            self._token.run_sync_soon(self._ready.set)
        most = 1  # so that a caller that wants only the first record has it at once
        while not self._stop.is_set():
            records = self._poll(consumer, most)
            most = BATCH_RECORDS
            # The end of a transaction takes an offset without a record, which may be the log's last one.
            gap_end = consumer.position if not records else 0
            if records or gap_end > self.offset:
                check_topic_id(consumer, self._topic_id, self._client.place)
                batch = self._batch_of(records) if records else _gap(gap_end)
                self.offset = batch.next_offset
                self._token.run_sync_soon(self._ready.set)
                trio.from_thread.run(self._batches.send, batch, trio_token=self._token)
            elif consumer.is_at_end:
                self._token.run_sync_soon(self._ready.set)

    def _check_topic(self) -> None:
        """Check, with a new consumer, that the topic is still the one that was opened.

        A topic made anew looks as if it had lost its records, and its old consumer may hear of the loss before it hears
        the new id. If no broker tells the id within `_TOPIC_TRIES`, the topic counts as the same.

        Raises:
            LogReplaced: it is another topic.
        """
        for _ in range(_TOPIC_TRIES):
            with contextlib.suppress(LogUnavailable), self._client.consumer() as consumer:
                consumer.bounds(go_on=lambda: not self._stop.is_set())
                check_topic_id(consumer, self._topic_id, self._client.place)
                break
            if self._stop.wait(_TOPIC_SECONDS):
                break

    def _poll(self, consumer: Consumer, most: int) -> list[Any]:
        try:
            return consumer.poll(most)
        except OffsetOutOfRangeError:
            # Retention has overtaken this reader. Right after a change of leader this may also happen for a moment.
            bounds = consumer.bounds(go_on=lambda: not self._stop.is_set())
            if bounds.first <= self.offset <= bounds.next:
                raise
            raise out_of_range(self.offset, bounds) from None


def plain_batch(records: list[Any]) -> Batch:
    """A batch of kafka-python's records, without their keys."""
    return Batch(
        offsets=np.array([record.offset for record in records], np.int64),
        times_ms=np.array([record.timestamp for record in records], np.int64),
        # Another program's record may have a key and no value. An empty value is no record of ours, and is skipped.
        values=[record.value or b"" for record in records],
    )


def _gap(end: int) -> Batch:
    nothing = np.empty(0, np.int64)
    return Batch(nothing, nothing, [], gap_end=end)
