"""`placed people` in a data folder: what it makes, lists, changes and refuses."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from click.testing import CliRunner

from placed.backends import LogReplaced
from placed.canvas.area import Area
from placed.commands import cli
from placed.people.invitations import ALPHABET
from placed.people.report import Report
from placed.people.reports import Reports
from placed.people.secrets import code_digest, host_link_digest, token_digest
from placed.people.store import open_people
from placed.storage.author_key import author_key
from tests.support.keyed_topic import MemoryTopic

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a server that has run."""
    folder = tmp_path / "data"
    folder.mkdir()
    author_key(folder, None)
    return folder


@pytest.fixture
def run(data: Path) -> Run:
    def run(*args: str) -> Result:
        words = ["people", *args, "--data", str(data)]
        return CliRunner().invoke(cli.cli, words, obj=None, prog_name="placed", standalone_mode=False)

    return run


def _code(result: Result) -> int:
    if result.exception is not None:
        raise result.exception
    code: int = result.return_value
    return code


def test_codes_are_csv_with_links_and_kept_as_digests_alone(run: Run, data: Path) -> None:
    result = run("codes", "--count", "300", "--address", "https://canvas.example/sub/")
    assert _code(result) == 0
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == ["code", "link"]
    codes = {row["code"] for row in rows}
    assert len(codes) == 300
    assert all(re.fullmatch(rf"([{ALPHABET}]{{4}}-){{2}}[{ALPHABET}]{{4}}", code) for code in codes)
    assert all(row["link"] == f"https://canvas.example/sub/#code={row['code']}" for row in rows)
    stored = (data / "people" / "data.mdb").read_bytes()
    assert not any(code.encode() in stored or code.replace("-", "").encode() in stored for code in codes)
    key = author_key(data, None)

    async def known() -> list[bool]:
        async with open_people(data / "people", key) as store:
            typed = [code.upper().replace("-", " ").replace("0", "O").replace("1", "L") for code in codes]
            return [store.code(code_digest(code, key)) is not None for code in typed]

    assert all(trio.run(known))


def test_codes_are_listed_by_number_and_can_be_revoked(run: Run) -> None:
    run("codes", "--count", "3")
    lines = run("codes").stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ["state", "new", "new", "new"]
    number = lines[2].split()[0]
    assert _code(run("codes", "--revoke", number)) == 0
    listed = [json.loads(line) for line in run("codes", "--json").stdout.splitlines()]
    assert [one["revoked_ms"] is not None for one in listed] == [False, True, False]
    result = run("codes", "--revoke", "none-1")
    assert (_code(result), result.stderr) == (3, "placed people: there is no code of this number\n")


def test_sheet_has_each_code_as_text_and_as_a_qr_code_and_is_for_its_owner_alone(run: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    result = run("codes", "--count", "17", "--sheet", str(sheet), "--address", "http://pi.local:8080")
    text = sheet.read_text(encoding="utf-8")
    codes = [row["code"] for row in csv.DictReader(io.StringIO(result.stdout))]
    assert re.findall(r"<b>(.*?)</b>", text) == codes
    assert text.count("<svg") == 17
    assert text.count("<section>") == 2
    assert "<script" not in text
    assert "src=" not in text
    assert sheet.stat().st_mode & 0o777 == 0o600


def test_sheet_that_can_t_be_written_costs_no_code(run: Run, tmp_path: Path) -> None:
    result = run("codes", "--count", "5", "--sheet", str(tmp_path / "none" / "sheet.html"))
    assert _code(result) == 3
    assert "make it first" in result.stderr
    assert run("codes", "--json").stdout == ""


def test_token_is_printed_alone_listed_without_its_text_and_revoked(run: Run, data: Path) -> None:
    token = run("token", "Robo", "--role", "moderator").stdout
    assert re.fullmatch(r"pt_[a-z2-7]{32}\n", token)
    listed = json.loads(run("token", "--json").stdout)
    assert (listed["name"], listed["roles"], listed["seen_ms"]) == ("Robo", ["bot", "moderator"], None)
    assert token.strip() not in run("token").stdout
    key = author_key(data, None)

    async def digests() -> set[bytes]:
        async with open_people(data / "people", key) as store:
            return set(store.tokens)

    assert trio.run(digests) == {token_digest(token.strip(), key)}
    assert _code(run("token", "--revoke", listed["id"])) == 0
    assert run("token", "--json").stdout == ""
    assert trio.run(digests) == set()


@pytest.mark.parametrize("who", ["author", "id", "name"])
def test_person_is_found_by_author_id_and_name(run: Run, who: str) -> None:
    run("token", "Äda B.", "--role", "bot")
    person = json.loads(run("list", "--json").stdout)
    exported = json.loads(run("export", {**person, "name": "ada b"}[who]).stdout)
    assert {name: exported[name] for name in person} == person
    assert exported["token"]["author"] == person["author"]
    assert _code(run("forget", person[who])) == 0
    assert run("list", "--json").stdout == ""


def test_what_a_person_reported_is_exported_and_goes_with_them(run: Run, data: Path) -> None:
    run("token", "Ada")
    author = json.loads(run("list", "--json").stdout)["author"]
    place = Area(3, 4, 1, 1)
    report = Report(time_ms=5, version=7, area=place, text="bad", author=int(author, 16), seen=place, picture=b"PNG")

    async def left(*new: Report) -> list[str]:
        async with open_people(data / "people", author_key(data, None)) as store:
            for one in new:
                await Reports(store).add(one, is_person=False)
            return [one.text for one in await Reports(store).newest(0, 9, None, 9)]

    trio.run(left, report, attrs.evolve(report, author=1, text="good"))
    assert json.loads(run("export", "Ada").stdout)["reports"] == [
        {"id": 1, "time_ms": 5, "v": 7, "area": [3, 4, 1, 1], "text": "bad", "state": "new"}
    ]
    assert _code(run("forget", "Ada")) == 0
    assert trio.run(left) == ["good"]


def test_host_link_holds_once_for_a_host(run: Run, data: Path) -> None:
    link = run("host-link", "--address", "https://canvas.example").stdout.strip()
    secret = link.removeprefix("https://canvas.example/#host=")
    key = author_key(data, None)

    async def is_stored() -> bool:
        async with open_people(data / "people", key) as store:
            digest = host_link_digest(secret, key)
            return digest.hex() in {link.digest.hex() for link in store.host_links()}

    assert trio.run(is_stored)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("token", "a  b"), "name is 'a  b'"),
        (("export", "Nobody"), "nobody has this author, id or name"),
        (("role", "0123456789abcdef", "host"), "nobody has this author"),
        (("token", "--revoke", "x"), "there is no such token"),
    ],
)
def test_what_can_t_be_done_is_told_in_one_line(run: Run, args: tuple[str, ...], reason: str) -> None:
    result = run(*args)
    assert _code(result) == 3
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_name_of_another_token_is_refused(run: Run) -> None:
    run("token", "Robo")
    result = run("token", "R0BO")
    assert (_code(result), result.stdout) == (3, "")
    assert "looks like it" in result.stderr


def test_folder_without_a_canvas_is_told_and_nothing_is_made_there(tmp_path: Path) -> None:
    words = ["people", "list", "--data", str(tmp_path)]
    result = CliRunner().invoke(cli.cli, words, prog_name="placed", standalone_mode=False)
    assert _code(result) == 3
    assert "there is no canvas in" in result.stderr
    assert list(tmp_path.iterdir()) == []


def _tree(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path.relative_to(folder)), path.stat().st_mtime_ns) for path in [folder, *folder.rglob("*")])


@pytest.mark.parametrize("has_people", [False, True])
def test_who_only_asks_leaves_nothing_behind(run: Run, data: Path, has_people: bool) -> None:
    if has_people:  # as in a backup, where no server has run yet
        run("codes", "--count", "1")
        (data / "people" / "lock.mdb").unlink()
    before = _tree(data)
    for words in (["list"], ["list", "--json"], ["codes"], ["token"]):
        assert _code(run(*words)) == 0
    assert _code(run("export", "nobody")) == 3
    assert _tree(data) == before
    assert len(run("codes").stdout.splitlines()) == 1 + has_people
    assert _code(run("codes", "--count", "2")) == 0
    assert len(run("codes").stdout.splitlines()) == 3 + has_people


@pytest.mark.parametrize("words", [["list"], ["codes", "--count", "1"]])
def test_topic_that_is_replaced_meanwhile_is_a_sentence_and_not_a_traceback(
    run: Run, data: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.asynccontextmanager
    async def replaced(_settings: object) -> AsyncGenerator[MemoryTopic]:
        yield _ReplacedTopic()

    async def look(*_: object, **__: object) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr("placed.commands.people.host.open_people_topic", lambda settings: replaced(settings))
    monkeypatch.setattr("placed.commands.people.host.StoreHost.look", look)
    monkeypatch.setattr("placed.commands.people.host.StoreHost.act", look)
    result = run(*words)
    assert _code(result) == 3
    assert result.stderr.splitlines()[-1] == "placed people: the topic was deleted and made anew"
    assert not (data / "people").exists()


class _ReplacedTopic(MemoryTopic):
    """A topic that turns out to be replaced while a server follows it."""

    async def grown(self) -> None:
        """See `MemoryTopic`."""
        await trio.lowlevel.checkpoint()
        raise LogReplaced("the topic was deleted and made anew")
