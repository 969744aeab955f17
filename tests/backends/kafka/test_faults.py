"""Brokers that stop, hang, die and come back: the log's errors meanwhile, and that it goes on without a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from placed.backends import LogUnavailable, OutcomeUnknown
from placed.backends.kafka.log import APPEND_SECONDS, KafkaLog, open_kafka_log
from placed.backends.kafka.place import KafkaPlace
from tests.backends.kafka.test_log import kafka_threads
from tests.backends.logs import LIMIT_SECONDS, WHOLE_SECONDS, append_all, read
from tests.support.kafka_servers import answering, opened_log
from tests.support.own_cluster import mended, own_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.equipment.kafka.cluster import Cluster

pytestmark = pytest.mark.kafka

BACK_SECONDS = 3.0  # edits must flow again so soon after a broker answers others, even on a busy machine


@pytest.fixture(scope="module")
def one_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A broker for all tests here."""
    with own_cluster(tmp_path_factory.mktemp("harmed")) as cluster:
        yield cluster


@pytest.fixture
def harmed(one_broker: Cluster) -> Iterator[Cluster]:
    """One broker, for a test that harms it."""
    with mended(one_broker):
        yield one_broker


@pytest.fixture
def place(harmed: Cluster, request: pytest.FixtureRequest) -> KafkaPlace:
    """A topic that doesn't exist yet."""
    return KafkaPlace((harmed.addresses(),), "".join(c if c.isalnum() else "-" for c in request.node.name)[:200])


async def check_refused_at_once(log: KafkaLog) -> None:
    """Check that the log knows of the outage: an append fails without waiting, even for another task's turn."""
    with trio.fail_after(0):
        with pytest.raises(LogUnavailable) as raised:
            await log.append(b"refused")
        assert not isinstance(raised.value, OutcomeUnknown)
        with pytest.raises(LogUnavailable):
            await log.bounds()
        with pytest.raises(LogUnavailable):
            async with log.read(0):
                pass


async def check_back(log: KafkaLog, harmed: Cluster, place: KafkaPlace, before: list[bytes]) -> None:
    """Check that all is as before soon after the broker is back; the records in `before` were acknowledged."""
    await answering(harmed, place.topic)
    with trio.fail_after(BACK_SECONDS):
        await log.wait_until(reachable=True)
        offset = await log.append(b"after")
    found = await read(log, 0, len(before) + 1)
    assert [value for value in found.values if value in before] == before
    assert found.values[found.offsets.index(offset)] == b"after"


async def test_a_broker_that_is_stopped_and_started_again(harmed: Cluster, place: KafkaPlace) -> None:
    (broker,) = harmed.brokers
    with trio.fail_after(WHOLE_SECONDS):
        async with opened_log(place) as log:
            await append_all(log, [b"one", b"two"])
            async with log.read(2) as batches:
                await trio.to_thread.run_sync(broker.stop)
                with pytest.raises(LogUnavailable):
                    await batches.receive()
            await log.wait_until(reachable=False)
            await check_refused_at_once(log)
            await trio.to_thread.run_sync(broker.start)
            await check_back(log, harmed, place, [b"one", b"two"])


async def test_a_broker_that_hangs_fails_appends_within_seconds(harmed: Cluster, place: KafkaPlace) -> None:
    (broker,) = harmed.brokers
    outcomes: list[type[Exception]] = []

    async def append() -> None:
        with pytest.raises(LogUnavailable) as raised:
            await log.append(b"in flight")
        outcomes.append(type(raised.value))

    with trio.fail_after(WHOLE_SECONDS):
        async with opened_log(place) as log:
            await append_all(log, [b"one", b"two"])
            broker.halt()
            try:
                with trio.fail_after(APPEND_SECONDS + 1):
                    async with trio.open_nursery() as nursery:
                        for _ in range(200):
                            nursery.start_soon(append)
                assert set(outcomes) == {OutcomeUnknown, LogUnavailable}
                await log.wait_until(reachable=False)
                await check_refused_at_once(log)
            finally:
                broker.resume()
            await check_back(log, harmed, place, [b"one", b"two"])


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "amid appends"])
async def test_closing_leaves_no_thread_when_the_broker_hangs(harmed: Cluster, place: KafkaPlace, busy: bool) -> None:
    (broker,) = harmed.brokers

    async def append(log: KafkaLog) -> None:
        with pytest.raises(OutcomeUnknown):
            await log.append(b"in flight")

    with trio.fail_after(WHOLE_SECONDS):
        async with trio.open_nursery() as nursery, opened_log(place) as log, log.read(0):
            broker.halt()
            if busy:
                nursery.start_soon(append, log)
                await trio.testing.wait_all_tasks_blocked()
            closing = trio.current_time()
    assert trio.current_time() - closing < 6
    assert not kafka_threads()


async def test_closing_leaves_no_thread_when_the_broker_is_dead(harmed: Cluster, place: KafkaPlace) -> None:
    (broker,) = harmed.brokers
    with trio.fail_after(WHOLE_SECONDS):
        async with opened_log(place) as log:
            await append_all(log, [b"one"])
            await trio.to_thread.run_sync(broker.kill)
            closing = trio.current_time()
    assert trio.current_time() - closing < 4
    assert not kafka_threads()
    with trio.fail_after(LIMIT_SECONDS), pytest.raises(LogUnavailable):
        async with open_kafka_log(place):
            pass
    assert not kafka_threads()
