"""Answers each endpoint, for any lane: ties the service's objects to requests and answers.

A lane reads a `Request`, calls the endpoint's method here, and sends the `Answer`, or follows the `Subscriber`. Nothing
in here reads or writes a socket.
"""

from __future__ import annotations

import math
import random
import time
from typing import TYPE_CHECKING, Any

import attrs

from placed import __version__
from placed.backends import LogError, OutcomeUnknown
from placed.canvas.clock import steady_clock_ms
from placed.canvas.events import EDIT_STRUCT, Edits
from placed.http.answer import ALIVE, JSON_HEADERS, NO_STORE, Answer, Problem, has_tag, json_answer, retry_after
from placed.http.body import BODY_BYTES
from placed.http.catch_up_limit import CatchUpLimit, too_many_catch_ups
from placed.http.charges import charges_left, charges_told, too_few_charges
from placed.http.client_address import client_address
from placed.http.client_limit import ClientLimit, too_many
from placed.http.edit_list import MOST_EDITS, edits_of
from placed.http.host_page.identity import Identity
from placed.http.hosts import ANY, Hosts
from placed.http.log_refusals import UNAVAILABLE_RETRY_SECONDS, unavailable
from placed.http.notices import notices, problem_of
from placed.http.origin import refuse_cross_site
from placed.http.parameters import choice, edit_of, image_version_of, log_of, version_of, wait_of
from placed.http.polls import MAX_WAIT_SECONDS, MOST_FRAMES, MOST_POLLS, Polls
from placed.http.replies import Replies
from placed.http.request_log import RequestLog
from placed.http.watchers import Watchers
from placed.moderation.rules import Forbidden, Rules
from placed.stream.frames import Format
from placed.tasks.image import RawEncoder
from placed.tasks.writer import WriterClosed, WriterFull

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from placed.canvas.palette import Palette
    from placed.canvas.projection import Projection
    from placed.http.answer import Headers, Request
    from placed.http.askers import Askers
    from placed.http.client_address import Network
    from placed.moderation.rules import InForce, Numbers
    from placed.stream.broadcaster import Broadcaster
    from placed.stream.subscriber import Subscriber
    from placed.tasks.image import Image, ImageEncoder
    from placed.tasks.writer import PendingRecord, Writer
    from placed.telemetry.metrics import Metrics

_RETRY_MS = (1_000, 5_000)  # spread, so that a restart's herd doesn't come back at once
_IMAGE_CACHING = (
    "Cache-Control",
    "public, max-age=1, stale-while-revalidate=30, no-transform",  # edits are indexes into the image's palette
)
_IMAGE_TOO_OLD = ("Cache-Control", "no-store, no-transform")

_EVENTS_HEADERS = (
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-store, no-transform"),  # a proxy that compresses a stream holds its frames back
)
STREAM_HEADERS = (*_EVENTS_HEADERS, ("X-Accel-Buffering", "no"))  # nginx would hold frames back


@attrs.frozen
class Stream:
    """An answer that goes on: headers, first bytes, and then the frames from `subscriber.next()`."""

    headers: Headers
    opening: bytes
    subscriber: Subscriber


@attrs.define  # not frozen, as `Request`
class Admission:
    """The admitted edits of one request, and the record that they will be part of; nobody changes it."""

    author: int
    edits: int
    record: PendingRecord


@attrs.frozen
class Api:
    """The endpoints of one canvas.

    Attributes:
        askers: finds out who sent a request.
        sign_in: the member `sign_in` of `/info`.
        identity: the canvas's title, about and icon, from its host.
        is_ready: whether the log can be reached, for `/readyz`.
        palette_of: the palette with these colours.
        lag: how many offsets of the log, as far as the server knows, it hasn't applied yet.
        hosts: the host names that the server answers to.
        stream_limit: the limit for each client; so are `poll_limit` and `catch_up_limit`.
        polls: the waiting polls.
        watchers: the open streams that end once their client may not watch any more.
        rules: who may paint where.
        raw_encoder: makes the bare canvas.
        replies: counts and completes each answer on its way out.
        now_ms: the steady clock, ms since the epoch.
    """

    projection: Projection
    writer: Writer
    broadcaster: Broadcaster
    encoder: ImageEncoder
    metrics: Metrics
    log_id: str
    askers: Askers
    sign_in: Mapping[str, object]
    palette_of: Callable[[bytes], Palette]
    trusted_proxies: tuple[Network, ...]
    allow_origins: tuple[str, ...]
    is_ready: Callable[[], bool]
    lag: Callable[[], int]
    identity: Identity = attrs.field(factory=Identity)
    hosts: Hosts = attrs.field(factory=lambda: Hosts((ANY,)))
    stream_limit: ClientLimit = attrs.field(factory=lambda: ClientLimit(0))
    catch_up_limit: CatchUpLimit = attrs.field(factory=lambda: CatchUpLimit(0))
    now_ms: Callable[[], int] = steady_clock_ms
    poll_limit: ClientLimit = attrs.field(factory=lambda: ClientLimit(MOST_POLLS))
    polls: Polls = attrs.field(factory=Polls)
    watchers: Watchers = attrs.field(factory=Watchers)
    rules: Rules = attrs.field(factory=Rules)
    raw_encoder: ImageEncoder = attrs.field(
        default=attrs.Factory(lambda self: RawEncoder(self.projection, self.log_id), takes_self=True)
    )
    replies: Replies = attrs.field(
        default=attrs.Factory(lambda self: Replies(RequestLog(self.metrics), self.allow_origins), takes_self=True)
    )

    async def post(self, path: str, request: Request) -> Answer:
        """`POST /edit` and `POST /edits`: place one edit, or several, and answer once all are durable.

        Raises:
            Problem: 400, 401, 403, 414, 415, 429, 503. No edit has reached the log, except perhaps with the code
                `outcome-unknown`.
        """
        admission = self.admission(path, request)
        await admission.record.wait()
        return self.settled(admission)

    def admission(self, path: str, request: Request) -> Admission:
        """The first half of `post`: check the edits, spend their charges, and let them wait to be appended.

        Raises:
            Problem: 400, 401, 403, 414, 415, 429, 503; no edit reaches the log.
        """
        refuse_cross_site(request, self.allow_origins, self.trusted_proxies)
        author, definition = self.askers.painter(request), self.projection.definition
        if path == "/edit":
            x, y, color = edit_of(request, definition)
            if self.rules.in_force is not None:
                self._ask(self.rules.in_force, author, x, y)
            return self._admit(EDIT_STRUCT.pack(x, y, color, author), author, 1)
        edits = edits_of(request, definition, self._most_edits(author))
        if self.rules.in_force is not None:
            self._ask(self.rules.in_force, author, edits["x"], edits["y"])
        edits["author"] = author
        return self._admit(Edits(edits), author, len(edits))

    def _ask(self, in_force: InForce, author: int, x: Numbers, y: Numbers) -> None:
        try:
            in_force.check(author, x, y, self.rules.now_ms(), self.askers.looks_after)
        except Forbidden as forbidden:
            raise problem_of(forbidden) from forbidden

    def _most_edits(self, author: int) -> int:
        """How many edits one request may hold: never more than there are charges."""
        rule = self.projection.cooldowns.rule_of(author)
        return min(MOST_EDITS, rule.charges) if rule.charge_ms else MOST_EDITS

    def _admit(self, edits: Edits | bytes, author: int, count: int) -> Admission:
        cooldowns, now_ms = self.projection.cooldowns, self.now_ms()
        if not cooldowns.admit(author, now_ms, count):
            raise too_few_charges(cooldowns, author, now_ms, count)
        try:
            writer = self.writer
            record = writer.add_packed(edits) if isinstance(edits, bytes) else writer.add(edits)
            return Admission(author, count, record)
        except (WriterFull, WriterClosed) as error:
            cooldowns.give_back(author, count)
            raise unavailable(error) from error

    def settled(self, admission: Admission) -> Answer:
        """The second half of `post`, after `admission.record.wait()`.

        Raises:
            Problem: 503. No edit has reached the log, except perhaps with the code `outcome-unknown`.
        """
        cooldowns = self.projection.cooldowns
        try:
            version = admission.record.version()
        except LogError as error:
            if not isinstance(error, OutcomeUnknown):
                cooldowns.give_back(admission.author, admission.edits)
            raise unavailable(error) from error
        self.metrics.placed(admission.edits)
        left = charges_left(cooldowns, admission.author, self.now_ms())
        return Answer(200, JSON_HEADERS + left, b'{"v":%d}' % version)

    def edits(self, request: Request) -> Stream:
        """`GET /edits`: the stream of edits from a version on.

        Raises:
            Problem: 400, 401, 414, 429, 503.
        """
        subscriber = self._subscriber(request, self.stream_limit, lambda: too_many("streams", self.stream_limit))
        if self.askers.hides:
            self.watchers.note(subscriber, self.askers.pass_of(request))
        return Stream(STREAM_HEADERS, subscriber.opening(_retry_ms()), subscriber)

    async def polled(self, request: Request) -> Answer | None:
        """`GET /edits` with `wait`: the new edits, as soon as there are any; None if the client asks for a stream.

        Raises:
            Problem: 400, 401, 414, 429, 503.
        """
        wait_seconds = wait_of(request, MAX_WAIT_SECONDS)
        if wait_seconds is None:
            return None
        subscriber = self._subscriber(
            request, self.poll_limit, lambda: too_many("polls", self.poll_limit), most_frames=MOST_FRAMES
        )
        events = await self.polls.events(subscriber, 0 if request.method == "HEAD" else wait_seconds, _retry_ms())
        self.askers.watcher(request)  # the client may have been signed out while it waited
        return Answer(200, _EVENTS_HEADERS, events)

    def _subscriber(
        self, request: Request, limit: ClientLimit, refusal: Callable[[], Problem], *, most_frames: float = math.inf
    ) -> Subscriber:
        self.askers.watcher(request)
        form = Format.JSON if choice(request, "format", ("codes", "json"), "codes") == "json" else Format.CODES
        log_id = log_of(request)
        version = version_of(request)
        if self.broadcaster.closed:
            raise unavailable(WriterClosed("the server is shutting down"))
        address = client_address(request, self.trusted_proxies)
        held = limit.enter(address)
        if held is None:
            raise refusal()
        try:
            self._let_catch_up(address, int(min(most_frames, self.broadcaster.lacks(version, log_id))))
        except Problem:
            held.leave()
            raise
        return self.broadcaster.subscribe(version, form, log_id, held)

    def _let_catch_up(self, address: str, frames: int) -> None:
        """Take so many full frames from the allowance of the client at `address`.

        Raises:
            Problem: 429; the allowance is used up.
        """
        wait_seconds = self.catch_up_limit.take(address, frames, time.monotonic())
        if wait_seconds:
            raise too_many_catch_ups(wait_seconds)

    async def image(self, request: Request) -> Answer:
        """`GET /canvas.png`, or 304 to a client that has the image.

        `v` asks for an image that has reached a version. If the canvas itself hasn't reached it, no cache may keep the
        answer under that address. Anything else in the query is ignored.

        Raises:
            Problem: 401.
        """
        self.askers.watcher(request)
        at_least = image_version_of(request)
        image = self.encoder.fresh(at_least) or await self.encoder.image(at_least)
        return self._image_answer(request, image, at_least)

    def image_at_once(self, request: Request) -> Answer | None:
        """Answer as `image` does, without a wait; None if the image has to be made first."""
        self.askers.watcher(request)
        at_least = image_version_of(request)
        image = self.encoder.fresh(at_least)
        return self._image_answer(request, image, at_least) if image is not None else None

    async def raw_image(self, request: Request) -> Answer:
        """`GET /canvas.bin`: the same as `image`, but the bare palette indexes, without a file format."""
        self.askers.watcher(request)
        at_least = image_version_of(request)
        image = self.raw_encoder.fresh(at_least) or await self.raw_encoder.image(at_least)
        return self._image_answer(request, image, at_least, "application/octet-stream")

    def _image_answer(self, request: Request, image: Image, at_least: int, content_type: str = "image/png") -> Answer:
        headers = (
            ("X-Canvas-Version", str(image.version)),
            ("X-Canvas-Log", self.log_id),
            ("ETag", image.etag),
            ("Last-Modified", image.modified),
            self._image_caching if image.version >= at_least else _IMAGE_TOO_OLD,
        )
        if _has_it(request, image):
            return Answer(304, headers)
        return Answer(200, (("Content-Type", content_type), *headers), image.file)

    @property
    def _image_caching(self) -> tuple[str, str]:
        # After a person has signed out, their browser must not show the image from its cache.
        return _IMAGE_TOO_OLD if self.askers.hides else _IMAGE_CACHING

    def info(self, request: Request) -> Answer:
        """`GET /info`: the facts that a client needs about the canvas, and the client's own charges."""
        projection = self.projection
        definition, code = projection.definition, projection.code
        palette = self.palette_of(definition.rgb)
        author = self.askers.of(request).author
        return json_answer(
            {
                "software": f"placed/{__version__}",
                "width": definition.width,
                "height": definition.height,
                "palette": tuple(palette.hex_colors()),
                "color_names": palette.names,
                "edit_code": {
                    "x_bits": code.x_bits,
                    "y_bits": code.y_bits,
                    "color_bits": code.color_bits,
                    "bytes": code.size_bytes,
                },
                "version": projection.version,
                "log": self.log_id,
                "viewers": self.broadcaster.subscribers,
                "writable": self.broadcaster.writable,
                "cooldown": self.charges_of(author),
                "limits": {
                    "body_bytes": BODY_BYTES,
                    "edits": self._most_edits(author),
                    "feed_first": projection.feed.first,
                },
                "sign_in": self.sign_in,
                "challenge": self.askers.challenge is not None,
                **self.identity.told(),
                **notices(projection.kept.acts, self.rules.now_ms()),
            }
        )

    def charges_of(self, author: int) -> dict[str, Any]:
        """The member `cooldown` of `/info` and `/me`."""
        return charges_told(self.projection.cooldowns, author, self.now_ms())

    def healthz(self) -> Answer:
        """`GET /healthz`: 200, which shows that the server answers."""
        return ALIVE

    def readyz(self) -> Answer:
        """`GET /readyz`: 200 if the server has replayed its log, and can reach it.

        Raises:
            Problem: 503.
        """
        if self.broadcaster.closed:
            raise unavailable(WriterClosed("the server is shutting down"))
        where = {"version": self.projection.version, "lag": self.lag()}
        if not self.is_ready():
            after = retry_after(UNAVAILABLE_RETRY_SECONDS)
            raise Problem(503, "not-ready", "the log can't be reached", after, **where)
        return json_answer({"ready": True, **where})

    def prometheus(self) -> Answer:
        """`GET /metrics`, in Prometheus' text format."""
        content_type, body = self.metrics.exposition()
        return Answer(200, (("Content-Type", content_type), NO_STORE), body)


def _retry_ms() -> int:
    return random.randint(*_RETRY_MS)  # noqa: S311 - spreads load, keeps no secret


def _has_it(request: Request, image: Image) -> bool:
    """Whether the client has this image; If-None-Match wins over If-Modified-Since (RFC 9110, section 13.2.2)."""
    known = request.headers.get("if-none-match")
    if known is not None:
        return has_tag(known, image.etag)
    return request.headers.get("if-modified-since") == image.modified
