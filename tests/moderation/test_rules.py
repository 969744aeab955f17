"""Who may paint where, after acts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.events import Act
from placed.canvas.projection import Projection
from placed.moderation.rules import Banned, Closed, Forbidden, Protected, Rules
from tests.support.records import SMALL, batch

ADA, MODERATOR = 1, 9
BANNED = {"authors": [f"{ADA:016x}"], "until": 50}


class Subject:
    """The rules of a projection."""

    def __init__(self) -> None:
        self.projection = Projection(SMALL, 0, Cooldowns(Rule(10, 0)))
        self.now_ms = 0
        self.rules = Rules(lambda: self.projection.kept.acts, lambda: self.now_ms)

    def act(self, kind: str, **fields: Any) -> int:
        """Do an act; return its id."""
        act_id = self.projection.version
        self.projection.apply(batch([Act(kind, 7, fields).encode()], first=act_id), 0)
        self.rules.look()
        return act_id

    def check(self, x: Any = 0, y: Any = 0, author: int = ADA) -> None:
        """Check an edit, as its admission does."""
        if self.rules.in_force is not None:
            self.rules.in_force.check(author, x, y, self.now_ms, lambda author: author == MODERATOR)


@pytest.fixture
def subject() -> Subject:
    return Subject()


def test_nothing_is_asked_while_nothing_is_in_force(subject: Subject) -> None:
    assert not asks(subject)
    for kind, fields in (("announce", {"text": "Hello"}), ("close", {"at": 9}), ("wipe", {"area": [0, 0, 1, 1]})):
        subject.act(kind, **fields)
    assert not asks(subject)
    closed = subject.act("close")
    assert asks(subject)
    subject.act("undo", act=closed)
    assert not asks(subject)


def asks(subject: Subject) -> bool:
    """Whether the rules check edits at all."""
    return subject.rules.in_force is not None


def test_banned_author_paints_again_from_that_time_on(subject: Subject) -> None:
    subject.act("ban", **BANNED)
    subject.check(author=2)
    subject.now_ms = 49
    with pytest.raises(Banned) as refusal:
        subject.check()
    assert refusal.value.until_ms == 50
    subject.now_ms = 50
    subject.check()


def test_closed_canvas_takes_nobodys_edits_and_says_when_it_opens(subject: Subject) -> None:
    subject.act("close")
    for author in (ADA, MODERATOR):
        with pytest.raises(Closed) as refusal:
            subject.check(author=author)
        assert refusal.value.opens_ms is None
    subject.act("open", at=80)
    subject.act("open", at=70)
    with pytest.raises(Closed) as refusal:
        subject.check()
    assert refusal.value.opens_ms == 70


def test_protected_area_is_for_those_who_look_after_the_canvas(subject: Subject) -> None:
    act = subject.act("protect", area=[1, 1, 2, 1])
    for x, y in ((0, 1), (3, 1), (1, 0), (1, 2)):
        subject.check(x, y)
    for x in (1, 2):
        subject.check(x, 1, MODERATOR)
        with pytest.raises(Protected) as refusal:
            subject.check(x, 1)
        assert refusal.value.protection.act == act


AREAS = st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(1, 5), st.integers(1, 3)).filter(
    lambda it: it[0] + it[2] <= SMALL.width and it[1] + it[3] <= SMALL.height
)


@given(st.lists(AREAS, max_size=4), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1))
def test_protected_is_what_is_in_one_of_the_areas(
    areas: list[tuple[int, int, int, int]], pixels: list[tuple[int, int]]
) -> None:
    subject = Subject()
    for area in areas:
        subject.act("protect", area=list(area))
    is_in = [any(x <= px < x + w and y <= py < y + h for x, y, w, h in areas) for px, py in pixels]
    for (x, y), expected in zip(pixels, is_in, strict=True):
        assert forbidden(subject, x, y) == expected
    x_all, y_all = np.array(pixels, np.uint16).T
    assert forbidden(subject, x_all, y_all) == any(is_in)


def forbidden(subject: Subject, x: Any, y: Any) -> bool:
    """Whether Ada may not paint at a place."""
    try:
        subject.check(x, y)
    except Forbidden:
        return True
    return False
