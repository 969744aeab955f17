"""`--sign-in proxy`, in both lanes: the server believes only the proxy about who somebody is, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from placed.canvas.author import author_of_person
from placed.commands.settings.setting import SettingError
from placed.commands.settings.values import Settings
from placed.people.changes import SetRoles
from tests.support.http_connection import HOST
from tests.support.people import Host, post_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

PROXY: Final[dict[str, Any]] = {
    "sign_in": "proxy",
    "user_header": "Remote-User",
    "trusted_proxies": ("127.0.0.1",),
    "charge_seconds": 60.0,
}
ADA, EVE = ("Remote-User", "Ada"), ("Remote-User", "eve")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """The host of the data folder that `start` serves."""
    return Host(tmp_path / "data")


async def test_edit_is_the_persons_whom_the_proxy_names_and_each_has_charges_of_their_own(
    start: Start, host: Host
) -> None:
    async with start(**PROXY, charges=1) as server:
        me = (await server.get("/me", ADA)).json()
        assert me["signed_in"]
        assert (me["name"], me["roles"]) == ("Ada", ["person"])
        assert me["author"] == f"{author_of_person('proxy:ada', host.key):016x}"
        assert (await server.place(1, 2, 3, ADA)).status == 200
        assert (await server.place(1, 2, 3, ADA)).json()["code"] == "cooldown"
        assert (await server.place(1, 2, 3, ("remote-user", "ADA"))).json()["code"] == "cooldown"
        assert (await server.place(1, 2, 3, EVE)).status == 200
        assert (await server.get("/info", EVE)).json()["cooldown"]["remaining"] == 0


async def test_without_the_header_everybody_may_look_and_nobody_paint(start: Start) -> None:
    async with start(**PROXY) as server:
        before = server.state()
        for headers in (
            (),
            (("Remote-User", ""),),
            (("Remote-User", "eve, Ada"),),
            (EVE, ADA),
            (("Remote_User", "a"),),
        ):
            refused = await server.place(1, 2, 3, *headers)
            assert (refused.status, refused.json()["code"]) == (401, "sign-in"), headers
            assert "remote-user" in refused.json()["detail"]
            assert not (await server.get("/me", *headers)).json()["signed_in"]
            assert (await server.get("/canvas.png", *headers)).status == 200
        await server.assert_well(before)


async def test_clients_own_header_counts_for_nothing(start: Start) -> None:
    # The peer, 127.0.0.1, isn't a proxy here, whatever its headers say.
    async with start(**PROXY | {"trusted_proxies": ("192.0.2.0/24",)}) as server:
        for headers in ((ADA,), (ADA, ("X-Forwarded-For", "192.0.2.1")), (ADA, ("Forwarded", "for=192.0.2.1"))):
            for target, body in (("/edit?x=1&y=2&color=3", b""), ("/edits", b'{"edits": [[1, 2, 3]]}')):
                json = ("Content-Type", "application/json")
                refused = await server.request("POST", target, json, *headers, body=body)
                assert (refused.status, refused.json()["code"]) == (401, "sign-in")
            assert not (await server.get("/me", *headers)).json()["signed_in"]


async def test_in_other_modes_the_header_counts_for_nothing(start: Start) -> None:
    async with start(trusted_proxies=("127.0.0.1",)) as server:
        me = (await server.get("/me", ADA)).json()
        assert not me["signed_in"]
        assert me["author"] == (await server.get("/me")).json()["author"]


async def test_page_of_another_site_paints_for_nobody(start: Start) -> None:
    friend = ("Origin", "https://friend.test")
    async with start(**PROXY, allow_origins=("https://friend.test",)) as server:
        assert (await server.place(1, 2, 3, ADA, friend)).json()["code"] == "sign-in"
        assert (await server.place(1, 2, 3, ADA, ("Origin", f"http://{HOST}"))).status == 200


async def test_token_counts_before_the_header(start: Start, host: Host) -> None:
    bot = await host.token("carl")
    async with start(**PROXY) as server:
        assert (await server.get("/me", bot, ADA)).json()["name"] == "carl"
        wrong = ("Authorization", "Bearer pt_none")
        assert (await server.place(1, 2, 3, wrong, ADA)).json()["code"] == "sign-in"
        assert (await server.place(1, 2, 3, ("Authorization", "Basic YTpi"), ADA)).status == 200  # of the proxy


async def test_name_that_is_taken_gets_a_number_and_can_be_changed(start: Start, host: Host) -> None:
    await host.token("carl")
    async with start(**PROXY) as server:
        carl = ("Remote-User", "Carl@example.org")
        assert (await server.get("/me", carl)).json()["name"] == "Carl 2"
        changed = await post_json(server, "/me/name", {"name": "Charles"}, carl)
        assert (changed.status, changed.json()["name"]) == (200, "Charles")
        assert (await server.get("/me", carl)).json()["name"] == "Charles"


async def test_role_that_the_host_gave_counts(start: Start, host: Host) -> None:
    async with start(**PROXY) as server:
        await server.get("/me", ADA)
    await host.change(SetRoles(author_of_person("proxy:ada", host.key), frozenset({"person", "moderator"})))
    async with start(**PROXY) as server:
        assert (await server.get("/me", ADA)).json()["roles"] == ["person", "moderator"]


async def test_info_names_the_mode(start: Start) -> None:
    async with start(**PROXY) as server:
        told = (await server.info())["sign_in"]
        assert (told["mode"], told["required"], told["providers"]) == ("proxy", True, [])


async def test_only_those_whom_the_proxy_knows_watch_where_the_host_says_so(start: Start) -> None:
    async with start(**PROXY, watch="signed-in") as server:
        assert (await server.get("/canvas.png")).status == 401
        assert (await server.get("/canvas.png", ADA)).status == 200
        assert (await server.get("/canvas.png", ADA, EVE)).status == 401


@pytest.mark.parametrize(
    ("change", "setting", "words"),
    [
        ({"trusted_proxies": ()}, "user_header", "only with a --trusted-proxy"),
        ({"trusted_proxies": ("0.0.0.0/0",)}, "user_header", "all addresses trusts everybody"),
        ({"trusted_proxies": ("127.0.0.1", "::/0")}, "user_header", "all addresses trusts everybody"),
        ({"user_header": None}, "sign_in", "only with a --user-header"),
        ({"sign_in": "open"}, "user_header", "only with --sign-in proxy"),
        ({"user_header": "Remote_User"}, "user_header", "a header's name"),
        ({"user_header": ""}, "user_header", "a header's name"),
        ({"user_header": "Remote-User: a"}, "user_header", "a header's name"),
        ({"user_header": "Host"}, "user_header", "a header's name"),
        ({"user_header": "cookie"}, "user_header", "a header's name"),
        ({"user_header": "X-Forwarded-For"}, "user_header", "a header's name"),
        ({"user_header": "Sec-Fetch-Site"}, "user_header", "a header's name"),
        ({"user_header": "Accept-Language"}, "user_header", "a header's name"),
    ],
)
def test_settings_that_let_anybody_be_anybody_are_refused(
    change: dict[str, Any], setting: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=words) as error:
        Settings(data=tmp_path, **PROXY | change)
    assert error.value.setting == setting
