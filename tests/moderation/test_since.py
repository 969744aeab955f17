"""What has been painted since a version."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.projection import Projection
from placed.moderation.since import painted_since
from tests.support.records import SMALL, Edit, any_edit, batch, record


def _projection(several: list[Edit]) -> Projection:
    projection = Projection(SMALL, 0, Cooldowns(Rule(10, 0)))
    projection.apply(batch([record(edit) for edit in several]), 0)
    return projection


@given(st.lists(any_edit(), min_size=1, max_size=20), st.data())
def test_the_mask_has_every_pixel_that_was_set_since(several: list[Edit], data: st.DataObject) -> None:
    version = data.draw(st.integers(0, len(several)))
    found = painted_since(_projection(several).feed, version, (SMALL.height, SMALL.width))
    expected = np.zeros((SMALL.height, SMALL.width), np.bool_)
    for x, y, *_ in several[version:]:
        expected[y, x] = True
    assert found is not None
    assert np.array_equal(found, expected)


def test_a_feed_that_begins_later_does_not_tell() -> None:
    projection = _projection([(0, 0, 1, 1)] * 3)
    projection.feed.restart(2)
    assert painted_since(projection.feed, 1, (3, 5)) is None
    assert painted_since(projection.feed, 2, (3, 5)) is not None
