"""Answers for the past over HTTP: `GET /history` and the endpoints below it.

What is asked is read here, on the Trio thread; the answer is made in a worker thread of its own, one at a time, from
what the history was then. So many who ask for different moments wait for each other, and nobody's edit waits for them.

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
_PATIENCE_SECONDS: Final = 1.0  # for what was painted just now; the history reads on as soon as somebody asks
_RETRY_SECONDS: Final = 2.0
# While people paint the thread rests after each answer, so many times as long as that took: an edit that comes while it
# rests has the interpreter's lock, and all of a core, to itself. docs/performance.md has what eight clients cost.
_REST: Final = 2.0


@attrs.define
class History:
    """The past of one canvas, to the outside.

    Attributes:
        indexer: what keeps it; None on a server that keeps none.
        show_authors: `none`, `pseudonyms` or `names`: what is told of who painted.
        trusted_proxies: whose word on a client's address counts.
        unlimited: networks whose clients have no limits.
        askers: who may watch, and what people are called; None lets everybody watch, and knows no names.
        told: the acts that everybody may know of, as `history_answer` takes them.
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
        """`GET /history/canvas.png`: the canvas at a version, or the way to that of a moment.

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
        """What these authors are called, in a worker thread."""
        if self.askers is None or self.show_authors != "names":
            return {}
        return trio.from_thread.run(self.askers.names_of, authors)

    def _version(self) -> int:
        """The latest that can be asked for. The history reads the log by itself, and may be ahead of the canvas."""
        keeper = self._keeper()
        return max(keeper.live.version(), keeper.past.version) if keeper.is_open else keeper.live.version()

    def _keeper(self) -> Indexer:
        if self.indexer is None:
            raise Problem(404, "no-history", "this server keeps no history; it was started with --no-history")
        return self.indexer

    async def _reach(self, version: int) -> None:
        """Wait a moment for a history that is nearly there."""
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
        """The answer, for no cache where not everybody may watch."""
        if self.askers is None or not self.askers.hides:
            return answer
        headers = (NO_STORE if name == "Cache-Control" else (name, value) for name, value in answer.headers)
        return attrs.evolve(answer, headers=tuple(headers))

    async def _in_thread(self, indexer: Indexer, address: str, make: Callable[[Past], Answer]) -> Answer:
        if not indexer.is_open:
            raise _indexing("the history is being opened", indexer.past)
        if self.waiting >= MOST_WAITING:
            detail = f"{MOST_WAITING} answers about the past are waited for already"
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
        """The answer, and what it took; not before the thread has rested."""
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
