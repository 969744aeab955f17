"""`kafka`: what a server costs when its log is a Kafka topic on a real broker; starts a broker if none is given.

It measures four things. First, edits applied from a topic of packed records, as at a start: old edits, older than the
cooldown, and edits of just now, each of which counts for its author's cooldown. Second, the same topic read with only
kafka-python, and with only confluent-kafka (librdkafka, in C), from the first record to the last. Third, one edit at a
time, from POST on one server to another server's stream. Fourth, a start with a snapshot and many records to catch up
on.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import subprocess
import sys
import tempfile
import uuid
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
import trio

from bench.equipment.http_client import connection
from bench.equipment.http_connection import UnexpectedAnswer
from bench.equipment.measure import Spent, as_json, median_spent, quantiles, reading
from bench.equipment.report import Figure, Report, Target, json_option, progress_bar
from bench.equipment.server_process import ROOT, running_server, serving
from bench.latency import Watcher
from bench.logs.edit_logs import CANVAS, fill
from placed.backends import LogUnavailable
from placed.backends.kafka.log import open_kafka_log
from placed.backends.kafka.place import KafkaPlace
from placed.canvas.clock import steady_clock_ms
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.projection import Projection
from placed.tasks.recovery import FEED_RECORDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from bench.equipment.server_process import ServerProcess
    from placed.backends import Log

_READY_SECONDS: Final = 120.0
_READ_SECONDS: Final = 300.0  # for one pass over the topic, with all its retries
_AGAIN_SECONDS: Final = 1.0
_EDIT_SECONDS: Final = 30.0
_HOUR_MS: Final = 3_600_000
_FETCH_BYTES: Final = 4 << 20  # as much as placed's own consumer fetches at once
_CONFLUENT_MESSAGES: Final = 500


@attrs.define
class _Outcome:
    """The measured values: time that this process spent, in ms; for starts, in s."""

    applied: list[Spent] = attrs.field(factory=list)
    applied_fresh: list[Spent] = attrs.field(factory=list)
    kafka_python: list[Spent] = attrs.field(factory=list)
    confluent: list[Spent] = attrs.field(factory=list)
    seen_ms: list[list[float]] = attrs.field(factory=list)
    answered_ms: list[list[float]] = attrs.field(factory=list)
    starts: list[float] = attrs.field(factory=list)


@click.command()
@click.option("--brokers", help="HOST:PORT[,HOST:PORT] of a running cluster; otherwise the bench starts a broker.")
@click.option(
    "--edits", default=5_000_000, show_default=True, type=click.IntRange(1), help="Edits in records of 1,000."
)
@click.option("--records", default=100_000, show_default=True, type=click.IntRange(1), help="Records to catch up on.")
@click.option(
    "--posts", default=300, show_default=True, type=click.IntRange(2, 100_000), help="Edits posted in each run."
)
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100))
@json_option
def kafka(brokers: str | None, edits: int, records: int, posts: int, runs: int, json_path: Path | None) -> None:
    """Servers that share a Kafka topic: reading it, catching up, and sending an edit from one server to the other."""
    outcome = trio.run(_measure, brokers, edits, records, posts, runs)
    options = {"brokers": brokers, "edits": edits, "records": records, "posts": posts, "runs": runs}
    notes = [] if outcome.confluent else ["confluent-kafka isn't installed, and wasn't compared"]
    Report(
        bench="kafka", figures=_figures(outcome, edits), options=options, details=_details(outcome), notes=notes
    ).publish(json_path)


async def _measure(brokers: str | None, edits: int, records: int, posts: int, runs: int) -> _Outcome:
    outcome = _Outcome()
    async with contextlib.AsyncExitStack() as stack:
        bar = stack.enter_context(progress_bar(""))
        task = bar.add_task("broker", total=3)
        if brokers is None:
            brokers = await stack.enter_async_context(_own_broker())
        packed, single, pair = (
            KafkaPlace(tuple(brokers.split(",")), f"bench-{uuid.uuid4().hex[:12]}-{name}")
            for name in ("packed", "single", "pair")
        )
        bar.update(task, description="filling a topic with packed records")
        await _fill(packed, edits, 1_000)
        bar.update(task, description="reading", total=4 * runs)
        await _read(outcome, packed, runs, lambda: bar.advance(task))
        bar.update(task, description="edits from server to server", total=runs, completed=0)
        await _edit_pair(outcome, pair, posts, runs, lambda: bar.advance(task))
        bar.update(task, description="starts", total=runs, completed=0)
        await _start(outcome, single, records, runs, lambda: bar.advance(task))
    return outcome


@contextlib.asynccontextmanager
async def _own_broker() -> AsyncGenerator[str]:
    """Start a broker in a process of its own, and end it at the end; yields its address."""
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "bench.equipment.kafka"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        said = b""
        with trio.fail_after(_READY_SECONDS):
            while not said.endswith(b"\n"):
                data = await process.stdout.receive_some()
                if not data:
                    raise click.ClickException("the broker didn't start; `python -m bench.equipment.kafka` says why")
                said += data
        yield said.decode().strip().removeprefix("kafka://").partition("/")[0]
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _EDIT_SECONDS):
            process.terminate()
            await process.wait()
            assert process.stdout is not None
            await process.stdout.aclose()


async def _fill(place: KafkaPlace, edits: int, record_edits: int) -> None:
    async with open_kafka_log(place) as log:
        await fill(log, edits=edits, record_edits=record_edits, advance=lambda count: None)


async def _read(outcome: _Outcome, place: KafkaPlace, runs: int, advance: Callable[[], None]) -> None:
    """Run each reader once, in turn, so that other work on the machine affects all of them alike."""
    async with open_kafka_log(place) as log:
        _, end = await log.bounds()
        for _ in range(runs):
            for spent, age_ms in ((outcome.applied, _HOUR_MS), (outcome.applied_fresh, 0)):
                spent.append(await _spent_by(partial(_apply, log, end, age_ms)))
                advance()
            outcome.kafka_python.append(await _spent_by(lambda: _read_only(log, end)))
            advance()
            with contextlib.suppress(ImportError):
                outcome.confluent.append(await _spent_by(lambda: _read_confluent(place, end)))
            advance()


async def _spent_by(part: Callable[[], Any]) -> Spent:
    """The time that a pass takes. On a busy machine the broker may be away for a moment; then the pass starts again."""
    with trio.fail_after(_READ_SECONDS):
        while True:
            begin = reading()
            with contextlib.suppress(LogUnavailable):
                await part()
                return reading() - begin
            await trio.sleep(_AGAIN_SECONDS)


async def _apply(log: Log, end: int, age_ms: int) -> None:
    """Apply records as a start does, as if they were `age_ms` older than they are."""
    projection = Projection(CANVAS, 0, Cooldowns(Rule(10, 1_000)))
    async with log.read(0) as batches:
        async for batch in batches:
            in_feed = batch.next_offset > end - FEED_RECORDS
            projection.apply(batch, steady_clock_ms() + age_ms, feed=in_feed)
            if batch.next_offset >= end:
                return


async def _read_only(log: Log, end: int) -> None:
    async with log.read(0) as batches:
        async for batch in batches:
            if batch.next_offset >= end:
                return


async def _read_confluent(place: KafkaPlace, end: int) -> None:
    import confluent_kafka

    def consume() -> None:
        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": ",".join(place.brokers),
                "group.id": "bench",
                "enable.auto.commit": False,
                "fetch.message.max.bytes": _FETCH_BYTES,
                "check.crcs": True,  # as kafka-python does
            }
        )
        consumer.assign([confluent_kafka.TopicPartition(place.topic, 0, 0)])
        try:
            reached = 0
            while reached < end:
                messages = consumer.consume(_CONFLUENT_MESSAGES, timeout=5.0)
                if not messages:
                    raise click.ClickException(f"confluent-kafka stopped at offset {reached} of {end}")
                # The parts of a record that placed uses.
                taken = [(message.offset(), message.timestamp()[1], message.value()) for message in messages]
                reached = (taken[-1][0] or 0) + 1
        finally:
            consumer.close()

    await trio.to_thread.run_sync(consume)


async def _edit_pair(outcome: _Outcome, place: KafkaPlace, posts: int, runs: int, advance: Callable[[], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        async with (
            running_server(serving(Path(folder, "a"), "--log", str(place))) as one,
            running_server(serving(Path(folder, "b"), "--log", str(place))) as other,
        ):
            await _edit_run(_Outcome(), one, other, min(posts, 50))  # warms up
            for _ in range(runs):
                await _edit_run(outcome, one, other, posts)
                advance()


async def _edit_run(outcome: _Outcome, one: ServerProcess, other: ServerProcess, posts: int) -> None:
    seen, answered = list[float](), list[float]()
    watcher = Watcher()
    async with (
        connection(one.host, one.port) as poster,
        connection(other.host, other.port) as stream,
        trio.open_nursery() as nursery,
    ):
        version = (await poster.request("GET", "/info")).json()["version"]
        nursery.start_soon(watcher.follow, stream, version)
        for _ in range(posts):
            await trio.sleep(0.003)
            x, y = random.randrange(CANVAS.width), random.randrange(CANVAS.height)
            with trio.fail_after(_EDIT_SECONDS):
                began = perf_counter()
                answer = await poster.request("POST", f"/edit?x={x}&y={y}&color=3")
                answered.append((perf_counter() - began) * 1000)
                if answer.status != 200:
                    raise UnexpectedAnswer(f"POST /edit answered {answer.status} {answer.body!r}")
                seen.append((await watcher.reached(answer.json()["v"]) - began) * 1000)
        nursery.cancel_scope.cancel()
    outcome.seen_ms.append(seen)
    outcome.answered_ms.append(answered)


async def _start(outcome: _Outcome, place: KafkaPlace, records: int, runs: int, advance: Callable[[], None]) -> None:
    """From exec to an open port; each start has the same snapshot, and the same records after it."""
    with tempfile.TemporaryDirectory(prefix="placed-bench-") as folder:
        async with running_server(serving(Path(folder, "kept"), "--log", str(place))):
            pass
        await _fill(place, records, 1)
        for number in itertools.count():
            data = Path(folder, str(number))
            await trio.run_process(["cp", "-r", str(Path(folder, "kept")), str(data)])
            begin = perf_counter()
            async with running_server(serving(data, "--log", str(place))) as server:
                seconds = perf_counter() - begin
                async with connection(server.host, server.port) as link:
                    version = (await link.request("GET", "/info")).json()["version"]
                if version < records:
                    raise UnexpectedAnswer(f"the server is at version {version} after {records} records")
            if number:  # the first one may have compiled a module
                outcome.starts.append(seconds)
                advance()
            if number == runs:
                return


def _figures(outcome: _Outcome, edits: int) -> list[Figure]:
    applied = median_spent(outcome.applied)
    python = median_spent(outcome.kafka_python)
    figures = [
        Figure("edits applied from packed records, per second", edits / applied.wall, "", Target(1e6, at_least=True)),
        Figure("edits applied, per second of CPU", edits / applied.cpu, ""),
        Figure("edits of just now applied, per second", edits / median_spent(outcome.applied_fresh).wall, ""),
        Figure("CPU to read and apply 1,000 edits", applied.cpu / edits * 1e9, "us"),
        Figure("of it: kafka-python", python.cpu / edits * 1e9, "us"),
    ]
    if outcome.confluent:
        confluent = median_spent(outcome.confluent)
        figures += [
            Figure("confluent-kafka instead", confluent.cpu / edits * 1e9, "us"),
            Figure("kafka-python's CPU beside confluent-kafka's", python.cpu / confluent.cpu, "x"),
        ]
    seen = [quantiles(run) for run in outcome.seen_ms]
    answered = [quantiles(run) for run in outcome.answered_ms]
    for key, target in (("p50", Target(15.0)), ("p99", Target(60.0))):
        figures.append(
            Figure(f"POST to seen on the other server's stream, {key}", median(run[key] for run in seen), "ms", target)
        )
    figures += [
        Figure(f"POST to durable answer, {key}", median(run[key] for run in answered), "ms") for key in ("p50", "p99")
    ]
    figures.append(Figure("start with a snapshot and records to catch up on", median(outcome.starts), "s", Target(3.0)))
    return figures


def _details(outcome: _Outcome) -> dict[str, Any]:
    return {
        "applied": as_json(outcome.applied),
        "applied_fresh": as_json(outcome.applied_fresh),
        "kafka_python": as_json(outcome.kafka_python),
        "confluent": as_json(outcome.confluent),
        "seen_ms": [quantiles(run) for run in outcome.seen_ms],
        "answered_ms": [quantiles(run) for run in outcome.answered_ms],
        "starts": outcome.starts,
    }
