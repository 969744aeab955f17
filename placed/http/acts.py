"""Lets moderators and hosts look after the canvas over HTTP: `POST /acts` does an act, `GET /acts` lists all acts, and
`GET /acts/bans` and `GET /acts/protections` list the present bans and protections.

Everybody else is refused. A browser's session counts only on the canvas's own pages; a program sends a token.
"""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from placed.backends import LogError
from placed.canvas.acts.bans import MOST_BANS, bans_of
from placed.canvas.acts.protections import protections
from placed.canvas.acts.record import record_of
from placed.canvas.clock import wall_clock_ms
from placed.canvas.refusal import Reason, RecordRefused
from placed.history.past import NotIndexed, PastError
from placed.http.act_fields import Fields
from placed.http.act_requests import PICTURE, Asking
from placed.http.answer import Problem, invalid_parameter, json_answer, retry_after
from placed.http.log_refusals import unavailable
from placed.http.moment import in_words
from placed.http.origin import refuse_cross_site
from placed.http.parameters import MAX_VERSION, integer, query_pairs
from placed.moderation.desk import DeskFull, Unfinished
from placed.moderation.present import CannotPaint
from placed.people.person import LOOK_AFTER
from placed.tasks.writer import WriterClosed, WriterFull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from placed.canvas.projection import Projection
    from placed.http.answer import Answer, Request
    from placed.http.askers import Asker, Askers
    from placed.moderation.desk import Desk
    from placed.moderation.older_acts import OlderActs
    from placed.moderation.previews import Preview, Previews

_MOST_LISTED: Final = 100
_LISTED: Final = 50
_MOST_PAINTERS: Final = 100  # in a preview's answer, the author with the most pixels first
_RETRY_SECONDS: Final = 2.0
_MOMENTS: Final = ("time", "until", "at")


@attrs.frozen
class Acts:
    """The endpoints for acts of one server.

    Attributes:
        askers: finds out who sent a request.
        projection: the canvas, and the state that acts have set.
        desk: does the acts.
        previews: shows what an act would change.
        older: reads the acts that are too old for the projection's record.
        now_ms: the wall clock.
    """

    askers: Askers
    projection: Projection
    desk: Desk
    previews: Previews
    older: OlderActs
    now_ms: Callable[[], int] = wall_clock_ms

    async def post(self, request: Request) -> Answer:
        """`POST /acts`: do an act, or show what it would change.

        Raises:
            Problem: 400, 401, 403, 404, 409, 415, 503.
        """
        refuse_cross_site(request, (), self.askers.trusted_proxies)
        by = self._moderator(request).author
        fields = Fields.of(request)
        is_preview = fields.flag("preview")
        undone = await self._undone(fields)
        asked = Asking(fields, by, self.projection, self.now_ms(), undone).asked()
        with _problems(fields):
            if is_preview:
                return json_answer(await self._told(await self.previews.of(asked)))
            done = await self.desk.do(asked)
        return json_answer({"id": done.act, "v": done.version, "pixels": done.pixels})

    async def list(self, request: Request) -> Answer:
        """`GET /acts`: the acts, newest first.

        Raises:
            Problem: 400, 401, 403, 503.
        """
        self._moderator(request)
        before, limit = _page(request, "before", MAX_VERSION)
        found = [(int(act), it) for act, it in reversed([*record_of(self.projection.kept.acts).items()])]
        found = [(act, it) for act, it in found if before is None or act < before]
        listed, has_more, is_whole = found[:limit], len(found) > limit or self.older.may_be, True
        if len(listed) < limit and has_more:
            with _past_problems():
                older = await self.older.page(found[-1][0] if found else before or 0, limit - len(listed))
            listed, has_more, is_whole = listed + older.acts, older.has_more, older.has_more or older.is_whole
        names = await self.askers.names_of({int(it["by"], 16) for _, it in listed})
        return json_answer(
            {
                "acts": [_entry(act, it, names.get(int(it["by"], 16))) for act, it in listed],
                "next": listed[-1][0] if listed and has_more else None,
                "older": None if is_whole else "not-kept",
            }
        )

    async def bans(self, request: Request) -> Answer:
        """`GET /acts/bans`: who is banned now, and until when, the latest bans first.

        Raises:
            Problem: 400, 401, 403.
        """
        self._moderator(request)
        skip, limit = _page(request, "skip", MOST_BANS)
        found = await trio.to_thread.run_sync(bans_of, self.projection.kept.acts, self.now_ms())
        begin = skip or 0
        listed = found[begin : begin + limit]
        names = await self.askers.names_of({int(author, 16) for author, _ in listed})
        told = [
            {"author": author, **_named(names.get(int(author, 16))), "until": _moment(ban.until_ms), "act": ban.act}
            for author, ban in listed
        ]
        return json_answer({"bans": told, "next": begin + limit if len(found) > begin + limit else None})

    async def protections(self, request: Request) -> Answer:
        """`GET /acts/protections`: the areas in which only moderators and hosts may paint now, the latest first.

        Raises:
            Problem: 400, 401, 403.
        """
        self._moderator(request)
        for name, value in query_pairs(request.query):
            raise invalid_parameter(name[:64], value, "no parameter", "is not known here")
        found = sorted(protections(self.projection.kept.acts), key=lambda it: -it.act)
        return json_answer(
            {"protections": [{"act": it.act, "area": [it.x, it.y, it.width, it.height]} for it in found]}
        )

    async def _undone(self, fields: Fields) -> dict[str, Any] | None:
        """The record's entry of the act that the request wants to undo."""
        if fields.kind != "undo":
            return None
        act = fields.act()
        with _past_problems():
            entry = await self.older.entry(act)
        if entry is None and not self.older.is_whole:
            raise Problem(409, "not-kept", f"the act {act} isn't among the acts that this server still knows")
        return entry

    def _moderator(self, request: Request) -> Asker:
        asker = self.askers.member(request)
        if LOOK_AFTER.isdisjoint(asker.roles):
            raise Problem(403, "not-a-moderator", "only moderators and hosts look after the canvas")
        return asker

    async def _told(self, found: Preview) -> dict[str, Any]:
        told: dict[str, Any] = {
            "pixels": found.pixels,
            "authors": None,
            "acts": 0,
            "unknown": 0,
            "area": found.area,
            "png": None if found.png is None else base64.b64encode(found.png).decode(),
        }
        if found.painters is None:
            return told
        authors = list(found.painters.authors.items())[:_MOST_PAINTERS]
        names = await self.askers.names_of({author for author, _ in authors})
        listed = [
            {"author": f"{author:016x}", **_named(names.get(author)), "pixels": count} for author, count in authors
        ]
        return {**told, "authors": listed, "acts": found.painters.acts, "unknown": found.painters.unknown}


def _page(request: Request, place: str, most: int) -> tuple[int | None, int]:
    """Where a page begins, by the parameter `place` (at most `most`; None without it), and its size, by `limit`."""
    told: dict[str, object] = {}
    for name, value in query_pairs(request.query):
        if name not in (place, "limit") or name in told:
            why = "is repeated" if name in told else "is not known here"
            raise invalid_parameter(name[:64], value, f"{place} and limit, each once", why)
        told[name] = value
    begin = integer(place, told[place], 0, most) if place in told else None
    return begin, integer("limit", told["limit"], 1, _MOST_LISTED) if "limit" in told else _LISTED


def _entry(act: int, kept: dict[str, Any], name: str | None) -> dict[str, Any]:
    told = {"id": act, **kept, **_named(name), "undone": "undone" in kept}
    told |= {each: in_words(told[each]) for each in _MOMENTS if each in told}
    if "t" in told.get("to", {}):
        told["to"] = {"t": in_words(told["to"]["t"])}
    return told


def _moment(ms: int | None) -> str | None:
    return None if ms is None else in_words(ms)


def _named(name: str | None) -> dict[str, str]:
    return {} if name is None else {"name": name}


@contextlib.contextmanager
def _past_problems() -> Iterator[None]:
    """Turn errors of reading older acts into problems."""
    try:
        yield
    except NotIndexed as error:
        raise Problem(503, "indexing", str(error), retry_after(_RETRY_SECONDS)) from error
    except LogError as error:
        raise unavailable(error) from error


@contextlib.contextmanager
def _problems(fields: Fields) -> Iterator[None]:
    """Turn the errors of an act into problems."""
    try:
        yield
    except CannotPaint as error:
        # The area was checked before, and no canvas gets smaller. So the picture is at fault, which is read only now.
        raise invalid_parameter("picture", fields.told.get("picture"), PICTURE, f"can't be stamped: {error}") from error
    except RecordRefused as refusal:
        if refusal.reason is Reason.FULL:
            raise Problem(409, "full", str(refusal)) from refusal
        raise Problem(409, "no-effect", str(refusal)) from refusal
    except DeskFull as error:
        raise Problem(503, "busy", str(error), retry_after(_RETRY_SECONDS)) from error
    except NotIndexed as error:
        raise Problem(503, "indexing", str(error), retry_after(_RETRY_SECONDS)) from error
    except PastError as error:
        raise Problem(409, "not-kept", str(error)) from error
    except Unfinished as error:
        raise Problem(503, "unfinished", str(error), retry_after(_RETRY_SECONDS), act=error.act) from error
    except (WriterFull, WriterClosed, LogError) as error:
        raise unavailable(error) from error
