"""People who paint and follow behind the bad network, and remember everything for the ledger.

painter: an edit, a pause, another edit; one of them paints as often as it is allowed to, with one address
subscriber: image --version--> stream --cut--> stream again, with Last-Event-ID
            ^------------------- told to reload
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import math
import socket
from typing import TYPE_CHECKING, Final

import attrs
import trio
from PIL import Image

from bench.equipment.http_client import Connection, connection
from bench.equipment.http_connection import Response, UnexpectedAnswer
from bench.torturing.broken_promise import Broken

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from bench.torturing.ledger import Edit, Ledger

GONE: Final = (OSError, trio.BrokenResourceError, trio.ClosedResourceError, UnexpectedAnswer)
HOST: Final = "127.0.0.1"
CHARGES: Final = 5
CHARGE_SECONDS: Final = 0.2
WINDOW_SECONDS: Final = CHARGES * CHARGE_SECONDS
LATE_SECONDS: Final = 5.0  # enough on a machine that does other work too
ANSWER_SECONDS: Final = 30.0
EAGER: Final = "10.255.0.1"  # the address of the painter that paints as often as it may
_FORBIDDEN: Final = ("closed", "banned", "protected")
_MAX_REFUSALS: Final = 3


@attrs.define
class Scene:
    """The state that all people share.

    Attributes:
        port: the port that they connect to; it stays the same while servers come and go.
        excuses: number of faults under way that explain a late answer.
        excused_until: when the last of these faults ended.
        clock_steps: how often the server's clock has jumped.
        settling: whether all faults have passed; slow readers then read on.
        forbidden: for each act that surely applies: whether it forbids an edit from an address; by the act's id.
        eager_edit: an edit from the address `EAGER` that was placed.
        outcomes: answers by status and code.
    """

    ledger: Ledger
    chance: random.Random
    port: int
    excuses: int = 0
    excused_until: float = 0.0
    clock_steps: int = 0
    settling: bool = False
    forbidden: dict[int, Callable[[Edit, str], bool]] = attrs.field(factory=dict)
    eager_edit: Edit | None = None
    outcomes: dict[str, int] = attrs.field(factory=dict)

    @contextlib.contextmanager
    def excused(self) -> Iterator[None]:
        """Excuse late answers to all requests sent while this lasts."""
        self.excuses += 1
        try:
            yield
        finally:
            self.excuses -= 1
            self.excused_until = trio.current_time()

    def check_late(self, what: str, began: float) -> None:
        """Raise `Broken` when an answer took too long, and nothing explains it."""
        took = trio.current_time() - began
        if took > LATE_SECONDS and not self.excuses and began > self.excused_until:
            raise Broken(4, f"{what} took {took:.1f} s, with nothing that would explain it")

    async def place(self, link: Connection, edit: Edit, address: str) -> Response:
        """Place an edit, and pass the answer to the ledger.

        Raises:
            GONE: the connection ended before there was an answer.
        """
        x, y, color = edit
        began = trio.current_time()
        forbidding = {act for act, is_forbidden in self.forbidden.items() if is_forbidden(edit, address)}
        with trio.move_on_after(ANSWER_SECONDS):
            target = f"/edit?x={x}&y={y}&color={color}"
            answer = await link.request("POST", target, [("X-Forwarded-For", address)])
            self.check_late("an edit", began)
            self._note(edit, answer)
            if answer.status == 200 and forbidding & self.forbidden.keys():
                raise Broken(0, f"the edit {edit} was taken, and the acts {forbidding} forbid it")
            return answer
        await link.aclose()
        self.check_late("an edit", began)
        raise UnexpectedAnswer("no answer in time")

    def _note(self, edit: Edit, answer: Response) -> None:
        code = "" if answer.status == 200 else answer.json()["code"]
        self.note(f"{answer.status} {code}".strip())
        if answer.status == 200:
            self.ledger.acknowledge(edit, answer.json()["v"])
        elif answer.status not in (429, 503) and (answer.status != 403 or code not in _FORBIDDEN):
            raise Broken(6, f"the edit {edit} was answered {answer.status}: {answer.body!r}")
        elif code != "outcome-unknown":
            self.ledger.refuse(edit)

    def note(self, outcome: str) -> None:
        """Count an answer by its outcome."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


async def paint(scene: Scene, number: int, pause_seconds: float) -> None:
    """Paint without end, each edit from one of many addresses."""
    link = Connection(HOST, scene.port)
    while True:
        address = f"10.{number}.{scene.chance.randrange(256)}.{scene.chance.randrange(256)}"
        try:
            await scene.place(link, scene.ledger.new_edit(), address)
        except GONE:
            await link.aclose()
            await trio.sleep(0.1)
        await trio.sleep(scene.chance.uniform(0, 2 * pause_seconds))


async def paint_eagerly(scene: Scene) -> None:
    """Paint without end from one address, as often as the cooldown allows, and check the server's waiting times.

    However the clock jumps and the server restarts, a client that has waited as long as told may paint.
    """
    link = Connection(HOST, scene.port)
    refusals, steps = 0, scene.clock_steps
    while True:
        try:
            edit = scene.ledger.new_edit()
            answer = await scene.place(link, edit, EAGER)
            scene.eager_edit = edit if answer.status == 200 else scene.eager_edit
        except GONE:
            refusals = 0  # the edit may have been placed, and have cost a charge
            await link.aclose()
            await trio.sleep(0.1)
            continue
        if answer.status != 429:
            refusals = 0
            await trio.sleep(0.02)
            continue
        told = float(answer.json()["retry_after_seconds"])
        if told > WINDOW_SECONDS or int(answer.headers["retry-after"]) > math.ceil(WINDOW_SECONDS):
            raise Broken(0, f"cooldown: told to wait {told:g} s; all charges are back in {WINDOW_SECONDS:g} s")
        refusals = refusals + 1 if steps == scene.clock_steps else 1
        steps = scene.clock_steps
        if refusals > _MAX_REFUSALS:
            raise Broken(0, f"cooldown: refused {refusals} times in a row, each after waiting as long as told")
        await trio.sleep(told + 0.01)


@attrs.frozen
class Habits:
    """The habits of a subscriber.

    Attributes:
        as_json: whether it follows the JSON stream.
        pause_seconds: pause between two reads, on a socket with a small buffer.
        stay_seconds: how long it follows before it loads everything again, as a newcomer; None stays.
    """

    as_json: bool = False
    pause_seconds: float = 0.0
    stay_seconds: float | None = None


HABITS: Final = (
    Habits(),
    Habits(as_json=True),
    Habits(pause_seconds=0.3),
    Habits(pause_seconds=0.1, as_json=True),
    Habits(stay_seconds=2.0),
    Habits(stay_seconds=0.3),
    Habits(stay_seconds=5.0, as_json=True),
)


class Subscriber:
    """One subscriber; `run` never ends.

    Attributes:
        version: the version of its canvas; -1 before its first image.
        reloads: how often the server told it to reload, by reason.
    """

    def __init__(self, scene: Scene, name: str, habits: Habits) -> None:
        self._scene = scene
        self._name = name
        self._habits = habits
        self._pixels = bytearray()
        self._log_id = ""
        self._query = ""
        self._layout: dict[str, int] = {}
        self._moved = trio.Event()
        self.version = -1
        self.reloads: dict[str, int] = {}

    async def run(self) -> None:
        """Follow, whatever happens."""
        while True:
            await self._again(self._load)
            stay_seconds = self._habits.stay_seconds
            with trio.move_on_after(math.inf if stay_seconds is None else stay_seconds):
                await self._again(self._follow)

    async def reach(self, version: int) -> None:
        """Wait until it is at `version` or later."""
        while self.version < version:
            await self._moved.wait()

    async def _again(self, attempt: object) -> None:
        assert callable(attempt)
        while True:
            try:
                if await attempt():
                    return
            except GONE:
                pass
            await trio.sleep(self._scene.chance.uniform(0.02, 0.3))  # a browser takes `retry:`, 1 to 5 s

    async def _load(self) -> bool:
        began = trio.current_time()
        async with connection(HOST, self._scene.port) as link:
            info = await link.request("GET", "/info")
            answer = await link.request("GET", f"/canvas.png{self._query}")
        if (info.status, answer.status) != (200, 200):
            return _refused(info) or _refused(answer)
        self._scene.check_late("an image", began)
        told, pixels = info.json(), pixels_of(answer)
        if len(pixels) != told["width"] * told["height"]:
            return False  # the canvas has grown in between
        self._layout = told["edit_code"]
        self._pixels = bytearray(pixels)
        self._log_id = answer.headers["x-canvas-log"]
        self._move(int(answer.headers["x-canvas-version"]))
        return True

    async def _follow(self) -> bool:
        """Follow one stream; return whether the server told it to reload."""
        form = "&format=json" if self._habits.as_json else ""
        target = f"/edits?v={self.version}&log={self._log_id}{form}"
        link = Connection(HOST, self._scene.port)
        try:
            if self._habits.pause_seconds:
                link.receive_buffer_bytes = 2_048
            async for event in link.events(target, [("Last-Event-ID", str(self.version))]):
                # The first event of a stream follows a `retry:` line.
                if b"event: reload" in event.splitlines():
                    self._note_reload(event)
                    return True
                if event.startswith(b"id: "):
                    self._apply(event)
                    await trio.sleep(0.0 if self._scene.settling else self._habits.pause_seconds)
        finally:
            with trio.CancelScope(shield=True):
                await link.aclose()
        return False

    def _note_reload(self, event: bytes) -> None:
        told = json.loads(event.partition(b"data: ")[2])
        if told["code"] not in ("too-old", "canvas"):
            raise Broken(3, f"{self._name} at version {self.version} was told {told}")
        self.reloads[told["code"]] = self.reloads.get(told["code"], 0) + 1
        self._query = f"?v={told['v']}"

    def _apply(self, event: bytes) -> None:
        head, _, data = event.partition(b"\ndata: ")
        version = int(head[4:])
        if version <= self.version:
            raise Broken(3, f"{self._name} at version {self.version} was told of version {version}")
        width = self._scene.ledger.width
        for x, y, color in self._edits(data, version):
            self._pixels[y * width + x] = color
        self._move(version)

    def _edits(self, data: bytes, version: int) -> list[Edit]:
        if self._habits.as_json:
            told = json.loads(data)
            if told["v"] != version:
                raise Broken(3, f"a frame to version {version} says {told['v']}")
            return [(x, y, color) for x, y, color in told["edits"]]
        return unpack(base64.b64decode(data, validate=True), self._layout)

    def _move(self, version: int) -> None:
        self._scene.ledger.sight(self._name, self._log_id, version, self._pixels)
        self.version = version
        self._moved.set()
        self._moved = trio.Event()


def unpack(codes: bytes, layout: dict[str, int]) -> list[Edit]:
    """Decode edit codes one at a time, with the layout from /info."""
    size, x_bits, y_bits = layout["bytes"], layout["x_bits"], layout["y_bits"]
    numbers = (int.from_bytes(codes[at : at + size], "little") for at in range(0, len(codes), size))
    return [(code % 2**x_bits, (code >> x_bits) % 2**y_bits, code >> (x_bits + y_bits)) for code in numbers]


def pixels_of(image: Response) -> bytes:
    """An image's pixels, row by row."""
    with Image.open(io.BytesIO(image.body)) as opened:
        return opened.tobytes()


def _refused(answer: Response) -> bool:
    """False, to try again, if an answer is a documented refusal."""
    if answer.status not in (200, 503):
        raise Broken(6, f"a page was answered {answer.status}: {answer.body!r}")
    return False


def stalled_reader(port: int, version: int) -> socket.socket:
    """Request a stream, and never read from it."""
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    link.settimeout(LATE_SECONDS)
    link.connect((HOST, port))
    link.sendall(f"GET /edits?v={version} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    return link
