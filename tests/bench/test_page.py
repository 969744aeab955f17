"""The figures that the bench `page` gets from Chromium's traces."""

from __future__ import annotations

from typing import Any

import pytest

from bench.page import analyse, outermost

PAGE, OTHER = (7, 1), (8, 1)


def task(name: str, begin: int, length: int, cpu: int, thread: tuple[int, int] = PAGE) -> dict[str, Any]:
    """A complete event; times in us."""
    return {"ph": "X", "name": name, "ts": begin, "dur": length, "tdur": cpu, "pid": thread[0], "tid": thread[1]}


def frame(at: int, thread: tuple[int, int] = PAGE) -> dict[str, Any]:
    """A presented frame, as the compositor of the page's process reports it."""
    return {"ph": "I", "name": "DrawFrame", "ts": at, "pid": thread[0], "tid": 2}


def named(thread: tuple[int, int], name: str) -> dict[str, Any]:
    """The event that names a thread."""
    return {"ph": "M", "name": "thread_name", "ts": 0, "pid": thread[0], "tid": thread[1], "args": {"name": name}}


RUN = "ThreadControllerImpl::RunTask"


def test_time_is_counted_once_however_deep_the_events_lie() -> None:
    events = [task("a", 5, 2, 1), task("b", 0, 10, 9), task("a", 20, 5, 4), task("c", 21, 1, 1)]
    assert [event["ts"] for event in outermost(events, {"a", "b"})] == [0, 20]


def test_a_trace_is_told_as_frames_and_the_main_threads_time_by_kind() -> None:
    events = [
        named(PAGE, "CrRendererMain"),
        named(OTHER, "CrRendererMain"),
        task(RUN, 0, 10_000, 8_000),
        task("FunctionCall", 1_000, 2_000, 1_500),
        task(RUN, 20_000, 10_000, 6_000),
        task("ProxyMain::BeginMainFrame", 20_000, 9_000, 5_000),
        task("FireAnimationFrame", 21_000, 2_000, 1_000),
        task("FunctionCall", 21_500, 1_000, 900),
        task(RUN, 0, 90_000, 90_000, OTHER),
        *(frame(at) for at in (0, 16_000, 32_000, 80_000)),
        frame(5_000, OTHER),
    ]
    traced = analyse(events, 0.5)
    assert traced.frames == 4
    assert traced.interval_ms == 48
    assert traced.main_ms == pytest.approx(28)
    assert traced.main_wall_ms == pytest.approx(40)
    assert traced.script_ms == pytest.approx(5)
    assert traced.drawing_ms == pytest.approx(8)
    assert traced.frame_ms == pytest.approx(3.5)


def test_a_trace_of_nothing_is_nothing() -> None:
    assert analyse([], 1.0).frames == 0
