"""A moderator who keeps doing acts, behind the bad network, and soon allows again what these acts forbid.

wipe, stamp, restore, undo                               the ledger compares every pixel with the log
close, a moment, open; ban, unban; protect, unprotect    the server may take no edit that these forbid
announce; plan to close and to open                      a server that starts has the state that the log has
grow                                                     everybody's canvas grows, too
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import subprocess
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import trio

from bench.equipment.http_client import Connection, connection
from bench.equipment.server_process import COMMAND, ROOT, users_environment
from bench.torturing.broken_promise import Broken
from bench.torturing.people import ANSWER_SECONDS, EAGER, GONE, HOST
from placed.canvas.png import encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from bench.equipment.http_connection import Response
    from bench.torturing.ledger import Edit
    from bench.torturing.people import Scene

_LARGEST_PX: Final = 16
_PAUSE_SECONDS: Final = 0.1
_FORBID_SECONDS: Final = 0.2
_UNDOABLE: Final = 20  # of the newest acts, that an undo chooses from
_GROWS: Final = 48  # px in all
_MOST_ROWS: Final = 4
_BACK: Final = 300  # versions that a restore goes back at the most
_LISTED: Final = 100
_KNOWN_SECONDS: Final = 20.0


def moderators_token(data: Path) -> str:
    """Make a token for a moderator of the canvas in the folder `data`; a server may have the folder open."""
    command = [*COMMAND, "people", "token", "torture", "--role", "moderator", "--data", str(data)]
    done = subprocess.run(command, cwd=ROOT, env=users_environment(), capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Moderator:
    """One moderator.

    Args:
        scene: state that all people share.
        token: a moderator's token that the server knows.
    """

    def __init__(self, scene: Scene, token: str) -> None:
        self._scene = scene
        self._acts = scene.ledger.acts
        self._headers = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]
        self._link = Connection(HOST, scene.port)
        self._painted: list[int] = []  # acts that can be undone, the newest last
        self._version = 0
        self._height = scene.ledger.height
        self._gone = False  # whether the last act named another act that isn't there any more
        self._may_open = False  # whether there may be a plan whose answer got lost

    async def run(self) -> None:
        """Do one act after the other, without end."""
        kinds: list[Callable[[], Awaitable[object]]] = [
            # Mostly these: while the canvas is closed nobody paints, and there is less to compare with the log.
            *(self._wipe, self._stamp, self._restore, self._restore_theirs, self._undo) * 4,
            *(self._close, self._ban, self._protect, self._plan, self._announce, self._grow),
        ]
        while True:
            await self._scene.chance.choice(kinds)()
            await trio.sleep(self._scene.chance.uniform(0, 2 * _PAUSE_SECONDS))

    async def until_known(self, port: int) -> None:
        """Wait until a server knows a token that was made while it ran."""
        with trio.move_on_after(_KNOWN_SECONDS):
            while (await self._record(port)).status == 401:  # noqa: ASYNC110 - no event of another process
                await trio.sleep(_PAUSE_SECONDS)
            return
        raise Broken(0, f"a server didn't know a moderator's token {_KNOWN_SECONDS:g} s after it was made")

    async def _record(self, port: int) -> Response:
        async with connection(HOST, port) as link:
            return await link.request("GET", f"/acts?limit={_LISTED}", self._headers)

    async def compare(self, port: int) -> None:
        """Compare the acts that a server that has just started lists with the ledger; nobody else may use it yet."""
        answer = await self._record(port)
        if answer.status != 200:
            raise Broken(6, f"the acts were answered {answer.status}: {answer.body!r}")
        self._acts.compare(answer.json()["acts"], _LISTED)
        async with connection(HOST, port) as link:
            told = (await link.request("GET", "/info")).json()
        differs = self._acts.gate.differs(told)
        if differs is not None:
            raise Broken(1, f"a server has started, and {differs}")

    async def _wipe(self) -> None:
        await self._paint("wipe", area=self._area(), color=self._scene.chance.randrange(4))

    async def _restore(self) -> None:
        to = max(0, self._version - self._scene.chance.randrange(_BACK))
        await self._paint("restore", area=self._area(), to={"v": to})

    async def _stamp(self) -> None:
        area = self._area()
        colors = [self._scene.chance.randrange(self._scene.ledger.colors) for _ in range(area[2] * area[3])]
        pixels = np.array(colors, np.uint8).reshape(area[3], area[2])
        png = encode(pixels, b"".join(number.to_bytes(3) for number in range(self._scene.ledger.colors)))
        await self._paint("stamp", colors, area=area, picture=base64.b64encode(png).decode())

    async def _restore_theirs(self) -> None:
        author = self._scene.ledger.author_of(self._scene.eager_edit)
        if author is None:
            return
        told: dict[str, Any] = {"authors": [author]}
        if self._scene.chance.random() < 0.5:
            told["area"] = self._area()
        if self._scene.chance.random() < 0.3:
            told["to"] = {"v": max(0, self._version - self._scene.chance.randrange(_BACK))}
        await self._paint("restore", **told)

    async def _undo(self) -> None:
        if self._painted:
            await self._paint("undo", act=self._scene.chance.choice(self._painted))

    async def _paint(self, kind: str, colors: Sequence[int] | None = None, **told: Any) -> None:
        done = await self._post(kind, colors, **told)
        if done is not None:
            self._painted = [*self._painted, done["id"]][-_UNDOABLE:]
            self._version = done["v"]

    async def _close(self) -> None:
        await self._forbid("close", lambda _edit, _address: not self._may_open)
        await self._until_done("open")

    async def _plan(self) -> None:
        """Plan to close the canvas and to open it again, wait for a part of that time, and undo the rest."""
        plans, at = list[int](), dt.datetime.now(dt.UTC)
        for kind in ("close", "open"):
            at += dt.timedelta(seconds=self._scene.chance.uniform(0.2, 0.5))
            done = await self._post(kind, at=at.isoformat())
            plans += [] if done is None else [done["id"]]
            self._may_open |= done is None
        await trio.sleep(self._scene.chance.uniform(0, 1))
        for plan in plans:
            await self._until_done("undo", act=plan)
        await self._until_done("open")

    async def _announce(self) -> None:
        await self._post("announce", text=f"It is {self._scene.chance.random()}")

    async def _ban(self) -> None:
        author = self._scene.ledger.author_of(self._scene.eager_edit)
        if author is not None:
            await self._forbid("ban", lambda _edit, address: address == EAGER, author=author)
            await self._until_done("unban", author=author)

    async def _protect(self) -> None:
        area = left, top, width, height = self._area()

        def covers(edit: Edit, _address: str) -> bool:
            return left <= edit[0] < left + width and top <= edit[1] < top + height

        # An act without an answer may have been done: then these few pixels stay protected.
        done = await self._forbid("protect", covers, area=area)
        if done is not None:
            await self._until_done("unprotect", act=done["id"])

    async def _grow(self) -> None:
        """Make the canvas higher by some rows; as it grows, edit codes need one more bit."""
        height = self._height + self._scene.chance.randint(1, _MOST_ROWS)
        if height <= self._scene.ledger.height + _GROWS and await self._post("grow", height=height) is not None:
            self._height = height

    async def _forbid(self, kind: str, is_forbidden: Callable[[Edit, str], bool], **told: Any) -> dict[str, int] | None:
        done = await self._post(kind, **told)
        if done is not None:
            self._scene.forbidden[done["id"]] = is_forbidden
        await trio.sleep(self._scene.chance.uniform(0, 2 * _FORBID_SECONDS))
        if done is not None:
            del self._scene.forbidden[done["id"]]
        return done

    async def _until_done(self, kind: str, **told: Any) -> None:
        while await self._post(kind, **told) is None:
            if kind in ("unprotect", "undo") and self._gone:
                return
            await trio.sleep(_PAUSE_SECONDS)

    async def _post(self, kind: str, colors: Sequence[int] | None = None, **told: Any) -> dict[str, int] | None:
        """Post an act; return the answer if it was 200. `colors` are those of a stamp's picture."""
        number = self._acts.ask(kind, colors)
        body = json.dumps({"kind": kind, "reason": str(number), **told}).encode()
        self._gone = False
        try:
            with trio.move_on_after(ANSWER_SECONDS):
                return self._note(number, kind, await self._link.request("POST", "/acts", self._headers, body))
        except GONE:
            pass
        await self._link.aclose()
        return None

    def _note(self, number: int, kind: str, answer: Response) -> dict[str, int] | None:
        told = answer.json()
        code = told.get("code", "")
        self._scene.note(f"{kind}: {answer.status} {code}".strip())
        if answer.status == 200:
            self._acts.answer(number, {"id": told["id"], "v": told["v"], "pixels": told["pixels"]})
            return dict(told)
        # When the server's clock has jumped, the planned time may have passed. And an act that wasn't answered may have
        # made the canvas that high already.
        known = answer.status == 400 and told.get("parameter") in ("at", "height")
        if answer.status not in (404, 409, 503) and not known:
            raise Broken(6, f"the act {kind} was answered {answer.status}: {answer.body!r}")
        self._gone = answer.status in (404, 409)
        if code == "unfinished":
            self._acts.answer(number, {"id": told["act"]})
        elif code != "outcome-unknown":
            self._acts.refuse(number)
        return None

    def _area(self) -> tuple[int, int, int, int]:
        chance, ledger = self._scene.chance, self._scene.ledger
        width, height = chance.randint(1, _LARGEST_PX), chance.randint(1, _LARGEST_PX)
        return chance.randint(0, ledger.width - width), chance.randint(0, self._height - height), width, height
