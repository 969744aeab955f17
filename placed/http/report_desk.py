"""Takes reports from everybody who may watch, and shows them to moderators and hosts: `/reports`.

An author may make `MOST_AN_HOUR` in an hour; how many are kept in all, and what happens then, is
`placed.moderation.reports`'. Nothing of a report is told to anybody else, nor written into the log.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import time
from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.area import Area
from placed.canvas.clock import wall_clock_ms
from placed.http.answer import Problem, invalid_parameter, json_answer, missing_parameter, retry_after
from placed.http.body import JSON, form_pairs, json_members, media_type
from placed.http.moment import in_words
from placed.http.origin import refuse_cross_site
from placed.http.window_limit import WindowLimit
from placed.moderation.report import MOST_TEXT, STATES, Report, around, picture_of
from placed.moderation.reports import ReportsFull
from placed.people.unseen import JOINERS, unseen_in
from placed.storage.lmdb_environment import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from placed.canvas.projection import Projection
    from placed.http.answer import Answer, Request
    from placed.http.askers import Askers
    from placed.moderation.reports import Reports

MOST_AN_HOUR: Final = 5
_HOUR_SECONDS: Final = 3_600.0
_FULL_RETRY_SECONDS: Final = 600.0  # a guess: moderators have to look first
_RETRY_SECONDS: Final = 5.0
_MOST_LISTED: Final = 100
_LISTED: Final = 50
_MOST_ID: Final = 2**53 - 1  # what JavaScript has of whole numbers
_FIELDS: Final = frozenset({"x", "y", "area", "text"})
_QUESTIONS: Final = frozenset({"after", "before", "limit", "state"})
_SET_STATES: Final = STATES[1:]


@attrs.frozen
class ReportDesk:
    """That of one server.

    Attributes:
        askers: who asks.
        projection: the canvas.
        reports: those that were made.
        now_seconds: for the limit.
    """

    askers: Askers
    projection: Projection
    reports: Reports
    now_seconds: Callable[[], float] = time.monotonic
    _limit: WindowLimit = attrs.field(factory=lambda: WindowLimit(MOST_AN_HOUR, _HOUR_SECONDS), init=False)

    async def report(self, request: Request) -> Answer:
        """`POST /reports`: keep what somebody says of a place, with how it looks now.

        Raises:
            Problem: 400, 401, 403, 415, 429, 503.
        """
        refuse_cross_site(request, (), self.askers.trusted_proxies)
        self.askers.watcher(request)
        media_type(request, JSON)
        fields = _once(json_members(request.body, "a JSON object with x and y, or area, and text"), _FIELDS)
        report = self._made(fields, self.askers.of(request).author)
        key = report.author.to_bytes(8)
        wait_seconds = self._limit.take(key, self.now_seconds())
        if wait_seconds:
            raise _too_many(wait_seconds)
        try:
            with _problems():
                stored = await self.reports.add(report)
        except Problem:
            self._limit.give_back(key)
            raise
        return json_answer({"id": stored.id, "v": stored.version})

    async def list(self, request: Request) -> Answer:
        """`GET /reports`: the newest of them, for moderators and hosts.

        Raises:
            Problem: 400, 401, 403, 503.
        """
        self._refuse_others(request)
        asked = {
            name: int(value) if name != "state" and _is_id(value) else value
            for name, value in _once(form_pairs(request.query, "query"), _QUESTIONS).items()
        }
        limit = _whole(asked, "limit", _LISTED, 1, _MOST_LISTED)
        after, before = _whole(asked, "after", 0, 0, _MOST_ID), _whole(asked, "before", _MOST_ID, 1, _MOST_ID)
        state = _state(asked, STATES) if "state" in asked else None
        with _problems():
            found = list(itertools.islice(await self.reports.newest(after, before, state), limit + 1))
        shown = found[:limit]
        return json_answer(
            {"reports": [_told(one) for one in shown], "next": shown[-1].id if len(found) > limit else None}
        )

    async def set_state(self, report_id: str, request: Request) -> Answer:
        """`POST /reports/ID`: a moderator has seen it, or done what is to be done.

        Raises:
            Problem: 400, 401, 403, 404, 415, 503.
        """
        refuse_cross_site(request, (), self.askers.trusted_proxies)
        self._refuse_others(request)
        media_type(request, JSON)
        state = _state(_once(json_members(request.body, "a JSON object with state"), frozenset({"state"})), _SET_STATES)
        with _problems():
            report = await self.reports.set_state(int(report_id), state) if _is_id(report_id) else None
        if report is None:
            raise Problem(404, "not-found", f"there is no report {report_id[:32]!r}")
        return json_answer({"id": report.id, "state": report.state})

    def _made(self, fields: dict[str, Any], author: int) -> Report:
        projection = self.projection
        area, text = self._area(fields), _text(fields)
        height, width = projection.canvas.shape
        seen = around(area, width, height)
        picture = picture_of(seen, projection.canvas, projection.definition.rgb)
        return Report(
            time_ms=wall_clock_ms(),
            version=projection.version,
            area=area,
            text=text,
            author=author,
            seen=seen,
            picture=picture,
        )

    def _area(self, fields: dict[str, Any]) -> Area:
        definition = self.projection.definition
        allowed = f"[x, y, width, height] inside the canvas of {definition.width} x {definition.height}"
        if "area" not in fields:
            x = _whole(fields, "x", None, 0, definition.width - 1)
            y = _whole(fields, "y", None, 0, definition.height - 1)
            return Area(x, y, 1, 1)
        for name in ("x", "y"):
            if name in fields:
                raise invalid_parameter(name, fields[name], "x and y, or area", "stands beside area")
        told = fields["area"]
        if not isinstance(told, list) or len(told) != 4 or not all(type(one) is int for one in told):
            raise invalid_parameter("area", told, allowed)
        try:
            area = Area(*told)
            area.check_on(definition)
        except ValueError as error:
            raise invalid_parameter("area", told, allowed) from error
        return area

    def _refuse_others(self, request: Request) -> None:
        if not self.askers.looks_after(self.askers.member(request).author):
            raise Problem(403, "not-a-moderator", "only moderators and hosts see reports")


def _told(report: Report) -> dict[str, Any]:
    return {
        "id": report.id,
        "time": in_words(report.time_ms),
        "v": report.version,
        "area": report.area.as_json(),
        "text": report.text,
        "author": f"{report.author:016x}",
        "state": report.state,
        "picture": {"area": report.seen.as_json(), "png": base64.b64encode(report.picture).decode()},
    }


def _once(pairs: Iterable[tuple[str, Any]], known: frozenset[str]) -> dict[str, Any]:
    """The fields, each of which is known and comes once."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name not in known:
            raise invalid_parameter(
                name[:100], value, f"the fields are {', '.join(sorted(known))}", "is not known here"
            )
        if name in fields:
            raise invalid_parameter(name, value, "one", "is repeated")
        fields[name] = value
    return fields


def _whole(fields: dict[str, Any], name: str, default: int | None, low: int, high: int) -> int:
    allowed = f"a whole number from {low} to {high}"
    if name not in fields:
        if default is None:
            raise missing_parameter(name, allowed)
        return default
    value = fields[name]
    if type(value) is not int or not low <= value <= high:  # True is an int, too
        raise invalid_parameter(name, value, allowed)
    return value


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(_MOST_ID))


def _text(fields: dict[str, Any]) -> str:
    allowed = f"1 to {MOST_TEXT} characters that are seen"
    if "text" not in fields:
        raise missing_parameter("text", allowed)
    told = fields["text"]
    text = "\n".join(told.strip().splitlines()) if isinstance(told, str) else ""
    if not 1 <= len(text) <= MOST_TEXT:
        raise invalid_parameter("text", told, allowed)
    unseen = unseen_in(text, allowed=JOINERS | {"\n"})
    if unseen:
        raise invalid_parameter("text", told, allowed, f"has {unseen}, which nobody sees")
    return text


def _state(fields: dict[str, Any], allowed: tuple[str, ...]) -> str:
    words = " or ".join(allowed)
    if "state" not in fields:
        raise missing_parameter("state", words)
    state = fields["state"]
    if not isinstance(state, str) or state not in allowed:
        raise invalid_parameter("state", state, words)
    return state


def _too_many(wait_seconds: float) -> Problem:
    detail = f"you have made {MOST_AN_HOUR} reports within an hour; wait before the next one"
    return Problem(429, "too-many-reports", detail, retry_after(wait_seconds), retry_after_seconds=wait_seconds)


@contextlib.contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except ReportsFull as error:
        raise Problem(503, "reports-full", str(error), retry_after(_FULL_RETRY_SECONDS)) from error
    except StoreError as error:  # its words name folders, which are the operator's business
        detail = "reports can't be kept or read just now; the server's log says why"
        raise Problem(503, "reports-unavailable", detail, retry_after(_RETRY_SECONDS)) from error
