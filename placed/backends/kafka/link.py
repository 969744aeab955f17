"""Keeps a Kafka log in touch with its brokers: a thread that asks for its bounds, and makes its producers.

The link owns the consumer that asks. It reports each answer to the log on the Trio thread, and ends with the log, or
with Trio. May import Trio.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import trio
from kafka.errors import KafkaTimeoutError

from placed.backends import LogError, LogUnavailable
from placed.backends.kafka.client import OFFSETS_SECONDS, check_topic_id
from placed.backends.kafka.reader import LAST_STEP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.backends.kafka.client import Bounds, Client, Consumer, Producer

PROBE_SECONDS: Final = 1.0  # between questions while the log is reachable
RETRY_SECONDS: Final = 0.2  # and while it isn't; waiting for an answer that doesn't come adds 2 s


class Hearer(Protocol):
    """The log, which the link reports to, on the Trio thread."""

    def answered(self, bounds: Bounds) -> None:
        """The log was reached."""

    def connected(self, producer: Producer) -> None:
        """There is a producer."""

    def failed(self, error: LogError) -> None:
        """The log can't be reached, or is no longer there."""


class Link:
    """The thread that keeps a log in touch with its brokers, once it was started."""

    def __init__(self, log: Hearer, client: Client, topic_id: str | None) -> None:
        self._log = log
        self._client = client
        self._topic_id = topic_id
        self._token = trio.lowlevel.current_trio_token()
        self._asker: Consumer | None = None
        self._failed: queue.SimpleQueue[Producer] = queue.SimpleQueue()
        self._nudge = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="placed-kafka-link", daemon=True)
        self._ended = trio.Event()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end; `ended` waits for that."""
        self._stopping = True
        self._nudge.set()
        if self._thread.ident is None:
            self._ended.set()

    async def ended(self) -> None:
        """Wait until the thread, if there was one, is gone."""
        await self._ended.wait()
        if self._thread.ident is not None:
            self._thread.join(LAST_STEP_SECONDS)

    def replace(self, producer: Producer) -> None:
        """Close a producer with an append that failed or has no known outcome, and make another."""
        self._failed.put(producer)
        self._nudge.set()

    def bounds(self) -> Bounds:
        """The offsets that the log holds; in any thread.

        Raises:
            LogError: the brokers don't answer, or the log was replaced.
        """
        asker = self._asker
        if asker is None:
            raise LogUnavailable(f"{self._client.place}: reconnecting")
        with self._client.errors():
            try:
                bounds = asker.bounds(go_on=lambda: not self._stopping)
            except KafkaTimeoutError as error:
                if asker.knows_brokers:
                    check_topic_id(asker, self._topic_id, self._client.place)
                raise LogUnavailable(f"{self._client.place}: no answer within {OFFSETS_SECONDS:g} s") from error
            check_topic_id(asker, self._topic_id, self._client.place)
            return bounds

    # The methods below run in the link's thread.

    def _run(self) -> None:
        producers: list[Producer] = []
        try:
            while not self._stopping:
                try:
                    with self._client.consumer() as self._asker:
                        self._keep_asking(producers)
                except LogError as error:
                    self._tell(partial(self._log.failed, error))
                except trio.RunFinishedError:
                    raise
                except Exception as error:  # noqa: BLE001 - whatever kafka-python does, this thread brings the log back
                    self._tell(partial(self._log.failed, LogUnavailable(f"{self._client.place}: {error!r}")))
                finally:
                    self._asker = None
                self._close_failed(producers)
                self._wait(RETRY_SECONDS)
        except trio.RunFinishedError:
            pass  # Trio has ended, and nobody is left to tell
        finally:
            for producer in producers:
                producer.close()
            with contextlib.suppress(trio.RunFinishedError):
                self._tell(self._ended.set)

    def _keep_asking(self, producers: list[Producer]) -> None:
        while not self._stopping:
            bounds = self.bounds()
            self._close_failed(producers)
            if not producers:
                producers.append(self._client.producer())
                self._tell(partial(self._log.connected, producers[0]))
            self._tell(partial(self._log.answered, bounds))
            self._wait(PROBE_SECONDS)

    def _wait(self, seconds: float) -> None:
        self._nudge.wait(seconds)
        self._nudge.clear()  # its setter changed something first, and the loop looks at that next

    def _close_failed(self, producers: list[Producer]) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                producer = self._failed.get_nowait()
                producers.remove(producer)
                producer.close()

    def _tell(self, report: Callable[[], object]) -> None:
        self._token.run_sync_soon(report)
