"""Previews acts without doing them: how many pixels an act would change, whose they are, and how it would look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.canvas.png import encode
from placed.history.past import PastError
from placed.moderation.desk import DeskFull
from placed.moderation.painting import preview

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from placed.history.painters import Painters
    from placed.history.walk import AnyPast
    from placed.moderation.asked_act import Asked
    from placed.moderation.desk import Desk
    from placed.moderation.present import Present
    from placed.moderation.whole_past import WholePast

MOST_WAITING: Final = 8  # previews; each takes a thread for up to some seconds


@attrs.frozen(eq=False)
class Preview:
    """The pixels that an act would change.

    Attributes:
        pixels: how many pixels.
        painters: who painted them last; None if the past can't tell.
        area: the box around them: x, y, width and height; None if nothing would change.
        png: the box as it would look; None if nothing would change.
    """

    pixels: int = 0
    painters: Painters | None = None
    area: list[int] | None = None
    png: bytes | None = attrs.field(default=None, repr=False)


@attrs.define
class Previews:
    """The previews of one server.

    Attributes:
        desk: has the canvas.
        past: the past, for acts that need it, and to find the pixels' painters.
    """

    desk: Desk
    past: WholePast
    _thread: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)
    _waiting: int = attrs.field(default=0, init=False)

    async def of(self, asked: Asked) -> Preview:
        """Work out what an act would change now.

        Raises:
            DeskFull: too many previews wait.
            RecordRefused: there is no room for the act, or it isn't for this canvas.
            CannotPaint, PastError, LogError: its pixels can't be worked out.
        """
        self.desk.check(asked.act)
        if asked.paints is None:
            return Preview()
        if self._waiting >= MOST_WAITING:
            raise DeskFull(f"{MOST_WAITING} previews are waiting already")
        self._waiting += 1
        try:
            return await self._worked_out(asked)
        finally:
            self._waiting -= 1

    async def _worked_out(self, asked: Asked) -> Preview:
        present = self.desk.present()
        try:
            return await self.past.ask(present.version, lambda past: _preview(asked, present, past))
        except PastError:
            if asked.needs_past:
                raise
        return await trio.to_thread.run_sync(_preview, asked, present, None, limiter=self._thread)


def _preview(asked: Asked, present: Present, past: AnyPast | None) -> Preview:
    painted = preview(asked.painting(past), present, past)
    if not len(painted.pixels):
        return Preview(painters=painted.painters)
    area = _box(painted.pixels)
    x, y, width, height = area
    canvas = present.canvas.copy()
    canvas[painted.pixels["y"], painted.pixels["x"]] = painted.pixels["color"]
    png = encode(canvas[y : y + height, x : x + width], present.definition.rgb)
    return Preview(len(painted.pixels), painted.painters, area, png)


def _box(pixels: NDArray[np.void]) -> list[int]:
    left, top = int(pixels["x"].min()), int(pixels["y"].min())
    return [left, top, int(pixels["x"].max()) - left + 1, int(pixels["y"].max()) - top + 1]
