"""Acts of all kinds that a server knows, for property tests: most have what their kind needs, some don't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from placed.canvas.events import Act
from tests.support.records import SMALL

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

WHO = [f"{n:016x}" for n in (1, 2, 3)]  # few authors, so that acts often name the same one
IDS = st.integers(0, 14)  # ids of all records that such a test may have
TIMES = st.none() | st.integers(0, 20)
AREAS = st.sampled_from([[0, 0, 1, 1], [1, 1, 3, 2], [0, 0, 5, 3], [8, 6, 1, 1]])  # the last fits once it has grown
AUTHORS = st.lists(st.sampled_from(WHO), min_size=1, max_size=4)


def _act(kind: str, **fields: SearchStrategy[Any]) -> SearchStrategy[Act]:
    return st.builds(lambda told: Act(kind, 7, told), st.fixed_dictionaries({}, optional=fields))


ANY_ACT: SearchStrategy[Act] = st.one_of(
    _act("ban", authors=AUTHORS, until=TIMES),
    _act("unban", authors=AUTHORS),
    _act("protect", area=AREAS),
    _act("unprotect", act=IDS),
    *(_act(kind, at=TIMES) for kind in ("open", "close")),
    *(_act(kind, plan=IDS) for kind in ("open", "close")),
    _act("announce", text=st.sampled_from(["Hello", "Bye", ""]), until=TIMES),
    _act("wipe", area=AREAS, color=st.integers(0, 3)),
    _act("stamp", area=AREAS),
    _act("restore", area=AREAS, authors=AUTHORS, to=st.sampled_from([{"v": 3}, {"t": 9}, {"v": True}, "x"])),
    _act("grow", width=st.integers(SMALL.width - 1, 9), height=st.just(7), colors=st.just(["#646566"])),
    *[_act("undo", act=IDS), _act("done", act=IDS, pixels=st.integers(0, 9))] * 2,
)
