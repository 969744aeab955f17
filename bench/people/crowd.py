"""`python -m bench.people.crowd`: the people of an event, in one process: they come, load the page, follow, paint, go.

`bench.event` and `bench.soak` start this process. Linux only, as it uses epoll (`bench.people.links`).
`bench.people.painters` places the people's edits.

    arriving --connects--> loading: /, /info, /canvas.png --> following: /edits from the image's version on
       ^                       ^                                  |  the server tells it to reload
       |                       +----------------------------------+
       +--after the stream's own `retry` time, spread as a browser's is-- the server ended the stream, or wasn't there

If people stay for a limited time, somebody new comes for each who leaves. Half of them end their connection in order;
the others reset it, like a phone that is put away.

A person who returns sends Last-Event-ID, as a browser does, and loads nothing again. The edits come from the trace. A
person who follows and has a charge left places each of them, over separate connections with X-Forwarded-For. To the
server each person is an address with its own cooldown. Each person has a canvas (`bench.people.canvas_states`).

    argument           an `Event` as JSON
    standard output    after each line that comes, a `Told` as JSON
    standard input     a line asks; one that begins with `end` also stops arrivals and edits; end of file ends the
                       process
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
import re
import socket
import struct
import sys
import time
import zlib
from collections import deque
from typing import Final

import attrs
import numpy as np

from bench.equipment.load_process import Busy, Stopwatch
from bench.people.canvas_states import CanvasStates, Reload, State
from bench.people.chunks import Chunks
from bench.people.links import Links
from bench.people.painters import Painters

_PAGE: Final = ("/", "/info", "/canvas.png")
_LOADING: Final = 64  # pages at once: a browser each, and no more than a listener's queue holds
_TRIES: Final = 8  # tries to find somebody who may paint
_RESET: Final = struct.pack("ii", 1, 0)
_RETRY: Final = re.compile(rb"retry: (\d+)\n")
_STATUS: Final = re.compile(rb"event: status\n.*\n\n")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_VERSION: Final = re.compile(rb"\r\nx-canvas-version: *(\d+)\r\n", re.IGNORECASE)


@attrs.frozen
class Event:
    """What happens in an event.

    Attributes:
        people: how many people come, evenly in the first `arrival_seconds`.
        edits: an .npy file of edits, dtype `EDIT`; they are placed evenly in `seconds`.
        charge_seconds: time between two edits of one person; 0 is no cooldown.
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
    """The state of the crowd.

    Attributes:
        arrived, following: people who have come, and who follow a stream.
        behind: people who follow and don't have the newest version yet.
        newest: the newest version that anybody has.
        canvases: number of different canvases that people have.
        conflicts: see `CanvasStates`.
        digest: CRC-32 of the canvas of those who have the newest version.
        reloads: how often the server told somebody to load the image again.
        reconnects: how often a stream ended.
        failed: failed attempts to connect, and failed requests, by reason.
        placed: answers to edits, by status; `late` counts edits that found no painter or no server in time.
        left: people who have left.
        load_ms: p50, p99 and max of the time that a page load took.
        edit_ms: the same for edits, since the last report.
        disconnected_at, restored_at: by CLOCK_MONOTONIC, when the first stream ended, and when somebody who had lost a
            stream last followed again.
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
    """One person of the crowd.

    Attributes:
        step: index into `_PAGE` of the item that is loading; the length of `_PAGE` while following.
        state: the person's canvas; None until the image is there.
        free_at: when the person may paint again.
        first: index into `_PAGE` of the first item to load: after a reload of the image the page has its files already.
    """

    __slots__ = (
        "began",
        "chunks",
        "data",
        "first",
        "free_at",
        "lost",
        "number",
        "retry_seconds",
        "socket",
        "state",
        "step",
    )

    def __init__(self, number: int) -> None:
        self.number = number
        self.socket: socket.socket | None = None
        self.step = 0
        self.state: State | None = None
        self.data = b""
        self.chunks = Chunks()
        self.began = 0.0
        self.retry_seconds = 3.0
        self.free_at = 0.0
        self.lost = False
        self.first = 0


class _Crowd:
    def __init__(self, event: Event) -> None:
        self._event = event
        self._links = Links(event.host, event.port)
        self._people: list[_Person] = []
        self._numbers = itertools.count()
        self._following: dict[int, _Person] = {}
        self._waiting: list[tuple[float, int, _Person]] = []  # a heap of people who come back, by their time
        self._leaving: list[tuple[float, int, int]] = []  # a heap: time, the person's number, and index into `_people`
        self._arriving: deque[_Person] = deque()
        self._loading = 0
        self._states = CanvasStates(event.width, event.height, event.colors)
        self._told = Told()
        self._failed = self._links.failed
        self._loads: list[float] = []
        self._painters = Painters(self._links, event, self._painter)
        self._ending = False
        self._watch = Stopwatch()

    def run(self) -> None:
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
            if self._links.hear() and not self._answer():
                return

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
        """Let a person who follows leave, and a new one come; a person who doesn't follow yet stays a moment longer."""
        person = self._people[index]
        if self._following.pop(person.number, None) is None:
            heapq.heappush(self._leaving, (now + 1.0, person.number, index))
            return
        assert person.socket is not None
        if person.number % 2:
            person.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._links.close(person.socket)
        person.socket = None
        self._told.left += 1
        self._people[index] = _Person(next(self._numbers))
        self._enter(index)

    def _connect(self, person: _Person) -> None:
        person.socket = self._links.open(lambda data: self._hear(person, data))
        if person.socket is None:
            self._return_later(person)
            return
        if person.state is None:
            self._loading += 1
            person.step = person.first
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
        self._links.close(person.socket)
        person.socket = None
        self._return_later(person)

    def _hear(self, person: _Person, data: bytes) -> None:
        if not data:
            self._lose(person, "ended")
        elif person.number in self._following:
            self._follow(person, person.chunks.feed(data))
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
        person.chunks = Chunks()
        self._following[person.number] = person
        if person.lost:
            person.lost = False
            self._told.restored_at = time.monotonic()
        self._follow(person, person.chunks.feed(data))

    def _follow(self, person: _Person, data: bytes) -> None:
        assert person.state is not None
        if person.data or not data.endswith(b"\n\n"):
            whole, gap, person.data = (person.data + data).rpartition(b"\n\n")
            data = whole + gap
        if b"retry: " in data and (found := _RETRY.search(data)):
            person.retry_seconds = int(found[1]) / 1000
            data = _STATUS.sub(b"", data[found.end() :])  # `status` events differ by person, later events don't
        if not data:
            return
        self._told.frames += data.count(b"id: ")
        try:
            person.state = self._states.after(person.state, data)
        except Reload:
            self._told.reloads += 1
            del self._following[person.number]
            assert person.socket is not None
            self._links.close(person.socket)
            person.socket = person.state = None
            person.first = _PAGE.index("/info")
            self._arriving.append(person)

    def _painter(self, now: float) -> int | None:
        """The number of a person who follows and may paint, and reserve the charge; None if nobody is found."""
        for _ in range(_TRIES):
            person = self._people[random.randrange(len(self._people))] if self._people else None
            if person is not None and person.number in self._following and person.free_at <= now:
                person.free_at = now + self._event.charge_seconds
                return person.number
        return None

    def _answer(self) -> bool:
        """Print the state of the crowd; False at the end of standard input."""
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


def _quantiles(took_ms: list[float]) -> dict[str, float]:
    if not took_ms:
        return {}
    p50, p99, top = np.percentile(took_ms, [50, 99, 100]).tolist()
    return {"p50": p50, "p99": p99, "max": top}


def _digest(state: State | None) -> int:
    return 0 if state is None else zlib.crc32(state.pixels.tobytes())


if __name__ == "__main__":
    _Crowd(Event(**json.loads(sys.argv[1]))).run()
