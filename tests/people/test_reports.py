"""Reports in the store: bounded, the same on all servers, and with a picture of the place."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from placed.canvas.area import Area
from placed.people.changes import AddToken, Forget, Name, Refused, RevokeToken, SignIn
from placed.people.records import RecordDamaged, decode_fields, encode_fields, report_key
from placed.people.report import DONE, Report, around
from placed.people.report_changes import MOST_AN_HOUR, AddReport, TooMany
from placed.people.reports import Reports
from placed.people.store import open_people
from placed.storage.lmdb_environment import StoreUnavailable
from tests.people.conftest import ADA, BOB, CODE, KEY, NOW_MS, REPORT, pair
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from placed.people.store import PeopleStore
    from tests.support.keyed_topic import MemoryTopic

STRANGER = 2**63  # an author known only by address
HOUR_MS = 3_600_000


async def added(reports: Reports, author: int = STRANGER, **more: Any) -> int:
    """Add a report; return its id."""
    return (await reports.add(attrs.evolve(REPORT, author=author, **more), is_person=author in (ADA, BOB))).id


async def ids(reports: Reports, after: int = 0, before: int = 100, state: str | None = None) -> list[int]:
    return [one.id for one in await reports.newest(after, before, state, 100)]


async def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    async with open_people(tmp_path / "people", KEY) as store:
        first = await Reports(store).add(REPORT, is_person=False)
        assert first == attrs.evolve(REPORT, id=1)
        await Reports(store).add(REPORT, is_person=False)
        await Reports(store).set_state(2, "seen")
    async with open_people(tmp_path / "people", KEY) as store:
        assert await Reports(store).newest(0, 100, None, 9) == [attrs.evolve(first, id=2, state="seen"), first]
        assert store.reports_by(ADA) == [first, attrs.evolve(first, id=2, state="seen")]
        assert await added(Reports(store)) == 3


async def test_full_store_lets_the_oldest_that_is_done_go_and_nothing_else(store: PeopleStore) -> None:
    reports = Reports(store, most=3)
    for _ in range(3):
        await added(reports)
    for _ in range(2):
        with pytest.raises(Refused, match="3 reports") as refused:
            await added(reports)
        assert refused.value.reason == "full"
        await reports.set_state(1, "seen")
    await reports.set_state(3, DONE)
    await reports.set_state(2, DONE)
    assert await added(reports) == 4
    assert await ids(reports) == [4, 3, 1]
    assert store.head.reports == 3


async def test_they_are_found_by_id_and_state(store: PeopleStore) -> None:
    reports = Reports(store)
    for author in range(5):
        await added(reports, author)
    await reports.set_state(2, DONE)
    assert await ids(reports, before=3) == [2, 1]
    assert await ids(reports, after=3) == [5, 4]
    assert await ids(reports, state="new") == [5, 4, 3, 1]
    assert [one.id for one in await reports.newest(0, 100, "new", 2)] == [5, 4]
    with pytest.raises(Refused) as refused:
        await reports.set_state(9, DONE)
    assert refused.value.reason == "unknown-report"


async def test_author_has_some_an_hour_and_another_one_their_own(store: PeopleStore) -> None:
    reports = Reports(store)
    for number in range(MOST_AN_HOUR):
        await added(reports, time_ms=NOW_MS + number)
    with pytest.raises(TooMany) as refused:
        await added(reports, time_ms=NOW_MS + HOUR_MS - 1_000)
    assert refused.value.wait_ms == 1_000
    assert await added(reports, author=1) == MOST_AN_HOUR + 1
    assert await added(reports, time_ms=NOW_MS + HOUR_MS) == MOST_AN_HOUR + 2


async def test_who_is_forgotten_leaves_no_word_in_the_file_and_others_keep_theirs(store: PeopleStore) -> None:
    await store.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
    reports = Reports(store, most=2)
    await added(reports, ADA, text="they who shall go")
    await reports.set_state(1, DONE)
    await added(reports)
    await added(reports, ADA, text="they who shall go")  # replaces the first, which stays in the file's free pages
    file = store.folder / "data.mdb"
    assert b"they who shall go" in file.read_bytes()
    await store.change(Forget(ADA, NOW_MS))
    assert b"they who shall go" not in file.read_bytes()
    assert store.reports_by(ADA) == []
    assert await ids(reports) == [2]
    assert await added(reports) == 4  # no id is given twice


async def test_who_was_forgotten_meanwhile_reports_nothing(store: PeopleStore) -> None:
    with pytest.raises(Refused) as refused:
        await added(Reports(store), ADA)
    assert refused.value.reason == "unknown-person"


async def test_revoked_token_s_reports_stay(store: PeopleStore) -> None:
    await store.change(AddToken(CODE, "tk1", Name("Bot", "bot"), frozenset({"bot"}), NOW_MS))
    await added(Reports(store), store.author_of("token:tk1"))
    await store.change(RevokeToken("tk1"))
    assert await ids(Reports(store)) == [1]


async def read_up_to(topic: MemoryTopic, *stores: PeopleStore) -> None:
    await until(lambda: all(store.head.offset == topic.next for store in stores))


async def _added_in_the_end(reports: Reports, author: int) -> None:
    """Add a report as a client would: if others were quicker several times in a row it gets 503, and tries again."""
    while True:
        with contextlib.suppress(StoreUnavailable):
            await added(reports, author)
            return


async def test_many_at_once_at_two_servers_each_have_an_id_of_their_own_and_are_on_both(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        both = [Reports(one), Reports(other)]
        async with trio.open_nursery() as nursery:
            for author in range(12):
                nursery.start_soon(_added_in_the_end, both[author % 2], author)
        await read_up_to(topic, one, other)
        found = await both[0].newest(0, 1_000, None, 100)
        assert len({report.id for report in found}) == len(found)
        assert {report.author for report in found} == set(range(12))
        assert await both[1].newest(0, 1_000, None, 100) == found


async def test_state_and_the_limits_are_those_of_all_servers(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        both = [Reports(one), Reports(other)]
        for number in range(MOST_AN_HOUR):
            await read_up_to(topic, one, other)
            await added(both[number % 2])
        await read_up_to(topic, one, other)
        for reports in both:
            with pytest.raises(TooMany):
                await added(reports)
        await both[1].set_state(1, DONE)
        await read_up_to(topic, one, other)
        assert await ids(both[0], state=DONE) == [1]


async def test_last_place_is_given_once_where_two_servers_ask_at_once(tmp_path: Path) -> None:
    async with pair(tmp_path) as (topic, one, other):
        answers = []

        async def add(store: PeopleStore, author: int) -> None:
            try:
                await store.change(AddReport(attrs.evolve(REPORT, author=author), most=1))
            except Refused as refused:
                answers.append(refused.reason)
            else:
                answers.append("kept")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(add, one, 1)
            nursery.start_soon(add, other, 2)
        assert sorted(answers) == ["full", "kept"]
        await read_up_to(topic, one, other)
        assert one.head.reports == other.head.reports == 1


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (Area(500, 500, 1, 1), Area(468, 468, 64, 64)),
        (Area(0, 0, 1, 1), Area(0, 0, 64, 64)),
        (Area(999, 999, 1, 1), Area(936, 936, 64, 64)),
        (Area(0, 0, 1000, 1000), Area(468, 468, 64, 64)),
    ],
)
def test_the_picture_shows_the_middle_and_what_is_around_it(area: Area, expected: Area) -> None:
    assert around(area, 1000, 1000) == expected
    assert around(Area(0, 0, 1, 1), 5, 1) == Area(0, 0, 5, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"[3,4,1,1]", b"[3,4,1]"),
        (b"[3,4,1,1]", b"[3,4,0,1]"),
        (b"[3,4,1,1]", b"[9e9,4,1,1]"),
        (b'"iVBO', b'"iVB'),
        (b'"version":7', b'"version":"7"'),
        (b'"version":7,', b""),
    ],
)
def test_record_that_is_no_report_is_damage(old: bytes, new: bytes) -> None:
    key, value = report_key(1, ADA, "i"), encode_fields(REPORT.fields())
    assert Report.of(1, ADA, decode_fields(key, value), "new") == attrs.evolve(REPORT, id=1, author=ADA)
    assert old in value
    with pytest.raises(RecordDamaged):
        decode_fields(key, value.replace(old, new))
    with pytest.raises(RecordDamaged):
        decode_fields(report_key(1, ADA, "s"), b'{"state":"gone"}')
