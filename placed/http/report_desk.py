"""Takes reports from everybody who may watch, and shows them to moderators and hosts: `/reports`.

`placed.people.report_changes` limits the reports of an author in an hour and the number of kept reports. Nobody else
sees anything of a report, and nothing of it goes into the log.
"""

from __future__ import annotations

import base64
import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas import png
from placed.canvas.area import Area
from placed.canvas.clock import wall_clock_ms
from placed.http.answer import Problem, invalid_parameter, json_answer, missing_parameter, retry_after
from placed.http.askers import sign_in
from placed.http.body import JSON, form_pairs, json_members, media_type
from placed.http.moment import in_words
from placed.http.origin import refuse_cross_site
from placed.http.parameters import area_on, integer
from placed.http.window_limit import WindowLimit
from placed.people.changes import Refused
from placed.people.found_reports import MOST_ID
from placed.people.report import MOST_TEXT, STATES, Report, around
from placed.people.report_changes import MOST_AN_HOUR, TooMany
from placed.people.unseen_characters import JOINERS, unseen_in
from placed.storage.lmdb_environment import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from placed.canvas.projection import Projection
    from placed.http.answer import Answer, Request
    from placed.http.askers import Askers
    from placed.people.reports import Reports

_HOUR_SECONDS: Final = 3_600.0
_TOO_MANY: Final = 429
_FULL_RETRY_SECONDS: Final = 600.0  # a guess: moderators have to look first
_RETRY_SECONDS: Final = 5.0
_MOST_LISTED: Final = 100
_LISTED: Final = 50
_FIELDS: Final = frozenset({"x", "y", "area", "text"})
_QUESTIONS: Final = frozenset({"after", "before", "limit", "state"})
_SET_STATES: Final = STATES[1:]


@attrs.frozen
class ReportDesk:
    """The endpoints for reports of one server.

    Attributes:
        askers: finds out who sent a request.
        projection: the canvas.
        reports: the stored reports.
        now_seconds: the clock of this server's own limit, which keeps floods of reports away from the store.
    """

    askers: Askers
    projection: Projection
    reports: Reports
    now_seconds: Callable[[], float] = time.monotonic
    _limit: WindowLimit = attrs.field(factory=lambda: WindowLimit(MOST_AN_HOUR, _HOUR_SECONDS), init=False)

    async def report(self, request: Request) -> Answer:
        """`POST /reports`: store a report about a place, with a picture of how the place looks now.

        Raises:
            Problem: 400, 401, 403, 415, 429, 503.
        """
        refuse_cross_site(request, (), self.askers.trusted_proxies)
        self.askers.watcher(request)
        media_type(request, JSON)
        fields = _once(json_members(request.body, "a JSON object with x and y, or area, and text"), _FIELDS)
        asker = self.askers.of(request)
        report, key = self._made(fields, asker.author), asker.author.to_bytes(8)
        wait_seconds = self._limit.take(key, self.now_seconds())
        if wait_seconds:
            raise _problem(TooMany(round(wait_seconds * 1_000)))
        try:
            with _problems():
                stored = await self.reports.add(report, is_person=asker.is_signed_in)
        except Problem as problem:
            if problem.status != _TOO_MANY:
                self._limit.give_back(key)
            raise
        return json_answer({"id": stored.id, "v": stored.version})

    async def list(self, request: Request) -> Answer:
        """`GET /reports`: the newest reports, for moderators and hosts.

        Raises:
            Problem: 400, 401, 403, 503.
        """
        self._refuse_others(request)
        asked = _once(form_pairs(request.query, "query"), _QUESTIONS)
        limit = _whole(asked, "limit", _LISTED, 1, _MOST_LISTED)
        after, before = _whole(asked, "after", 0, 0, MOST_ID), _whole(asked, "before", MOST_ID, 1, MOST_ID)
        state = _state(asked, STATES) if "state" in asked else None
        with _problems():
            found = await self.reports.newest(after, before, state, limit + 1)
        shown = found[:limit]
        return json_answer(
            {"reports": [_told(one) for one in shown], "next": shown[-1].id if len(found) > limit else None}
        )

    async def set_state(self, report_id: str, request: Request) -> Answer:
        """`POST /reports/ID`: note that a moderator has seen the report, or is done with it.

        Raises:
            Problem: 400, 401, 403, 404, 415, 503.
        """
        refuse_cross_site(request, (), self.askers.trusted_proxies)
        self._refuse_others(request)
        media_type(request, JSON)
        state = _state(_once(json_members(request.body, "a JSON object with state"), frozenset({"state"})), _SET_STATES)
        with _problems():
            await self.reports.set_state(int(report_id) if _is_id(report_id) else 0, state)  # no report has the id 0
        return json_answer({"id": int(report_id), "state": state})

    def _made(self, fields: dict[str, Any], author: int) -> Report:
        projection = self.projection
        area, text = self._area(fields), _text(fields)
        height, width = projection.canvas.shape
        seen = around(area, width, height)
        picture = png.encode(seen.part_of(projection.canvas), projection.definition.rgb)
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
        if "area" not in fields:
            x = _whole(fields, "x", None, 0, definition.width - 1)
            y = _whole(fields, "y", None, 0, definition.height - 1)
            return Area(x, y, 1, 1)
        for name in ("x", "y"):
            if name in fields:
                raise invalid_parameter(name, fields[name], "x and y, or area", "stands beside area")
        return area_on(definition, "area", fields["area"])

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
    """The fields; refuses an unknown and a repeated one."""
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
    if name in fields:
        return integer(name, fields[name], low, high)
    if default is None:
        raise missing_parameter(name, f"an integer from {low} to {high}")
    return default


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_ID))


def _text(fields: dict[str, Any]) -> str:
    allowed = f"1 to {MOST_TEXT} visible characters"
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


@contextlib.contextmanager
def _problems() -> Iterator[None]:
    """Turn the errors of the report store into problems."""
    try:
        yield
    except Refused as refusal:
        raise _problem(refusal) from refusal
    except StoreError as error:  # the error's own text names folders, which are the operator's business
        detail = "reports can't be kept or read just now; the server's log says why"
        raise Problem(503, "reports-unavailable", detail, retry_after(_RETRY_SECONDS)) from error


def _problem(refusal: Refused) -> Problem:
    if isinstance(refusal, TooMany):
        wait_seconds = refusal.wait_ms / 1_000
        wait = retry_after(wait_seconds)
        return Problem(429, "too-many-reports", str(refusal), wait, retry_after_seconds=wait_seconds)
    if refusal.reason == "full":
        return Problem(503, "reports-full", str(refusal), retry_after(_FULL_RETRY_SECONDS))
    if refusal.reason == "unknown-report":
        return Problem(404, "not-found", str(refusal))
    return sign_in("you were forgotten a moment ago; sign in again")
