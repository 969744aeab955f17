"""The pixels that an act changes, compared with a model that looks at every record of the log."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.area import Area
from placed.canvas.events import Act, Canvas
from placed.history.past import Past
from placed.history.reading import past_of
from placed.moderation.painted_since import Since
from placed.moderation.painting import needs_past, paint, preview
from placed.moderation.present import CannotPaint, Present
from placed.moderation.restore import Restore
from placed.moderation.undo import Undo
from placed.moderation.wipe import Wipe
from tests.history.model import LARGER, SETTINGS, Entry, Model, batches, build, correction
from tests.moderation.model import any_steps, expected
from tests.support.records import SMALL, Edit, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from placed.canvas.batch import Batch
    from placed.history.walk import AnyPast
    from tests.moderation.model import Pixels, Step

pytestmark = pytest.mark.usefixtures("small_segments")


@attrs.define
class _Played:
    """A log that plays steps: it first has the canvas, and then the steps' records."""

    folder: Path
    from_log: bool
    entries: list[Entry] = attrs.field(factory=lambda: [Entry(0, 1_000, Canvas(SMALL).encode())])
    acts: list[int] = attrs.field(factory=list)

    def add(self, value: bytes) -> int:
        offset = self.entries[-1].offset + 1
        self.entries.append(Entry(offset, 1_000 + offset, value))
        return offset

    def add_edits(self, edits: list[Edit]) -> None:
        for edit in edits:
            self.add(record(edit))

    def past(self) -> AnyPast:
        if not self.from_log:
            return build(self.entries, Path(tempfile.mkdtemp(dir=self.folder)) / "history")

        def read(offset: int) -> Iterator[Batch]:
            yield from batches([entry for entry in self.entries if entry.offset >= offset], 7)

        return past_of([], 0, self.entries[-1].offset + 1, read)

    def present(self) -> Present:
        model = Model(self.entries)
        return Present(model.version, *model.canvases[model.version])

    def play(self, step: Step) -> None:
        self.add_edits(step.edits)
        if step.grows:
            self.add(Canvas(LARGER).encode())
        if step.ask is not None:
            self.act(step)

    def act(self, step: Step) -> None:
        assert step.ask is not None
        definition = self.present().definition
        act = step.ask(self.entries[-1].offset + 1, self.acts, definition.width, definition.height)
        self.acts.append(self.add(Act("nod", 9).encode()))
        present, past = self.present(), self.past()
        wanted = expected(act, self.entries)
        assert pixels_of(paint(act, present, past).pixels) == wanted, act
        self._check_preview(act, present, past, wanted)
        since = Since()
        since.begin(self.acts[-1], present.canvas.shape)
        for x, y, *_ in step.seen:
            since.mask[y, x] = True
        left = since.left(paint(act, present, past).pixels)
        assert pixels_of(left) == {(x, y): color for (x, y), color in wanted.items() if not since.mask[y, x]}
        self.add_edits([*step.seen, *step.unseen])
        if len(left):
            self.add(correction(self.acts[-1], left.tolist()))

    def _check_preview(self, act: Wipe | Restore | Undo, present: Present, past: AnyPast, wanted: Pixels) -> None:
        found = preview(act, present, past)
        assert pixels_of(found.pixels) == wanted
        if self.from_log:
            assert found.painters is None
            return
        assert found.painters is not None
        last = {(placed.x, placed.y): placed for placed in Model(self.entries).placed}
        painted = [last[pixel] for pixel in wanted if pixel in last]
        assert found.painters.authors == Counter(each.author for each in painted if each.act == -1)
        assert found.painters.acts == sum(each.act != -1 for each in painted)
        assert found.painters.unknown == len(wanted) - len(painted)


def pixels_of(found: NDArray[np.void]) -> Pixels:
    pixels = {(x, y): color for x, y, color in found.tolist()}
    assert len(pixels) == len(found)
    return pixels


@SETTINGS
@given(any_steps(), st.booleans())
def test_every_act_changes_what_a_look_at_every_record_says(tmp_path: Path, steps: list[Step], from_log: bool) -> None:
    played = _Played(tmp_path, from_log)
    for step in steps:
        played.play(step)


def _history(folder: Path, *values: bytes) -> tuple[Present, Past]:
    played = _Played(folder, from_log=False)
    for value in values:
        played.add(value)
    past = played.past()
    assert isinstance(past, Past)
    return played.present(), past


def test_an_undo_gives_back_what_was_painted_between_the_act_and_its_corrections(tmp_path: Path) -> None:
    act = Act("wipe", 9).encode()
    present, past = _history(tmp_path, record((1, 1, 2, 1)), act, record((1, 1, 3, 2)), correction(2, [(1, 1, 0)]))
    assert pixels_of(paint(Undo(2), present, past).pixels) == {(1, 1): 3}


def test_what_an_act_has_painted_is_no_author_s(tmp_path: Path) -> None:
    act = Act("wipe", 9).encode()
    present, past = _history(tmp_path, record((1, 1, 2, 1), (2, 1, 2, 1)), act, correction(2, [(1, 1, 1)]))
    assert pixels_of(paint(Restore(None, None, frozenset({0, 1})), present, past).pixels) == {(2, 1): 0}


def test_a_pixel_that_was_not_there_yet_becomes_blank(tmp_path: Path) -> None:
    present, past = _history(tmp_path, record((1, 1, 2, 1)), Canvas(LARGER).encode(), record((6, 2, 4, 1)))
    act = Restore(Area.of(LARGER), 2, frozenset())
    assert pixels_of(paint(act, present, past).pixels) == {(6, 2): 0}


def test_a_restore_of_everybody_s_pixels_needs_an_area_and_a_version() -> None:
    for area, to in ((None, None), (Area(0, 0, 1, 1), None), (None, 1)):
        with pytest.raises(ValueError, match="allowed are authors, or an area with a version or moment"):
            Restore(area, to, frozenset())


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (Wipe(Area(3, 0, 3, 1)), r"the area \[3, 0, 3, 1\] reaches beyond the canvas of 5 x 3"),
        (Wipe(Area(0, 0, 1, 1), 4), "color 4 isn't in the palette; allowed are 0 to 3"),
        (Restore(Area(0, 0, 5, 4), 0, frozenset()), "reaches beyond the canvas"),
    ],
)
def test_what_the_canvas_does_not_have_is_refused(tmp_path: Path, act: Wipe | Restore, words: str) -> None:
    present, past = _history(tmp_path, record((1, 1, 2, 1)))
    with pytest.raises(CannotPaint, match=words):
        paint(act, present, past)


@pytest.mark.parametrize("area", [(-1, 0, 1, 1), (0, 0, 0, 1), (0, 0, 1, -1), (4_090, 0, 7, 1), (0, 4_096, 1, 1)])
def test_an_area_that_no_canvas_has_is_refused(area: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"allowed are \[x, y, width, height\] of pixels from 0 to 4095"):
        Area(*area)


def test_only_restores_and_undos_need_the_past() -> None:
    area = Area(0, 0, 1, 1)
    assert not needs_past(Wipe(area))
    assert needs_past(Restore(area, 0, frozenset()))
    assert needs_past(Undo(1))
