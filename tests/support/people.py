"""People in tests: codes, tokens and host links of a data folder, and people who sign in at its server."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

import attrs

from placed.people.changes import AddCodes, AddHostLink, AddToken, Name
from placed.people.names import skeleton
from placed.people.secrets import PREFIX, code_digest, host_link_digest, token_digest
from placed.people.store import FOLDER_NAME, open_people
from placed.storage.author_key import author_key
from placed.storage.lasting_folders import make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from placed.people.changes import Change
    from tests.support.http_connection import Response
    from tests.support.serving import Server

SESSION: Final = "placed-session"


def now_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


@attrs.frozen
class Host:
    """A host who makes codes and tokens for a data folder, while no server of this process has it open.

    Attributes:
        data: the folder.
    """

    data: Path

    @property
    def key(self) -> bytes:
        """The author key."""
        make_folder(self.data, 0o700)
        return author_key(self.data, None)

    async def codes(self, count: int) -> list[str]:
        """New codes."""
        texts = {f"t-{number:03}": f"code{number:04}" for number in range(count)}
        await self.change(AddCodes({number: code_digest(text, self.key) for number, text in texts.items()}, now_ms()))
        return list(texts.values())

    async def token(self, name: str, role: str = "bot") -> tuple[str, str]:
        """The header of a new token."""
        text = PREFIX + name * 4
        digest, roles = token_digest(text, self.key), frozenset({role})
        await self.change(AddToken(digest, name, Name(name, skeleton(name)), roles, now_ms()))
        return ("Authorization", f"Bearer {text}")

    async def host_link(self) -> str:
        """The secret of a new host link."""
        await self.change(AddHostLink(host_link_digest("host-secret", self.key), now_ms()))
        return "host-secret"

    async def change(self, *changes: Change) -> None:
        """Make changes."""
        async with open_people(self.data / FOLDER_NAME, self.key) as store:
            for change in changes:
                await store.change(change)


async def post_json(server: Server, target: str, told: object, *headers: tuple[str, str]) -> Response:
    """POST JSON, as the canvas's own page does."""
    body = json.dumps(told).encode()
    return await server.request("POST", target, ("Content-Type", "application/json"), *headers, body=body)


def cookie_of(answer: Response, name: str = SESSION) -> tuple[str, str]:
    """The header `Cookie` that a browser sends once it has got this answer."""
    given = answer.headers["set-cookie"].partition(";")[0]
    assert given.startswith(f"{name}=")
    return ("Cookie", given)


async def signed_in(server: Server, **told: str) -> tuple[str, str]:
    """Sign in with `POST /sign-in`; return the header `Cookie` of the person who signed in."""
    answer = await post_json(server, "/sign-in", told)
    assert answer.status == 200, answer.body
    return cookie_of(answer)
