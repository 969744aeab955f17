"""The ledger's part for acts: compares the moderators' requests and the answers with the log. Pure.

Each act has a number, in its `reason`, so that it can be recognised. The ledger gets the records in order, each before
its pixels are set. When the log says that an act is done, the ledger checks the result of the act's corrections.

    asked --answered 200, id, v, pixels--> is record `id`, whole: its corrections below v, then `done`
          --answered 503 unfinished------> is record `id`, and may have any part of its corrections
          --refused----------------------> must not be in the log
          --not answered-----------------> may be in it, once
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

import attrs

from bench.torturing.broken_promise import Broken
from bench.torturing.gate_ledger import GateLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Pixel = tuple[int, int, int]
_Change = tuple[int, int, int]  # the record's offset, the colour, the author

_ACT_HEADER: Final = b"\x01\x03"
_CORRECTION_HEADER: Final = b"\x01\x04"
_ACT: Final = struct.Struct("<Q")
_PIXEL: Final = struct.Struct("<HHB")
PAINTING: Final = ("wipe", "stamp", "restore")
_NO_NUMBER: Final = -1  # number of an act that a server has done by itself
_NOBODY: Final = -1  # author of corrections


def correction_of(value: bytes) -> tuple[int, list[Pixel]] | None:
    """The act's id and the pixels of a correction; None if the record isn't a correction."""
    if value[:2] != _CORRECTION_HEADER:
        return None
    body = value[2:]
    return _ACT.unpack_from(body)[0], list(_PIXEL.iter_unpack(body[_ACT.size :]))


@attrs.define
class _Entry:
    """An act that is in the log.

    Attributes:
        number: its number among the requested acts.
        told: its fields.
        before: colours of its own pixels before it set them, by place.
        end: the version at which its last correction is visible.
        done: offset of the record that says that it is done.
        undone: id of the act that has undone it.
    """

    number: int
    told: dict[str, Any]
    paints: bool
    end: int
    before: dict[int, int] = attrs.field(factory=dict)
    done: int | None = None
    undone: int | None = None

    @property
    def is_done(self) -> bool:
        return self.done is not None or not (self.paints or self.told["kind"] == "grow")


class ActLedger:
    """All acts of one canvas.

    Args:
        width: width of the canvas.
        pixels: number of its pixels.
        canvas_at: a function that makes the canvas of the records below a version.

    Attributes:
        acknowledged: how many acts were answered 200.
        refused: how many acts were refused.
        gate: what acts have set for everybody.
    """

    def __init__(self, width: int, pixels: int, canvas_at: Callable[[int], bytearray]) -> None:
        self._width = width
        self._canvas_at = canvas_at
        self.acknowledged = 0
        self.refused = 0
        self.gate = GateLedger()
        self._asked: list[str] = []  # kinds, by number
        self._pictures: dict[int, Sequence[int]] = {}  # of stamps, by number; row by row
        self._refused: set[int] = set()
        self._unchecked: dict[int, dict[str, int]] = {}  # answers, by number
        self._where: dict[int, int] = {}  # number -> id
        self._entries: dict[int, _Entry] = {}  # by id
        self._edited = [-1] * pixels  # the offset of the last edit of each pixel
        self._painter = [-1] * pixels  # the act whose correction was its last change; -1 where that was an edit
        self._changes: list[list[_Change]] = [[] for _ in range(pixels)]  # of each pixel

    def ask(self, kind: str, picture: Sequence[int] | None = None) -> int:
        """Give a number to an act that is about to be requested; `picture` has the colours of a stamp's area."""
        self._asked.append(kind)
        if picture is not None:
            self._pictures[len(self._asked) - 1] = picture
        return len(self._asked) - 1

    def answer(self, number: int, told: dict[str, int]) -> None:
        """Note the answer to an act: 200, or unfinished with the id alone."""
        self.acknowledged += "v" in told
        self._unchecked[number] = told

    def refuse(self, number: int) -> None:
        """Note that an act was answered with an error that says that nothing of it is in the log."""
        self.refused += 1
        if number in self._where:
            raise Broken(6, f"the act {number} was refused, and is record {self._where[number]}")
        self._refused.add(number)

    def id_of(self, number: int) -> int | None:
        """The id of an act in the log as it was last read; None if it isn't there."""
        return self._where.get(number)

    def edit(self, offset: int, place: int, color: int, author: int) -> None:
        """Note that an edit in the log has set a pixel."""
        self._edited[place] = offset
        self._painter[place] = -1
        self._changes[place].append((offset, color, author))

    def is_asked_for(self, height: int) -> bool:
        """Whether an act in the log makes the canvas that high."""
        return any(entry.told["kind"] == "grow" and entry.told["height"] == height for entry in self._entries.values())

    def grow(self, pixels: int) -> None:
        """Note that the canvas has `pixels` pixels from here on."""
        more = pixels - len(self._edited)
        self._edited += [-1] * more
        self._painter += [-1] * more
        self._changes += [[] for _ in range(more)]

    def correct(self, offset: int, act: int, pixels: Sequence[Pixel], canvas: bytearray) -> None:
        """Apply a correction in the log to `canvas`, which is as it was before the correction."""
        entry = self._entries.get(act)
        if entry is None or not entry.paints or entry.done is not None:
            raise Broken(6, f"record {offset} corrects for {act}, which is no act that paints, or was done before")
        entry.end = offset + 1
        for x, y, color in pixels:
            place = y * self._width + x
            if place in entry.before:
                raise Broken(6, f"record {offset}: the act {act} has set the pixel {x}, {y} already")
            entry.before[place] = canvas[place]
            self._painter[place] = act
            self._changes[place].append((offset, color, _NOBODY))
            canvas[place] = color

    def read(self, offset: int, value: bytes, canvas: bytearray) -> None:
        """Read a record that may be an act; `canvas` is as it is at that record."""
        if value[:2] != _ACT_HEADER:
            return
        told = json.loads(value[2:])
        if told["kind"] == "done":
            self._end(offset, told, canvas)
            return
        if told.get("plan") is not None:
            self._come_true(offset, told)
            return
        number = int(told["reason"])
        if number >= len(self._asked) or self._asked[number] != told["kind"]:
            raise Broken(6, f"record {offset} is {told}, which nobody asked for")
        if number in self._refused or number in self._where:
            raise Broken(6, f"record {offset} is {told}, which was refused, or is in the log already")
        self._where[number] = offset
        of = self._entries.get(told["act"]) if told["kind"] == "undo" else None
        paints = told["kind"] in PAINTING or (of is not None and of.paints)
        self._entries[offset] = _Entry(number, told, paints, offset + 1)
        self.gate.read(offset, told)
        if of is not None:
            self._undo(offset, of)

    def _come_true(self, offset: int, told: dict[str, Any]) -> None:
        """Note a record of the server that a plan's time has come."""
        plan = self._entries.get(told["plan"])
        if plan is None or plan.told.get("at") is None or plan.told["kind"] != told["kind"]:
            raise Broken(6, f"record {offset} is {told}, which nobody planned")
        if self.gate.counts(told):
            self._entries[offset] = _Entry(_NO_NUMBER, told, paints=False, end=offset + 1)
            self.gate.read(offset, told)

    def _undo(self, act: int, of: _Entry) -> None:
        of.undone, by, is_back = act, self._where[of.number], True
        # The act that it had undone is back; the act undone by that one is undone again; and so on.
        while of.told["kind"] == "undo":
            of = self._entries[of.told["act"]]
            if of.undone != (by if is_back else None):
                return  # another act has undone it
            of.undone = None if is_back else by
            by, is_back = self._where[of.number], not is_back

    def _end(self, offset: int, told: Mapping[str, Any], canvas: bytearray) -> None:
        act = told["act"]
        entry = self._entries.get(act)
        if entry is None or entry.is_done:
            raise Broken(6, f"record {offset} says that {act} is done, which is no act, or was done before")
        if told["pixels"] != len(entry.before):
            raise Broken(6, f"the act {act} is done with {told['pixels']} pixels; it has set {len(entry.before)}")
        entry.done = offset
        wrong = [place for place, color in self._meant(act, entry) if canvas[place] != color]
        if wrong:
            raise Broken(6, f"the act {act}, {entry.told}, is done, and {len(wrong)} of its pixels are wrong")

    def _meant(self, act: int, entry: _Entry) -> Iterator[tuple[int, int]]:
        """The pixels that this act decides, and their new colours; not pixels that were painted meanwhile."""
        if entry.told["kind"] == "undo":
            for place, color in self._entries[entry.told["act"]].before.items():
                if self._painter[place] in (act, entry.told["act"]):
                    yield place, color
            return
        if entry.told["kind"] == "grow":
            return
        then = self._then(entry)
        for at, place in enumerate(self._area(entry.told.get("area"))):
            if self._edited[place] < act:
                yield place, self._becomes(act, entry, at, place, then)

    def _area(self, area: Sequence[int] | None) -> Iterator[int]:
        """The places of an area's pixels, row by row; without an area, of all pixels."""
        left, top, width, height = area or (0, 0, self._width, len(self._edited) // self._width)
        for y in range(top, top + height):
            yield from range(y * self._width + left, y * self._width + left + width)

    def _then(self, entry: _Entry) -> bytearray | None:
        to = entry.told.get("to")
        return None if to is None else self._canvas_at(to["v"])

    def _becomes(self, act: int, entry: _Entry, at: int, place: int, then: bytearray | None) -> int:
        """The colour that an act means for a pixel; `at` is the pixel's number in the act's area."""
        told = entry.told
        if told["kind"] == "wipe":
            return int(told["color"])
        if told["kind"] == "stamp":
            return self._pictures[entry.number][at]
        before = [change for change in self._changes[place] if change[0] < act]
        authors = {int(author, 16) for author in told.get("authors", [])}
        if authors and (not before or before[-1][2] not in authors):
            return before[-1][1] if before else 0  # not painted by these authors: it stays
        if then is not None:
            return then[place] if place < len(then) else 0  # the pixel wasn't there yet
        return next((color for _, color, author in reversed(before) if author not in authors), 0)

    def check(self, end: int) -> None:
        """Compare the answers with the log, which has been read up to `end`."""
        for number, told in self._unchecked.items():
            found = self._where.get(number)
            if found != told["id"]:
                raise Broken(1, f"the act {number} was answered with {told}; the log to {end} has it at {found}")
            entry = self._entries[found]
            if "v" in told and (not entry.is_done or entry.end > told["v"] or len(entry.before) != told["pixels"]):
                raise Broken(1, f"the act {entry} was answered with {told}, and isn't whole in the log")
        self._unchecked.clear()

    def compare(self, listed: Sequence[Mapping[str, Any]], most: int) -> None:
        """Compare the acts that a server lists after its start, the newest `most` at the most, with the log."""
        end = max(self._entries, default=-1)
        # A plan may have come true since the log was read.
        known = [it for it in listed if it["id"] <= end or it.get("plan") is None]
        newest = sorted(self._entries, reverse=True)[: most - (len(listed) - len(known))]
        listed = known
        if [it["id"] for it in listed] != newest:
            raise Broken(1, f"a server lists the acts {[it['id'] for it in listed]}; the log's are {newest}")
        for it in listed:
            entry = self._entries[it["id"]]
            pixels = len(entry.before) if entry.paints and entry.is_done else None
            expected = (entry.told["kind"], entry.is_done, entry.undone is not None, pixels)
            if (it["kind"], it["done"], it["undone"], it.get("pixels")) != expected:
                raise Broken(1, f"a server lists {it}; the log has {expected}")
