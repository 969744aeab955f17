"""Several servers' people in one topic: all have the same, whichever is first, whatever was dropped or missed."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placed.canvas.author import author_of_person
from placed.people.changes import (
    AddCodes,
    AddHostLink,
    AddToken,
    Forget,
    Name,
    Refused,
    RevokeCode,
    RevokeToken,
    Seen,
    SetName,
    SetRoles,
    SignIn,
    SignOutEverywhere,
    UseCode,
    UseHostLink,
)
from placed.people.records import author_key
from placed.people.report_changes import AddReport, SetReportState
from placed.people.store import open_people
from placed.people.taking_over import unfollowed
from placed.people.view import COUNTED
from placed.storage.lmdb_environment import StoreUnavailable
from tests.people.conftest import ADA, BOB, CODE, KEY, NOW_MS, OTHER, REPORT, pair
from tests.support.keyed_topic import MemoryTopic, server_of
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from placed.people.changes import Change
    from placed.people.store import PeopleStore

LIMIT_SECONDS = 60.0


def everything(store: PeopleStore) -> dict[str, Any]:
    """Everything that a store knows, except its own state."""
    head = attrs.asdict(store.head)
    counts = {name: head[name] for name in (*COUNTED.values(), "roles", "topic")}
    return {
        "people": store.people(limit=10_000),
        "codes": store.codes(limit=10_000),
        "links": store.host_links(),
        "tokens": dict(store.tokens),
        "roles": dict(store.roles),
        "revoked": dict(store.revoked),
        "counts": counts,
        "reports": [store.reports_by(author) for author in (ADA, BOB)],
        "names": {name: store.named(name) for name in ("ada", "bob", "eve")},
    }


async def equal(topic: MemoryTopic, *stores: PeopleStore) -> None:
    """Wait until all stores have read everything, and check that they know the same."""
    await until(lambda: all(store.head.offset == topic.next for store in stores))
    await trio.testing.wait_all_tasks_blocked(0.02)
    first, *others = [everything(store) for store in stores]
    assert others == [first] * len(others)


def _has_not(file: Path, text: bytes) -> bool:
    return text not in file.read_bytes()


def _aside(folder: Path) -> list[Path]:
    return list(folder.glob("people.aside-*"))


async def refused(store: PeopleStore, change: Change) -> str:
    with pytest.raises(Refused) as error:
        await store.change(change)
    return error.value.reason


async def test_what_one_server_changes_is_known_at_the_other(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        await one.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
        await one.change(SetRoles(ADA, frozenset({"person", "host"})))
        await one.change(AddToken(CODE, "tk1", Name("Bot", "bot"), frozenset({"bot"}), NOW_MS))
        await one.change(SignOutEverywhere(ADA, NOW_MS))
        await until(lambda: ADA in other.revoked)
        assert other.roles[ADA] == {"person", "host"}
        assert CODE in other.tokens
        assert other.named("ada") == ADA
        await equal(topic, one, other)


async def test_who_is_forgotten_at_one_is_gone_at_all_and_from_what_compaction_keeps(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        await one.change(SignIn("join:trillian", NOW_MS, Name("Trillian", "trillian")))
        author = author_of_person("join:trillian", KEY)
        await until(lambda: other.person(author) is not None)
        await other.change(Forget(author, NOW_MS))
        await until(lambda: one.person(author) is None and author in one.revoked)
        topic.compact(with_tombstones=False)
        assert not any(b"rillian" in value for _, _, value in topic.records)
        for folder in ("a", "b"):
            file = tmp_path / folder / "people" / "data.mdb"
            await until(partial(_has_not, file, b"Trillian"))
        await equal(topic, one, other)


BEFORE: list[Change] = [
    SignIn("join:1", NOW_MS, Name("Ada", "ada")),
    SignIn("join:2", NOW_MS, Name("Bob", "bob")),
    AddCodes({"7kq2-001": CODE}, NOW_MS),
    AddHostLink(OTHER, NOW_MS),
]


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (SetName(ADA, Name("Eve", "eve")), SetName(BOB, Name("EVE", "eve")), "name-taken"),
        (SignIn("join:3", NOW_MS, Name("Eve", "eve")), SignIn("join:4", NOW_MS, Name("EVE", "eve")), "name-taken"),
        (UseHostLink(OTHER, "host:1", NOW_MS + 1), UseHostLink(OTHER, "host:2", NOW_MS + 1), "wrong-code"),
        (Forget(ADA, NOW_MS), SetName(ADA, Name("Eve", "eve")), "unknown-person"),
        (Forget(ADA, NOW_MS), SetRoles(ADA, frozenset({"person", "host"})), "unknown-person"),
        (SetRoles(ADA, frozenset({"person", "host"})), Forget(ADA, NOW_MS), None),
        (SetName(ADA, Name("Eve", "eve")), Forget(ADA, NOW_MS), None),
        (RevokeCode("7kq2-001", NOW_MS + 1), UseCode(CODE, NOW_MS + 2), "code-revoked"),
        (SignIn("oidc:x 1", NOW_MS), SignIn("oidc:x 1", NOW_MS + 5), None),
        (Forget(ADA, NOW_MS), AddReport(REPORT, is_person=True), "unknown-person"),
        (AddReport(REPORT, is_person=True), Forget(ADA, NOW_MS), None),
    ],
)
async def test_of_two_that_clash_the_first_one_holds_everywhere(
    tmp_path: Path, first: Change, second: Change, told: str | None
) -> None:
    """The second server decides by the records that it has read; the first server's records come before its own."""
    topic = MemoryTopic()
    with trio.fail_after(LIMIT_SECONDS):
        async with server_of(topic, tmp_path / "a", KEY) as one:
            for change in BEFORE:
                await one.change(change)
            mark = topic.next
            await one.change(first)
            winning = topic.records[mark:]
            del topic.records[mark:]
            topic.next = mark
        async with server_of(topic, tmp_path / "b", KEY) as other:
            topic.on_append = lambda: [topic.put(key, value) for _, key, value in winning]
            if told is None:
                await other.change(second)
            else:
                assert await refused(other, second) == told
            async with server_of(topic, tmp_path / "c", KEY) as late:
                await equal(topic, other, late)
                person = late.person(ADA)
                if isinstance(second, Forget) or isinstance(first, Forget):
                    assert person is None
                    assert late.named("ada") is late.named("eve") is None
                    assert ADA not in late.roles
                    assert late.reports_by(ADA) == []
                elif isinstance(first, SetName):
                    assert person is not None
                    assert person.name == "Eve"
                    assert late.named("bob") == BOB
                elif isinstance(first, UseHostLink):
                    assert list(late.roles) == [author_of_person("host:1", KEY)]
                elif isinstance(first, SignIn):
                    assert late.head.people == 3


async def test_code_used_at_two_servers_at_once_ends_the_sessions_before_the_second_use(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        await one.change(AddCodes({"7kq2-001": CODE}, NOW_MS))
        await until(lambda: other.code(CODE) is not None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.change, UseCode(CODE, NOW_MS + 1))
            nursery.start_soon(other.change, UseCode(CODE, NOW_MS + 2))
        await equal(topic, one, other)
        code = one.code(CODE)
        assert code is not None
        assert code.uses == 2
        assert code.author in one.revoked


async def test_many_at_once_get_each_name_once(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        told: list[str] = []

        async def join(store: PeopleStore, number: int, who: str) -> None:
            try:
                await store.change(SignIn(f"join:{who}-{number}", NOW_MS, Name(f"P{number}", f"p{number}")))
            except Refused as refusal:
                told.append(refusal.reason)

        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(join, one, number, "a")
                nursery.start_soon(join, other, number, "b")
        assert told == ["name-taken"] * 30
        await equal(topic, one, other)
        assert one.head.people == 30
        assert {person.name for person in one.people()} == {f"P{number}" for number in range(30)}


async def test_server_that_was_away_goes_on_at_its_offset(tmp_path: Path) -> None:
    topic = MemoryTopic()
    with trio.fail_after(LIMIT_SECONDS):
        async with server_of(topic, tmp_path / "a", KEY) as one:
            await one.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
            async with server_of(topic, tmp_path / "b", KEY) as other:
                stood = other.head.offset
            await one.change(SignIn("join:2", NOW_MS, Name("Bob", "bob")))
            del topic.records[:stood]  # it needn't read these again
            async with server_of(topic, tmp_path / "b", KEY) as other:
                await equal(topic, one, other)


async def test_server_that_was_away_for_long_reads_anew_and_has_nobody_who_was_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = MemoryTopic()
    with trio.fail_after(LIMIT_SECONDS):
        async with server_of(topic, tmp_path / "a", KEY) as one:
            await one.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
            await one.change(SignIn("join:2", NOW_MS, Name("Bob", "bob")))
            async with server_of(topic, tmp_path / "b", KEY):
                pass
            await one.change(Forget(ADA, NOW_MS))
            topic.compact()
            monkeypatch.setattr("placed.people.taking_over.is_too_old", lambda *_: True)
            async with server_of(topic, tmp_path / "b", KEY) as other:
                assert other.person(ADA) is None
                assert other.person(BOB) == one.person(BOB)
    assert not _aside(tmp_path / "b")


async def test_brokers_that_are_away_refuse_changes_while_reading_goes_on(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        await one.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
        topic.set_away(True)
        with pytest.raises(StoreUnavailable, match="away"):
            await one.change(SignIn("join:2", NOW_MS))
        with pytest.raises(StoreUnavailable, match="away"):
            await one.change(UseCode(CODE, NOW_MS))  # another server may have used it meanwhile
        assert one.named("ada") == ADA
        topic.set_away(False)
        await one.change(SignIn("join:2", NOW_MS))
        await equal(topic, one, other)


async def test_refusal_by_what_is_old_is_looked_at_again(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        await one.change(AddCodes({"7kq2-001": CODE}, NOW_MS))
        await other.change(UseCode(CODE, NOW_MS))  # at once, no matter how far it has read
        await equal(topic, one, other)


async def test_people_of_another_log_are_put_aside(tmp_path: Path) -> None:
    async with open_people(tmp_path / "a" / "people", KEY) as store:
        await store.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
    first, second = MemoryTopic(), MemoryTopic("2" * 32)
    async with server_of(first, tmp_path / "a", KEY) as one:
        assert one.head.people == 0
        await one.change(SignIn("join:2", NOW_MS, Name("Bob", "bob")))
    (aside,) = _aside(tmp_path / "a")
    async with open_people(aside, KEY) as store:
        assert store.named("ada") == ADA
    async with open_people(tmp_path / "a" / "people", KEY) as store:
        with pytest.raises(StoreUnavailable, match="topic"):
            await store.change(SignIn("join:3", NOW_MS))
        await unfollowed(store)
        await store.change(SignIn("join:3", NOW_MS))
        assert store.head.people == 2
    async with server_of(second, tmp_path / "a", KEY) as one:
        assert one.head.people == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"", b"{}"), (b"zz", b""), (b"p12345678i", b"no JSON"), (author_key(ADA, "n"), b'{"name":"\\ud800"}')],
)
async def test_record_that_means_nothing_is_skipped_by_all(tmp_path: Path, key: bytes, value: bytes) -> None:
    async with pair(tmp_path) as (topic, one, other):
        topic.put(key, value)
        await one.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
        await equal(topic, one, other)
        assert one.named("ada") == ADA


async def test_record_that_means_nothing_clashes_with_nobody(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        topic.on_append = lambda: topic.put(author_key(ADA, "n"), b"no JSON")
        await one.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
        await equal(topic, one, other)
        assert one.named("ada") == ADA


async def test_half_of_a_surrogate_pair_in_a_topic_is_no_name(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        topic.put(author_key(ADA, "i"), b'{"id":"join:1","created_ms":1}')
        topic.put(author_key(ADA, "n"), b'{"name":"\\ud800","skeleton":"x","since":null}')
        await equal(topic, one, other)
        person = one.person(ADA)
        assert person is not None
        assert person.name is None


async def test_forgetting_has_the_brokers_begin_another_file_once(tmp_path: Path) -> None:
    """Brokers don't compact a file that they still write to, so the server appends a record if nobody else has."""
    async with pair(tmp_path) as (topic, one, _other):
        await one.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
        await one.change(Forget(ADA, NOW_MS))
        before = topic.next
        assert one._following is not None
        await one._following._nudge()
        assert topic.next == before + 1
        await until(lambda: one.head.offset == topic.next)


CHANGES = st.one_of(
    st.builds(SignIn, st.sampled_from(["join:1", "join:2", "oidc:x 1"]), st.just(NOW_MS)),
    st.builds(
        SetName,
        st.sampled_from([ADA, BOB]),
        st.sampled_from([Name("Ada", "ada"), Name("ADA", "ada"), Name("Eve", "eve"), Name("Bob", "bob")]),
    ),
    st.builds(SetRoles, st.sampled_from([ADA, BOB]), st.sampled_from([frozenset({"person"}), frozenset({"host"})])),
    st.builds(Forget, st.sampled_from([ADA, BOB]), st.just(NOW_MS)),
    st.builds(AddCodes, st.just({"7kq2-001": CODE}), st.just(NOW_MS)),
    st.builds(UseCode, st.just(CODE), st.integers(NOW_MS, NOW_MS + 9)),
    st.builds(RevokeCode, st.just("7kq2-001"), st.just(NOW_MS)),
    st.builds(
        AddToken, st.just(OTHER), st.just("tk1"), st.just(Name("Bot", "bot")), st.just(frozenset({"bot"})), st.just(1)
    ),
    st.builds(RevokeToken, st.just("tk1")),
    st.builds(AddHostLink, st.sampled_from([CODE, OTHER]), st.just(NOW_MS)),
    st.builds(UseHostLink, st.sampled_from([CODE, OTHER]), st.sampled_from(["host:1", "host:2"]), st.just(NOW_MS)),
    st.builds(SignOutEverywhere, st.sampled_from([ADA, BOB]), st.integers(NOW_MS, NOW_MS + 9)),
    st.builds(Seen, st.just({ADA: NOW_MS})),
    st.builds(AddReport, st.sampled_from([REPORT, attrs.evolve(REPORT, author=BOB)]), st.booleans(), st.just(2)),
    st.builds(SetReportState, st.integers(1, 3), st.sampled_from(["seen", "done"])),
)


@given(
    st.lists(st.tuples(CHANGES, st.integers(0, 9)), max_size=25),
    st.randoms(use_true_random=False),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_compaction_of_the_topic_makes_the_same_people(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[Change, int]], chance: Any
) -> None:
    """Also with records that no sound server appends: some are left out, as if a server had died."""
    folder = tmp_path_factory.mktemp("compacted")

    async def compare() -> None:
        topic = MemoryTopic()
        with trio.fail_after(LIMIT_SECONDS):
            async with server_of(topic, folder / "a", KEY) as one:
                for change, dropped in changes:
                    mark = topic.next
                    with contextlib.suppress(Refused):
                        await one.change(change)
                    if dropped == 0 and topic.next > mark:
                        _, key, _ = topic.records[-1]
                        topic.put(key, chance.choice([value for _, each, value in topic.records if each == key]))
                await until(lambda: one.head.offset == topic.next)
                await trio.testing.wait_all_tasks_blocked(0.01)
                as_applied = everything(one)
            for with_tombstones in (False, True):
                topic.compact(with_tombstones=with_tombstones)
                async with server_of(topic, folder / f"b{with_tombstones}", KEY) as anew:
                    assert everything(anew) == as_applied

    trio.run(compare)
