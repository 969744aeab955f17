"""Acts in the fold: what each kind sets, what undoing brings back, and that all is bounded and always the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.acts import bans, gate, protections
from placed.canvas.acts.announcement import announcement_of
from placed.canvas.acts.bans import ban_of
from placed.canvas.acts.fields import MOST_AUTHORS, MOST_CHARACTERS
from placed.canvas.acts.gate import is_open, plans_of
from placed.canvas.acts.protections import protections as protections_of
from placed.canvas.acts.record import MOST_RECORDED, record_of, told_of
from placed.canvas.cooldown import Cooldowns
from placed.canvas.events import PIXEL, Act, Canvas, Correction, Edits
from placed.canvas.large_acts import MOST_CORRECTED
from placed.canvas.projection import Projection
from tests.canvas.any_acts import ANY_ACT, WHO
from tests.canvas.any_events import some_correction, some_edits
from tests.canvas.test_fold import CANVASES, LARGE, RULE, cut, restored, saved, shown
from tests.support.records import SMALL, batch, batch_at, blank, record

if TYPE_CHECKING:
    from placed.canvas.events import Event

NOW = 1_000  # the time of all acts below


class Canvases:
    """A projection that takes one event at a time."""

    def __init__(self) -> None:
        self.projection = Projection(SMALL, 0, Cooldowns(RULE))

    def take(self, *events: Event) -> int:
        """Apply events; return the last one's offset."""
        for event in events:
            at = self.projection.version
            self.projection.apply(batch([event.encode()], first=at, time_ms=NOW), NOW)
        return self.projection.version - 1

    def act(self, kind: str, **fields: Any) -> int:
        """Do an act; return its id."""
        return self.take(Act(kind, 7, fields))

    @property
    def acts(self) -> dict[str, Any]:
        """The state that the acts have set, from a snapshot's JSON."""
        found: dict[str, Any] = json.loads(json.dumps(self.projection.kept.as_json()))["acts"]
        return found

    def is_banned(self, author: int, now_ms: int = NOW) -> bool:
        return ban_of(self.acts, author, now_ms) is not None


@pytest.fixture
def subject() -> Canvases:
    return Canvases()


ANY = st.one_of(
    *[ANY_ACT.map(lambda act: act.encode())] * 3,
    some_edits().map(lambda event: event.encode()),
    some_correction(LARGE).map(lambda event: event.encode()),
    st.sampled_from(CANVASES).map(lambda it: Canvas(it).encode()),
)


@given(st.lists(st.tuples(ANY, st.integers(0, 20)), max_size=14), st.data())
def test_acts_and_edits_make_the_same_state_whatever_the_batches_and_snapshots(
    values: list[tuple[bytes, int]], data: st.DataObject
) -> None:
    subject, whole = Projection(SMALL, 0, Cooldowns(RULE)), Projection(SMALL, 0, Cooldowns(RULE))
    records, times = [value for value, _ in values], [ms for _, ms in values]
    for begin, end in cut(data, len(values)):
        if begin < end:
            subject.apply(batch_at(range(begin, end), records[begin:end], times[begin:end]), 0)
        if data.draw(st.booleans()):
            subject = restored(saved(subject))
    if values:
        whole.apply(batch_at(range(len(values)), records, times), 0)
    assert (subject.canvas == whole.canvas).all()
    assert (subject.kept, subject.definition, subject.version) == (whole.kept, whole.definition, whole.version)
    for author in map(int, WHO):
        assert subject.cooldowns.standing(author, 0) == whole.cooldowns.standing(author, 0)


@given(st.lists(ANY, max_size=12), st.data())
def test_no_act_takes_anything_from_the_feed(values: list[bytes], data: st.DataObject) -> None:
    subject, canvases = Projection(SMALL, 0, Cooldowns(RULE)), {0: blank()}
    for offset, value in enumerate(values):
        subject.apply(batch([value], first=offset), 0)
        canvases[subject.version] = subject.canvas.copy()
    assert subject.feed.first == subject.kept.since == subject.kept.grown
    for version in range(subject.feed.first, subject.version):
        assert (shown(subject, version, canvases[version]) == subject.canvas).all()


def test_ban_holds_until_its_time_or_for_good_and_is_lifted(subject: Canvases) -> None:
    subject.act("ban", authors=[WHO[0], WHO[1], WHO[1]], until=NOW + 5)
    subject.act("ban", authors=[WHO[2]])
    assert [subject.is_banned(author, NOW + 4) for author in (1, 2, 3, 4)] == [True, True, True, False]
    assert [subject.is_banned(author, NOW + 5) for author in (1, 2, 3)] == [False, False, True]
    subject.act("unban", authors=[WHO[2], WHO[0]])
    assert [subject.is_banned(author) for author in (1, 2, 3)] == [False, True, False]


def test_edits_of_whoever_is_banned_paint_once_they_are_in_the_log(subject: Canvases) -> None:
    subject.act("ban", authors=[WHO[0]])
    subject.act("protect", area=[0, 0, 5, 3])
    subject.act("close")
    subject.take(Edits.one(1, 1, 3, 1))
    assert subject.projection.canvas[1, 1] == 3


def test_undoing_brings_back_what_was_there_and_can_be_undone(subject: Canvases) -> None:
    subject.act("ban", authors=[WHO[0]], until=NOW + 5)
    longer = subject.act("ban", authors=WHO[:2])
    undoing = subject.act("undo", act=longer)
    assert [(subject.is_banned(author), subject.is_banned(author, NOW + 5)) for author in (1, 2)] == [
        (True, False),
        (False, False),
    ]
    subject.act("undo", act=undoing)
    assert [subject.is_banned(author, NOW + 5) for author in (1, 2)] == [True, True]


def test_record_tells_what_holds_after_undoing_an_undoing_again_and_again(subject: Canvases) -> None:
    chain = [subject.act("wipe", area=[0, 0, 2, 2], color=1)]
    for _ in range(5):
        chain.append(subject.act("undo", act=chain[-1]))
        record = record_of(subject.acts)
        # The last act counts, so the one before it is undone, and so the one before that counts again.
        is_undone = [(len(chain) - at) % 2 == 0 for at in range(len(chain))]
        expected = [chain[at + 1] if gone else None for at, gone in enumerate(is_undone)]
        assert [record[str(act)].get("undone") for act in chain] == expected


def test_undoing_leaves_what_a_later_act_has_set(subject: Canvases) -> None:
    first = subject.act("ban", authors=WHO[:2])
    subject.act("unban", authors=[WHO[0]])
    again = subject.act("ban", authors=[WHO[0]], until=NOW + 5)
    subject.act("undo", act=first)
    assert [subject.is_banned(author) for author in (1, 2)] == [True, False]
    subject.act("undo", act=again)
    assert not subject.is_banned(1)


def test_protection_is_of_an_area_until_its_act_is_named(subject: Canvases) -> None:
    first = subject.act("protect", area=[0, 0, 2, 2])
    second = subject.act("protect", area=[1, 1, 4, 2])
    assert [(it.act, it.x, it.width) for it in protections_of(subject.acts)] == [(first, 0, 2), (second, 1, 4)]
    lifted = subject.act("unprotect", act=first)
    assert [it.act for it in protections_of(subject.acts)] == [second]
    subject.act("undo", act=lifted)
    subject.act("undo", act=second)
    assert [it.act for it in protections_of(subject.acts)] == [first]


def test_canvas_is_closed_and_opened_and_everybody_may_know(subject: Canvases) -> None:
    closed = subject.act("close")
    assert not is_open(subject.acts)
    subject.act("close")
    opened = subject.act("open")
    assert is_open(subject.acts)
    undoing = subject.act("undo", act=opened)
    assert not is_open(subject.acts)
    assert told_of(subject.acts) == [("close", NOW, closed), ("open", NOW, opened), ("close", NOW, undoing)]


def test_first_server_whose_clock_reaches_a_plan_makes_it_true(subject: Canvases) -> None:
    plan = subject.act("close", at=NOW + 50)
    later = subject.act("open", at=NOW + 90)
    assert (is_open(subject.acts), [it.act for it in plans_of(subject.acts)]) == (True, [plan, later])
    came = subject.act("close", plan=plan)
    subject.act("open")
    subject.act("close", plan=plan)  # from a server whose clock is slow
    assert is_open(subject.acts)
    assert [it.act for it in plans_of(subject.acts)] == [later]
    assert told_of(subject.acts) == [("close", NOW, came), ("open", NOW, came + 1)]
    assert subject.projection.refused == 0


def test_plan_that_was_undone_does_not_come_true(subject: Canvases) -> None:
    plan = subject.act("close", at=NOW + 50)
    undoing = subject.act("undo", act=plan)
    subject.act("close", plan=plan)
    assert is_open(subject.acts)
    subject.act("undo", act=undoing)
    assert [it.act for it in plans_of(subject.acts)] == [plan]


def test_undoing_what_a_plan_did_does_not_plan_it_again(subject: Canvases) -> None:
    plan = subject.act("close", at=NOW)
    subject.act("undo", act=subject.act("close", plan=plan))
    assert (is_open(subject.acts), plans_of(subject.acts)) == (True, [])


def test_announcement_holds_until_its_time_and_the_last_one_counts(subject: Canvases) -> None:
    first = subject.act("announce", text="Ends at six", until=NOW + 5)
    second = subject.act("announce", text="Ends at seven")
    found = announcement_of(subject.acts, NOW)
    assert found is not None
    assert (found.text, found.until_ms, found.act) == ("Ends at seven", None, second)
    subject.act("undo", act=second)
    assert announcement_of(subject.acts, NOW + 4) is not None
    assert announcement_of(subject.acts, NOW + 5) is None
    subject.act("undo", act=first)  # the undo before has set the announcement since: this changes nothing
    assert announcement_of(subject.acts, NOW) is not None


def test_act_that_paints_is_unfinished_until_it_is_done(subject: Canvases) -> None:
    wiped = subject.act("wipe", area=[0, 0, 2, 1], color=2, reason="a flag")
    subject.take(Correction(wiped, np.array([(0, 0, 2), (1, 0, 2)], PIXEL)))
    entry = record_of(subject.acts)[str(wiped)]
    what = {"kind": "wipe", "by": "0000000000000007", "time": NOW, "done": False}
    assert entry == {**what, "reason": "a flag", "area": [0, 0, 2, 1], "color": 2, "pixels": None}
    subject.act("done", act=wiped, pixels=2)
    subject.act("done", act=wiped, pixels=9)
    assert record_of(subject.acts)[str(wiped)] == {**entry, "done": True, "pixels": 2}


def test_undoing_of_an_act_that_paints_paints_too(subject: Canvases) -> None:
    wiped = subject.act("wipe", area=[0, 0, 2, 1])
    undoing = subject.act("undo", act=wiped)
    again = subject.act("undo", act=undoing)
    found = record_of(subject.acts)
    assert [(found[str(act)]["done"], found[str(act)].get("undone")) for act in (wiped, undoing, again)] == [
        (False, None),
        (False, again),
        (False, None),
    ]
    assert record_of(subject.acts)[str(again)]["pixels"] is None


def test_who_made_the_canvas_larger_is_on_record_before_it_is(subject: Canvases) -> None:
    grown = subject.act("grow", width=9, height=7, colors=["#646566", "#67686a"])
    assert subject.projection.definition == SMALL
    subject.take(Canvas(LARGE))
    subject.act("done", act=grown)
    assert record_of(subject.acts)[str(grown)]["done"]
    assert subject.projection.refused == 0


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("ban", {}),
        ("ban", {"authors": []}),
        ("ban", {"authors": WHO[0]}),
        ("ban", {"authors": ["0123456789ABCDEF"]}),
        ("ban", {"authors": [WHO[0]] * (MOST_AUTHORS + 1)}),
        ("ban", {"authors": WHO, "until": "2027"}),
        ("ban", {"authors": WHO, "until": -1}),
        ("ban", {"authors": WHO, "until": True}),
        ("ban", {"authors": WHO, "until": 1.5}),
        ("ban", {"authors": WHO, "reason": ["x"]}),
        ("unban", {}),
        ("protect", {}),
        ("protect", {"area": [0, 0, 6, 1]}),
        ("protect", {"area": [0, 0, 0, 1]}),
        ("protect", {"area": [0, 0, 1]}),
        ("protect", {"area": [0, 0, 1, True]}),
        ("protect", {"area": {"x": 0}}),
        ("unprotect", {"act": 3}),
        ("unprotect", {}),
        ("open", {"at": "tomorrow"}),
        ("close", {"plan": "x"}),
        ("announce", {}),
        ("announce", {"text": ""}),
        ("announce", {"text": "x" * (MOST_CHARACTERS + 1)}),
        ("wipe", {"area": [0, 0, 6, 3]}),
        ("wipe", {"color": 256}),
        ("restore", {"to": {"v": 1, "t": 2}}),
        ("restore", {"to": {"v": -1}}),
        ("restore", {"to": "yesterday"}),
        ("undo", {}),
        ("done", {}),
        ("grow", {}),
        ("grow", {"width": 4}),
        ("grow", {"width": 4097}),
        ("grow", {"width": 9, "colors": ["red"]}),
        ("grow", {"width": 9, "colors": "#000000"}),
        ("grow", {"colors": ["#000102"]}),
    ],
)
def test_act_that_is_not_what_its_kind_needs_changes_nothing(
    subject: Canvases, kind: str, fields: dict[str, Any]
) -> None:
    subject.act(kind, **fields)
    assert (subject.projection.refused, subject.acts) == (1, {})


def test_bans_are_bounded_and_those_that_are_over_make_room(subject: Canvases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bans, "MOST_BANS", 2)
    subject.act("ban", authors=[WHO[0]], until=NOW + 1)
    subject.act("ban", authors=[WHO[1]], until=NOW)
    subject.act("ban", authors=[WHO[2]])
    assert set(subject.acts["bans"]) == {WHO[0], WHO[2]}
    subject.act("ban", authors=["00000000000000ff"])
    assert (subject.projection.skipped["full"], subject.is_banned(255)) == (1, False)


def test_protections_and_plans_are_bounded(subject: Canvases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protections, "MOST_PROTECTIONS", 2)
    monkeypatch.setattr(gate, "MOST_PLANS", 2)
    for _ in range(3):
        subject.act("protect", area=[0, 0, 1, 1])
        subject.act("close", at=NOW)
    assert (subject.projection.skipped["full"], len(protections_of(subject.acts)), len(plans_of(subject.acts))) == (
        *(2, 2),
        2,
    )


def test_last_acts_are_on_record_the_oldest_go_and_long_lists_are_cut() -> None:
    subject = Projection(SMALL, 0, Cooldowns(RULE))
    many = [f"{n:016x}" for n in range(MOST_AUTHORS)]
    values = [Act("ban", 7, {"authors": many}).encode(), *[Act("open", 7).encode()] * MOST_RECORDED]
    subject.apply(batch(values[:-1]), 0)
    assert record_of(subject.kept.acts)["0"]["authors"] == many[:8]
    assert record_of(subject.kept.acts)["0"]["authors_count"] == MOST_AUTHORS
    subject.apply(batch(values[-1:], first=MOST_RECORDED), 0)
    assert (next(iter(record_of(subject.kept.acts))), len(record_of(subject.kept.acts))) == ("1", MOST_RECORDED)


def test_undoing_what_is_no_longer_on_record_sets_it_back_all_the_same() -> None:
    subject = Projection(SMALL, 0, Cooldowns(RULE))
    values = [Act("ban", 7, {"authors": WHO}).encode(), *[Act("open", 7).encode()] * MOST_RECORDED]
    subject.apply(batch([*values, Act("undo", 7, {"act": 0}).encode()]), 0)
    assert ban_of(subject.kept.acts, 1, 0) is None


def test_corrections_of_an_act_beyond_so_many_pixels_begin_the_feed_anew() -> None:
    subject = Projection(SMALL, 0, Cooldowns(RULE))
    pixels = np.zeros(MOST_CORRECTED // 2, PIXEL)
    wiped = [Act("wipe", 7, {"area": [0, 0, 5, 3]}).encode(), *[Correction(0, pixels).encode()] * 2]
    subject.apply(batch(wiped), 0)
    assert subject.feed.first == 0
    subject.apply(batch([Correction(0, pixels).encode(), record((1, 1, 1, 5))], first=3), 0)
    assert (subject.feed.first, subject.kept.since) == (4, 0)
