"""The page in a real Firefox, driven by `firefox.mjs`: one window, one question at a time.

It has those methods of `CanvasPage` that `test_firefox.py` needs.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import queue
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPT = Path(__file__).with_suffix("").with_name("firefox.mjs")
START_SECONDS = 90.0  # 3 s on an idle machine
ANSWER_SECONDS = 60.0
LIMIT_SECONDS = PATIENCE_SECONDS
_STOP_SECONDS = 20.0
_ASK_AGAIN_SECONDS = 0.05


class FirefoxPage:
    """One window; `firefox_page` makes it.

    Attributes:
        version: version of the browser, "firefox/140.0".
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str | None] = queue.Queue(maxsize=100)
        threading.Thread(target=self._read, daemon=True).start()
        self.version = str(self._answer(START_SECONDS))

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self._lines.put(line)
        self._lines.put(None)

    def _answer(self, seconds: float = ANSWER_SECONDS) -> Any:
        line = self._lines.get(timeout=seconds)
        assert line is not None, "Firefox, or what drives it, has ended; its standard error says why"
        told = json.loads(line)
        assert "ok" in told, told.get("error")
        return told["ok"]

    def do(self, command: str, *values: object) -> Any:
        """Run one command of `firefox.mjs`, and return its result.

        Raises:
            AssertionError: it failed; the message is the browser's.
        """
        assert self._process.stdin is not None
        print(json.dumps([command, *values]), file=self._process.stdin, flush=True)
        return self._answer()

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return self.do("ask", expression)

    def drawn(self, x: int, y: int) -> tuple[int, int, int]:
        """The colour really drawn in the middle of a canvas pixel."""
        with Image.open(io.BytesIO(base64.b64decode(self.do("drawn", x, y)))) as image:
            r, g, b = image.convert("RGB").getpixel((0, 0))  # type: ignore[misc] # RGB gives a triple
        return int(r), int(g), int(b)

    def wait_until(self, holds: Callable[[], object], what: str) -> None:
        """Ask again until `holds` returns a true value.

        Raises:
            AssertionError: it doesn't within `LIMIT_SECONDS`; `what` names the expectation.
        """
        deadline = time.monotonic() + LIMIT_SECONDS
        while not holds():
            state = "placed.connection + ' at version ' + placed.version"
            assert time.monotonic() < deadline, f"not within {LIMIT_SECONDS} s: {what}; the page: {self.ask(state)}"
            time.sleep(_ASK_AGAIN_SECONDS)

    def wait_until_connection(self, state: str) -> None:
        """Wait until the page says that its state is, for example, 'live'."""
        self.wait_until(lambda: self.ask("window.placed?.connection") == state, f"the page is {state}")


@contextlib.contextmanager
def firefox_page(node: str, firefox: str, preferences: dict[str, bool] | None = None) -> Iterator[FirefoxPage]:
    """A window of a separate Firefox, which ends with the block."""
    process = subprocess.Popen(
        [node, SCRIPT, firefox, json.dumps(preferences or {})],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    try:
        yield FirefoxPage(process)
    finally:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()  # puppeteer then ends its browser
            process.wait(_STOP_SECONDS)
