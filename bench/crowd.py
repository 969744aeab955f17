"""`python -m bench.crowd`: the people of an event, in one process: they come, load the page, follow, paint, and return.

For `bench.event` and `bench.soak`, which start it. Linux only, as it uses epoll. It is long because people, and the
connections that their edits take, live in one loop over one epoll, and share what it counts.

    arriving --connects--> loading: /, /info, /canvas.png --> following: /edits from the image's version on
       ^                       ^                                  |  the server tells it to reload
       |                       +----------------------------------+
       +--after the stream's own `retry` time, spread as a browser's is-- the server ended the stream, or wasn't there

Where people stay for a time only, somebody new comes for each who leaves; half of them end their connection in order,
the others reset it, as a phone that is put away.

Who returns sends Last-Event-ID, as a browser does, and loads nothing again. Edits are the trace's, each by a person
who follows and has a charge left, over connections of their own with X-Forwarded-For: to the server, each person is an
address, with a cooldown of its own. Each person has a canvas (`bench.canvas_states`).

    argument           an `Event` as JSON
    standard output    after each line that comes, a `Told` as JSON
    standard input     a line asks; the word `end` before it stops arrivals and edits; its end ends the process
"""

from __future__ import annotations

import errno
import heapq
import itertools
import json
import os
import random
import re
import select
import socket
import struct
import sys
import time
import zlib
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from bench.canvas_states import CanvasStates, Reload, State
from bench.load_process import Busy, Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_BYTES: Final = 1 << 18
_PAGE: Final = ("/", "/info", "/canvas.png")
_LOADING: Final = 64  # pages at once: a browser each, and no more than a listener's queue holds
_PAINTERS: Final = 32  # connections for edits
_TRIES: Final = 8  # to find somebody who may paint
_POLL_SECONDS: Final = 0.05
_MAX_LATE_SECONDS: Final = 5.0  # an edit that nobody could place until then is left out
_RESET: Final = struct.pack("ii", 1, 0)
_RETRY: Final = re.compile(rb"retry: (\d+)\n")
_STATUS: Final = re.compile(rb"event: status\n.*\n\n")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_VERSION: Final = re.compile(rb"\r\nx-canvas-version: *(\d+)\r\n", re.IGNORECASE)


@attrs.frozen
class Event:
    """What happens.

    Attributes:
        people: how many come, evenly, in the first `arrival_seconds`.
        edits: a file of edits, dtype `EDIT`, as .npy; they are placed evenly in `seconds`.
        charge_seconds: between two edits of one person; 0 is no cooldown.
        stay_seconds: how long people stay, on average, before others come in their place; 0 is for ever.
    """

    host: str
    port: int
    people: int
    arrival_seconds: float
    seconds: float
    edits: str
    charge_seconds: float
    width: int
    height: int
    colors: int
    stay_seconds: float = 0.0


@attrs.define
class Told:
    """How it stands.

    Attributes:
        arrived, following: people who have come, and who follow a stream.
        behind: of those who follow, who have not yet the newest version that anybody has.
        newest: that version.
        canvases: different canvases that people have.
        conflicts: see `CanvasStates`.
        digest: CRC-32 of the canvas of those who have the newest version.
        reloads: times a server told somebody to load the image again.
        reconnects: times a stream was ended.
        failed: attempts to connect, or requests, that failed, by reason.
        placed: answers to edits, by status; `late` are those that found nobody or no server in time.
        left: people who have left.
        load_ms: p50, p99 and max of the time that a page took.
        edit_ms: the same of the time that an edit took, since it was last told.
        disconnected_at, restored_at: by CLOCK_MONOTONIC, the first end of a stream, and when for the last time
            somebody who had lost it followed again.
    """

    arrived: int = 0
    following: int = 0
    behind: int = 0
    newest: int = 0
    canvases: int = 0
    conflicts: int = 0
    digest: int = 0
    frames: int = 0
    reloads: int = 0
    reconnects: int = 0
    failed: dict[str, int] = attrs.field(factory=dict)
    placed: dict[str, int] = attrs.field(factory=dict)
    left: int = 0
    load_ms: dict[str, float] = attrs.field(factory=dict)
    edit_ms: dict[str, float] = attrs.field(factory=dict)
    disconnected_at: float = 0.0
    restored_at: float = 0.0
    busy: Busy = attrs.field(default=Busy(0.0, 0.0))


class _Person:
    """One of the crowd.

    Attributes:
        step: index into `_PAGE` of what is being loaded; its length while following.
        state: its canvas; None until its image is there.
        free_at: when it may paint again.
    """

    __slots__ = ("began", "data", "free_at", "lost", "number", "retry_seconds", "socket", "state", "step")

    def __init__(self, number: int) -> None:
        self.number = number
        self.socket: socket.socket | None = None
        self.step = 0
        self.state: State | None = None
        self.data = b""
        self.began = 0.0
        self.retry_seconds = 3.0
        self.free_at = 0.0
        self.lost = False


class _Crowd:
    def __init__(self, event: Event) -> None:
        self._event = event
        self._poll = select.epoll()
        self._streams: dict[int, Callable[[bytes], None]] = {}
        self._people: list[_Person] = []
        self._numbers = itertools.count()
        self._following: dict[int, _Person] = {}
        self._waiting: list[tuple[float, int, _Person]] = []  # a heap of those who come back, by when
        self._leaving: list[tuple[float, int, int]] = []  # a heap: when, whose number, and index into `_people`
        self._arriving: deque[_Person] = deque()
        self._loading = 0
        self._states = CanvasStates(event.width, event.height, event.colors)
        self._told = Told()
        self._failed: Counter[str] = Counter()
        self._loads: list[float] = []
        self._painters = _Painters(self, event)
        self._ending = False
        self._watch = Stopwatch()

    def run(self) -> None:
        self._poll.register(sys.stdin, select.EPOLLIN)
        begin = time.monotonic()
        while True:
            now = time.monotonic()
            if not self._ending:
                self._arrive(now - begin)
                self._painters.paint(now - begin)
            while self._waiting and self._waiting[0][0] <= now:
                self._connect(heapq.heappop(self._waiting)[2])
            while self._leaving and self._leaving[0][0] <= now:
                self._leave(heapq.heappop(self._leaving)[2], now)
            while self._arriving and self._loading < _LOADING:
                self._connect(self._arriving.popleft())
            for fd, _ in self._poll.poll(_POLL_SECONDS):
                if fd == sys.stdin.fileno():
                    if not self._answer():
                        return
                elif fd in self._streams:
                    self._receive(fd)

    def _arrive(self, elapsed: float) -> None:
        event = self._event
        due = min(event.people, int(event.people * elapsed / max(1e-3, event.arrival_seconds)) + 1)
        while len(self._people) < due:
            self._people.append(_Person(next(self._numbers)))
            self._enter(len(self._people) - 1)

    def _enter(self, index: int) -> None:
        person, stay_seconds = self._people[index], self._event.stay_seconds
        self._arriving.append(person)
        if stay_seconds:
            leaves_at = time.monotonic() + random.expovariate(1 / stay_seconds)
            heapq.heappush(self._leaving, (leaves_at, person.number, index))

    def _leave(self, index: int, now: float) -> None:
        """Let somebody who follows leave, and somebody else come; who isn't that far stays for a moment more."""
        person = self._people[index]
        if self._following.pop(person.number, None) is None:
            heapq.heappush(self._leaving, (now + 1.0, person.number, index))
            return
        assert person.socket is not None
        if person.number % 2:
            person.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close(person.socket)
        person.socket = None
        self._told.left += 1
        self._people[index] = _Person(next(self._numbers))
        self._enter(index)

    def open(self, receive: Callable[[bytes], None]) -> socket.socket | None:
        """A new connection, on which `receive` gets what comes, and nothing at its end; None when there is none."""
        link = socket.socket()
        try:
            link.settimeout(5.0)
            link.connect((self._event.host, self._event.port))
        except OSError as error:
            self._failed[errno.errorcode.get(error.errno or 0, "timeout")] += 1
            link.close()
            return None
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setblocking(False)
        self._streams[link.fileno()] = receive
        self._poll.register(link, select.EPOLLIN)
        return link

    def close(self, link: socket.socket) -> None:
        """End a connection that `open` gave."""
        del self._streams[link.fileno()]
        self._poll.unregister(link)
        link.close()

    def _receive(self, fd: int) -> None:
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._streams[fd](data)

    def _connect(self, person: _Person) -> None:
        person.socket = self.open(lambda data: self._hear(person, data))
        if person.socket is None:
            self._return_later(person)
            return
        if person.state is None:
            self._loading += 1
            person.step = 0
            person.began = time.monotonic()
        else:
            person.step = len(_PAGE)
        self._ask(person)

    def _return_later(self, person: _Person) -> None:
        at = time.monotonic() + person.retry_seconds * random.uniform(0.9, 1.1)
        heapq.heappush(self._waiting, (at, person.number, person))

    def _ask(self, person: _Person) -> None:
        assert person.socket is not None
        more = ""
        if person.step < len(_PAGE):
            target = _PAGE[person.step]
        else:
            assert person.state is not None
            target = f"/edits?v={person.state.version}"
            more = f"Last-Event-ID: {person.state.version}\r\n" if person.lost else ""
        host = f"{self._event.host}:{self._event.port}"
        request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n{more}\r\n".encode()
        person.data = b""
        try:
            person.socket.send(request)  # far smaller than the socket's buffer
        except OSError:
            self._lose(person, "send")

    def _lose(self, person: _Person, why: str) -> None:
        assert person.socket is not None
        if person.number in self._following:
            del self._following[person.number]
            self._told.reconnects += 1
            self._told.disconnected_at = self._told.disconnected_at or time.monotonic()
            person.lost = True
        else:
            self._failed[why] += 1
            if person.step < len(_PAGE):
                self._loading -= 1
        self.close(person.socket)
        person.socket = None
        self._return_later(person)

    def _hear(self, person: _Person, data: bytes) -> None:
        if not data:
            self._lose(person, "ended")
        elif person.number in self._following:
            self._follow(person, data)
        else:
            person.data += data
            head = person.data.find(b"\r\n\r\n") + 4
            if head >= 4 and person.step < len(_PAGE):
                self._load(person, head)
            elif head >= 4:
                self._begin(person, head)

    def _load(self, person: _Person, head: int) -> None:
        found = _LENGTH.search(person.data, 0, head)
        if not person.data.startswith(b"HTTP/1.1 200") or found is None:
            self._lose(person, f"page: {person.data[9:12].decode()}")
        elif len(person.data) >= head + int(found[1]):
            if _PAGE[person.step] == "/canvas.png":
                version = _VERSION.search(person.data, 0, head)
                assert version is not None
                person.state = self._states.loaded(int(version[1]), person.data[head:])
                self._loads.append(1000 * (time.monotonic() - person.began))
                self._loading -= 1
            person.step += 1
            self._ask(person)

    def _begin(self, person: _Person, head: int) -> None:
        if not person.data.startswith(b"HTTP/1.1 200"):
            self._lose(person, f"stream: {person.data[9:12].decode()}")
            return
        data, person.data = person.data[head:], b""
        self._following[person.number] = person
        if person.lost:
            person.lost = False
            self._told.restored_at = time.monotonic()
        self._follow(person, data)

    def _follow(self, person: _Person, data: bytes) -> None:
        assert person.state is not None
        if person.data or not data.endswith(b"\n\n"):
            whole, gap, person.data = (person.data + data).rpartition(b"\n\n")
            data = whole + gap
        if b"retry: " in data and (found := _RETRY.search(data)):
            person.retry_seconds = int(found[1]) / 1000
            data = _STATUS.sub(b"", data[found.end() :])  # these are each person's own, what follows isn't
        if not data:
            return
        self._told.frames += data.count(b"id: ")
        try:
            person.state = self._states.after(person.state, data)
        except Reload:
            self._told.reloads += 1
            del self._following[person.number]
            assert person.socket is not None
            self.close(person.socket)
            person.socket = person.state = None
            self._arriving.append(person)

    def painter(self, now: float) -> _Person | None:
        """Somebody who follows and may place an edit, and won't for the time of a charge; None if nobody is found."""
        for _ in range(_TRIES):
            person = self._people[random.randrange(len(self._people))] if self._people else None
            if person is not None and person.number in self._following and person.free_at <= now:
                person.free_at = now + self._event.charge_seconds
                return person
        return None

    def _answer(self) -> bool:
        """Tell how it stands; False at the end of standard input."""
        line = sys.stdin.readline()
        if not line:
            return False
        self._ending = self._ending or line.startswith("end")
        told, states = self._told, [person.state for person in self._people if person.state is not None]
        told.arrived, told.following = len(self._people) + told.left, len(self._following)
        told.newest = max((state.version for state in states), default=0)
        told.behind = sum(state.version != told.newest for state in states)
        different = {id(state): state for state in states}
        told.canvases = len(different)
        newest = next((state for state in different.values() if state.version == told.newest), None)
        told.digest = _digest(newest)
        told.conflicts = self._states.conflicts
        told.failed = dict(self._failed)
        told.placed = {str(status): count for status, count in sorted(self._painters.statuses.items())}
        told.load_ms = _quantiles(self._loads)
        told.edit_ms = _quantiles(self._painters.took_ms)
        self._painters.took_ms.clear()
        told.busy = self._watch.lap()
        print(json.dumps(attrs.asdict(told)), flush=True)
        return True


class _Painter:
    """A keep-alive connection for edits; `socket` is None until it is needed."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.data = b""
        self.sent_at = 0.0


class _Painters:
    """Those connections, and the edits that are due.

    Attributes:
        statuses: answers by status, and `late` and `unanswered`.
        took_ms: the time that each answer took.
    """

    def __init__(self, crowd: _Crowd, event: Event) -> None:
        self._crowd = crowd
        self._event = event
        self._edits = np.load(event.edits, allow_pickle=False)
        self._next = 0
        self._free = deque(_Painter() for _ in range(_PAINTERS))
        self.statuses: Counter[str] = Counter()
        self.took_ms: list[float] = []

    def paint(self, elapsed: float) -> None:
        """Place the edits that are due, as far as there are connections, and people who may."""
        rate = len(self._edits) / self._event.seconds
        due = min(len(self._edits), int(elapsed * rate))
        too_late = min(due, int((elapsed - _MAX_LATE_SECONDS) * rate))
        if self._next < too_late:
            self.statuses["late"] += too_late - self._next
            self._next = too_late
        now = time.monotonic()
        while self._next < due and self._free:
            person = self._crowd.painter(now)
            if person is None or not self._send(self._free[0], person.number):
                return
            self._free.popleft()
            self._next += 1

    def _send(self, painter: _Painter, number: int) -> bool:
        if painter.socket is None:
            painter.socket = self._crowd.open(lambda data: self._hear(painter, data))
            if painter.socket is None:
                return False
        edit = self._edits[self._next]
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        request = (
            f"POST /edit?x={edit['x']}&y={edit['y']}&color={edit['color']} HTTP/1.1\r\n"
            f"Host: {self._event.host}:{self._event.port}\r\nX-Forwarded-For: {address}\r\nContent-Length: 0\r\n\r\n"
        )
        painter.data, painter.sent_at = b"", time.monotonic()
        try:
            painter.socket.send(request.encode())
        except OSError:
            self._crowd.close(painter.socket)
            painter.socket = None
            return False
        return True

    def _hear(self, painter: _Painter, data: bytes) -> None:
        assert painter.socket is not None
        if not data:
            self._crowd.close(painter.socket)
            painter.socket = None
            if painter not in self._free:
                self.statuses["unanswered"] += 1
                self._free.append(painter)
            return
        painter.data += data
        head = painter.data.find(b"\r\n\r\n") + 4
        found = _LENGTH.search(painter.data, 0, head) if head >= 4 else None
        if found and len(painter.data) >= head + int(found[1]):
            self.statuses[painter.data[9:12].decode()] += 1
            self.took_ms.append(1000 * (time.monotonic() - painter.sent_at))
            self._free.append(painter)


def _quantiles(took_ms: list[float]) -> dict[str, float]:
    if not took_ms:
        return {}
    p50, p99, top = np.percentile(took_ms, [50, 99, 100]).tolist()
    return {"p50": p50, "p99": p99, "max": top}


def _digest(state: State | None) -> int:
    return 0 if state is None else zlib.crc32(state.pixels.tobytes())


if __name__ == "__main__":
    _Crowd(Event(**json.loads(sys.argv[1]))).run()
