"""Sends and receives a connection's bytes, with and without TLS; each send has a deadline.

Hypercorn shields its sends and gives them no deadline, so that one stalled reader could hold a task, and the shutdown,
for ever. A send here ends when its peer takes too little (`placed.http.lanes.writing`), even if the caller shields it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NoReturn

import trio

from placed.http.lanes.writing import LEAST_BYTES, Pace, write_both
from placed.tasks.shared_bytes import TakenBack, piece_of

if TYPE_CHECKING:
    import ssl

    from placed.http.answer import Body

_READ_BYTES: Final = 65_536
_DROPPED_BYTES: Final = 4_000_000  # after the last answer; more than the sockets' buffers hold
# OpenSSL keeps a buffer as large as the largest record that it wrote, for as long as the connection lasts.
_TLS_PIECE_BYTES: Final = 4_096


class DeadlineStream(trio.abc.HalfCloseableStream):
    """A socket's stream whose sends have a deadline, even if the caller shields them.

    It reads and writes the file descriptor itself, and waits only where the system call would block: the layers of a
    `trio.SocketStream` cost as much as the system calls below them. A send that needn't wait is no checkpoint.

    Attributes:
        socket: the socket below, which Hypercorn asks for its addresses.
    """

    def __init__(self, stream: trio.SocketStream, send_seconds: float) -> None:
        self._plain = stream
        self._stream: trio.abc.Stream = stream
        self._send_seconds = send_seconds
        self._pace = Pace(send_seconds)
        self._put_back = b""
        self.socket = stream.socket

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data`, or raise `BrokenResourceError` if the peer takes it too slowly."""
        await self.send_answer(memoryview(data))

    async def send_answer(self, data: bytes | memoryview, body: Body = b"", start: int = 0) -> None:
        """Send `data` and then the body, from `start` on, without copying it.

        Raises:
            trio.BrokenResourceError: the peer takes it too slowly, or has left, or the body was taken back.
            trio.ClosedResourceError: the stream was closed.
        """
        sent, length = 0, len(data) + len(body) - start
        while (sent := sent + self._write(data[sent:], body, start + max(0, sent - len(data)))) < length:
            await self._wait_writable()

    async def _wait_writable(self) -> None:
        if not await self._pace.wait_writable(self._open_fd()):
            self._cut()

    def _write(self, data: bytes | memoryview, body: Body, start: int) -> int:
        """Write as much as the kernel takes without a wait, and say how many bytes that was."""
        fd = self._open_fd()
        try:
            taken = write_both(fd, data, body, start)
        except OSError as error:
            raise trio.BrokenResourceError(f"the connection broke: {error}") from error
        except TakenBack as error:
            self._cut_short(error)
        self._pace.written += taken
        return taken

    def _cut_short(self, error: TakenBack) -> NoReturn:
        self.abort()
        raise trio.BrokenResourceError("the peer read an image too slowly, and the image was taken back") from error

    def _open_fd(self) -> int:
        fd = self.socket.fileno()
        if fd < 0:
            raise trio.ClosedResourceError("this stream was closed")
        return fd

    def _cut(self) -> NoReturn:
        self.abort()
        raise trio.BrokenResourceError(f"the peer took less than {LEAST_BYTES} bytes in {self._send_seconds:g} s")

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        await self._stream.wait_send_all_might_not_block()

    def put_back(self, data: bytes) -> None:
        """Let the next `receive_some` return these received bytes again; they are for another reader."""
        self._put_back = data + self._put_back

    @property
    def has_been_put_back(self) -> bool:
        """Whether some bytes were put back, and haven't been received again yet."""
        return bool(self._put_back)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """See `trio.abc.ReceiveStream`; bytes that were put back come first, without a wait."""
        if not self._put_back:
            return await self._receive(max_bytes or _READ_BYTES)
        most = max_bytes or _READ_BYTES
        data, self._put_back = self._put_back[:most], self._put_back[most:]
        return data

    async def _receive(self, max_bytes: int) -> bytes | bytearray:
        while True:
            fd = self._open_fd()
            await trio.lowlevel.wait_readable(fd)
            try:
                return os.read(fd, max_bytes)
            except BlockingIOError:
                continue
            except OSError as error:
                raise trio.BrokenResourceError(f"the connection broke: {error}") from error

    async def send_eof(self) -> None:
        """See `trio.abc.HalfCloseableStream`."""
        await self._plain.send_eof()

    async def aclose(self) -> None:
        """See `trio.abc.AsyncResource`."""
        await self._stream.aclose()

    def detach(self) -> int:
        """Give the socket's file descriptor to the caller, who closes it; the stream can't be used any more."""
        return self.socket.detach()

    async def linger(self, seconds: float) -> None:
        """End sending, and drop the bytes that still come, for `seconds` at most.

        Closing a socket with unread bytes resets the connection, and the peer could lose the answer (RFC 9112, 9.6).
        """
        dropped_bytes = 0
        with trio.move_on_after(seconds):
            await self.send_eof()
            while dropped_bytes < _DROPPED_BYTES and (data := await self.receive_some(_READ_BYTES)):
                dropped_bytes += len(data)

    def abort(self) -> None:
        """Close at once, without a wait; a task that uses the stream gets `ClosedResourceError`."""
        self.socket.close()


class TlsStream(DeadlineStream):
    """A `DeadlineStream` with TLS. Hypercorn starts the handshake, and asks which protocol was agreed on.

    Attributes:
        transport_stream: the stream below TLS, which Hypercorn asks for its socket.
    """

    def __init__(self, stream: trio.SocketStream, context: ssl.SSLContext, send_seconds: float) -> None:
        super().__init__(stream, send_seconds)
        self.transport_stream = stream
        self._tls = trio.SSLStream(stream, context, server_side=True)
        self._stream = self._tls

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """See `DeadlineStream`."""
        view = memoryview(data)
        for start in range(0, len(view), LEAST_BYTES):
            with trio.move_on_after(self._send_seconds) as deadline:
                await self._tls.send_all(view[start : start + LEAST_BYTES])
            if deadline.cancelled_caught:
                self._cut()

    async def _receive(self, max_bytes: int) -> bytes | bytearray:
        return await self._tls.receive_some(max_bytes)

    async def send_answer(self, data: bytes | memoryview, body: Body = b"", start: int = 0) -> None:
        """See `DeadlineStream`; a piece of the body is encrypted only when the socket has room.

        Encrypted bytes are a copy, which a slow reader would hold.
        """
        await self.send_all(data)
        while start < len(body):
            await self._wait_writable()
            try:
                piece = piece_of(body, start, _TLS_PIECE_BYTES)
            except TakenBack as error:
                self._cut_short(error)
            await self.send_all(piece)
            self._pace.written += len(piece)
            start += len(piece)
            del piece  # a view keeps the whole image in memory, and the next wait may be long

    async def do_handshake(self) -> None:
        """See `trio.SSLStream`."""
        await self._tls.do_handshake()

    def selected_alpn_protocol(self) -> str | None:
        """See `trio.SSLStream`."""
        protocol: str | None = self._tls.selected_alpn_protocol()
        return protocol

    async def send_eof(self) -> None:
        """Do nothing: not all peers understand a half-closed TLS connection. `linger` and `aclose` tell the peer."""

    async def linger(self, seconds: float) -> None:
        """Tell the peer that no more comes, and wait until it says the same, for `seconds` at most (RFC 8446, 6.1)."""
        with trio.move_on_after(seconds):
            await self._tls.unwrap()
