"""`python -m placed` as a process, for tests that kill and restart the server while the page is open."""

from __future__ import annotations

import io
import os
import re
import shutil
import threading
from typing import TYPE_CHECKING, NamedTuple

import httpx
import numpy as np
from PIL import Image

from bench.equipment.server_process import address_in
from tests.support.forked import Forked, start
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

START_SECONDS = PATIENCE_SECONDS  # 1 s on an idle machine, 8 s seen on a busy one
STOP_SECONDS = PATIENCE_SECONDS
_LAST_LINES = 60


class ServedCanvas(NamedTuple):
    """A decoded `/canvas.png`: palette indexes of shape (height, width), uint8, with their version and log."""

    indexes: NDArray[np.uint8]
    version: int
    log: str


class PageServer:
    """One data folder and one port for all its life; the process that serves them comes and goes.

    Args:
        data: the data folder.
        arguments: additional arguments of the command line.
    """

    def __init__(self, data: Path, *arguments: str) -> None:
        self._data = data
        self._arguments = arguments
        self._port = 0
        self._process: Forked | None = None
        self._lines: list[str] = []
        # Plain HTTP doesn't need the system's certificates, and to read them takes longer than a server's start.
        self._client = httpx.Client(timeout=10, trust_env=False, verify=False)
        OPEN.add(self)

    @property
    def port(self) -> int:
        """Its port on 127.0.0.1."""
        return self._port

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self._data

    def canvas_version(self) -> int:
        """The version of its canvas."""
        return int(self._client.get(self.url + "info").json()["version"])

    @property
    def url(self) -> str:
        """The URL of the page."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def lines(self) -> list[str]:
        """All lines of both its outputs since its start."""
        return list(self._lines)

    @property
    def last_words(self) -> str:
        """Whether it runs, and the end of its output, to find the cause of a failure."""
        code = None if self._process is None else self._process.poll()
        state = f"has ended with {code}" if code is not None else "is down" if self._process is None else "runs"
        return f"It {state}. It has written:\n{''.join(self._lines[-_LAST_LINES:])}"

    def start(self, *more: str) -> None:
        """Start it, after the first time on the same port, and wait until it answers there."""
        self._lines.clear()
        place = ["--data", str(self._data), "--port", str(self._port)]
        said, says = os.pipe()
        try:
            self._process = start(*place, *self._arguments, *more, stdout=says, stderr=says)
        finally:
            os.close(says)
        listening = threading.Event()
        threading.Thread(target=self._follow_output, args=(said, listening), daemon=True).start()
        if not listening.wait(START_SECONDS) or not self._port:
            self.kill()
            raise AssertionError("the server didn't start:\n" + "".join(self._lines))
        assert self._client.get(self.url + "readyz").status_code == 200

    def _follow_output(self, said: int, listening: threading.Event) -> None:
        with open(said, encoding="utf-8") as output:
            for line in output:
                self._lines.append(line)
                # Both outputs are mixed here, and a log line may have an address, too.
                if not listening.is_set() and line.startswith("http") and (found := address_in(line.encode())):
                    self._port = found[1]
                    listening.set()
        listening.set()

    def kill(self) -> None:
        """Kill it as kill -9 does, and wait until it is gone. Idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait_at_most(STOP_SECONDS)
            self._process = None

    def stop(self) -> None:
        """End it in order, with SIGTERM."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait_at_most(STOP_SECONDS)
        self._process = None

    def close(self) -> None:
        """Kill it, and close everything. Idempotent."""
        OPEN.discard(self)
        self.kill()
        self._client.close()

    def forget(self) -> None:
        """Delete the data folder with its log. The server must not be running."""
        assert self._process is None
        shutil.rmtree(self._data)

    def paint(self, x: int, y: int, color: int) -> int:
        """Place an edit, as another user's program would, and return the version that has it."""
        answer = self._client.post(self.url + "edit", json={"x": x, "y": y, "color": color})
        answer.raise_for_status()
        return int(answer.json()["v"])

    def make_blank(self) -> None:
        """Start it if it doesn't run, and paint all pixels that aren't blank with the first colour."""
        if self._process is None:
            self.start()
        rows, columns = np.nonzero(self.canvas(self.canvas_version()).indexes)
        edits = [[int(x), int(y), 0] for x, y in zip(columns, rows, strict=True)]
        if edits:
            self._client.post(self.url + "edits", json={"edits": edits}).raise_for_status()

    def subscribers(self) -> int:
        """The number of its streams and waiting polls."""
        text = self._client.get(self.url + "metrics").text
        return int(sum(float(found) for found in re.findall(r"^placed_subscribers\{.*\} (\S+)", text, re.MULTILINE)))

    def palette(self) -> list[tuple[int, int, int]]:
        """The palette's colours as RGB."""
        colors = self._client.get(self.url + "info").json()["palette"]
        return [(int(c[1:3], 16), int(c[3:5], 16), int(c[5:7], 16)) for c in colors]

    def canvas(self, at_least: int = 0) -> ServedCanvas:
        """The canvas as `/canvas.png` shows it, at this version or later; the image may be a second old."""
        answer = self._client.get(self.url + f"canvas.png?v={at_least}")
        answer.raise_for_status()
        with Image.open(io.BytesIO(answer.content)) as image:
            indexes = np.asarray(image, np.uint8)
        return ServedCanvas(indexes, int(answer.headers["X-Canvas-Version"]), answer.headers["X-Canvas-Log"])


# The open servers of the running test and its file; a failed test shows their output (`tests/browser/conftest.py`).
OPEN: set[PageServer] = set()
