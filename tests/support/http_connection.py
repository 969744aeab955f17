"""HTTP/1.1 connections to a server of the tests; `bench.equipment.http_connection` has the connection itself."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Final

import trio

# Under their own names for the tests, too, which need nothing of bench's but this.
from bench.equipment.http_connection import LIMIT_SECONDS as LIMIT_SECONDS
from bench.equipment.http_connection import ConnectionCut as ConnectionCut
from bench.equipment.http_connection import HttpConnection as HttpConnection
from bench.equipment.http_connection import Response as Response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

HOST: Final = "placed.test"  # that is asked for, so that servers of tests answer for it


@contextlib.asynccontextmanager
async def connect(port: int, *, receive_buffer_bytes: int | None = None) -> AsyncGenerator[HttpConnection]:
    """A connection to a port of 127.0.0.1, cut at the end.

    Raises:
        ConnectionCut: nobody listens there.
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
    """GET over a connection of its own."""
    async with connect(port) as connection:
        return await connection.request(target, headers=headers)


async def place(connection: HttpConnection, x: int, y: int, color: int) -> Response:
    """Place one edit."""
    return await connection.request(f"/edit?x={x}&y={y}&color={color}", method="POST")
