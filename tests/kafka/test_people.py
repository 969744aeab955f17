"""People on a fleet: two servers of one topic know the same people within a second, whatever happens to one server."""

from __future__ import annotations

import contextlib
import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from placed.backends import LogCorrupt
from placed.backends.kafka.keyed import open_keyed_topic, people_place
from placed.backends.kafka.place import PLAIN, KafkaPlace
from placed.process.exit_codes import ExitCode
from tests.support.kafka_servers import shared_key, url_of
from tests.support.own_cluster import own_cluster
from tests.support.people import cookie_of, post_json, signed_in
from tests.support.placed_command import ran_placed
from tests.support.server_process import ROOT
from tests.support.serving import serving
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from bench.equipment.kafka.cluster import Cluster
    from tests.support.serving import Server

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

LIMIT_SECONDS = 120.0
AT_ONCE_SECONDS = 1.0  # as docs/people.md promises
WORD = "pinguin"


class Fleet:
    """Servers of one log.

    Args:
        folder: has a data folder for each server.
        log: the servers' log.
    """

    def __init__(self, folder: Path, log: str) -> None:
        self._folder = folder
        self._log = log
        self.key = shared_key(folder)

    def server(self, name: str, **more: Any) -> contextlib.AbstractAsyncContextManager[Server]:
        """Run one of the servers."""
        chosen = {"log": self._log, "author_key_file": self.key, "sign_in": "code", "join_code": WORD, **more}
        return serving("fast", self._folder / name, **chosen)

    async def people(self, name: str, *words: str, code: int = 0) -> str:
        """Run `placed people` in the data folder of one of the servers; return its output."""
        where = ["--data", str(self._folder / name / "data"), "--author-key-file", str(self.key), "--log", self._log]
        done = await ran_placed("people", *words, *where)
        assert done.code == code, done.err
        return done.out or done.err


@contextlib.asynccontextmanager
async def pair(folder: Path, kafka: Cluster, topic: str) -> AsyncIterator[tuple[Fleet, Server, Server]]:
    fleet = Fleet(folder, url_of(kafka, topic))
    async with fleet.server("a") as one, fleet.server("b") as other:
        yield fleet, one, other


async def me(server: Server, *who: tuple[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = (await server.request("GET", "/me", *who)).json()
    return told


async def soon(is_so: Callable[[], Awaitable[bool]]) -> float:
    """Wait until it is so; return how long it took."""
    began = trio.current_time()
    with trio.fail_after(PATIENCE_SECONDS):
        while not await is_so():  # noqa: ASYNC110 - another server causes it
            await trio.sleep(0.02)
    return trio.current_time() - began


async def is_called(server: Server, who: tuple[str, str], name: str) -> bool:
    """Whether the server has read the person from the topic (it can check a signed cookie without that)."""
    return bool((await me(server, who))["name"] == name)


async def is_signed_in(server: Server, who: tuple[str, str]) -> bool:
    return bool((await me(server, who))["signed_in"])


async def is_signed_out(server: Server, who: tuple[str, str]) -> bool:
    return not await is_signed_in(server, who)


async def has_roles(server: Server, who: tuple[str, str], *roles: str) -> bool:
    return bool((await me(server, who))["roles"] == list(roles))


async def has_reports(server: Server, moderator: tuple[str, str], *told: tuple[str, str]) -> bool:
    """Whether a moderator sees exactly these reports there: the text and the state of each, the newest first."""
    reports = (await server.request("GET", "/reports", moderator)).json()["reports"]
    return [(one["text"], one["state"]) for one in reports] == list(told)


async def has_read(server: Server, moderator: tuple[str, str], report_id: int) -> bool:
    """Whether the server knows a report that was made at another server."""
    reports = (await server.request("GET", "/reports", moderator)).json()["reports"]
    return report_id in {one["id"] for one in reports}


async def sign_out_everywhere(one: Server, other: Server, who: tuple[str, str]) -> float:
    """Sign a person out everywhere at one server; return how long the other server took to know.

    The quickest of several attempts counts, each with another person: a slow server is slow each time, but a busy
    machine only now and then.
    """
    took: list[float] = []
    while not took or (min(took) >= AT_ONCE_SECONDS and len(took) < 5):
        await soon(partial(is_signed_in, other, who))
        assert (await post_json(one, "/sign-out", {"everywhere": True}, who)).status == 200
        took.append(await soon(partial(is_signed_out, other, who)))
        assert await is_signed_out(one, who)
        who = await signed_in(one, join=WORD, name=f"Bob {len(took)}")
    return min(took)


async def test_two_servers_of_one_topic_know_the_same_people(kafka: Cluster, tmp_path: Path) -> None:
    async with pair(tmp_path, kafka, "people-known") as (fleet, one, other):
        # A person signs in at one server, and the other knows them.
        ada = await signed_in(one, join=WORD, name="Ada")
        await soon(partial(is_called, other, ada, "Ada"))
        # Two people take one name at both servers at once: one of them gets it, the same one everywhere.
        answers: list[int] = []

        async def join(server: Server, name: str) -> None:
            answer = await post_json(server, "/sign-in", {"join": WORD, "name": name})
            answers.append(answer.status)

        async with trio.open_nursery() as nursery:
            for number in range(10):
                for server in (one, other):
                    nursery.start_soon(join, server, f"Pupil {number}")
        assert sorted(answers) == [200] * 10 + [409] * 10
        # The command in a running server's folder: the change gets to the people's topic and all servers.
        await fleet.people("a", "role", "Ada", "moderator")
        await soon(partial(has_roles, one, ada, "person", "moderator"))
        await soon(partial(has_roles, other, ada, "person", "moderator"))
        listed = [json.loads(line) for line in (await fleet.people("b", "list", "--json")).splitlines()]
        assert sorted(each["name"] for each in listed) == ["Ada", *(f"Pupil {number}" for number in range(10))]
        # The command with only the flags for Kafka, on a machine without a server.
        bearer = ("Authorization", f"Bearer {(await fleet.people('c', 'token', 'gallery')).strip()}")
        for server in (one, other):
            await soon(partial(is_signed_in, server, bearer))
        assert await sign_out_everywhere(one, other, ada) < AT_ONCE_SECONDS
        # A person is forgotten at the other server.
        eve = await signed_in(one, join=WORD, name="Eve")
        await soon(partial(is_called, other, eve, "Eve"))
        made = await fleet.people("a", "token", "looks", "--role", "moderator")
        moderator = ("Authorization", f"Bearer {made.strip()}")
        for server in (one, other):
            await soon(partial(is_signed_in, server, moderator))
        # A report at one server is in the other's list, and a moderator's decision there applies at both.
        made_at = [(one, "by Eve", [eve]), (other, "by Eve", [eve]), (one, "by all", [])]
        for number, (server, text, who) in enumerate(made_at, 1):
            made = (await post_json(server, "/reports", {"x": 1, "y": 1, "text": text}, *who)).json()
            assert made["id"] == number
            await soon(partial(has_read, other if server is one else one, moderator, number))
        assert (await post_json(other, "/reports/1", {"state": "done"}, moderator)).status == 200
        for server in (one, other):
            told = (("by all", "new"), ("by Eve", "new"), ("by Eve", "done"))
            await soon(partial(has_reports, server, moderator, *told))
        assert json.loads(await fleet.people("b", "export", "Eve"))["reports"][0]["text"] == "by Eve"
        await fleet.people("b", "forget", "Eve")
        for server in (one, other):
            await soon(partial(is_signed_out, server, eve))
            await soon(partial(has_reports, server, moderator, ("by all", "new")))
        again = await post_json(one, "/sign-in", {"join": WORD, "name": "Eve"})
        assert (again.status, (await me(one, cookie_of(again)))["name"]) == (200, "Eve")


async def test_command_without_the_log_s_name_changes_nothing(kafka: Cluster, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, url_of(kafka, "people-unnamed"))
    async with fleet.server("a"):
        pass
    command = [sys.executable, "-m", "placed", "people", "host-link", "--author-key-file", str(fleet.key)]
    done = await trio.run_process(
        [*command, "--data", str(tmp_path / "a" / "data")], cwd=ROOT, capture_stderr=True, check=False
    )
    assert done.returncode == ExitCode.UNUSABLE
    assert b"--log kafka://" in done.stderr


async def test_server_that_was_away_catches_up_and_a_new_one_has_them_too(kafka: Cluster, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, url_of(kafka, "people-away"))
    async with fleet.server("a") as one:
        async with fleet.server("b") as other:
            ada = await signed_in(other, join=WORD, name="Ada")
        bob = await signed_in(one, join=WORD, name="Bob")
        assert (await post_json(one, "/sign-out", {"everywhere": True}, ada)).status == 200
        for name in ("b", "c"):
            async with fleet.server(name) as server:
                assert await is_signed_out(server, ada)
                assert (await me(server, bob))["name"] == "Bob"


async def test_broker_that_restarts_refuses_changes_meanwhile_and_loses_nobody(tmp_path: Path) -> None:
    with own_cluster(tmp_path / "kafka") as cluster:
        async with pair(tmp_path, cluster, "people-restart") as (_, one, other):
            ada = await signed_in(one, join=WORD, name="Ada")
            await soon(partial(is_called, other, ada, "Ada"))
            await trio.to_thread.run_sync(cluster.brokers[0].kill)
            with trio.fail_after(LIMIT_SECONDS):
                while (await post_json(one, "/sign-in", {"join": WORD, "name": "Bob"})).status == 200:
                    pass  # until the server has noticed
                answer = await post_json(one, "/sign-in", {"join": WORD, "name": "Bob"})
            assert (answer.status, answer.json()["code"]) == (503, "people-unavailable")
            assert await is_signed_in(other, ada)
            await trio.to_thread.run_sync(cluster.brokers[0].start)
            with trio.fail_after(LIMIT_SECONDS):
                while (answer := await post_json(one, "/sign-in", {"join": WORD, "name": "Eve"})).status == 503:  # noqa: ASYNC110
                    await trio.sleep(0.1)
            assert answer.status == 200
            await soon(partial(is_called, other, cookie_of(answer), "Eve"))


async def test_topic_is_made_compacted_and_another_one_is_refused(kafka: Cluster) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.addresses())
    try:
        made = people_place(KafkaPlace.parse(url_of(kafka, "people-made")))
        async with open_keyed_topic(made, security=PLAIN, replication=1) as topic:
            assert topic.cautions == ()
        described = admin.describe_configs([ConfigResource("TOPIC", made.topic)], config_filter="all")
        configs = {name: each["value"] for name, each in described["topic"][made.topic].items()}
        assert configs["cleanup.policy"] == "compact"
        assert (configs["segment.ms"], configs["max.compaction.lag.ms"]) == ("3600000", "86400000")
        wrong = {
            "people-deleting": {"num_partitions": 1, "replication_factor": 1, "configs": {"cleanup.policy": "delete"}},
            "people-parted": {"num_partitions": 3, "replication_factor": 1, "configs": {"cleanup.policy": "compact"}},
        }
        admin.create_topics(wrong)
    finally:
        admin.close()
    for name, why in (("people-deleting", "cleanup.policy is 'delete'"), ("people-parted", "3 partitions")):
        with pytest.raises(LogCorrupt, match=why):
            async with open_keyed_topic(KafkaPlace.parse(url_of(kafka, name)), security=PLAIN, replication=1):
                pass
