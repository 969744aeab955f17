"""An HTTP/2 peer that can send frames that no client would: hyperframe's frames, one by one, over TLS."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, Final

import trio
import trustme
from hpack import Encoder
from hyperframe.frame import Frame, HeadersFrame, SettingsFrame

from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LIMIT_SECONDS: Final = PATIENCE_SECONDS
_CHUNK_BYTES: Final = 65_536


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 in a file, and a context for clients that trusts it."""
    authority = trustme.CA()
    file = folder / "certificate.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(file)
    # With its own authority it doesn't read the system's certificates, which takes 28 ms.
    return file, ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())


class Http2Peer:
    """One connection; its preface has been sent."""

    def __init__(self, stream: trio.SSLStream[trio.SocketStream]) -> None:
        self._stream = stream
        self._received = bytearray()
        self._encoder = Encoder()

    def request(
        self,
        stream_id: int,
        path: bytes = b"/healthz",
        *more: tuple[bytes, bytes],
        method: bytes = b"GET",
        ends: bool = True,
    ) -> HeadersFrame:
        """Make a request's head. Heads must be sent in the order in which they were made."""
        fields = [(b":method", method), (b":scheme", b"https"), (b":authority", b"placed.test"), (b":path", path)]
        return self.head(stream_id, [*fields, *more], ends=ends)

    def head(self, stream_id: int, fields: list[tuple[bytes, bytes]], *, ends: bool = True) -> HeadersFrame:
        """Make a head with any fields."""
        flags = ["END_HEADERS", *(["END_STREAM"] if ends else [])]
        return HeadersFrame(stream_id, data=self._encoder.encode(fields), flags=flags)

    async def say(self, *frames: Frame) -> bool:
        """Send frames at once; return whether the connection took them."""
        try:
            with trio.fail_after(LIMIT_SECONDS):
                await self._stream.send_all(b"".join(frame.serialize() for frame in frames))
        except trio.BrokenResourceError:
            return False
        return True

    async def next(self) -> Frame | None:
        """The next frame; None once the connection is over."""
        with trio.fail_after(LIMIT_SECONDS):
            while (frame := self._parse()) is None:
                try:
                    data = await self._stream.receive_some(_CHUNK_BYTES)
                except trio.BrokenResourceError:
                    return None
                if not data:
                    return None
                self._received += data
        return frame

    def _parse(self) -> Frame | None:
        if len(self._received) < 9:
            return None
        frame, length = Frame.parse_frame_header(memoryview(bytes(self._received[:9])))
        if len(self._received) < 9 + length:
            return None
        frame.parse_body(memoryview(bytes(self._received[9 : 9 + length])))
        del self._received[: 9 + length]
        return frame

    async def rest(self) -> list[Frame]:
        """All frames until the connection is over."""
        frames = []
        while (frame := await self.next()) is not None:
            frames.append(frame)
        return frames

    async def until_end_of(self, stream_id: int) -> list[Frame]:
        """The frames of one stream, to its end."""
        frames: list[Frame] = []
        while not frames or not ("END_STREAM" in frames[-1].flags or type(frames[-1]).__name__ == "RstStreamFrame"):
            frame = await self.next()
            assert frame is not None, "the connection was cut"
            if frame.stream_id == stream_id:
                frames.append(frame)
        return frames


@contextlib.asynccontextmanager
async def speaking(port: int, context: ssl.SSLContext, *, window: int | None = None) -> AsyncGenerator[Http2Peer]:
    """Open an HTTP/2 connection to 127.0.0.1; its streams may get `window` bytes at first."""
    context.set_alpn_protocols(["h2"])
    plain = await trio.open_tcp_stream("127.0.0.1", port)
    stream = trio.SSLStream(plain, context, server_hostname="127.0.0.1", https_compatible=True)
    settings = SettingsFrame(0)
    if window is not None:
        settings.settings = {SettingsFrame.INITIAL_WINDOW_SIZE: window}
    try:
        with trio.fail_after(LIMIT_SECONDS):
            await stream.do_handshake()
            await stream.send_all(_PREFACE + settings.serialize())
        yield Http2Peer(stream)
    finally:
        await trio.aclose_forcefully(stream)
