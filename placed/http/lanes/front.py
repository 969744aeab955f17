"""The front: one listener for both lanes. It limits connections, and closes all of them in order at the end.

A connection begins in the fast lane. The fast lane gives a request that it doesn't take, with the connection, to
Hypercorn's connection server, which has deadlines. It gets the connection back when a hot request comes. Without the
fast lane, and with TLS, Hypercorn has the connection from the start.

A fault in one connection is logged and ends that connection, never the server. Stopping: the front accepts no new
connections, and for a moment clients may send one more request on open ones. Then it closes idle connections at once,
gives busy ones `grace_seconds`, and cuts the rest. When the file descriptors allow no more connections, a further one
gets 503; when an address has reached its limit, 429. A connection that the fast lane has given to a subscriber counts
as a stream, and no longer as one of its address's connections.
"""

from __future__ import annotations

import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING

import trio
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.utils import wrap_app

from placed.http.answer import Problem, retry_after
from placed.http.client_limit import ClientLimit, too_many
from placed.http.hosts import ANY, Hosts
from placed.http.lanes.accepting import accept
from placed.http.lanes.connection import HEAD_BYTES, Connection, Limits
from placed.http.lanes.deadline_stream import DeadlineStream, TlsStream
from placed.http.lanes.descriptors import room_for_connections
from placed.http.lanes.fast_lane import FastLane
from placed.http.lanes.guard import Guard
from placed.http.lanes.hot_request import may_be_hot
from placed.http.lanes.unsent import Unsent
from placed.http.lanes.wire import response_of
from placed.http.replies import Replies
from placed.telemetry.metrics import SLOW
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    import ssl

    from quart_trio import QuartTrio

    from placed.http.answer import Answer
    from placed.http.api import Api
    from placed.http.history import History
    from placed.http.page_load import PageLoad
    from placed.stream.subscriber_sockets import SubscriberSockets

_BUSY_RETRY_SECONDS = 5.0
# A connection that was accepted just before the end has its first request under way, and a client that paints has its
# next one. Closing them now would reset connections for no reason that a client can see. The requests arrive within a
# round trip.
_WIND_DOWN_SECONDS = 0.2
# Requests on one connection. At its own limit, Hypercorn would end an HTTP/2 connection under its open streams.
_FOR_EVER = 2**62


def _config(limits: Limits) -> Config:
    config = Config()
    config.ssl_handshake_timeout = limits.head_seconds
    config.h11_max_incomplete_size = HEAD_BYTES
    config.h2_max_header_list_size = HEAD_BYTES
    config.keep_alive_max_requests = _FOR_EVER
    config.include_server_header = False
    config.errorlog = logging.getLogger("hypercorn.error")
    return config


def _too_busy() -> Problem:
    detail = "too many connections are open; try again"
    return Problem(503, "too-many-connections", detail, retry_after(_BUSY_RETRY_SECONDS))


def _peer_of(stream: trio.SocketStream | DeadlineStream) -> str | None:
    """The address at the other end; None if the peer is gone."""
    try:
        return str(stream.socket.getpeername()[0])
    except OSError:
        return None


def _is_never_elsewhere(_data: bytes) -> bool:
    return False


class Front:
    """All connections of one server.

    Args:
        app: the slow lane's app.
        fast: the parts with which the fast lane answers; None is no fast lane.
        tls: the server's certificate; None is no TLS.
        limits: the time limits of each connection.
        max_connections: the most connections of all clients together; None is as many as descriptors allow.
        connection_limit: the most connections of each client.
        hosts: the host names that the server answers to; None is all.
        replies: counts and logs each answer on its way out.
    """

    def __init__(
        self,
        app: QuartTrio,
        *,
        fast: tuple[Api, PageLoad, History, SubscriberSockets] | None = None,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        max_connections: int | None = None,
        connection_limit: ClientLimit | None = None,
        hosts: Hosts | None = None,
        replies: Replies | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._replies = Replies() if replies is None else replies
        self._metrics = self._replies.requests.metrics
        self._config = _config(self._limits)
        self._is_winding_down = False
        hosts = Hosts((ANY,)) if hosts is None else hosts
        guard = Guard(app, self._replies, hosts, lambda: self._is_winding_down)
        self._app = wrap_app(guard, self._config.wsgi_max_body_size, "asgi")
        self._tls = tls
        room, self._most_lingering = room_for_connections()
        self._max_connections = max_connections or room
        self._connection_limit = ClientLimit(0) if connection_limit is None else connection_limit
        self._lingering = 0
        self._context = WorkerContext(None)
        self._streams: set[DeadlineStream] = set()
        self._slow: set[Connection] = set()
        self._sockets: SubscriberSockets | None = None
        self._fast_lane: FastLane | None = None
        if fast is not None and tls is None:
            api, page_load, history, self._sockets = fast
            self._fast_lane = FastLane(api, page_load, history, self._sockets, self._limits, self._serve_slowly)
        self._all_closed = trio.Event()
        self._accepting = trio.CancelScope()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._streams) + (len(self._sockets) if self._sockets is not None else 0)

    async def serve(
        self,
        listeners: list[trio.SocketListener],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept and serve until `stop`; the listeners are closed at the end."""
        async with trio.open_nursery() as nursery:
            if self._fast_lane is not None:
                nursery.start_soon(self._fast_lane.run)
            async with trio.open_nursery() as connections:
                with self._accepting:
                    task_status.started()
                    async with trio.open_nursery() as accepting:
                        for listener in listeners:
                            accepting.start_soon(accept, listener, self._serve_one, connections, self._full)
            # All connections have ended. The fast lane's watcher runs until now, because it wakes their tasks.
            nursery.cancel_scope.cancel()

    async def wind_down(self) -> None:
        """Accept no more connections; serve the open ones for a moment, or until none is left. Each answer is its
        connection's last.
        """
        self._accepting.cancel()
        # Hypercorn isn't told yet: it would close connections whose requests are still on their way.
        self._is_winding_down = True
        if self._fast_lane is not None:
            self._fast_lane.wind_down()
        with trio.move_on_after(_WIND_DOWN_SECONDS):
            await self._until_all_closed()

    async def stop(self, grace_seconds: float) -> None:
        """Close all connections, in the order that the module's docstring gives. Idempotent."""
        self._accepting.cancel()
        await self._context.terminated.set()  # from now on Hypercorn closes each connection after its answer
        for connection in self._slow:
            connection.end_if_idle()
        if self._fast_lane is not None:
            self._fast_lane.stop()
        with trio.move_on_after(grace_seconds):
            await self._until_all_closed()
            if self._sockets is not None:
                await self._sockets.wait_empty()
        if self._fast_lane is not None:
            self._fast_lane.abort()
        for stream in list(self._streams):
            stream.abort()

    async def _until_all_closed(self) -> None:
        while self._streams:
            await self._all_closed.wait()

    def _full(self) -> None:
        self._metrics.refused_connections["server-full"] += 1

    async def _serve_one(self, socket_stream: trio.SocketStream) -> None:
        peer = _peer_of(socket_stream)
        if peer is None:
            return
        if self.connections >= self._max_connections:
            await self._refuse(socket_stream, peer, "server-full", _too_busy())
            return
        held = self._connection_limit.enter(peer)
        if held is None:
            await self._refuse(socket_stream, peer, "client-limit", too_many("connections", self._connection_limit))
            return
        self._metrics.connections += 1
        stream = self._stream(socket_stream)
        self._streams.add(stream)
        try:
            if self._fast_lane is None:
                await self._serve_slowly(stream)
            else:
                await self._fast_lane.serve(stream, peer)
        except Exception:  # noqa: BLE001 - supervised here: a fault that a peer provokes ends its own connection alone
            get_logger(__name__).exception("a connection failed", **self._replies.requests.who(peer))
        finally:
            held.leave()
            stream.abort()
            self._streams.discard(stream)
            if not self._streams:
                self._all_closed.set()
                self._all_closed = trio.Event()

    async def _refuse(self, socket_stream: trio.SocketStream, peer: str, reason: str, problem: Problem) -> None:
        """Answer why the connection isn't served. With TLS, say nothing: the handshake would cost most."""
        self._metrics.refused_connections[reason] += 1
        if self._tls is not None or self._lingering >= self._most_lingering:
            return
        stream = DeadlineStream(socket_stream, self._limits.linger_seconds)
        self._lingering += 1
        try:
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                answer = self._replies.refuse_unread(SLOW, problem, peer)
                await Unsent(*response_of(answer, "GET", closes=True), closes=True).send(
                    stream, self._limits.linger_seconds
                )
        finally:
            self._lingering -= 1
            stream.abort()

    def _stream(self, socket_stream: trio.SocketStream) -> DeadlineStream:
        if self._tls is None:
            return DeadlineStream(socket_stream, self._limits.send_seconds)
        return TlsStream(socket_stream, self._tls, self._limits.send_seconds)

    async def _serve_slowly(self, stream: DeadlineStream) -> bool:
        """Let Hypercorn serve a connection, and say whether it goes on in the fast lane.

        A long answer is sent from here, once Hypercorn's objects are gone: a slow reader costs only this task and the
        place in the body.
        """
        goes_on = True
        while goes_on:
            unsent = await self._serve_until_unsent(stream)
            if isinstance(unsent, bool):
                return unsent
            goes_on = False
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                goes_on = await unsent.send(stream, self._limits.linger_seconds)
            if self._fast_lane is not None:  # the next request may be a hot one
                return goes_on
            goes_on = goes_on and not self._context.terminated.is_set()
        return False

    async def _serve_until_unsent(self, stream: DeadlineStream) -> Unsent | bool:
        """Run Hypercorn's server; return an answer that is still to be sent, or whether the fast lane goes on."""
        connection = Connection(
            self._app,
            self._config,
            self._context,
            stream,
            self._limits,
            refuse=partial(self._refuse_unread, stream),
            is_elsewhere=may_be_hot if self._fast_lane is not None else _is_never_elsewhere,
        )
        self._slow.add(connection)
        try:
            await connection.run()
        finally:
            self._slow.discard(connection)
        return connection.unsent or not connection.is_over

    def _refuse_unread(self, stream: DeadlineStream, problem: Problem) -> Answer:
        """Answer a request that Hypercorn can't read."""
        return self._replies.refuse_unread(SLOW, problem, _peer_of(stream) or "")
