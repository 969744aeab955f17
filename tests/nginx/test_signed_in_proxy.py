"""The real nginx before a server with `--sign-in proxy`: nginx asks a program that signs people in (`auth_request`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import trio

from tests.support.http_connection import connect, get
from tests.support.nginx_front import run_locations
from tests.support.serving import LANES, serving

if TYPE_CHECKING:
    from tests.support.http_connection import Response

PAGE: Final = (Path(__file__).parents[2] / "docs/people.md").read_text("utf-8")
# Stands for Authelia: a client with a password is the user it names; all others are refused.
AUTHELIA: Final = b"HTTP/1.1 %s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n"


def locations(server: int, authelia: int) -> str:
    """The text that the docs' page says to write into nginx.conf, for these ports."""
    (block,) = re.findall(r"^```nginx\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert "127.0.0.1:8080" in block
    assert "127.0.0.1:9091" in block
    return (
        str(block).replace("127.0.0.1:8080", f"127.0.0.1:{server}").replace("127.0.0.1:9091", f"127.0.0.1:{authelia}")
    )


async def answer_as_authelia(stream: trio.SocketStream) -> None:
    """Say who the user is, by the cookie `authelia`."""
    async with stream:
        head = (await stream.receive_some(65_536)).decode("latin-1").lower()
        user = re.search(r"^cookie:.*authelia=(\w+)", head, re.MULTILINE)
        said = (
            (b"200 OK", b"Remote-User: %s\r\n" % user[1].encode())
            if user
            else (b"401 Unauthorized", b"Location: https://auth.test/\r\n")
        )
        await stream.send_all(AUTHELIA % said)


async def place(port: int, *headers: tuple[str, str]) -> Response:
    """Place an edit."""
    async with connect(port) as connection:
        return await connection.request("/edit?x=1&y=2&color=3", method="POST", headers=headers)


@pytest.mark.parametrize("lane", LANES)
async def test_person_is_who_signed_in_at_the_proxy_and_the_client_cannot_choose(
    lane: str, tmp_path: Path, nursery: trio.Nursery
) -> None:
    ada, forged = ("Cookie", "authelia=ada"), ("Remote-User", "root")
    (authelia,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, answer_as_authelia, [authelia])
    proxy = serving(lane, tmp_path, sign_in="proxy", user_header="Remote-User", trusted_proxies=("127.0.0.1",))
    async with proxy as server:
        conf = locations(server.port, authelia.socket.getsockname()[1])
        with run_locations(tmp_path / "nginx", conf) as nginx:
            me = (await get(nginx.port, "/me", ada)).json()
            assert (me["name"], me["signed_in"]) == ("ada", True)
            forging = (await get(nginx.port, "/me", ada, forged, ("Remote_User", "root"))).json()
            assert forging["author"] == me["author"]
            assert (await place(nginx.port, ada)).status == 200
            assert (await place(nginx.port, ada, forged)).status == 200
            for refused in (await place(nginx.port, forged), await get(nginx.port, "/info", forged)):
                assert (refused.status, refused.headers["location"]) == (302, "https://auth.test/")
