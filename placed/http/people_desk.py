"""Lets hosts look after people over HTTP: `GET /people` and the paths below it. `placed people --url` uses them.

`placed.people.hosting` has the questions and acts. The fields of a question come in the query, those of an act as JSON.
Only a host may use these paths, and the error tells anybody else nothing more than that.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from placed.http.answer import Problem, invalid_parameter, json_answer, missing_parameter
from placed.http.body import JSON, form_pairs, json_members, media_type
from placed.http.origin import refuse_cross_site
from placed.http.people_refusals import people_unavailable, taken_or_full
from placed.people.changes import Refused
from placed.people.hosting import BadField
from placed.storage.lmdb_environment import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from placed.http.answer import Answer, Request
    from placed.http.askers import Askers
    from placed.people.hosting import Hosting

QUESTIONS: Final = {
    "people": frozenset({"after", "limit"}),
    "codes": frozenset({"after", "limit"}),
    "tokens": frozenset[str](),
    "export": frozenset({"who"}),
}
ACTS: Final = {
    "codes": frozenset({"count"}),
    "tokens": frozenset({"name", "role"}),
    "role": frozenset({"who", "role"}),
    "forget": frozenset({"who"}),
    "host-link": frozenset[str](),
    "revoke": frozenset({"code", "token"}),
}
# These read up to a thousand records of the file, some tenths of a ms each. The others use memory, or read one record.
_LONG: Final = frozenset({"people", "codes"})
_EXPECTED: Final = "a JSON object with the fields of this act"


@attrs.frozen
class PeopleDesk:
    """The endpoints for hosts of one server.

    Attributes:
        askers: finds out who sent a request.
        hosting: answers the questions about people, and does the acts.
    """

    askers: Askers
    hosting: Hosting
    _thread: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def look(self, what: str, request: Request) -> Answer:
        """Answer a question of `QUESTIONS`.

        Raises:
            Problem: 400, 401, 403, 404, 503.
        """
        self._refuse_others(request)
        fields = _once(form_pairs(request.query, "query"), QUESTIONS[what])
        with _problems():
            if what in _LONG:
                told = await trio.to_thread.run_sync(self.hosting.look, what, fields, limiter=self._thread)
            else:
                told = self.hosting.look(what, fields)
        return json_answer(told)

    async def act(self, what: str, request: Request) -> Answer:
        """Do an act of `ACTS`.

        Raises:
            Problem: 400, 401, 403, 404, 409, 415, 503.
        """
        refuse_cross_site(request, (), self.askers.trusted_proxies)
        self._refuse_others(request)
        if request.body:
            media_type(request, JSON)
        fields = _once(json_members(request.body, _EXPECTED) if request.body else [], ACTS[what])
        with _problems():
            return json_answer(await self.hosting.act(what, fields))

    def _refuse_others(self, request: Request) -> None:
        if "host" not in self.askers.member(request).roles:
            raise Problem(403, "not-a-host", "only a host looks after people")


def _once(pairs: Iterable[tuple[str, Any]], known: frozenset[str]) -> dict[str, Any]:
    """The fields; refuses an unknown and a repeated one."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name not in known:
            allowed = " and ".join(sorted(known)) or "none"
            raise invalid_parameter(name[:100], value, f"the fields are {allowed}", "is not known here")
        if name in fields:
            raise invalid_parameter(name, value, "one", "is repeated")
        fields[name] = value
    return fields


@contextlib.contextmanager
def _problems() -> Iterator[None]:
    """Turn the errors of a question or an act into problems."""
    try:
        yield
    except BadField as error:
        if error.value is None:
            raise missing_parameter(error.name, error.allowed) from error
        raise invalid_parameter(error.name, error.value, error.allowed) from error
    except Refused as refusal:
        raise _problem(refusal) from refusal
    except StoreError as error:
        raise people_unavailable(error) from error


def _problem(refusal: Refused) -> Problem:
    if refusal.reason == "is-token":
        return Problem(403, "is-token", str(refusal))
    return taken_or_full(refusal) or Problem(404, "not-found", str(refusal))
