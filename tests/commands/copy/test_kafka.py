"""With a real broker: a log goes to a topic and back, and servers serve it from either place."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from placed.people.changes import AddCodes, Name, SetName, SetRoles, SignIn, SignOutEverywhere, UseCode
from placed.people.store import open_people
from placed.process.exit_codes import ExitCode
from tests.commands.conftest import records_in
from tests.commands.copy.test_copy import make_log
from tests.people.conftest import KEY, NOW_MS
from tests.people.test_following import everything
from tests.support.http_connection import connect, get, place
from tests.support.kafka_servers import records_of, url_of
from tests.support.placed_command import run_placed, started_placed
from tests.support.server_process import running

if TYPE_CHECKING:
    from pathlib import Path

    from bench.equipment.kafka.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

LIMIT_SECONDS = 120.0


async def _copy(data: Path, to: str, *words: str) -> tuple[int, str, str]:
    return await trio.to_thread.run_sync(partial(run_placed, "copy", "--data", data, "--to", to, *words))


def _admin(kafka: Cluster) -> Any:
    return KafkaAdminClient(bootstrap_servers=kafka.addresses())


def _dated_by(kafka: Cluster, topic: str) -> str:
    admin = _admin(kafka)
    try:
        described = admin.describe_configs([ConfigResource("TOPIC", topic)], config_filter="all")
        return str(described["topic"][topic]["message.timestamp.type"]["value"])
    finally:
        admin.close()


async def test_a_log_goes_to_a_topic_another_and_back_with_its_offsets_times_and_authors(
    kafka: Cluster, tmp_path: Path
) -> None:
    await make_log(tmp_path / "data", 2000)
    people = await _with_people(tmp_path / "data")
    log = url_of(kafka, "copied")
    code, out, err = await _copy(tmp_path / "data", log)
    assert (code, err) == (0, "")
    assert "2,001 records are in kafka://" in out
    assert _dated_by(kafka, "copied") == "LogAppendTime"
    code, out, err = await _copy(tmp_path / "nowhere", url_of(kafka, "copied-again"), "--log", log)
    assert (code, err) == (0, "")
    again = url_of(kafka, "copied-again")
    code, out, err = await _copy(tmp_path / "nowhere", f"lmdb:{tmp_path / 'back' / 'log'}", "--log", again)
    assert (code, err) == (0, "")
    assert await trio.to_thread.run_sync(records_in, tmp_path / "back") == await trio.to_thread.run_sync(
        records_in, tmp_path / "data"
    )
    assert "the people are in the topic" in (await _copy(tmp_path / "data", url_of(kafka, "copied-2")))[1]
    assert f"the people are in {tmp_path / 'back' / 'people'}" in out
    async with open_people(tmp_path / "back" / "people", KEY) as store:
        assert everything(store) == people


async def _with_people(data: Path) -> dict[str, Any]:
    """Put people into a data folder; return what is known of them."""
    async with open_people(data / "people", KEY) as store:
        for number in range(300):
            await store.change(SignIn(f"join:{number}", NOW_MS, Name(f"P {number}", f"p{number}")))
        ada = store.author_of("join:7")
        await store.change(SetName(ada, Name("Ada", "ada")))
        await store.change(SetName(ada, Name("ADA", "ada")))
        await store.change(SetRoles(ada, frozenset({"person", "host"})))
        await store.change(AddCodes({"7kq2-001": b"c" * 16}, NOW_MS))
        await store.change(UseCode(b"c" * 16, NOW_MS))
        await store.change(SignOutEverywhere(ada, NOW_MS))
        return everything(store)


async def test_servers_go_on_where_the_copied_log_ended(kafka: Cluster, tmp_path: Path) -> None:
    async with running(tmp_path / "one") as server, connect(server.port) as painter:
        for x in range(5):
            assert (await place(painter, x, 2, 3)).status == 200
        await server.stop()
    log = url_of(kafka, "moved")
    assert (await _copy(tmp_path / "one", log))[0] == 0
    key = ("--author-key-file", str(tmp_path / "one" / "author.key"))
    before_ms = time.time() * 1000
    async with running(tmp_path / "two", "--log", log, *key) as server, connect(server.port) as painter:
        told = (await get(server.port, "/info")).json()
        assert told["version"] == 6
        answer = await place(painter, 9, 9, 1)
        assert (answer.status, answer.json()["v"]) == (200, 7)
        await server.stop()
    found = await records_of(log)
    assert len(found) == 7
    code, _, _ = await _copy(tmp_path / "two", f"lmdb:{tmp_path / 'back' / 'log'}", "--log", log)
    assert code == 0
    times = [time_ms for time_ms, _ in await trio.to_thread.run_sync(records_in, tmp_path / "back")]
    assert times[5] < before_ms - 1 <= times[6] + 1000


async def test_a_topic_with_records_is_left_as_it_is(kafka: Cluster, tmp_path: Path) -> None:
    await make_log(tmp_path / "data", 20)
    log = url_of(kafka, "taken")
    assert (await _copy(tmp_path / "data", log))[0] == 0
    code, _, err = await _copy(tmp_path / "data", log)
    assert code == ExitCode.UNUSABLE
    assert "the topic has records, up to offset 21" in err
    assert len(await records_of(log)) == 21


def test_ended_in_the_middle_the_topic_is_gone(kafka: Cluster, tmp_path: Path) -> None:
    trio.run(make_log, tmp_path / "data", 20_000)
    log = url_of(kafka, "broken")
    admin = _admin(kafka)
    deadline = time.monotonic() + LIMIT_SECONDS
    try:
        with started_placed("copy", "--data", tmp_path / "data", "--to", log) as command:
            while "broken" not in admin.list_topics():
                assert command.process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            command.process.send_signal(signal.SIGTERM)
            code, out, _ = command.end(60)
        assert (code, out) == (ExitCode.INTERRUPTED, "")
        while "broken" in admin.list_topics():  # a broker deletes a topic a moment after its answer
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        admin.close()
