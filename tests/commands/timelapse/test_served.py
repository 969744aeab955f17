"""`placed timelapse --url`: a film from a server equals the film from its data folder; and a server's other answers."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
import trio

from placed.canvas import png
from placed.canvas.palette import SEED
from placed.commands.past import CannotRead
from placed.commands.timelapse import served
from placed.commands.timelapse.served import ServedPast
from placed.process.exit_codes import ExitCode
from tests.support.http_connection import connect, get, place
from tests.support.placed_command import run_placed
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commands.conftest import Command

INFO = {"palette": SEED.hex_colors()}
HISTORY = {"first": 0, "indexed": 7, "to": "2026-11-28T20:15:00.000Z"}


def _response(status: int, content: bytes = b"", retry_after: str = "1") -> httpx.Response:
    """A response that can be streamed, like one from a network."""
    return httpx.Response(status, headers={"Retry-After": retry_after}, stream=httpx.ByteStream(content))


async def _film(out: Path, *words: str) -> tuple[int, str]:
    film = partial(run_placed, "timelapse", out, "--seconds", "1", "--fps", "4", *words)
    done = await trio.to_thread.run_sync(film)
    return done.code, done.err


async def test_the_film_of_a_server_is_that_of_its_data_folder(tmp_path: Path) -> None:
    async with running(tmp_path / "data", "--charges", "100") as server:
        with trio.fail_after(120):
            for at in range(30):
                async with connect(server.port) as connection:
                    await place(connection, at, at % 7, at % 16)
            while (await get(server.port, "/history")).json()["indexed"] < 31:  # noqa: ASYNC110 - over HTTP
                await trio.sleep(0.05)
            for name, words in (("all", ()), ("part", ("--area", "3,1,20,5", "--even", "edits"))):
                url = ("--url", f"http://127.0.0.1:{server.port}")
                assert await _film(tmp_path / f"{name}-served.png", *url, *words) == (0, "")
                assert await _film(tmp_path / f"{name}.png", "--data", str(tmp_path / "data"), *words) == (0, "")
                assert (tmp_path / f"{name}-served.png").read_bytes() == (tmp_path / f"{name}.png").read_bytes()


def _served(answer: Callable[[httpx.Request], httpx.Response]) -> ServedPast:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/info":
            return _response(200, json.dumps(INFO).encode())
        if request.url.path == "/history":
            return _response(200, json.dumps(HISTORY).encode())
        return answer(request)

    return ServedPast(httpx.URL("http://placed.test/"), httpx.MockTransport(respond))


def test_a_busy_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    answers = [_response(429, retry_after="3"), _response(503, retry_after="x")]
    picture = png.encode(np.ones((3, 4), np.uint8), SEED.rgb)

    def answer(_request: httpx.Request) -> httpx.Response:
        return answers.pop(0) if answers else _response(200, picture)

    with _served(answer) as past:
        definition, pixels = past.canvas(7)
    assert (definition.width, definition.height, pixels.tolist()) == (4, 3, [[1] * 4] * 3)
    assert waits == [3, 1]


@pytest.mark.parametrize(
    ("response", "told"),
    [
        (_response(404, b'{"detail": "version 3 is before version 5"}'), "answers 404: version 3 is before"),
        (_response(200, b"<html>"), "isn't a placed server with a history"),
        (_response(200, b"plEd" + bytes(60)), "isn't a placed server with a history"),
        (_response(200, b""), "isn't a placed server with a history"),
        (_response(500), "answers 500: it gives no reason"),
    ],
)
def test_an_answer_that_is_not_understood_is_told(response: httpx.Response, told: str) -> None:
    picture = png.encode(np.ones((3, 4), np.uint8), SEED.rgb)

    def answer(request: httpx.Request) -> httpx.Response:
        return _response(200, picture) if request.url.path.endswith("png") else response

    with _served(answer) as past, pytest.raises(CannotRead, match=r"http://placed\.test") as caught:
        list(past.rows(0, 7))
    assert told in str(caught.value)


def test_a_page_that_does_not_go_on_ends_the_film() -> None:
    picture = png.encode(np.ones((3, 4), np.uint8), SEED.rgb)
    page = b"plEd\1\2\2\4" + (0).to_bytes(8, "little") + (7).to_bytes(8, "little") + bytes(28)

    def answer(request: httpx.Request) -> httpx.Response:
        return _response(200, picture if request.url.path.endswith("png") else page)

    with _served(answer) as past, pytest.raises(CannotRead, match="which go on at 0"):
        list(past.rows(0, 7))


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_MAX_PICTURE_BYTES", 1000)
    answer = _response(200, bytes(1001))
    with _served(lambda _: answer) as past, pytest.raises(CannotRead, match="more than 1,000 bytes"):
        past.canvas(1)


def test_what_is_no_server_is_told(tmp_path: Path, placed: Command) -> None:
    out = tmp_path / "f.png"
    code, _, err = placed("timelapse", out, "--url", "http://127.0.0.1:9")
    assert code == ExitCode.UNUSABLE
    assert "http://127.0.0.1:9 doesn't answer" in err
    code, _, err = placed("timelapse", out, "--url", "ftp://x")
    assert code == ExitCode.BAD_USAGE
    code, _, err = placed("timelapse", out, "--url", "http://127.0.0.1:9", "--data", tmp_path)
    assert code == ExitCode.BAD_USAGE
    assert "--data beside --url; allowed is one of them" in err
    assert not out.exists()
