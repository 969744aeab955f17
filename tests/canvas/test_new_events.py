"""A new kind of event is one file and one line, here `STRIPE` and `PIN`: no other file needs a change.

Its records are then folded in their order, are in the feed, and are kept in a snapshot. A server that doesn't know the
event skips it; a server that learns it later reads the log again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np
import pytest
import trio

from placed.canvas import snapshot as snapshots
from placed.canvas.acts import ACTS
from placed.canvas.cooldown import SAVED, Cooldowns, Rule
from placed.canvas.events import TYPES, Act, Canvas, Edits
from placed.canvas.projection import Projection
from placed.canvas.snapshot import Snapshot
from placed.canvas.vocabulary import VOCABULARY, Vocabulary
from placed.tasks.recovery import why_unusable
from placed.tasks.writer import Writer
from tests.canvas.new_events.pin import pin
from tests.canvas.new_events.stripe import Stripe
from tests.support.records import SMALL, batch, record
from tests.support.scripted_log import ScriptedLog

if TYPE_CHECKING:
    from placed.canvas.events import Event

STRIPE = {Stripe.TYPE: Stripe}
PIN = {"pin": pin}
NEWER = Vocabulary({**TYPES, **STRIPE}, {**ACTS, **PIN})
EVENTS: list[Event] = [
    Canvas(SMALL),
    Edits.one(1, 1, 3, 7),
    Stripe(1, 2),
    Edits.one(2, 1, 3, 7),
    Act("pin", 7, {"at": [2, 1], "word": "hello"}),
    Act("pin", 7, {"at": [0, 0], "word": "bye"}),
    Act("pin", 7, {"at": [0, 0]}),
    Edits.one(4, 2, 1, 7),
]
VALUES = [event.encode() for event in EVENTS]


def projection(vocabulary: Vocabulary) -> Projection:
    """A new projection of the small canvas that has read these values."""
    subject = Projection(SMALL, 0, Cooldowns(Rule(10, 1_000)), vocabulary=vocabulary)
    subject.apply(batch(VALUES), 0)
    return subject


def snapshot(subject: Projection) -> Snapshot:
    """Its snapshot, read from the stored bytes."""
    taken = Snapshot(
        "log-1", subject.version, subject.definition, subject.kept, subject.canvas.copy(), np.empty(0, SAVED)
    )
    return snapshots.decode(snapshots.encode(taken))


def test_server_that_knows_them_folds_them_in_their_order() -> None:
    subject = projection(NEWER)
    assert subject.canvas.tolist() == [[0] * 5, [2, 2, 3, 2, 2], [0, 0, 0, 0, 1]]
    assert subject.kept.acts == {"pins": {"2,1": ["hello", 4]}}
    assert (subject.refused, subject.edits, subject.cooldowns.standing(7, 0).remaining) == (0, 3, 7)


def test_new_type_is_in_the_feed_and_a_new_act_is_no_gap_in_it() -> None:
    subject = projection(NEWER)
    x, y, color = subject.code.unpack(subject.feed.since(2).codes)
    assert list(zip(x.tolist(), y.tolist(), color.tolist(), strict=True)) == [
        *((at, 1, 2) for at in range(5)),
        (2, 1, 3),
        (4, 2, 1),
    ]
    assert subject.feed.since(2).version == len(VALUES)


def test_server_that_does_not_know_them_skips_them_and_remembers_which() -> None:
    subject = projection(VOCABULARY)
    assert subject.canvas.tolist() == [[0] * 5, [0, 3, 3, 0, 0], [0, 0, 0, 0, 1]]
    assert (subject.skipped["unknown"], subject.kept.unknown) == (4, frozenset({"type 9", "act pin"}))


def test_what_an_act_has_set_outlasts_a_snapshot() -> None:
    stored = snapshot(projection(NEWER))
    again = Projection(
        SMALL, stored.version, Cooldowns(Rule(10, 1_000)), canvas=stored.canvas, kept=stored.kept, vocabulary=NEWER
    )
    again.apply(batch([Act("pin", 7, {"at": [2, 1]}).encode()], first=again.version), 0)
    assert again.kept.acts == {"pins": {}}


def test_act_that_its_kind_refuses_changes_nothing() -> None:
    subject = projection(NEWER)
    subject.apply(batch([Act("pin", 7, {"word": "where?"}).encode()], first=subject.version), 0)
    assert (subject.skipped["broken"], len(subject.kept.acts["pins"])) == (1, 1)


@pytest.mark.parametrize(("knows", "reason"), [(STRIPE, "type 9"), (PIN, "act pin")])
def test_server_that_learns_one_later_does_not_go_on_from_what_it_skipped(
    knows: dict[object, object], reason: str
) -> None:
    skipped = snapshot(projection(VOCABULARY))
    assert why_unusable(skipped, "log-1", None, SMALL, 0, len(VALUES)) is None
    learned = attrs.evolve(NEWER, acts=ACTS) if knows is STRIPE else attrs.evolve(NEWER, types=TYPES)
    told = why_unusable(skipped, "log-1", None, SMALL, 0, len(VALUES), learned)
    assert told is not None
    assert reason in told
    whole = snapshot(projection(learned))
    assert why_unusable(whole, "log-1", None, SMALL, 0, len(VALUES), learned) is None


async def test_writer_appends_them_between_edits_in_order(nursery: trio.Nursery) -> None:
    log = ScriptedLog()
    writer = Writer(log)
    added = [writer.add(event) for event in [Edits.one(0, 0, 1, 7), *EVENTS[1:5], Edits.one(3, 1, 3, 7)]]
    nursery.start_soon(writer.run)
    with trio.fail_after(10):
        await writer.close()
    assert log.appended == [record((0, 0, 1, 7), (1, 1, 3, 7)), *VALUES[2:5], record((3, 1, 3, 7))]
    assert [each.version() for each in added] == [1, 1, 2, 3, 4, 5]
