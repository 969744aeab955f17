"""The current bans and protections over HTTP, in both lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.http.moderated import Moderated

LATER: Final = "2096-10-02T07:06:40.000Z"


async def test_who_is_banned_and_what_is_protected_now_is_listed_the_last_first(moderated: Moderated) -> None:
    async def bans(query: str = "") -> dict[str, Any]:
        told: dict[str, Any] = (await moderated.server.get(f"/acts/bans{query}", moderated.moderator)).json()
        return told

    async def areas() -> list[dict[str, Any]]:
        answer = await moderated.server.get("/acts/protections", moderated.moderator)
        return list(answer.json()["protections"])

    assert (await bans(), await areas()) == ({"bans": [], "next": None}, [])
    mod = await moderated.author(moderated.moderator)
    first = (await moderated.act("ban", author=mod, until=LATER))["id"]
    second = (await moderated.act("ban", authors=["b" * 16, "a" * 16]))["id"]
    for_good = [{"author": letter * 16, "until": None, "act": second} for letter in "ab"]
    named = {"author": mod, "name": "mod", "until": LATER, "act": first}
    assert await bans() == {"bans": [*for_good, named], "next": None}
    assert await bans("?limit=2") == {"bans": for_good, "next": 2}
    assert await bans("?skip=2&limit=2") == {"bans": [named], "next": None}
    await moderated.act("unban", author="b" * 16)
    assert [it["author"] for it in (await bans())["bans"]] == ["a" * 16, mod]
    ids = [(await moderated.act("protect", area=[x, 0, 1, 1]))["id"] for x in (1, 2, 3)]
    await moderated.act("unprotect", act=ids[1])
    assert await areas() == [{"act": ids[2], "area": [3, 0, 1, 1]}, {"act": ids[0], "area": [1, 0, 1, 1]}]
    for path in ("/acts/bans?x=1", "/acts/bans?skip=-1", "/acts/bans?limit=0", "/acts/protections?x=1"):
        assert (await moderated.server.get(path, moderated.moderator)).json()["code"] == "invalid-parameter"
