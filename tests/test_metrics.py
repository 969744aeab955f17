"""Metrics: what Prometheus reads, one registry for each server."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from placed.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, str], float]:
    """Sample name and outcome (or bucket) -> value."""
    content_type, body = metrics.exposition()
    assert content_type.startswith("text/plain")
    families = text_string_to_metric_families(body.decode())
    return {
        (sample.name, sample.labels.get("outcome") or sample.labels.get("le", "")): sample.value
        for family in families
        for sample in family.samples
    }


def test_answers_are_counted_by_outcome() -> None:
    metrics = Metrics()
    metrics.placed()
    metrics.placed()
    metrics.refused("cooldown")
    got = samples(metrics)
    assert got["placed_edit_requests_total", "placed"] == 2
    assert got["placed_edit_requests_total", "cooldown"] == 1


def test_appends_are_measured_in_seconds_and_edits() -> None:
    metrics = Metrics()
    metrics.appended(7, 0.003)
    got = samples(metrics)
    assert got["placed_append_seconds_sum", ""] == 0.003
    assert got["placed_append_seconds_bucket", "0.002"] == 0
    assert got["placed_append_seconds_bucket", "0.005"] == 1
    assert got["placed_record_edits_sum", ""] == 7
    assert got["placed_record_edits_bucket", "10.0"] == 1


def test_what_is_watched_is_read_when_asked() -> None:
    metrics, level = Metrics(), [1.0]
    metrics.watch("placed_level", "A level.", lambda: level[0])
    assert samples(metrics)["placed_level", ""] == 1
    level[0] = 2.5
    assert samples(metrics)["placed_level", ""] == 2.5


def test_two_servers_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.placed()
    assert samples(other)["placed_edit_requests_total", "placed"] == 0
