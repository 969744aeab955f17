"""The people in backups and checks: a backup beside a running server has them, and a check reports damage to them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import lmdb
import pytest
import trio

from placed.canvas.area import Area
from placed.people.changes import Name, SetRoles, SignIn
from placed.people.report import Report
from placed.people.reports import Reports
from placed.people.store import open_people
from placed.process.exit_codes import ExitCode
from tests.support.people import Host, now_ms, post_json, signed_in
from tests.support.placed_command import ran_placed
from tests.support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commands.operations.conftest import Canvas

    Placed = Callable[..., tuple[int, str, str]]

LIMIT_SECONDS = 60.0
PLACE = Area(1, 2, 3, 4)
REPORT = Report(time_ms=5, version=7, area=PLACE, text="look here", author=5, seen=PLACE, picture=b"PNG")


async def test_restored_backup_knows_the_same_sessions_codes_and_tokens(tmp_path: Path) -> None:
    host = Host(tmp_path / "data")
    codes = await host.codes(3)
    token = await host.token("bot", "moderator")
    async with serving("fast", tmp_path, log=None, sign_in="code") as server:
        cookie = await signed_in(server, code=codes[0])
        assert (await post_json(server, "/reports", {"x": 3, "y": 4, "text": "look here"}, cookie)).status == 200
        before = (await server.request("GET", "/me", cookie)).json()
        assert (await server.request("POST", "/edit?x=1&y=1&color=2", cookie)).status == 200
        (tmp_path / "restored").mkdir()
        copy = tmp_path / "restored" / "data"
        done = await ran_placed("backup", copy, "--data", tmp_path / "data")
        assert done.code == 0, done.err
        assert "people       2 people, 3 codes, 1 tokens, 0 host links, 1 reports, 0 done reports, 1 roles" in done.out
        assert (await signed_in(server, code=codes[1])) != cookie  # the server goes on
    shutil.rmtree(tmp_path / "data")
    assert [path.name for path in (tmp_path / "restored" / "data" / "people").iterdir()] == ["data.mdb"]
    async with serving("fast", tmp_path / "restored", log=None, sign_in="code") as server:
        assert (await server.request("GET", "/me", cookie)).json()["author"] == before["author"]
        assert (await server.request("GET", "/me", token)).json()["roles"] == ["moderator"]
        (report,) = (await server.get("/reports", token)).json()["reports"]
        assert (report["id"], report["text"], report["author"]) == (1, "look here", before["author"])
        assert await signed_in(server, code=codes[1])
        assert (await server.request("POST", "/edit?x=2&y=1&color=2", cookie)).status == 200


@pytest.fixture
def peopled(canvas: Canvas) -> Canvas:
    """A canvas with people and a report in its store."""
    key = (canvas.data / "author.key").read_bytes()

    async def fill() -> None:
        async with open_people(canvas.data / "people", key) as store:
            for number in range(20):
                name = Name(f"Person {number:02}", f"person{number:02}")
                await store.change(SignIn(f"join:{number:02}", now_ms(), name))
            await store.change(SetRoles(store.author_of("join:03"), frozenset({"person", "host"})))
            await Reports(store).add(REPORT, is_person=False)
            await Reports(store).set_state(1, "done")

    trio.run(fill)
    (canvas.data / "people" / "lock.mdb").unlink()
    return canvas


def test_sound_people_are_counted_and_no_file_is_left(peopled: Canvas, placed: Placed) -> None:
    code, out, _ = placed("check", "--json", "--data", peopled.data)
    told = json.loads(out)
    assert (code, told["problems"]) == (0, [])
    assert told["people"] == {
        "people": 20,
        "codes": 0,
        "tokens": 0,
        "host_links": 0,
        "reports": 1,
        "done_reports": 1,
        "roles": 1,
    }
    assert [path.name for path in (peopled.data / "people").iterdir()] == ["data.mdb"]


def test_backup_of_people_makes_no_lock_file_in_the_copy(peopled: Canvas, placed: Placed, tmp_path: Path) -> None:
    assert placed("backup", tmp_path / "copy", "--data", peopled.data)[0] == 0
    assert [path.name for path in (tmp_path / "copy" / "people").iterdir()] == ["data.mdb"]
    assert placed("check", "--data", tmp_path / "copy")[0] == 0
    assert [path.name for path in (tmp_path / "copy" / "people").iterdir()] == ["data.mdb"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"name":"Person 07"', b'"name":"Person 08"'),
        (b'"id":"join:07"', b'"id":"join:70"'),
        (b'"people": 20', b'"people": 21'),
        (b'"reports": 1', b'"reports": 2'),
        (b'"look here"', b'"look away"'),
        (b'"done"', b'"seen"'),
    ],
)
def test_damage_that_the_pages_do_not_show_is_a_problem_and_gives_no_backup(
    peopled: Canvas, placed: Placed, tmp_path: Path, old: bytes, new: bytes
) -> None:
    file = peopled.data / "people" / "data.mdb"
    assert old in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(old, new))
    code, out, _ = placed("check", "--data", peopled.data)
    assert code == ExitCode.UNUSABLE
    assert "PROBLEM: people: " in out
    assert "people/data.mdb is damaged" in out
    code, _, err = placed("backup", tmp_path / "copy", "--data", peopled.data)
    assert (code, (tmp_path / "copy").exists()) == (ExitCode.UNUSABLE, False)
    assert "people" in err


def test_name_that_leads_to_nobody_is_damage(peopled: Canvas, placed: Placed) -> None:
    """The check also looks at what follows from the records: here at the key of a name's owner."""
    with lmdb.open(str(peopled.data / "people"), max_dbs=1, lib_version=0) as environment:
        database = environment.open_db(b"people", create=False)
        with environment.begin(write=True, db=database) as transaction, transaction.cursor() as cursor:
            assert cursor.set_range(b"N")
            assert cursor.delete()
    code, out, _ = placed("check", "--data", peopled.data)
    assert code == ExitCode.UNUSABLE
    assert "PROBLEM: people: " in out


def test_cut_file_is_a_problem(peopled: Canvas, placed: Placed) -> None:
    file = peopled.data / "people" / "data.mdb"
    file.write_bytes(file.read_bytes()[: 2 * 4096])
    assert "PROBLEM: people: " in placed("check", "--data", peopled.data)[1]


def test_missing_people_are_told(canvas: Canvas, placed: Placed) -> None:
    shutil.rmtree(canvas.data / "people", ignore_errors=True)
    code, out, _ = placed("check", "--data", canvas.data)
    assert code == 0
    assert "there is no people store" in out
    assert not (canvas.data / "people").exists()
