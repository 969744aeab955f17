"""Two servers on one topic: a moderator's act at one server soon applies at the other, and so does its undoing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest
import trio

from tests.kafka.test_people import Fleet, is_signed_in, soon
from tests.support.kafka_servers import url_of
from tests.support.people import post_json

if TYPE_CHECKING:
    from pathlib import Path

    from bench.equipment.kafka.cluster import Cluster
    from tests.support.serving import Server

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

LIMIT_SECONDS = 120.0
AREA = [1, 1, 3, 2]
OPEN: Final[dict[str, Any]] = {"sign_in": "open", "join_code": None}


@attrs.frozen
class Pair:
    """Two servers, and a moderator's token at the first."""

    one: Server
    other: Server
    moderator: tuple[str, str]

    async def act(self, kind: str, **fields: Any) -> int:
        """Do an act at the first server, and wait until the second has read it; the act's id."""
        answer = await post_json(self.one, "/acts", {"kind": kind, **fields}, self.moderator)
        assert answer.status == 200, answer.body
        told = answer.json()
        await self.other.get(f"/edits?v={told['v'] - 1}&wait=30")
        return int(told["id"])

    async def codes(self, x: int = 1) -> list[str | None]:
        """The codes of both servers' answers to an edit."""
        return [(await server.place(x, 1, 1)).json().get("code") for server in (self.one, self.other)]


async def test_ban_protection_gate_and_pixels_are_the_same_on_both(tmp_path: Path, kafka: Cluster) -> None:
    fleet = Fleet(tmp_path, url_of(kafka, "acts"))
    with trio.fail_after(LIMIT_SECONDS):
        async with fleet.server("a", **OPEN) as one, fleet.server("b", **OPEN) as other:
            token = (await fleet.people("a", "token", "mod", "--role", "moderator")).strip()
            pair = Pair(one, other, ("Authorization", f"Bearer {token}"))
            await soon(partial(is_signed_in, one, pair.moderator))
            author = (await one.get("/me")).json()["author"]
            for kind, fields, code in (
                ("ban", {"author": author}, "banned"),
                ("protect", {"area": AREA}, "protected"),
                ("close", {}, "closed"),
            ):
                act = await pair.act(kind, **fields)
                assert await pair.codes() == [code, code]
                await pair.act("undo", act=act)
                assert await pair.codes() == [None, None]
            wiped = await pair.act("wipe", area=AREA, color=5)
            assert (one.projection.canvas == other.projection.canvas).all()
            await pair.act("undo", act=wiped)
            assert (one.projection.canvas == other.projection.canvas).all()
            assert one.projection.kept.acts["bans"] == other.projection.kept.acts["bans"]
