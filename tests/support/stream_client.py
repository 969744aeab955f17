"""A model of the client: any client that follows the documented protocol must end with the same canvas.

    image --version, log--> follow --cut or ended--> follow again with Last-Event-ID
      ^                        |
      +------- reload ---------+   asking for canvas.png?v=CURRENT, to get past caches

It decodes all data by itself, so that it shares no mistake with the server. After each frame it notes the version that
it believes to be at, and a checksum of its canvas, so that a test can compare each of them with the log.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio
from PIL import Image

from tests.support.http_connection import ConnectionCut, Response, connect, get
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    import random

    from tests.support.offline_log import Edit

LIMIT_SECONDS: Final = PATIENCE_SECONDS
_CLOSE: Final = ("Connection", "close")


@attrs.frozen
class Event:
    """One server-sent event that has arrived complete."""

    id: str | None
    kind: str
    data: str


class EventParser:
    """Turns bytes into events, however the bytes are cut; it never returns an incomplete event.

    Attributes:
        statuses: the data of each `event: status`; those events aren't returned.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self.statuses: list[dict[str, Any]] = []

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes."""
        *blocks, self._buffer = (self._buffer + data).split(b"\n\n")
        events = [event for block in blocks if (event := self._event(block.decode())) is not None]
        self.statuses += [json.loads(event.data) for event in events if event.kind == "status"]
        return [event for event in events if event.kind != "status"]

    def _event(self, block: str) -> Event | None:
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(": ")
            if name and not line.startswith(":"):
                assert name in {"id", "data", "event", "retry"}, f"unknown field in {line!r}"
                assert name == "data" or name not in fields, f"{name} is repeated in {block!r}"
                fields[name] = f"{fields[name]}\n{value}" if name in fields else value
        return Event(fields.get("id"), fields.get("event", "message"), fields["data"]) if "data" in fields else None


@attrs.frozen
class Habits:
    """The habits of a client.

    Attributes:
        as_json: whether it follows the JSON stream.
        image_seconds: time between the image's arrival and the request for the stream.
        byte_seconds: pause before each byte that it reads, for its first `slow_bytes` bytes.
        slow_bytes: see `byte_seconds`.
        receive_buffer_bytes: receive buffer of the socket; None leaves it to the system.
    """

    as_json: bool = False
    image_seconds: float = 0.0
    byte_seconds: float = 0.0
    slow_bytes: int = 0
    receive_buffer_bytes: int | None = None


@attrs.frozen
class Sighting:
    """What a client believed: its canvas had this CRC-32 at `version` of `log`."""

    log: str
    version: int
    crc: int


@attrs.define
class Told:
    """How often each thing happened to a client."""

    images: int = 0
    streams: int = 0
    frames: int = 0
    cuts: int = 0
    reloads: list[str] = attrs.field(factory=list)


class StreamClient:
    """One client on a port; `run` never ends.

    Attributes:
        port: the port that it connects to.
        version: the version of its canvas; -1 before the first image.
        log: the id of the log of its canvas.
        pixels: one byte for each pixel, row by row.
        sightings: one for each image and frame.
        told: what happened to it.
    """

    def __init__(self, port: int, habits: Habits, chance: random.Random) -> None:
        self.port = port
        self._habits = habits
        self._chance = chance
        self._changed = trio.Event()
        self._code: dict[str, int] = {}
        self._query = ""
        self._width = 0
        self._last_event_id: str | None = None
        self.version = -1
        self.log = ""
        self.pixels = bytearray()
        self.sightings: list[Sighting] = []
        self.told = Told()

    async def run(self) -> None:
        """Follow without end, whatever happens."""
        while True:
            try:
                await self.load()
                await trio.sleep(self._habits.image_seconds)
                await self.follow()
            except ConnectionCut:
                await self._pause()

    async def load(self) -> None:
        """Load size and edit code, and then the image, as a page does."""
        info = _expect_200(await get(self.port, "/info", _CLOSE)).json()
        self._code, self._width = info["edit_code"], info["width"]
        await self._load_image()

    async def wait_for(self, log: str, version: int) -> None:
        """Wait until it is at that version of that log."""
        while (self.log, self.version) != (log, version):
            await self._changed.wait()

    async def wait_past(self, version: int) -> None:
        """Wait until it is at `version` or later, of any log."""
        while self.version < version:
            await self._changed.wait()

    async def _pause(self) -> None:
        self.told.cuts += 1
        await trio.sleep(self._chance.uniform(0.01, 0.2))  # a real client waits as `retry:` says, 1 to 5 s

    async def _load_image(self) -> None:
        response = _expect_200(await get(self.port, f"/canvas.png{self._query}", _CLOSE))
        image = Image.open(io.BytesIO(response.body))
        assert image.mode == "P"
        self.told.images += 1
        self.pixels = bytearray(image.tobytes())
        version, self.log = response.headers["x-canvas-version"], response.headers["x-canvas-log"]
        assert image.info["placed:version"] == version
        assert image.info["placed:log"] == self.log
        self._move(int(version))
        self._last_event_id = None

    async def follow(self) -> None:
        """Follow from the image's version, through cuts, until told to reload."""
        form = "&format=json" if self._habits.as_json else ""
        target = f"/edits?v={self.version}&log={self.log}{form}"
        while True:
            try:
                if await self._follow(target):
                    return
            except ConnectionCut:
                pass
            await self._pause()

    async def _follow(self, target: str) -> bool:
        """Follow one stream to its end; return whether the stream told it to load the image again."""
        headers = [_CLOSE]
        if self._last_event_id is not None:
            headers.append(("Last-Event-ID", self._last_event_id))
        async with connect(self.port, receive_buffer_bytes=self._habits.receive_buffer_bytes) as connection:
            await connection.send(target, headers=tuple(headers))
            _expect_200(await connection.head())
            self.told.streams += 1
            connection.read_slowly(self._habits.byte_seconds, self._habits.slow_bytes)
            parser = EventParser()
            while (data := await connection.data()) is not None:
                for event in parser.feed(data):
                    if event.kind == "reload":
                        self._note_reload(event)
                        return True
                    self._apply(event)
        return False

    def _note_reload(self, event: Event) -> None:
        told = json.loads(event.data)
        self.told.reloads.append(told["code"])
        self._query = f"?v={told['v']}"

    def _apply(self, event: Event) -> None:
        assert event.kind == "message"
        assert event.id is not None
        version = int(event.id)
        assert version > self.version, f"a frame to {version} for one who is at {self.version}"
        for x, y, color in self._edits(event, version):
            self.pixels[y * self._width + x] = color
        self.told.frames += 1
        self._last_event_id = event.id
        self._move(version)

    def _edits(self, event: Event, version: int) -> list[Edit]:
        if self._habits.as_json:
            told = json.loads(event.data)
            assert told["v"] == version
            return [(x, y, color) for x, y, color in told["edits"]]
        return unpack(base64.b64decode(event.data.replace("\n", ""), validate=True), self._code)

    def _move(self, version: int) -> None:
        self.version = version
        self.sightings.append(Sighting(self.log, version, zlib.crc32(self.pixels)))
        self._changed.set()
        self._changed = trio.Event()


def unpack(codes: bytes, layout: dict[str, int]) -> list[Edit]:
    """Decode edit codes one at a time, with the layout from /info."""
    size, x_bits, y_bits = layout["bytes"], layout["x_bits"], layout["y_bits"]
    assert len(codes) % size == 0
    edits = []
    for at in range(0, len(codes), size):
        code = int.from_bytes(codes[at : at + size], "little")
        edits.append((code % 2**x_bits, (code >> x_bits) % 2**y_bits, code >> (x_bits + y_bits)))
    return edits


def _expect_200(response: Response) -> Response:
    # A stopping server, or a proxy without a server, refuses; a client tries again.
    if response.status in {502, 503}:
        raise ConnectionCut(f"refused with {response.status}")
    assert response.status == 200, f"{response.status}: {response.body!r}"
    return response


async def json_edits(port: int, version: int, *, until: int) -> list[tuple[Edit, int]]:
    """Each edit in the stream from `version` to `until`, with the version after its frame."""
    edits: list[tuple[Edit, int]] = []
    parser = EventParser()
    with trio.fail_after(LIMIT_SECONDS):
        async with connect(port) as connection:
            await connection.send(f"/edits?v={version}&format=json")
            assert (await connection.head()).status == 200
            while version < until:
                data = await connection.data()
                assert data is not None, "the stream has ended"
                for event in parser.feed(data):
                    assert event.kind == "message", event
                    told: dict[str, Any] = json.loads(event.data)
                    version = told["v"]
                    edits += [((x, y, color), version) for x, y, color in told["edits"]]
    return edits


async def served_pixels(port: int, version: int) -> bytes:
    """The pixels of the served image, row by row, once it is at `version`."""
    with trio.fail_after(LIMIT_SECONDS):
        while True:
            response = await get(port, f"/canvas.png?v={version}")
            if int(response.headers["x-canvas-version"]) >= version:
                break
            await trio.sleep(0.1)  # an image may be a second old
    assert int(response.headers["x-canvas-version"]) == version
    return Image.open(io.BytesIO(response.body)).tobytes()
