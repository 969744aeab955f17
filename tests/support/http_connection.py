"""HTTP/1.1 connections to a test's server; `bench.equipment.http_connection` has the connection itself."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Final

import trio

# Also imported by tests from here, so that they need nothing else of bench.
from bench.equipment.http_connection import LIMIT_SECONDS as LIMIT_SECONDS
from bench.equipment.http_connection import ConnectionCut as ConnectionCut
from bench.equipment.http_connection import HttpConnection as HttpConnection
from bench.equipment.http_connection import Response as Response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

HOST: Final = "placed.test"  # the host in requests; the tests' servers answer for it


@contextlib.asynccontextmanager
async def connect(port: int, *, receive_buffer_bytes: int | None = None) -> AsyncGenerator[HttpConnection]:
    """Open a connection to a port of 127.0.0.1; it is cut at the end.

    Raises:
        ConnectionCut: nothing listens there.
    """
    with trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM) as plain:
        if receive_buffer_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        try:
            with trio.fail_after(LIMIT_SECONDS):
                await plain.connect(("127.0.0.1", port))
        except OSError as error:
            raise ConnectionCut(str(error)) from error
        yield HttpConnection(trio.SocketStream(plain), HOST)


async def get(port: int, target: str, *headers: tuple[str, str]) -> Response:
    """GET over a new connection."""
    async with connect(port) as connection:
        return await connection.request(target, headers=headers)


async def place(connection: HttpConnection, x: int, y: int, color: int) -> Response:
    """Place one edit."""
    return await connection.request(f"/edit?x={x}&y={y}&color={color}", method="POST")
