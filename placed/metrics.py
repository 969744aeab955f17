"""Metrics, in Prometheus' names and units. One registry per server, so that two fit in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

_APPEND_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_RECORD_EDITS = (1, 2, 5, 10, 50, 100, 500, 1_000, 5_000, 16_384)


class Metrics:
    """What is counted as it happens. What can be read off when asked is added by `watch`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._edits = Counter(
            "placed_edit_requests", "Answers to POST /edit, by outcome.", ["outcome"], registry=self._registry
        )
        self._append = Histogram(
            "placed_append_seconds", "Time to append a record.", buckets=_APPEND_SECONDS, registry=self._registry
        )
        self._record = Histogram(
            "placed_record_edits", "Edits in an appended record.", buckets=_RECORD_EDITS, registry=self._registry
        )
        self._failed = Counter(
            "placed_append_errors", "Records that couldn't be appended, by error.", ["error"], registry=self._registry
        )
        self._placed = self._edits.labels("placed")

    def placed(self) -> None:
        """An edit was answered 200."""
        self._placed.inc()

    def refused(self, code: str) -> None:
        """An edit was refused with this problem code."""
        self._edits.labels(code).inc()

    def appended(self, edits: int, seconds: float) -> None:
        """A record of so many edits was appended in so many seconds."""
        self._append.observe(seconds)
        self._record.observe(edits)

    def append_failed(self, error: Exception) -> None:
        """A record couldn't be appended, or nobody knows whether it was."""
        self._failed.labels(type(error).__name__).inc()

    def watch(self, name: str, help_: str, read: Callable[[], float]) -> None:
        """Add a gauge that is read when somebody asks."""
        Gauge(name, help_, registry=self._registry).set_function(read)

    def exposition(self) -> tuple[str, bytes]:
        """The content type and body of `/metrics`."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)
