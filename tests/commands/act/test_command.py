"""`placed act` at a server: what it does, previews and lists, and its messages when it can't."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
from click.testing import CliRunner
from PIL import Image

from placed.canvas.clock import wall_clock_ms
from placed.commands import cli
from placed.http.moment import moment_of
from tests.support.people import Host
from tests.support.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from click.testing import Result

    from tests.support.serving import Server


class Shell:
    """Runs `placed act` at a server."""

    def __init__(self, server: Server, token_file: Path) -> None:
        self.server = server
        self._where = ["--url", server.url, "--token-file", str(token_file)]

    async def run(self, *args: str) -> tuple[Any, Result]:
        """The exit code, and the output."""
        call = partial(CliRunner().invoke, cli.cli, ["act", *args, *self._where], standalone_mode=False)
        with trio.fail_after(30):
            result = await trio.to_thread.run_sync(lambda: call(prog_name="placed"))
        if result.exception is not None:
            raise result.exception
        return result.return_value, result


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncGenerator[Shell]:
    _, bearer = await Host(tmp_path / "data").token("mod", "moderator")
    token_file = tmp_path / "token"
    token_file.write_text(bearer.partition(" ")[2])
    async with serving("slow", tmp_path, allowed_hosts=("*",)) as server:
        yield Shell(server, token_file)


async def test_each_kind_is_done_previewed_and_listed(shell: Shell, tmp_path: Path) -> None:
    canvas = shell.server.projection.canvas
    author = (await shell.server.get("/me")).json()["author"]
    await shell.server.place(1, 1, 5)
    code, result = await shell.run("wipe", "--area", "1,1,3,2", "--color", "2", "--preview")
    assert (code, result.stdout.splitlines()) == (
        0,
        ["6 pixels would change, in the area [1, 1, 3, 2]", f"  1 painted by {author}"],
    )
    code, result = await shell.run("wipe", "--area", "1,1,3,2", "--color", "2", "--reason", "a test")
    wiped = int(result.stdout.split()[1].rstrip(":"))
    assert result.stdout.startswith(f"act {wiped}: 6 pixels painted, visible from version ")
    assert canvas[1, 1] == 2
    assert (await shell.run("undo", str(wiped)))[0] == 0
    assert canvas[1, 1] == 5
    Image.new("RGB", (1, 1), "black").save(tmp_path / "dot.png")
    for args in (
        ["restore", "--author", author],
        ["restore", "--area", "0,0,2,2", "--version", "1"],
        ["stamp", str(tmp_path / "dot.png"), "--area", "0,0,1,1"],
        ["ban", author, "--until", "2096-01-01T00:00:00Z"],
        ["unban", author],
        ["ban", "b" * 16],
        ["protect", "--area", "0,0,1,1"],
        ["close"],
        ["open", "--at", "2096-01-01T00:00:00Z"],
        ["announce", "Hello"],
        ["grow", "--width", "50", "--color", "#010203"],
    ):
        assert (await shell.run(*args))[0] == 0, args
    code, result = await shell.run("list", "--json", "--limit", "100")
    kinds = [json.loads(line)["kind"] for line in result.stdout.splitlines()]
    assert kinds[:3] == ["grow", "announce", "open"]
    assert kinds[-2:] == ["undo", "wipe"]
    protecting = next(each["id"] for each in map(json.loads, result.stdout.splitlines()) if each["kind"] == "protect")
    assert (await shell.run("bans"))[1].stdout.startswith(f"{'b' * 16}  for good  by act ")
    assert (await shell.run("bans", "--skip", "1"))[1].stdout == ""
    assert (await shell.run("protections"))[1].stdout == f"{protecting:>8}  0,0,1,1\n"
    assert (await shell.run("unprotect", str(protecting)))[0] == 0
    lines = (await shell.run("list", "--limit", "100"))[1].stdout.splitlines()
    assert "undone" in lines[-1]
    assert "reason=a test" in lines[-1]
    before = lines[-2].split()[0]
    assert (await shell.run("list", "--before", before))[1].stdout.splitlines() == lines[-1:]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["wipe", "--area", "0,0,99,1"], "area='[0, 0, 99, 1]' is not allowed; allowed is [x, y, width, height]"),
        (["ban", "Ada"], "authors of 16 hexadecimal digits"),
        (["undo", "9"], "no act 9"),
        (["stamp", "/nowhere.png", "--area", "0,0,1,1"], "/nowhere.png can't be read"),
        (["restore", "--area", "0,0,1,1"], "an area and what to restore it to"),
    ],
)
async def test_what_can_not_be_done_is_said(shell: Shell, args: list[str], told: str) -> None:
    code, result = await shell.run(*args)
    assert (code, result.stdout) == (3, "")
    assert result.stderr.startswith("placed act: ")
    assert told in result.stderr


async def test_token_that_is_none_and_a_server_that_is_none_are_said(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("pt_wrong")
    async with serving("slow", tmp_path, allowed_hosts=("*",)) as server:
        code, result = await Shell(server, file).run("close")
        assert (code, "placed people token NAME --role moderator" in result.stderr) == (3, True)
        code, result = await Shell(server, tmp_path / "none").run("close")
        assert (code, "can't be read" in result.stderr) == (3, True)


async def test_moments_are_typed_as_times_from_now_too(shell: Shell) -> None:
    author = (await shell.server.get("/me")).json()["author"]
    before = wall_clock_ms()
    await shell.run("ban", author, "--until", "2h")
    until = (await shell.server.place(1, 1, 5)).json()["until"]
    assert 0 <= moment_of("until", until) - before - 7_200_000 < 60_000
    await shell.run("unban", author)
    assert (await shell.server.place(1, 1, 5)).status == 200
    assert (await shell.run("restore", "--area", "0,0,9,9", "--time", "1h"))[0] == 0  # an hour ago
    assert shell.server.projection.canvas[1, 1] == 0
