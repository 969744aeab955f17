"""Metrics: the text that Prometheus reads; each server has its own registry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from placed.telemetry.loop_lag import EVERY_SECONDS, watch_loop
from placed.telemetry.metrics import EDIT_CODES, FAST, LANES, SLOW, Metrics
from tests.support import exposition

if TYPE_CHECKING:
    from collections.abc import Callable


def samples(metrics: Metrics) -> dict[str, float]:
    content_type, body = metrics.exposition()
    assert content_type.startswith("text/plain")
    return exposition.samples(body)


def test_answers_to_edits_are_counted_by_outcome() -> None:
    metrics = Metrics()
    metrics.placed()
    metrics.placed(3)
    metrics.refused("cooldown", is_edit=True)
    metrics.refused("not-found", is_edit=False)
    got = samples(metrics)
    assert got['placed_edit_requests_total{outcome="placed"}'] == 4
    assert got['placed_edit_requests_total{outcome="cooldown"}'] == 1
    assert 'placed_edit_requests_total{outcome="not-found"}' not in got
    assert got['placed_problems_total{code="cooldown"}'] == got['placed_problems_total{code="not-found"}'] == 1


@pytest.mark.parametrize("code", EDIT_CODES)
def test_counts_begin_at_zero_so_that_the_first_one_is_an_increase(code: str) -> None:
    got = samples(Metrics())
    assert got[f'placed_edit_requests_total{{outcome="{code}"}}'] == 0
    assert got[f'placed_problems_total{{code="{code}"}}'] == 0


def test_answers_are_counted_by_lane_and_class_of_status() -> None:
    metrics = Metrics()
    for lane, status in ((FAST, 200), (FAST, 204), (FAST, 304), (SLOW, 503)):
        metrics.answered(lane, status)
    got = samples(metrics)
    told = {
        (lane, digit): got[f'placed_http_responses_total{{lane="{lane}",status="{digit}xx"}}']
        for lane in LANES
        for digit in range(1, 6)
    }
    assert {key: value for key, value in told.items() if value} == {(FAST, 2): 2, (FAST, 3): 1, (SLOW, 5): 1}


def test_appends_are_measured_in_seconds_edits_and_bytes() -> None:
    metrics = Metrics()
    metrics.appended(7, 2 + 7 * 13, 0.003)
    got = samples(metrics)
    assert got["placed_append_seconds_sum"] == 0.003
    assert got['placed_append_seconds_bucket{le="0.002"}'] == 0
    assert got['placed_append_seconds_bucket{le="0.005"}'] == 1
    assert got["placed_record_edits_sum"] == 7
    assert got['placed_record_edits_bucket{le="10.0"}'] == 1
    assert got["placed_record_bytes_sum"] == 2 + 7 * 13
    metrics.appended(0, 80, 0.003)
    got = samples(metrics)
    assert (got["placed_record_edits_count"], got["placed_record_bytes_count"]) == (1, 2)  # the second has no edits


@pytest.mark.parametrize(
    ("tell", "name"),
    [
        (Metrics.encoded, "placed_image_encode_seconds"),
        (Metrics.snapshot_saved, "placed_snapshot_seconds"),
        (Metrics.loop_woke, "placed_loop_lag_seconds"),
    ],
)
def test_durations_are_in_seconds(tell: Callable[[Metrics, float], None], name: str) -> None:
    metrics = Metrics()
    tell(metrics, 0.25)
    got = samples(metrics)
    assert (got[f"{name}_count"], got[f"{name}_sum"]) == (1, 0.25)
    assert got[f'{name}_bucket{{le="0.5"}}'] == 1


def test_what_is_watched_is_read_when_asked() -> None:
    metrics, level, kinds = Metrics(), [1.0], {"a": 1.0}
    metrics.watch("placed_level", "A level.", lambda: level[0])
    metrics.watch_total("placed_kinds_total", "Some kinds.", lambda: kinds, "kind")
    assert samples(metrics)["placed_level"] == 1
    level[0], kinds["b"] = math.inf, 2
    got = samples(metrics)
    assert got["placed_level"] == math.inf
    assert (got['placed_kinds_total{kind="a"}'], got['placed_kinds_total{kind="b"}']) == (1, 2)


def test_two_servers_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.placed()
    assert samples(other)['placed_edit_requests_total{outcome="placed"}'] == 0


def test_nobody_is_told_when_a_counter_was_made() -> None:
    assert not [name for name in samples(Metrics()) if "_created" in name]


async def test_loop_that_is_kept_is_late(autojump_clock: trio.testing.MockClock) -> None:
    late: list[float] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_loop, late.append)
        await trio.sleep(2.5 * EVERY_SECONDS)
        autojump_clock.jump(2.0)  # like a task that computes for 2 s
        await trio.sleep(EVERY_SECONDS)
        nursery.cancel_scope.cancel()
    assert late[:2] == [0, 0]
    assert late[2] == pytest.approx(2.0 - 0.5 * EVERY_SECONDS)
    assert set(late[3:]) <= {0}
