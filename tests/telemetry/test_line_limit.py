"""The limit of log lines: few of each kind, and a count of the others."""

from __future__ import annotations

import io
import json
import logging
import threading
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from placed.telemetry.left_out_lines import EVERY_SECONDS, tell_left_out_lines
from placed.telemetry.line_limit import BURST, LEFT_OUT, PER_SECOND, LineLimit
from placed.telemetry.structured_logs import configure, get_logger, in_request, request_id_here, tell_left_out

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The stream that gets the lines, as JSON; the root logger is restored afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    written = io.StringIO()
    configure("debug", "json", written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Clock:
    """A clock that stands still until the test moves it."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def record(event: str, *, level: int = logging.INFO, number: int = 0) -> logging.LogRecord:
    """A record of ours, with a different value each time."""
    return logging.LogRecord("placed.test", level, "test.py", 1, {"event": event, "number": number}, None, None)


def allowed(limit: LineLimit, count: int, event: str = "a flood") -> int:
    return sum(limit.filter(record(event, number=number)) for number in range(count))


def test_as_many_as_a_burst_pass_at_once_and_then_one_a_second() -> None:
    clock = Clock()
    limit = LineLimit(clock)
    assert allowed(limit, 1_000) == BURST
    clock.now += 1 / PER_SECOND
    assert allowed(limit, 1_000) == 1
    clock.now += 0.5 / PER_SECOND
    assert allowed(limit, 1_000) == 0
    clock.now += 3_600
    assert allowed(limit, 1_000) == BURST


def test_kinds_do_not_hide_each_other() -> None:
    limit = LineLimit(Clock())
    assert allowed(limit, 100, "one") == allowed(limit, 100, "another") == BURST


def test_those_left_out_are_counted_once() -> None:
    limit = LineLimit(Clock())
    allowed(limit, BURST, "few")
    allowed(limit, BURST + 7, "many")
    assert limit.take_left_out() == {"placed.test, many": 7}
    assert limit.take_left_out() == {}


def test_debug_lines_have_no_limit() -> None:
    limit = LineLimit(Clock())
    assert all(limit.filter(record("asked for", level=logging.DEBUG)) for _ in range(1_000))


def test_lines_of_a_library_are_of_one_kind_whatever_they_say(stream: io.StringIO) -> None:
    for number in range(200):
        logging.getLogger("hypercorn.error").warning(f"client {number} said this")  # noqa: G004 - as libraries do
    assert BURST <= len(lines(stream)) < BURST + 10


@pytest.mark.parametrize("log", ["info", "warning", "error"])
def test_flood_ends_in_a_line_that_says_how_many_were_left_out(stream: io.StringIO, log: str) -> None:
    for number in range(500):
        getattr(get_logger("placed.test"), log)("a flood", number=number)
    tell_left_out()
    tell_left_out()
    *flood, last = lines(stream)
    assert {line["event"] for line in flood} == {"a flood"}
    assert BURST <= len(flood) < BURST + 10
    assert (last["event"], last["kind"], last["lines"]) == (LEFT_OUT, "placed.test, a flood", 500 - len(flood))


def test_said_how_many_of_each_of_many_kinds(stream: io.StringIO) -> None:
    for kind in range(3 * BURST):
        for _ in range(5 * BURST):
            get_logger(f"placed.test{kind}").info("a flood")
    tell_left_out()
    assert len([line for line in lines(stream) if line["event"] == LEFT_OUT]) == 3 * BURST


async def test_flood_is_told_while_it_goes_on_and_at_the_end(
    stream: io.StringIO, autojump_clock: trio.testing.MockClock
) -> None:
    def flood() -> None:
        for _ in range(100):
            get_logger("placed.test").info("a flood")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tell_left_out_lines)
        flood()
        await trio.sleep(EVERY_SECONDS + 1)
        told = [line["event"] for line in lines(stream)].count(LEFT_OUT)
        flood()
        nursery.cancel_scope.cancel()
    left_out = [line for line in lines(stream) if line["event"] == LEFT_OUT]
    assert (told, len(left_out)) == (1, 2)
    written = len(lines(stream)) - 2
    assert sum(int(str(line["lines"])) for line in left_out) == 200 - written


def test_threads_share_the_limit() -> None:
    limit, passed = LineLimit(Clock()), []
    threads = [threading.Thread(target=lambda: passed.append(allowed(limit, 500))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sum(passed) == BURST
    assert limit.take_left_out() == {"placed.test, a flood": 4 * 500 - BURST}


def test_lines_of_a_request_have_its_id_whoever_writes_them(stream: io.StringIO) -> None:
    with in_request("one"):
        assert request_id_here() == "one"
        get_logger("placed.test").info("ours")
        logging.getLogger("quart").warning("theirs")
    get_logger("placed.test").info("after")
    assert request_id_here() is None
    assert [(line["event"], line.get("request_id")) for line in lines(stream)] == [
        ("ours", "one"),
        ("theirs", "one"),
        ("after", None),
    ]
