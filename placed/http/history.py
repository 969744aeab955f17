"""Answers for the past over HTTP: `GET /history` and the endpoints below it.

This module reads a request on the Trio thread. A worker thread makes the answers, one at a time, each from the history
as it was when the answer began. So clients that ask about the past wait for each other, and no edit waits for them.

    a request --> enough allowance? --> a place in the queue --> has the history got there? --> thread --> answer
                     no: 429               no: 429, 503              no: 503 indexing
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.history.past import NotIndexed, NotKept
from placed.http.answer import NO_STORE, Problem, retry_after
from placed.http.client_address import client_address
from placed.http.client_limit import ClientLimit, too_many
from placed.http.history_answers import (
    activity_answer,
    canvas_answer,
    edits_answer,
    history_answer,
    moment_answer,
    not_kept,
    pixel_answer,
)
from placed.http.history_questions import (
    activity_question,
    canvas_question,
    edits_question,
    is_by_moment,
    moment_question,
    pixel_question,
)
from placed.http.work_limit import WorkLimit, too_much_work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from placed.history.indexer import Indexer
    from placed.history.past import Past
    from placed.http.answer import Answer, Request
    from placed.http.askers import Askers
    from placed.http.client_address import Network

MOST_WAITING: Final = 64  # answers; at 10 ms each the last one is ready after 0.6 s, while people paint after 2 s
MOST_PER_CLIENT: Final = 8
_PATIENCE_SECONDS: Final = 1.0  # for edits painted just now; the history reads on as soon as a request comes
_RETRY_SECONDS: Final = 2.0
# While people paint, the thread rests after each answer, this many times as long as the answer took. An edit that comes
# during a rest has the interpreter's lock, and all of a core, to itself. docs/performance.md has the cost of eight
# clients.
_REST: Final = 2.0


@attrs.define
class History:
    """The endpoints for the past of one canvas.

    Attributes:
        indexer: keeps the history; None on a server without a history.
        show_authors: `none`, `pseudonyms` or `names`: how much the answers say about who painted.
        trusted_proxies: proxies that may name a client's address.
        unlimited: networks whose clients have no limits.
        askers: checks who may watch, and knows people's names; None lets everybody watch, and knows no names.
        told: the acts that everybody may know, in the form that `history_answer` takes.
        waiting: the number of requests that wait for the worker thread, or are in it.
    """

    indexer: Indexer | None = None
    show_authors: str = "pseudonyms"
    trusted_proxies: Sequence[Network] = ()
    unlimited: Sequence[Network] = ()
    askers: Askers | None = None
    told: Callable[[], Sequence[tuple[str, int, int]]] = tuple
    waiting: int = attrs.field(default=0, init=False)
    _thread: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)
    _turn: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    _rested: float = attrs.field(default=0.0, init=False)
    _work: WorkLimit = attrs.field(init=False)
    _places: ClientLimit = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._work = WorkLimit(self.unlimited)
        self._places = ClientLimit(MOST_PER_CLIENT, self.unlimited)

    async def about(self, request: Request) -> Answer:
        """`GET /history`: how far the past reaches.

        Raises:
            Problem: 401, 404, 429, 503.
        """
        live = self._version()
        await self._reach(live)
        told = self.told()
        return await self._answer(request, lambda past: history_answer(past, live, told))

    async def canvas(self, request: Request) -> Answer:
        """`GET /history/canvas.png`: the canvas at a version, or for a moment a redirect to that moment's version.

        Raises:
            Problem: 400, 401, 404, 414, 429, 503.
        """
        live = self._version()
        if is_by_moment(request):
            asked = moment_question(request)
            await self._reach(live)
            return await self._answer(request, lambda past: moment_answer(past, asked))
        question = canvas_question(request, live)
        await self._reach(question.version)
        return await self._answer(request, lambda past: canvas_answer(past, question))

    async def edits(self, request: Request) -> Answer:
        """`GET /history/edits`: a page of the edits between two versions.

        Raises:
            Problem: 400, 401, 404, 414, 429, 503.
        """
        question = edits_question(request, self._version())
        await self._reach(question.end)
        return await self._answer(request, lambda past: edits_answer(past, question))

    async def pixel(self, request: Request) -> Answer:
        """`GET /history/pixel`: what happened to a pixel.

        Raises:
            Problem: 400, 401, 404, 414, 429, 503.
        """
        live = self._keeper().live
        question = pixel_question(request, live.definition(), self._version())
        await self._reach(question.before)
        shown = self.show_authors != "none"
        return await self._answer(request, lambda past: pixel_answer(past, question, shown, self._names_of))

    async def activity(self, request: Request) -> Answer:
        """`GET /history/activity`: where and when there were edits.

        Raises:
            Problem: 400, 401, 404, 414, 429, 503.
        """
        live = self._version()
        question = activity_question(request)
        await self._reach(live)
        return await self._answer(request, lambda past: activity_answer(past, question))

    def _names_of(self, authors: set[int]) -> Mapping[int, str]:
        """The names of these authors; called in a worker thread."""
        if self.askers is None or self.show_authors != "names":
            return {}
        return trio.from_thread.run(self.askers.names_of, authors)

    def _version(self) -> int:
        """The latest version that a client may ask for. The history reads the log itself, so it may be ahead of the
        canvas.
        """
        keeper = self._keeper()
        return max(keeper.live.version(), keeper.past.version) if keeper.is_open else keeper.live.version()

    def _keeper(self) -> Indexer:
        if self.indexer is None:
            raise Problem(404, "no-history", "this server keeps no history; it was started with --no-history")
        return self.indexer

    async def _reach(self, version: int) -> None:
        """Wait a moment for the history to reach `version`."""
        indexer = self._keeper()
        if not indexer.is_open or indexer.past.version < version:
            await indexer.reach(version, _PATIENCE_SECONDS)

    async def _answer(self, request: Request, make: Callable[[Past], Answer]) -> Answer:
        indexer = self._keeper()
        if self.askers is not None:
            self.askers.watcher(request)
        address = client_address(request, self.trusted_proxies)
        wait_seconds = self._work.wait_seconds(address, time.monotonic())
        if wait_seconds:
            raise too_much_work(wait_seconds)
        held = self._places.enter(address)
        if held is None:
            raise too_many("moments", self._places)
        try:
            return self._hidden(await self._in_thread(indexer, address, make))
        except NotKept as error:
            raise not_kept(error, indexer.past) from error
        except NotIndexed as error:
            indexer.tell_damage()
            raise _indexing(str(error), indexer.past) from error
        finally:
            held.leave()

    def _hidden(self, answer: Answer) -> Answer:
        """The answer; no cache may keep it if only people who have signed in may watch."""
        if self.askers is None or not self.askers.hides:
            return answer
        headers = (NO_STORE if name == "Cache-Control" else (name, value) for name, value in answer.headers)
        return attrs.evolve(answer, headers=tuple(headers))

    async def _in_thread(self, indexer: Indexer, address: str, make: Callable[[Past], Answer]) -> Answer:
        if not indexer.is_open:
            raise _indexing("the history is being opened", indexer.past)
        if self.waiting >= MOST_WAITING:
            detail = f"{MOST_WAITING} requests about the past are waiting already"
            raise Problem(503, "busy", detail, retry_after(_RETRY_SECONDS))
        self.waiting += 1
        try:
            async with self._turn:
                answer, seconds = await self._made(indexer, make)
        finally:
            self.waiting -= 1
        self._work.spend(address, seconds, time.monotonic())
        return answer

    async def _made(self, indexer: Indexer, make: Callable[[Past], Answer]) -> tuple[Answer, float]:
        """The answer, and the processor seconds that it took. Waits until the thread has rested."""
        await trio.sleep_until(self._rested)
        version = indexer.live.version()
        began = trio.current_time()
        made = await indexer.turns.in_thread(partial(_timed, make, indexer.past), self._thread)
        if indexer.live.version() != version:
            self._rested = trio.current_time() + _REST * (trio.current_time() - began)
        return made


def _timed(make: Callable[[Past], Answer], past: Past) -> tuple[Answer, float]:
    began = time.thread_time()
    answer = make(past)
    return answer, time.thread_time() - began


def _indexing(reason: str, past: Past) -> Problem:
    return Problem(503, "indexing", reason, retry_after(_RETRY_SECONDS), indexed=past.version)
