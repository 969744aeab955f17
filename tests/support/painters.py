"""People who paint: connections that place edits one after the other, and remember the acknowledged ones."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import attrs
import trio

from tests.support.http_connection import ConnectionCut, connect, place

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from tests.support.offline_log import Edit


@attrs.define
class Load:
    """A crowd.

    Attributes:
        edits: the edits to place; shared by all painters, each edit once.
        acknowledged: each edit that was answered 200, with the version of the answer.
        refused: the status of each answer other than 200.
        on_acknowledged: called after each acknowledged edit.
    """

    edits: Iterator[Edit]
    acknowledged: list[tuple[Edit, int]] = attrs.field(factory=list)
    refused: list[int] = attrs.field(factory=list)
    on_acknowledged: Callable[[], None] = lambda: None

    async def paint(self, port: int, people: int, pause_seconds: float = 0.0) -> None:
        """Paint over `people` connections, with a pause after each edit, until all of them are cut."""
        async with trio.open_nursery() as nursery:
            for _ in range(people):
                nursery.start_soon(self._paint_until_cut, port, pause_seconds)

    async def acknowledge(self, count: int) -> None:
        """Wait until `count` edits are acknowledged; uses `on_acknowledged`, so only one task may wait at a time."""
        enough = trio.Event()

        def look() -> None:
            if len(self.acknowledged) >= count:
                enough.set()

        self.on_acknowledged = look
        look()
        await enough.wait()

    async def _paint_until_cut(self, port: int, pause_seconds: float) -> None:
        last = 0
        try:
            async with connect(port) as connection:
                for edit in self.edits:
                    answer = await place(connection, *edit)
                    if answer.status != 200:
                        self.refused.append(answer.status)
                        await trio.sleep(pause_seconds)
                        continue
                    version = answer.json()["v"]
                    assert version > last, f"version {version} after {last} on one connection"
                    last = version
                    self.acknowledged.append((edit, version))
                    self.on_acknowledged()
                    if pause_seconds:
                        await trio.sleep(pause_seconds)
        except ConnectionCut:
            pass


def each_pixel_once(width: int, height: int, colors: int) -> Iterator[Edit]:
    """Edits of different pixels, none blank, so that no two edits are alike."""
    for number in itertools.count():
        if number == width * height:
            return
        yield number % width, number // width, 1 + number % (colors - 1)


def at_random(chance: random.Random, width: int, height: int, colors: int) -> Iterator[Edit]:
    """Random edits without end."""
    while True:
        yield chance.randrange(width), chance.randrange(height), chance.randrange(colors)
