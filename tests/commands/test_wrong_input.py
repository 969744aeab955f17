"""If a command can't do something, it says so in one sentence that names the value, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from placed.process.exit_codes import ExitCode
from tests.commands.import_lines import USER, Placed, line_of, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commands.conftest import Command

LIMIT_SECONDS = 30.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files for the commands; it is the current folder."""
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "t.csv", 2017, [line_of(2017, Placed(1_490_000_000_000, USER, 1, 2, 3))])
    (tmp_path / "short.key").write_text("abc")
    (tmp_path / "file").write_text("x")
    (tmp_path / "token").write_text("pt_any")
    shades = np.arange(300)
    colors = np.stack([shades // 16, shades % 16, np.zeros_like(shades)], axis=1).astype(np.uint8)
    Image.fromarray(colors.reshape(15, 20, 3)).save(tmp_path / "colors.png")
    Image.new("RGBA", (3, 3), (9, 9, 9, 0)).save(tmp_path / "clear.png")
    Image.new("RGB", (1, 1), "black").save(tmp_path / "dot.png")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("t.csv", "--data", "d/e", "--author-key-file", "none.key"), "none.key can't be used: No such file"),
        (("t.csv", "--data", "d", "--author-key-file", "short.key"), "short.key has 3 bytes; an author key has 32"),
        (("t.csv", "--data", "file"), "file: it is, or is inside, a file; name a folder"),
        (("t.csv", "--data", "file/d"), "file/d: it is, or is inside, a file; name a folder"),
        (("colors.png", "--data", "d"), "colors.png has more than 256 colours"),
        (("clear.png", "--data", "d"), "clear.png: every pixel is transparent"),
    ],
)
def test_import_that_can_not_be_is_told_and_leaves_nothing(
    words: tuple[str, ...], told: str, folder: Path, placed: Command
) -> None:
    before = sorted(folder.rglob("*"))
    code, out, err = placed("import", *words)
    assert (code, out) == (ExitCode.UNUSABLE, "")
    assert told in err
    assert err.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_import_into_another_log_says_how_that_one_is_served(folder: Path, placed: Command) -> None:
    code, out, _ = placed("import", "t.csv", "--data", "my data", "--log", "lmdb:q/log")
    assert code == ExitCode.OK
    assert "to serve it: placed --data 'my data' --log lmdb:q/log\n" in out


@pytest.mark.parametrize("group", ["act", "people"])
def test_group_without_a_command_prints_its_help_line_by_line(group: str, placed: Command) -> None:
    code, out, err = placed(group)
    assert (code, out) == (ExitCode.BAD_USAGE, "")
    assert err.startswith(f"Usage: placed {group} [OPTIONS] COMMAND")
    assert "\nCommands:\n" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("act", "announce", "a\udcff"), "text 'a\\udcff' has bytes that aren't UTF-8"),
        (("act", "unban", "a\udcff"), "authors ['a\\udcff'] has bytes that aren't UTF-8"),
        (("people", "token", "a\udcff"), "name 'a\\udcff' has bytes that aren't UTF-8"),
    ],
)
def test_what_is_no_text_is_not_asked(words: tuple[str, ...], told: str, folder: Path, placed: Command) -> None:
    code, out, err = placed(*words, "--url", "http://127.0.0.1:9", "--token-file", "token")
    assert (code, out) == (ExitCode.UNUSABLE, "")
    assert told in err


def _asking(url: str) -> list[tuple[str, ...]]:
    token = ("--token-file", "token")
    return [
        ("act", "list", "--url", url, *token),
        ("people", "list", "--url", url, *token),
        ("timelapse", "f.gif", "--url", url),
        ("paint", "dot.png", "--url", url, "--give-up", "0"),
    ]


@pytest.mark.parametrize("number", range(4), ids=["act", "people", "timelapse", "paint"])
def test_server_that_is_not_there_is_told_with_the_reason(number: int, folder: Path, placed: Command) -> None:
    with socket.socket() as deaf:  # it has a port, but doesn't listen
        deaf.bind(("127.0.0.1", 0))
        before = sorted(folder.rglob("*"))
        words = _asking(f"http://127.0.0.1:{deaf.getsockname()[1]}")[number]
        code, out, err = placed(*words)
    assert (code, out) == (ExitCode.INCOMPLETE if words[0] == "paint" else ExitCode.UNUSABLE, "")
    assert "Connection refused" in err
    assert "may have been done" not in err
    assert sorted(folder.rglob("*")) == before


@contextlib.contextmanager
def _leaving_server() -> Iterator[str]:
    """The address of a server that reads a request, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT_SECONDS)

        def serve() -> None:
            with listener.accept()[0] as connection:
                connection.settimeout(LIMIT_SECONDS)
                connection.recv(65_536)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(LIMIT_SECONDS)


@pytest.mark.parametrize(
    ("words", "is_unsure"),
    [
        (("act", "close"), True),
        (("act", "list"), False),
        (("people", "codes", "--count", "1"), True),
        (("people", "list"), False),
    ],
)
def test_server_that_goes_away_may_have_done_what_was_asked(
    words: tuple[str, ...], is_unsure: bool, folder: Path, placed: Command
) -> None:
    with _leaving_server() as url:
        code, out, err = placed(*words, "--url", url, "--token-file", "token")
    assert (code, out) == (ExitCode.UNUSABLE, "")
    assert f"{url} doesn't answer" in err
    assert ("may have been done all the same, so look before you try again" in err) == is_unsure
