"""Makes a Hypercorn connection strict about HTTP/1.1: it refuses requests that Hypercorn and h11 would let pass."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import h11

from placed.http.answer import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hypercorn.protocol.h11 import H11Protocol, H11WSConnection


def take_strictly(h1: H11Protocol) -> None:
    """Refuse other versions and methods in small letters; ignore upgrades, and bytes after the last request."""
    # Set on the object, because Hypercorn's ProtocolWrapper makes the object and takes no subclass.
    _hear_nothing_behind_the_last(h1.connection)
    _take_what_is_spoken(h1.connection)
    h1._check_protocol = _stay  # type: ignore[method-assign, assignment]  # noqa: SLF001
    h1._create_stream = partial(_without_upgrade, h1._create_stream)  # type: ignore[method-assign]  # noqa: SLF001


def _hear_nothing_behind_the_last(connection: h11.Connection | H11WSConnection) -> None:
    """Ignore the bytes that follow a request which ends its connection (RFC 9112, 9.6).

    To h11 they are an error, and Hypercorn would answer it with 400 while the request is still at work.
    """
    assert isinstance(connection, h11.Connection)
    receive_data, next_event = connection.receive_data, connection.next_event

    def receive(data: bytes) -> None:
        if connection.their_state is not h11.MUST_CLOSE:
            receive_data(data)

    def following() -> type[h11.NEED_DATA | h11.PAUSED] | h11.Event:
        return h11.NEED_DATA if connection.their_state is h11.MUST_CLOSE else next_event()

    connection.receive_data = receive  # type: ignore[method-assign]
    connection.next_event = following  # type: ignore[method-assign]


def _take_what_is_spoken(connection: h11.Connection | H11WSConnection) -> None:
    """Refuse a version that isn't HTTP/1.x, and a method that isn't in capitals: its case counts (RFC 9110, 9.1).

    A higher minor version counts as the highest known one (RFC 9110, 2.5). Hypercorn would take `HEaD` for HEAD and
    send no body. h11 expects one and raises an error, so anybody could fill the log with errors.
    """
    assert isinstance(connection, h11.Connection)
    next_event = connection.next_event

    def checked() -> type[h11.NEED_DATA | h11.PAUSED] | h11.Event:
        event = next_event()
        if isinstance(event, h11.Request) and not event.http_version.startswith(b"1."):
            raise h11.RemoteProtocolError("a version that isn't HTTP/1", error_status_hint=505)
        if isinstance(event, h11.Request) and not event.method.isupper():
            raise h11.RemoteProtocolError(f"the method {event.method!r} is not in capitals", error_status_hint=400)
        return event

    connection.next_event = checked  # type: ignore[method-assign]


async def _stay(_request: h11.Request) -> None:
    """Begin no HTTP/2 without TLS: browsers don't speak it, and it would bypass the fast lane's limits."""


async def _without_upgrade(handle: Callable[[h11.Request], Awaitable[None]], request: h11.Request) -> None:
    """Ignore a request's wish to upgrade (RFC 9110, 7.8): the bytes after an upgrade can crash Hypercorn 0.18."""
    headers = [(name, value) for name, value in request.headers if name != b"upgrade"]
    if len(headers) < len(request.headers):
        request = h11.Request(
            method=request.method, target=request.target, headers=headers, http_version=request.http_version
        )
    await handle(request)


def unreadable(status: int, head: bytes, most_bytes: int) -> Problem:
    """Say why the received bytes are no request that can be answered.

    Args:
        status: the answer's status code.
        head: the bytes of the head that have come.
        most_bytes: the longest head that is allowed.
    """
    if status == 408:
        return Problem(408, "slow-request", "the request's head took too long")
    if status == 431:
        if b"\n" not in head:
            return Problem(414, "too-large", f"a request line of more than {most_bytes} bytes")
        return Problem(431, "too-large", f"a request head of more than {most_bytes} bytes")
    if status == 505:
        return Problem(
            505, "invalid-body", "HTTP/1.1 and HTTP/1.0 are spoken here, and HTTP/2 over TLS; no other version"
        )
    if status == 501:
        return Problem(501, "invalid-body", "a transfer coding other than chunked")
    return Problem(400, "invalid-body", "this is not an HTTP request that can be understood")
