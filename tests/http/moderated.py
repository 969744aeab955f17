"""A server, and people who look after its canvas over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from tests.support.people import post_json

if TYPE_CHECKING:
    from tests.support.serving import Server


@attrs.frozen
class Moderated:
    """A server, and the tokens of people who look after its canvas."""

    server: Server
    moderator: tuple[str, str]
    bot: tuple[str, str]

    async def act(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Do an act, as a moderator."""
        answer = await post_json(self.server, "/acts", {"kind": kind, **fields}, self.moderator)
        assert answer.status == 200, answer.body
        told: dict[str, Any] = answer.json()
        return told

    async def refused(self, kind: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        """The refusal of an act."""
        before = self.server.state()
        answer = await post_json(self.server, "/acts", {"kind": kind, **fields}, self.moderator)
        assert answer.status >= 400, answer.body
        await self.server.assert_well(before)
        return answer.status, answer.json()

    async def record(self, query: str = "") -> dict[str, Any]:
        """GET /acts."""
        told: dict[str, Any] = (await self.server.get(f"/acts{query}", self.moderator)).json()
        return told

    async def paint(self, *pixels: tuple[int, int, int], bot: bool = False) -> None:
        """Place edits, by this address or by the bot."""
        for x, y, color in pixels:
            assert (await self.server.place(x, y, color, *[self.bot] * bot)).status == 200

    async def author(self, *headers: tuple[str, str]) -> str:
        """The author of edits with these headers."""
        author: str = (await self.server.get("/me", *headers)).json()["author"]
        return author

    def area(self, x: int = 1, y: int = 1, width: int = 3, height: int = 2) -> list[list[int]]:
        """The canvas's colours in an area."""
        colors: list[list[int]] = self.server.projection.canvas[y : y + height, x : x + width].tolist()
        return colors
