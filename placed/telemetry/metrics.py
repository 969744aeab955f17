"""Keeps a server's metrics, in Prometheus' names and units. One registry per server, so that two fit in one process.

Events of each request or frame are counted in plain integers, which only the Trio thread changes: that takes 0.1 us,
where prometheus-client takes a lock and several times as long. Prometheus' request reads them, and the values of a
server's parts. Labels contain only words from this code, never a client's. docs/operations.md has the list.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from placed import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Value = float | Mapping[str, float] | Mapping[tuple[str, ...], float]

FAST: Final = "fast"
SLOW: Final = "slow"
LANES: Final = (FAST, SLOW)
# These labels exist from the start, at 0. Prometheus then sees the first event of a kind as an increase, which it
# wouldn't if the sample appeared with that event.
EDIT_CODES: Final = (
    *("challenge", "cooldown", "cross-site", "internal", "invalid-body", "invalid-parameter", "log-unavailable"),
    *("outcome-unknown", "shutting-down", "slow-request", "too-large", "unsupported-media-type", "writer-full"),
)
CODES: Final = (
    *(*EDIT_CODES, "method-not-allowed", "not-found", "not-ready", "too-many-catch-ups", "too-many-polls"),
    *("too-many-streams", "busy", "indexing", "no-history", "not-kept", "other-log"),
    *("too-many-moments", "too-much-history"),
)
_ERRORS: Final = ("LogClosed", "LogReplaced", "LogUnavailable", "OutcomeUnknown")

_APPEND_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_RECORD_EDITS = (1, 2, 5, 10, 50, 100, 500, 1_000, 5_000, 16_384)
_RECORD_BYTES = (16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144)
_ENCODE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_SNAPSHOT_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30)
_LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_DELIVERY_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class _ReadWhenAsked(Collector):
    """A gauge or counter whose value, or values by label, are read at each request for metrics."""

    def __init__(
        self, kind: type[Metric], name: str, help_: str, labels: tuple[str, ...], read: Callable[[], Value]
    ) -> None:
        self._kind = kind
        self._name = name
        self._help = help_
        self._labels = labels
        self._read = read

    def collect(self) -> Iterator[Metric]:
        family = self._kind(self._name, self._help, labels=self._labels)  # type: ignore[call-arg]  # of either kind
        value = self._read()
        samples = {(): value} if isinstance(value, int | float) else value
        for labels, one in samples.items():
            family.add_metric((labels,) if isinstance(labels, str) else labels, one)  # type: ignore[attr-defined]
        yield family


class Metrics:
    """Counts events as they happen. `watch` and `watch_total` add values that are read at each request for metrics.

    Attributes:
        edits: edits placed, and answers to POST /edit and /edits that placed none, by outcome.
        problems: requests refused, by problem code.
        responses: answers by lane, and by the first digit of their status.
        connections: connections accepted so far.
        refused_connections: by reason: the server is full, or the client has reached its limit.
    """

    def __init__(self) -> None:
        # The library would add to each counter the time at which it was made, which nobody reads. The switch is for all
        # registries of the process.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self.edits: dict[str, int] = _zeros("placed", *EDIT_CODES)
        self.problems: dict[str, int] = _zeros(*CODES)
        self.responses: dict[str, list[int]] = {lane: [0] * 6 for lane in LANES}
        self.connections = 0
        self.refused_connections: dict[str, int] = _zeros("server-full", "client-limit")
        self._failed = Counter(
            "placed_append_errors", "Records that couldn't be appended, by error.", ["error"], registry=self._registry
        )
        for error in _ERRORS:
            self._failed.labels(error)
        self._append = self._histogram("placed_append_seconds", "Time to append a record.", _APPEND_SECONDS)
        self._record_edits = self._histogram("placed_record_edits", "Edits in an appended record.", _RECORD_EDITS)
        self._record_bytes = self._histogram("placed_record_bytes", "Size of an appended record.", _RECORD_BYTES)
        self._encode = self._histogram("placed_image_encode_seconds", "Time to make an image.", _ENCODE_SECONDS)
        self._snapshot = self._histogram("placed_snapshot_seconds", "Time to save a snapshot.", _SNAPSHOT_SECONDS)
        self._loop_lag = self._histogram(
            "placed_loop_lag_seconds", "How late a task was woken, four times a second.", _LAG_SECONDS
        )
        delivery = Histogram(
            "placed_delivery_seconds",
            "Time from reading a record to writing its frame, to a pack of streams or to a slow lane's stream.",
            ["lane"],
            buckets=_DELIVERY_SECONDS,
            registry=self._registry,
        )
        self._delivery = {lane: delivery.labels(lane) for lane in LANES}
        self._watch_counts()
        ProcessCollector(registry=self._registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, help_, buckets=buckets, registry=self._registry)

    def _watch_counts(self) -> None:
        self.watch_total(
            "placed_edit_requests_total",
            "Edits placed, and refusals of POST /edit and /edits, by outcome.",
            lambda: self.edits,
            "outcome",
        )
        self.watch_total("placed_problems_total", "Requests refused, by problem code.", lambda: self.problems, "code")
        self.watch_total(
            "placed_http_responses_total", "Answers, by class of status.", self._by_class, "lane", "status"
        )
        self.watch_total("placed_connections_accepted_total", "Connections accepted.", lambda: self.connections)
        self.watch_total(
            "placed_connections_refused_total",
            "Connections refused.",
            lambda: self.refused_connections,
            "reason",
        )

    def _by_class(self) -> dict[tuple[str, ...], float]:
        return {(lane, f"{digit}xx"): counts[digit] for lane, counts in self.responses.items() for digit in range(1, 6)}

    def placed(self, edits: int = 1) -> None:
        """Count edits that were answered 200."""
        self.edits["placed"] += edits

    def refused(self, code: str, *, is_edit: bool) -> None:
        """Count a request that was refused with the problem code `code`; `is_edit`: a POST of edits."""
        self.problems[code] += 1
        if is_edit:
            self.edits[code] += 1

    def answered(self, lane: str, status: int) -> None:
        """Count an answer with this status."""
        self.responses[lane][status // 100] += 1

    def appended(self, edits: int, size_bytes: int, seconds: float) -> None:
        """Count an appended record: its edits (0 for another event), its size, and the seconds that the append took."""
        self._append.observe(seconds)
        self._record_bytes.observe(size_bytes)
        if edits:
            self._record_edits.observe(edits)

    def append_failed(self, error: Exception) -> None:
        """Count a record that couldn't be appended, or of which nobody knows whether it was."""
        self._failed.labels(type(error).__name__).inc()

    def encoded(self, seconds: float) -> None:
        """Count an image, and the seconds in which it was made."""
        self._encode.observe(seconds)

    def snapshot_saved(self, seconds: float) -> None:
        """Count a snapshot, and the seconds in which it was saved."""
        self._snapshot.observe(seconds)

    def loop_woke(self, late_seconds: float) -> None:
        """Count a wake-up of a task, and by how many seconds it was late."""
        self._loop_lag.observe(late_seconds)

    def delivered(self, lane: str, seconds: float) -> None:
        """Count a written frame, and the seconds since the first of its records was read."""
        self._delivery[lane].observe(seconds)

    def tell_build(self, log: str) -> None:
        """Add the server's version, its Python's version, and the kind of its log."""
        labels: tuple[str, ...] = (__version__, platform.python_version(), log)
        self.watch(
            "placed_build_info",
            "Versions of placed and Python, and the log's kind; always 1.",
            lambda: {labels: 1},
            "version",
            "python",
            "log",
        )

    def watch(self, name: str, help_: str, read: Callable[[], Value], *labels: str) -> None:
        """Add a gauge that is read at each request for metrics: one value, or, with labels, a value for each."""
        self._registry.register(_ReadWhenAsked(GaugeMetricFamily, name, help_, labels, read))

    def watch_total(self, name: str, help_: str, read: Callable[[], Value], *labels: str) -> None:
        """Add a counter that is read in the same way; its name ends with _total."""
        self._registry.register(_ReadWhenAsked(CounterMetricFamily, name, help_, labels, read))

    def exposition(self) -> tuple[str, bytes]:
        """The content type and body of `/metrics`."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)


def _zeros(*words: str) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    counts.update(dict.fromkeys(words, 0))
    return counts
