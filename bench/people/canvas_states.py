"""The canvas of each of thousands of clients; clients that have the same canvas share it.

A state is a canvas at a version. A client's data leads from its state to the next one. The first client that gets the
data computes the next state; all others with the same data at the same state find it in a dict. States that no client
holds are forgotten, except the last few. Two ways to the same version must end in the same canvas; each pair of ways
that doesn't is counted.
"""

from __future__ import annotations

import base64
import io
from collections import deque
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

import numpy as np
from PIL import Image

from placed.canvas.edit_code import EditCode

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where clients are behind, each goes through several states at a time, and leaves them before the next client comes. So
# after an act's correction of 65,536 pixels each would compute all of them anew.
_LAST: Final = 16  # 16 MB for a canvas of 1000 x 1000


class Reload(Exception):
    """The server tells this client to load the image again."""


class State:
    """A canvas at one version.

    Attributes:
        pixels: uint8, shape (height * width,); never written to.
        next: the next state, by the data that leads to it.
    """

    __slots__ = ("__weakref__", "next", "pixels", "version")

    def __init__(self, version: int, pixels: NDArray[np.uint8]) -> None:
        self.version = version
        self.pixels = pixels
        self.next: WeakValueDictionary[bytes, State] = WeakValueDictionary()


class CanvasStates:
    """All states of one canvas.

    Attributes:
        conflicts: how often two ways to one version ended in different canvases.
        computed: number of states that were computed rather than found.
    """

    def __init__(self, width: int, height: int, colors: int) -> None:
        self._width = width
        self._code = EditCode.of(width, height, colors)
        self._known: WeakValueDictionary[int, State] = WeakValueDictionary()
        self._images: WeakValueDictionary[bytes, State] = WeakValueDictionary()
        self._last: deque[State] = deque(maxlen=_LAST)
        self.conflicts = 0
        self.computed = 0

    def loaded(self, version: int, png: bytes) -> State:
        """The state that an image shows."""
        state = self._images.get(png)
        if state is None or state.version != version:
            with Image.open(io.BytesIO(png)) as image:
                state = self._state(version, np.asarray(image, np.uint8).ravel())
            self._images[png] = state
        return state

    def after(self, state: State, events: bytes) -> State:
        """The state after some complete events of a stream.

        Raises:
            Reload: one of the events says so.
        """
        following = state.next.get(events)
        if following is not None:
            return following
        following = state
        for event in events.split(b"\n\n"):
            following = self._after_event(following, event)
        if following is not state:
            state.next[events] = following
        return following

    def _after_event(self, state: State, event: bytes) -> State:
        fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
        if fields.get(b"event") == b"reload":
            raise Reload(event.decode(errors="replace"))
        if b"id" not in fields:
            return state
        version = int(fields[b"id"])
        if version < state.version:
            self.conflicts += 1
        x, y, color = self._code.unpack(base64.b64decode(fields.get(b"data", b"")))
        pixels = state.pixels.copy()
        pixels[y.astype(np.intp) * self._width + x] = color
        return self._state(version, pixels)

    def _state(self, version: int, pixels: NDArray[np.uint8]) -> State:
        self.computed += 1
        known = self._known.get(version)
        if known is not None:
            if np.array_equal(known.pixels, pixels):
                return known
            self.conflicts += 1
        state = State(version, pixels)
        self._known[version] = state
        self._last.append(state)
        return state
