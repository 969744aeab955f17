"""The canvases of a crowd: clients with the same data share them, and differences are found."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from bench.people.canvas_states import CanvasStates, Reload
from placed.canvas import png
from placed.canvas.edit_code import EditCode
from placed.canvas.palette import SEED

WIDTH, HEIGHT = 8, 4


def image(color: int) -> bytes:
    """An image of one colour."""
    return png.encode(np.full((HEIGHT, WIDTH), color, np.uint8), SEED.rgb, text={})


def frame(version: int, *edits: tuple[int, int, int]) -> bytes:
    """A frame of the stream."""
    x, y, color = (np.array(part) for part in zip(*edits, strict=True))
    codes = EditCode.of(WIDTH, HEIGHT, 16).pack(x.astype(np.uint16), y.astype(np.uint16), color.astype(np.uint8))
    return b"id: %d\ndata: %b\n\n" % (version, base64.b64encode(codes))


def test_who_gets_the_same_shares_a_canvas() -> None:
    states = CanvasStates(WIDTH, HEIGHT, 16)
    one, other = states.loaded(1, image(0)), states.loaded(1, image(0))
    assert one is other
    begun = states.after(one, frame(2, (3, 2, 5)))
    assert states.after(other, frame(2, (3, 2, 5))) is begun
    assert begun.version == 2
    assert begun.pixels[2 * WIDTH + 3] == 5
    assert one.pixels.sum() == 0


def test_ways_to_a_version_meet_there() -> None:
    states = CanvasStates(WIDTH, HEIGHT, 16)
    begin = states.loaded(1, image(0))
    steps = states.after(begin, frame(2, (1, 1, 1)) + b":\n\n" + frame(3, (1, 1, 2), (2, 2, 3)))
    assert states.after(begin, frame(3, (2, 2, 3), (1, 1, 2))) is steps
    assert states.conflicts == 0


def test_canvases_that_differ_at_one_version_are_a_conflict() -> None:
    states = CanvasStates(WIDTH, HEIGHT, 16)
    begin = states.loaded(1, image(0))
    right, wrong = states.after(begin, frame(2, (1, 1, 1))), states.after(begin, frame(2, (1, 1, 2)))
    assert right is not wrong
    assert states.conflicts == 1


def test_reload_is_raised() -> None:
    states = CanvasStates(WIDTH, HEIGHT, 16)
    with pytest.raises(Reload):
        states.after(states.loaded(1, image(0)), b'event: reload\ndata: {"code":"too-old"}\n\n')
