"""Reads the metrics off a server's parts when Prometheus asks; between two scrapes that costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.telemetry.metrics import FAST, SLOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.backends import Log
    from placed.canvas.projection import Projection
    from placed.history.indexer import Indexer
    from placed.http.history import History
    from placed.http.lanes.front import Front
    from placed.http.polls import Polls
    from placed.storage.folder_watch import FolderWatch
    from placed.stream.broadcaster import Broadcaster
    from placed.stream.subscriber_sockets import SubscriberSockets
    from placed.tasks.image import ImageEncoder
    from placed.tasks.reader import LogReader
    from placed.tasks.snapshotter import Snapshotter
    from placed.tasks.writer import Writer
    from placed.telemetry.metrics import Metrics


def watch_parts(
    metrics: Metrics,
    *,
    log: Log,
    projection: Projection,
    reader: LogReader,
    writer: Writer,
    broadcaster: Broadcaster,
    sockets: SubscriberSockets,
    polls: Polls,
    front: Front,
    encoder: ImageEncoder,
    snapshotter: Snapshotter,
    folders: FolderWatch,
    lag: Callable[[], int],
) -> None:
    """Add the values of these parts to `metrics`; `lag` says how many offsets the reader has still to read."""
    _watch_log(metrics, log, projection, reader, writer, lag)
    _watch_folders(metrics, folders)
    _watch_streams(metrics, broadcaster, sockets, polls)
    watch, total = metrics.watch, metrics.watch_total
    watch("placed_connections", "Open connections.", lambda: front.connections)
    watch("placed_image_version", "Version of the image at hand.", lambda: encoder.version)
    watch("placed_image_timestamp_seconds", "When the image at hand was made.", lambda: encoder.made_at)
    watch("placed_snapshot_version", "Version of the last snapshot.", lambda: snapshotter.saved_version)
    watch("placed_snapshot_timestamp_seconds", "When the last snapshot was saved.", lambda: snapshotter.saved_at)
    total("placed_snapshot_errors_total", "Snapshots that couldn't be saved.", lambda: snapshotter.failures)


def watch_history(metrics: Metrics, indexer: Indexer | None, history: History) -> None:
    """Add the indexer's values; nothing on a server that keeps no history."""
    if indexer is None:
        return
    watch, total = metrics.watch, metrics.watch_total
    watch("placed_history_version", "Version that the history has reached.", lambda: indexer.past.version)
    watch("placed_history_edits", "Edits in the history.", lambda: indexer.past.edits)
    watch("placed_history_segments", "Files of the history.", lambda: len(indexer.past.kept))
    watch("placed_history_kept", "0 while the history can't be written.", lambda: indexer.stopped is None)
    watch("placed_history_waiting", "Answers about the past that clients wait for.", lambda: history.waiting)
    total("placed_history_mended_total", "Damaged segments read from the log again.", lambda: indexer.mended)


def _watch_log(
    metrics: Metrics, log: Log, projection: Projection, reader: LogReader, writer: Writer, lag: Callable[[], int]
) -> None:
    watch, total = metrics.watch, metrics.watch_total
    watch("placed_version", "Offset of the next record to apply.", lambda: projection.version)
    total("placed_edits_applied_total", "Edits read from the log.", lambda: projection.edits)
    total("placed_records_refused_total", "Records skipped, by reason.", lambda: projection.skipped, "reason")
    watch("placed_edits_waiting", "Edits that wait for the append in flight.", lambda: writer.waiting)
    watch("placed_appends_in_flight", "Records that are being appended.", lambda: writer.in_flight)
    watch("placed_log_reachable", "1 while the log can be read.", lambda: reader.reachable)
    watch("placed_log_lag", "Offsets of the log that are still to be read.", lag)
    total("placed_log_reconnects_total", "Times that the log was reached again.", lambda: log.reconnects)


def _watch_folders(metrics: Metrics, folders: FolderWatch) -> None:
    """Add the folders' values, as the watch last saw them; a log that isn't in a folder has no size here."""
    watch = metrics.watch
    watch("placed_folders_in_place", "0 while the data folder isn't where it was.", lambda: folders.displaced is None)
    watch("placed_log_bytes", "Size of the log's file.", lambda: folders.log_bytes or {})
    watch("placed_disk_bytes", "Size of the disk of a folder.", lambda: folders.disk_bytes, "folder")
    watch("placed_disk_free_bytes", "Room on the disk of a folder.", lambda: folders.free_bytes, "folder")


def _watch_streams(metrics: Metrics, broadcaster: Broadcaster, sockets: SubscriberSockets, polls: Polls) -> None:
    """Count the streams of both lanes. The slow lane's are the subscribers without a socket in `sockets` and a poll."""
    watch, total = metrics.watch, metrics.watch_total

    def by_lane(fast: Callable[[], int], slow: Callable[[], int]) -> Callable[[], dict[str, float]]:
        return lambda: {FAST: fast(), SLOW: slow()}

    subscribers = by_lane(lambda: len(sockets), lambda: broadcaster.subscribers - len(sockets) - polls.open)
    laggards = by_lane(lambda: sockets.laggards, lambda: broadcaster.laggards)
    frames = by_lane(lambda: sockets.frames_sent, lambda: broadcaster.frames_sent)
    sent_bytes = by_lane(lambda: sockets.bytes_sent, lambda: broadcaster.bytes_sent)
    watch("placed_writable", "1 while the log isn't known to refuse edits.", lambda: broadcaster.writable)
    watch("placed_subscribers", "Open streams.", subscribers, "lane")
    watch("placed_polls", "Polls that wait, or are being answered.", lambda: polls.open)
    watch("placed_laggards", "Streams that haven't taken all that they were sent.", laggards, "lane")
    total("placed_frames_sent_total", "Frames given to streams.", frames, "lane")
    total("placed_stream_sent_bytes_total", "Bytes given to streams.", sent_bytes, "lane")
    total("placed_reloads_total", "Streams told to load the image again.", lambda: broadcaster.reloads, "code")
