"""The command `placed paint`: its output, and its exit codes."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from placed.commands.paint import command
from placed.commands.paint.api import ApiClient
from tests.commands.paint.model_server import ModelServer, problem, random_picture

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://model.test"


@pytest.fixture
def image(tmp_path: Path) -> str:
    picture = random_picture(8, 6, transparent=True)
    alpha = np.where(picture.visible, 255, 0).astype(np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(np.dstack([picture.rgb, alpha]), "RGBA").save(path)
    return str(path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ModelServer:
    model = ModelServer()
    monkeypatch.setattr(command, "ApiClient", partial(ApiClient, transport=httpx.MockTransport(model.handle)))
    return model


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(command.paint, arguments, env={"PLACED_URL": None, **(env or {})})


def test_a_painted_picture_is_exit_code_0_and_one_line(server: ModelServer, image: str) -> None:
    result = run(image, "--url", URL, "--at", "3,4")
    assert result.exit_code == 0, result.output
    pixels = int((server.canvas != 0).sum())
    assert re.fullmatch(rf"{pixels} pixels: all are right; {pixels} placed in \d+ s\n", result.stdout)
    assert not server.canvas[:4].any()


def test_the_address_may_come_from_the_environment(server: ModelServer, image: str) -> None:
    assert run(image, env={"PLACED_URL": URL}).exit_code == 0
    assert server.posts


def test_a_dry_run_says_what_would_be_placed(server: ModelServer, image: str) -> None:
    server.charges, server.charge_seconds = 10, 30.0
    result = run(image, "--url", URL, "--dry-run")
    assert (result.exit_code, server.posts) == (0, 0)
    assert " are right, " in result.stdout
    assert " to place, at least " in result.stdout


def test_a_picture_that_does_not_fit_is_bad_usage(server: ModelServer, image: str) -> None:
    result = run(image, "--url", URL, "--at", "15,12")
    assert result.exit_code == 2
    assert "the picture of 8 x 6 at 15,12 reaches outside the canvas of 20 x 15" in result.stderr
    assert (result.stdout, server.posts) == ("", 0)


def test_what_stays_wrong_is_exit_code_1(server: ModelServer, image: str) -> None:
    server.override = lambda request: problem(403, "banned") if request.method == "POST" else None
    result = run(image, "--url", URL)
    assert result.exit_code == 1
    assert "placed: HTTP 403: detail of banned" in result.stderr
    assert " are still wrong; 0 placed in " in result.stdout


def test_a_server_that_is_not_there_is_exit_code_1(server: ModelServer, image: str) -> None:
    server.down = lambda: True
    result = run(image, "--url", URL, "--give-up", "0")
    assert result.exit_code == 1
    assert result.stderr == "placed: gave up after 0 s without progress: connection refused\n"


def test_a_server_that_is_no_placed_server_is_exit_code_1(server: ModelServer, image: str) -> None:
    server.override = lambda request: httpx.Response(200, text="<html>")
    result = run(image, "--url", URL)
    assert result.exit_code == 1
    assert "placed: http://model.test is not a placed server that can be used" in result.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "Missing option '--url'"),
        (["--url", "model.test"], "allowed is one like http://127.0.0.1:8080"),
        (["--url", "ftp://model.test"], "allowed is one like http://127.0.0.1:8080"),
        (["--url", "http://model.test:99999"], "has port 99999; allowed are 1 to 65535"),
        (["--url", "http://[::1"], "is not an address"),
        (["--url", "http://.."], "is not an address"),
        (["--url", f"http://{'a' * 64}.test"], "is not an address"),
        (["--url", URL, "--at", "1"], "'1' is not a position"),
        (["--url", URL, "--at", "-1,0"], "'-1,0' is not a position"),
        (["--url", URL, "--at", "1e3,0"], "'1e3,0' is not a position"),
        (["--url", URL, "--at", "99999999999,0"], "is outside any canvas"),
        (["--url", URL, "--size", "big"], "'big' is not a size"),
        (["--url", URL, "--dither", "some"], "'some' is not one of"),
        (["--url", URL, "--give-up", "nan"], "'nan' is not a time"),
        (["--url", URL, "--give-up", "-1"], "'-1' is not a time"),
    ],
)
def test_bad_usage_names_the_option_and_what_is_allowed(
    server: ModelServer, image: str, options: list[str], says: str
) -> None:
    result = run(image, *options)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
    assert server.posts == 0


def test_an_image_that_cannot_be_used_is_bad_usage(server: ModelServer, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    Image.new("RGBA", (3, 3)).save(tmp_path / "empty.png")
    for name, says in (("text.png", "not a picture"), ("empty.png", "transparent"), ("none.png", "does not exist")):
        result = run(str(tmp_path / name), "--url", URL)
        assert result.exit_code == 2
        assert says in " ".join(result.stderr.split())


def test_a_token_is_sent_with_each_request_and_never_shown(server: ModelServer, image: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("pt_secret\n")
    sent = set[str | None]()
    handle = server.handle

    async def noting(request: httpx.Request) -> httpx.Response:
        sent.add(request.headers.get("authorization"))
        return await handle(request)

    command.ApiClient.keywords["transport"] = httpx.MockTransport(noting)  # type: ignore[attr-defined]
    result = run(image, "--url", URL, "--token-file", str(file))
    assert result.exit_code == 0, result.output
    assert sent == {"Bearer pt_secret"}
    assert "secret" not in result.output


@pytest.mark.parametrize(
    ("content", "url", "why"),
    [
        (None, URL, "can't be read: No such file"),
        ("", URL, "doesn't hold one token"),
        ("two words", URL, "doesn't hold one token"),
        ("pt_a", "http://me:hush@model.test", "a password in --url; allowed is one of them"),
    ],
)
def test_a_token_file_that_cannot_be_used_is_bad_usage(
    server: ModelServer, image: str, tmp_path: Path, content: str | None, url: str, why: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    result = run(image, "--url", url, "--token-file", str(file))
    assert (result.exit_code, server.posts) == (2, 0)
    assert why in result.output
    assert "hush" not in result.output
