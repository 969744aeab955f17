"""The meaning of acts, in the plainest code: it looks at every record of a log, one pixel at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from hypothesis import strategies as st

from placed.canvas.area import Area
from placed.moderation.restore import Restore
from placed.moderation.undo import Undo
from placed.moderation.wipe import Wipe
from tests.history.model import Entry, Model, Placed

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from tests.support.records import Edit

    Pixels = dict[tuple[int, int], int]

AUTHORS = (1, 2, 3)


@attrs.frozen
class Step:
    """One step: edits, growth of the canvas, an act, or several of these.

    Attributes:
        edits: edits before the act.
        grows: whether the canvas grows after them.
        ask: makes the act to ask for from the version, the ids of earlier acts, and the canvas's size; None for no act.
        seen: edits that come while the desk works the act out, and that it learns in time.
        unseen: edits that come then, but too late for the desk.
    """

    edits: list[Edit]
    grows: bool
    ask: Callable[[int, list[int], int, int], Wipe | Restore | Undo] | None
    seen: list[Edit]
    unseen: list[Edit]


def _any_edits(most: int) -> SearchStrategy[list[Edit]]:
    edit = st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 3), st.sampled_from(AUTHORS))
    return st.lists(edit, max_size=most)


@st.composite
def _any_act(draw: st.DrawFn) -> Callable[[int, list[int], int, int], Wipe | Restore | Undo]:
    numbers = draw(st.tuples(*[st.integers(0, 10_000)] * 5))
    kind = draw(st.sampled_from(["wipe", "area", "authors", "both", "without", "without in area", "undo", "undo"]))
    authors = frozenset(draw(st.sets(st.sampled_from(AUTHORS), min_size=1, max_size=2)))
    color = draw(st.integers(0, 3))

    def ask(version: int, acts: list[int], width: int, height: int) -> Wipe | Restore | Undo:
        x, y = numbers[0] % width, numbers[1] % height
        area = Area(x, y, 1 + numbers[2] % (width - x), 1 + numbers[3] % (height - y))
        to = numbers[4] % (version + 1)
        made: dict[str, Callable[[], Wipe | Restore | Undo]] = {
            "wipe": lambda: Wipe(area, color),
            "area": lambda: Restore(area, to, frozenset()),
            "authors": lambda: Restore(None, to, authors),
            "both": lambda: Restore(area, to, authors),
            "without": lambda: Restore(None, None, authors),
            "without in area": lambda: Restore(area, None, authors),
            "undo": lambda: Undo(acts[-1 - numbers[4] % len(acts)]) if acts else Wipe(area, color),
        }
        return made[kind]()

    return ask


def any_steps() -> SearchStrategy[list[Step]]:
    """The steps on a canvas that moderators look after."""
    grows = st.integers(0, 9).map(lambda number: number == 0)
    step = st.builds(Step, _any_edits(4), grows, st.none() | _any_act(), _any_edits(2), _any_edits(1))
    return st.lists(step, min_size=1, max_size=7)


def expected(act: Wipe | Restore | Undo, entries: list[Entry]) -> Pixels:
    """The pixels that an act changes after these records, with their new colours."""
    model = Model(entries)
    width, height = model.definition.width, model.definition.height
    canvas = model.canvases[model.version][1]
    found: Pixels = {}
    for y in range(height):
        for x in range(width):
            of_pixel = [placed for placed in model.placed if (placed.x, placed.y) == (x, y)]
            color = _color(act, x, y, of_pixel, model)
            if color is not None and color != canvas[y, x]:
                found[x, y] = color
    return found


def _color(act: Wipe | Restore | Undo, x: int, y: int, placed: list[Placed], model: Model) -> int | None:
    """The new colour of a pixel; None leaves it as it is."""
    if isinstance(act, Undo):
        if not placed or placed[-1].act != act.act:
            return None
        return _last([each for each in placed if each.act != act.act])
    if act.area is not None and not act.area.has(x, y):
        return None
    if isinstance(act, Wipe):
        return act.color
    if act.authors and not (placed and placed[-1].author in act.authors and placed[-1].act == -1):
        return None
    if act.to is not None:
        return _last([each for each in placed if each.offset < act.to])
    return _last([each for each in placed if each.author not in act.authors or each.act != -1])


def _last(placed: list[Placed]) -> int:
    return placed[-1].color if placed else 0
