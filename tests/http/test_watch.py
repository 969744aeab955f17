"""`--watch signed-in`, in both lanes: who may see the canvas and its past, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import trio

from placed.people.changes import RevokeToken
from tests.support.people import Host, post_json, signed_in
from tests.support.serving import LIMIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

HIDDEN: Final[dict[str, Any]] = {"sign_in": "code", "join_code": "turtle", "watch": "signed-in"}
SHOWN: Final = (
    "/canvas.png",
    "/canvas.bin",
    "/edits?v=1&wait=0",
    "/history",
    "/history/canvas.png?v=1",
    "/history/edits?from=0&to=1",
    "/history/pixel?x=1&y=1",
    "/history/activity",
)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """The host of the data folder that `start` serves."""
    return Host(tmp_path / "data")


@pytest.mark.parametrize("target", SHOWN)
async def test_canvas_and_its_past_are_shown_to_people_alone_and_kept_by_no_cache(start: Start, target: str) -> None:
    async with start(**HIDDEN) as server:
        refused = await server.get(target)
        assert (refused.status, refused.json()["code"]) == (401, "sign-in")
        assert (await server.get(target, ("Cookie", "placed-session=forged"))).status == 401
        answer = await server.get(target, await signed_in(server, join="turtle", name="Ada"))
        assert answer.status == 200
        assert answer.headers["cache-control"].startswith("no-store")


async def test_what_signing_in_takes_is_answered_to_everybody(start: Start) -> None:
    async with start(**HIDDEN) as server:
        for target in ("/", "/info", "/me", "/healthz", "/qr.svg"):
            assert (await server.get(target)).status == 200


async def test_image_from_memory_is_hidden_too(start: Start) -> None:
    async with start(**HIDDEN) as server:
        ada = await signed_in(server, join="turtle", name="Ada")
        assert (await server.get("/canvas.png", ada)).status == 200
        assert (await server.get("/canvas.png")).status == 401


async def test_stream_ends_within_a_second_of_signing_out_everywhere_and_others_go_on(start: Start) -> None:
    async with start(**HIDDEN) as server:
        ada = await signed_in(server, join="turtle", name="Ada")
        bob = await signed_in(server, join="turtle", name="Bob")
        async with server.follow("v=1", ada) as hers, server.follow("v=1", bob) as his:
            await hers.status()
            assert (await server.place(1, 1, 1, ada)).status == 200
            assert (await hers.event()).id == (await his.event()).id
            with trio.fail_after(LIMIT_SECONDS):
                assert (await post_json(server, "/sign-out", {"everywhere": True}, ada)).status == 200
                began = trio.current_time()
                while await hers.next() is not None:
                    pass
            assert trio.current_time() - began < 5.0  # 1 s on an idle machine
            assert (await server.place(2, 1, 1, bob)).status == 200
            assert (await his.event()).id


async def test_program_watches_by_its_token_until_that_is_revoked(start: Start, host: Host) -> None:
    token = await host.token("robo")
    async with start(**HIDDEN) as server, server.follow("v=1", token) as stream:
        await stream.status()
        assert (await server.get("/canvas.png", token)).status == 200
    await host.change(RevokeToken("robo"))
    async with start(**HIDDEN) as server:
        assert (await server.get("/canvas.png", token)).status == 401


async def test_where_everybody_watches_a_cookie_changes_no_byte(start: Start) -> None:
    async with start(sign_in="code", join_code="turtle") as server:
        ada = await signed_in(server, join="turtle", name="Ada")
        await server.place(1, 2, 3, ada)
        images = [await server.get("/canvas.png?v=2", *who) for who in ((), (ada,), (("Cookie", "placed-session=x"),))]
        assert len({(image.body, image.headers["etag"], image.headers["cache-control"]) for image in images}) == 1
        assert all("vary" not in image.headers and "set-cookie" not in image.headers for image in images)
        told = [(await server.get("/edits?v=1&wait=0", *who)).body.partition(b"\n\n")[2] for who in ((), (ada,))]
        assert told[0] == told[1] != b""
