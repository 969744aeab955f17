"""The store: what it keeps over a restart, several processes at once, and what a bad disk can do to it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
import trio

from placed.canvas.author import author_of_person
from placed.people import record_writing
from placed.people.changes import AddCodes, AddToken, Forget, Name, SetRoles, SignIn, SignOutEverywhere
from placed.people.sessions import DAY_MS, Sessions
from placed.people.store import PeopleStore, open_people
from placed.storage.lmdb_check import check_file
from placed.storage.lmdb_environment import StoreDamaged, StoreUnavailable
from tests.people.conftest import KEY, NOW_MS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ADA = author_of_person("join:1", KEY)


async def test_people_are_there_again_after_a_restart(tmp_path: Path) -> None:
    async with open_people(tmp_path / "people", KEY) as store:
        await store.change(SignIn("join:1", NOW_MS, Name("Ada", "ada")))
        await store.change(SetRoles(ADA, frozenset({"person", "host"})))
        await store.change(AddToken(b"t" * 16, "tk1", Name("Bot", "bot"), frozenset({"bot"}), NOW_MS))
        await store.change(SignOutEverywhere(ADA, NOW_MS))
        before = (store.person(ADA), dict(store.tokens), dict(store.roles), dict(store.revoked), store.head)
    async with open_people(tmp_path / "people", KEY) as store:
        assert before == (store.person(ADA), dict(store.tokens), dict(store.roles), dict(store.revoked), store.head)


@contextlib.asynccontextmanager
async def _process(words: list[str]) -> AsyncIterator[trio.Process]:
    """Run a process until the block ends."""
    process = await trio.lowlevel.open_process(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


async def _in_another_process(folder: Path, lines: str) -> None:
    """Run `lines` in another process that has the same store open as `store`."""
    script = f"""
import trio
from pathlib import Path
from placed.people.changes import *
from placed.people.store import PeopleStore, open_people
async def main():
    async with open_people(Path({str(folder)!r}), {KEY!r}, is_beside=True) as store:
{textwrap.indent(lines, " " * 8)}
trio.run(main)
"""
    with trio.fail_after(60):
        await trio.run_process([sys.executable, "-c", script])


async def test_what_another_process_changes_is_seen_at_once_and_in_memory_within_half_a_second(
    store: PeopleStore, nursery: trio.Nursery
) -> None:
    nursery.start_soon(store.run)
    await store.change(SignIn("join:1", NOW_MS))
    lines = f"""
await store.change(SetName({ADA}, Name("Ada", "ada")))
await store.change(SetRoles({ADA}, frozenset({{"person", "host"}})))
"""
    await _in_another_process(store.folder, lines)
    assert store.named("ada") == ADA
    await store.change(SignIn("join:2", NOW_MS))
    with trio.fail_after(5):
        while ADA not in store.roles:  # noqa: ASYNC110 - it comes by a look at a file
            await trio.sleep(0.01)
    nursery.cancel_scope.cancel()


async def test_session_that_was_made_before_ends_when_another_process_forgets_the_person(
    store: PeopleStore, nursery: trio.Nursery
) -> None:
    nursery.start_soon(store.run)
    await store.change(SignIn("join:1", NOW_MS))
    sessions = Sessions(KEY, store.revoked, 30 * DAY_MS, lambda: NOW_MS)
    text = sessions.begin(ADA)
    assert sessions.find(text) is not None
    await _in_another_process(store.folder, f"await store.change(Forget({ADA}, {NOW_MS}))")
    with trio.fail_after(5):
        while sessions.find(text) is not None:  # noqa: ASYNC110 - it comes by a look at a file
            await trio.sleep(0.01)
    nursery.cancel_scope.cancel()


async def test_several_processes_may_change_it_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "people"
    async with open_people(folder, KEY) as store, trio.open_nursery() as nursery:
        for who in "abc":
            lines = f"""
for number in range(40):
    await store.change(SignIn(f"join:{who}-{{number}}", 1, Name(f"{who} {{number}}", f"{who}{{number}}")))
"""
            nursery.start_soon(_in_another_process, folder, lines)
        for number in range(40):
            await store.change(SignIn(f"join:d-{number}", 1, Name(f"d {number}", f"d{number}")))
            assert store.named(f"d{number}") is not None
    async with open_people(folder, KEY) as store:
        assert store.head.people == len(store.people(limit=1000)) == 160
        assert {each.name for each in store.people(limit=1000)} == {f"{who} {n}" for who in "abcd" for n in range(40)}


async def test_file_that_another_process_has_made_longer_than_the_map_is_written_on(store: PeopleStore) -> None:
    lines = """
for batch in range(12):
    digests = {f"{batch:02}-{n:04}".ljust(1_900): (batch * 1_000 + n).to_bytes(16, "big") for n in range(900)}
    await store.change(AddCodes(digests, 1))
"""
    await store.change(SignIn("join:1", NOW_MS))
    await _in_another_process(store.folder, lines)
    assert (store.folder / "data.mdb").stat().st_size > 16 << 20
    await store.change(SignIn("join:2", NOW_MS))
    assert (store.head.people, store.head.codes) == (2, 10_800)


async def test_more_signed_out_than_are_remembered_end_the_sessions_of_all_before_them(
    store: PeopleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_writing, "MOST_SIGNED_OUT", 20)
    for number in range(21):
        await store.change(SignIn(f"join:{number}", NOW_MS))
        await store.change(SignOutEverywhere(author_of_person(f"join:{number}", KEY), NOW_MS + number))
    await store.load()
    assert len(store.revoked) == store.head.signed_out == 18
    assert store.revoked.get(author_of_person("join:0", KEY), 0) == NOW_MS + 2
    assert store.revoked.get(author_of_person("join:20", KEY), 0) == NOW_MS + 20
    assert store.revoked.get(12345, 0) == NOW_MS + 2


async def test_damaged_store_is_refused_by_a_sentence_with_the_way_out(tmp_path: Path) -> None:
    async with open_people(tmp_path / "people", KEY) as store:
        await store.change(AddCodes({f"{n:05}": n.to_bytes(16, "big") for n in range(3_000)}, NOW_MS))
    file = tmp_path / "people" / "data.mdb"
    data = bytearray(file.read_bytes())
    for begin in range(8192, len(data), 4096):
        data[begin + 12 : begin + 16] = b"\xff" * 4
    file.write_bytes(data)
    with pytest.raises(StoreDamaged, match=r"people.*Restore a backup"):
        async with open_people(tmp_path / "people", KEY):
            pass


async def test_flipped_bit_in_a_value_is_damage_and_not_another_name(tmp_path: Path) -> None:
    async with open_people(tmp_path / "people", KEY) as store:
        await store.change(SignIn("join:1", NOW_MS, Name("Margaret", "margaret")))
    file = tmp_path / "people" / "data.mdb"
    file.write_bytes(file.read_bytes().replace(b'"name":"Margaret"', b'"name":"Margarit"'))
    async with open_people(tmp_path / "people", KEY) as store:
        with pytest.raises(StoreDamaged, match="checksum"):
            store.person(ADA)


async def test_folder_that_is_a_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "people").write_text("")
    with pytest.raises(StoreUnavailable, match="people"):
        async with open_people(tmp_path / "people", KEY):
            pass


async def test_forgotten_name_and_id_are_in_none_of_the_file_s_bytes(store: PeopleStore) -> None:
    file = store.folder / "data.mdb"
    people = {f"oidc:https://id.example/ {number:03}-s": f"Zaphod {number:03}." for number in range(200)}
    for person_id, name in people.items():  # one by one, so that pages are split, and copied with their gaps
        await store.change(SignIn(person_id, NOW_MS, Name(name, name)))
        await store.change(SetRoles(author_of_person(person_id, KEY), frozenset({"person", "host"})))
    forgotten = dict(list(people.items())[::3])
    for person_id in forgotten:
        await store.change(Forget(author_of_person(person_id, KEY), NOW_MS))
    data = file.read_bytes()
    assert [text for pair in forgotten.items() for text in pair if text.encode() in data] == []
    assert all(text.encode() in data for pair in (people.items() - forgotten.items()) for text in pair)
    for person_id, name in people.items() - forgotten.items():
        person = store.person(author_of_person(person_id, KEY))
        assert person is not None
        assert person.name == name
    check_again = os.open(file, os.O_RDONLY)
    check_file(check_again, appended=b"people", whole=True)
    os.close(check_again)


async def test_scrubbing_waits_for_a_backup_that_still_reads_what_was_forgotten(store: PeopleStore) -> None:
    await store.change(SignIn("join:1", NOW_MS, Name("Trillian", "trillian")))
    script = f"""
import lmdb, sys
with lmdb.open({str(store.folder)!r}, readonly=True, max_dbs=1) as environment:
    database = environment.open_db(b"people", create=False)
    with environment.begin() as reading:
        print("begun", flush=True)
        sys.stdin.readline()
        assert any(b"Trillian" in value for _, value in reading.cursor(database))
"""
    async with _process([sys.executable, "-c", script]) as reader, trio.open_nursery() as nursery:
        assert reader.stdin
        assert reader.stdout
        with trio.fail_after(30):
            assert (await reader.stdout.receive_some()).startswith(b"begun")
            nursery.start_soon(store.change, Forget(ADA, NOW_MS))
            while store.person(ADA) is not None:  # noqa: ASYNC110 - it comes by a look at a file
                await trio.sleep(0.01)
            await trio.sleep(0.3)  # long enough to overwrite it
            await reader.stdin.send_all(b"\n")
            assert await reader.wait() == 0
    assert b"Trillian" not in (store.folder / "data.mdb").read_bytes()


async def test_what_a_crash_left_of_one_forgotten_is_overwritten_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(_self: PeopleStore) -> None:
        raise KeyError

    with monkeypatch.context() as patched:
        patched.setattr(PeopleStore, "_scrub", crash)
        with pytest.RaisesGroup(KeyError, allow_unwrapped=True):
            async with open_people(tmp_path / "people", KEY) as store:
                await store.change(SignIn("join:1", NOW_MS, Name("Trillian", "trillian")))
                await store.change(Forget(ADA, NOW_MS))
    assert b"Trillian" in (tmp_path / "people" / "data.mdb").read_bytes()
    async with open_people(tmp_path / "people", KEY):
        assert b"Trillian" not in (tmp_path / "people" / "data.mdb").read_bytes()
