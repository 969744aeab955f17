"""Any event and any record, for property tests of code that reads the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from placed.canvas.definition import Definition
from placed.canvas.events import PIXEL, Act, Canvas, Correction, Edits
from placed.canvas.kept_state import Kept
from tests.canvas.any_acts import ANY_ACT
from tests.support.records import SMALL, any_edit, edits

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

from placed.canvas.events import Event

KINDS = st.from_regex(r"[a-z][a-z-]{0,31}", fullmatch=True)
AUTHORS = st.integers(0, 2**64 - 1)
_JSON: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    # JSON gives half a surrogate pair no meaning.
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
FIELDS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda name: name not in {"kind", "by"}),
    _JSON,
    max_size=4,
)


def any_definition(most_px: int = 4096) -> SearchStrategy[Definition]:
    """Any canvas of at most `most_px` pixels a side."""
    palettes = st.integers(2, 256).flatmap(lambda colors: st.binary(min_size=3 * colors, max_size=3 * colors))
    return st.builds(Definition, st.integers(1, most_px), st.integers(1, most_px), palettes)


def any_kept(version: int) -> SearchStrategy[Kept]:
    """Any state that a fold may keep at a version."""
    unknown = st.frozensets(st.sampled_from(["format 2", "type 9", "act ban", "act *"]))
    return st.integers(0, version).flatmap(
        lambda since: st.builds(
            Kept, any_definition(), st.booleans(), st.integers(0, since), st.just(since), unknown, FIELDS
        )
    )


def some_edits(definition: Definition = SMALL) -> SearchStrategy[Edits]:
    """Edits that fit a canvas."""
    return st.lists(any_edit(definition), min_size=1, max_size=6).map(lambda several: Edits(edits(*several)))


def some_correction(definition: Definition = SMALL) -> SearchStrategy[Correction]:
    """A correction that fits a canvas."""
    pixels = st.lists(any_edit(definition).map(lambda edit: edit[:3]), min_size=1, max_size=6)
    return st.builds(Correction, st.integers(0, 2**63 - 1), pixels.map(lambda several: np.array(several, PIXEL)))


def any_event(definition: Definition = SMALL) -> SearchStrategy[Event]:
    """An event of any known type; edits and corrections fit the canvas."""
    acts = st.builds(Act, KINDS, AUTHORS, FIELDS)
    canvases = st.builds(Canvas, any_definition())
    return st.one_of(some_edits(definition), some_correction(definition), canvases, acts, ANY_ACT)


FOREIGN = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"", b"\1", b"\1\1", b"\1\2", b"\1\3", b"\1\4", b"\2\1" + bytes(13), b"\1\1" + bytes(14)]),
    st.tuples(st.sampled_from(b"\1\2\3\4\5\xff"), st.binary(max_size=40)).map(lambda it: bytes([1, it[0]]) + it[1]),
    any_event().flatmap(
        lambda event: st.integers(0, len(event.encode()) - 1).map(lambda end: event.encode()[:end])
    ),  # cut off
)
