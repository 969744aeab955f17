"""Makes the answers about the past, in a worker thread.

The canvas at a version never changes. So caches may keep its answer for good, and every server gives the same bytes.

Thread: everything here blocks.
"""

from __future__ import annotations

import json
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from placed.canvas import png
from placed.canvas.giving_way import give_way
from placed.history.activity import activity_of
from placed.history.edits_page import encode_page
from placed.history.past import reading
from placed.history.pixel import pixel_page
from placed.history.stretch import NO_ACT
from placed.http.answer import NO_STORE, Answer, Problem, has_tag, json_answer
from placed.http.moment import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from placed.history.past import NotKept, Past
    from placed.history.segment import Hit
    from placed.http.answer import Headers
    from placed.http.history_questions import (
        ActivityQuestion,
        CanvasQuestion,
        EditsQuestion,
        MomentQuestion,
        PixelQuestion,
    )

IMMUTABLE: Final = ("Cache-Control", "public, max-age=31536000, immutable, no-transform")
_AT_ONCE: Final = 2_048  # edits written as JSON in one go, 1 ms: in between, other threads have their turn


def not_kept(error: NotKept, past: Past) -> Problem:
    """The 404 for a version before the history's beginning."""
    return Problem(404, "not-kept", str(error), first=past.first)


def history_answer(past: Past, version: int, told: Sequence[tuple[str, int, int]] = ()) -> Answer:
    """How far the past reaches, and which acts happened when.

    Args:
        past: the past.
        version: the canvas's own version.
        told: the kind, the time in ms since the epoch, and the id of each act that everybody may know.
    """
    first_ms, last_ms = past.first_ms, past.time_of(past.version)
    return json_answer(
        {
            "log": past.log_id,
            "first": past.first,
            "version": version,
            "indexed": past.version,
            "from": None if first_ms is None else in_words(first_ms),
            "to": None if last_ms is None else in_words(last_ms),
            "edits": past.edits,
            "marks": sorted(_grown(past) + _told(past, told), key=itemgetter("v")),
        }
    )


def _told(past: Past, told: Sequence[tuple[str, int, int]]) -> list[dict[str, Any]]:
    """The marks of those acts that lie within the kept history."""
    inside = (each for each in told if past.first <= each[2] < past.version)
    return [{"v": act_id + 1, "time": in_words(ms), "kind": kind} for kind, ms, act_id in inside]


def _grown(past: Past) -> list[dict[str, Any]]:
    """The marks of the records by which the canvas grew."""
    found = []
    for at, kept in enumerate(past.kept):
        header = past.header(at)
        if header.base != header.definition:
            with reading(kept) as segment:
                found.append(segment.others()[0][0])
    tail = past.tail
    if tail is not None and tail.definition != tail.ground.definition and tail.stretch.others:
        found.append(tail.stretch.others[0])
    return [{"v": each.offset + 1, "time": in_words(each.ms), "kind": "grow"} for each in found]


def moment_answer(past: Past, question: MomentQuestion) -> Answer:
    """A redirect to the canvas of a moment."""
    _check_log(past, question.log)
    past.check(past.first)
    first_ms = past.first_ms
    if past.first and first_ms is not None and question.ms < first_ms:
        detail = f"{in_words(question.ms)} is before {in_words(first_ms)}, where the history begins"
        raise Problem(404, "not-kept", detail, first=past.first)
    version = past.version_at(question.ms)
    last_ms = past.time_of(past.version)
    is_over = last_ms is not None and question.ms < last_ms
    location = f"canvas.png?v={version}{question.rest}{'' if question.log is None else f'&log={past.log_id}'}"
    return Answer(302, (("Location", location), IMMUTABLE if is_over else NO_STORE))


def canvas_answer(past: Past, question: CanvasQuestion) -> Answer:
    """The canvas at a version, or an area of it."""
    _check_log(past, question.log)
    version = question.version
    past.check(version)
    area = question.area
    tag = f'"{past.log_id}-{version}-{area.x}-{area.y}-{area.width or 0}-{area.height or 0}-{area.scale}"'
    headers: Headers = (("X-Canvas-Version", str(version)), ("X-Canvas-Log", past.log_id), ("ETag", tag), IMMUTABLE)
    ms = past.time_of(version)
    if ms is not None:
        headers = (*headers, ("X-Canvas-Time", in_words(ms)))
    if has_tag(question.tags, tag):
        return Answer(304, headers)
    definition, canvas = past.canvas(version)
    x, y, width, height = area.on(definition)
    pixels = canvas[y : y + height, x : x + width]
    if area.scale > 1:
        pixels = pixels.repeat(area.scale, axis=0).repeat(area.scale, axis=1)
    text = {"placed:version": str(version), "placed:log": past.log_id}
    file = png.encode(np.ascontiguousarray(pixels), definition.rgb, text=text)
    return Answer(200, (("Content-Type", "image/png"), *headers), file)


def edits_answer(past: Past, question: EditsQuestion) -> Answer:
    """A page of edits."""
    _check_log(past, question.log)
    form = "json" if question.as_json else "codes"
    tag = f'"{past.log_id}-{question.start}-{question.end}-{form}"'
    headers = (("X-Canvas-Log", past.log_id), ("ETag", tag), IMMUTABLE)
    past.check(question.start)
    past.check(question.end)
    if has_tag(question.tags, tag):
        return Answer(304, headers)
    page = past.page(question.start, question.end)
    if not question.as_json:
        body = encode_page(page, question.end)
        return Answer(200, (("Content-Type", "application/octet-stream"), *headers), body)
    head = f'{{"from":{question.start},"to":{question.end},"next":{page.stretch.end},"edits":['
    columns = page.stretch.rows[["offset", "ms", "x", "y", "color"]]
    parts = [_in_json(columns[at : at + _AT_ONCE]) for at in range(0, len(columns), _AT_ONCE)]
    body = (head + ",".join(parts) + "]}").encode()
    return Answer(200, (("Content-Type", "application/json"), *headers), body)


def _check_log(past: Past, log: str | None) -> None:
    """Refuse a request for another log: caches keep an answer for good, so an address that names a log has only answers
    from that log.
    """
    if log not in {None, past.log_id}:
        detail = f"log={log!r} is not the log of this canvas; allowed is {past.log_id}"
        raise Problem(404, "other-log", detail, log=past.log_id)


def _in_json(rows: NDArray[np.void]) -> str:
    give_way()
    return json.dumps(rows.tolist(), separators=(",", ":"))[1:-1]


def pixel_answer(
    past: Past, question: PixelQuestion, show_authors: bool, names_of: Callable[[set[int]], Mapping[int, str]]
) -> Answer:
    """The edits of a pixel; `names_of` gives the names of people, if the server may show names."""
    page = pixel_page(past, question.x, question.y, before=question.before, limit=question.limit)
    color: int | None = page.hits[0].color if page.hits else None
    if color is None and page.next is None:
        color = _first_color(past, question)
    names = names_of({hit.author for hit in page.hits if hit.act == NO_ACT})
    return json_answer(
        {
            "x": question.x,
            "y": question.y,
            "color": color,
            "edits": [_hit(hit, show_authors, names) for hit in page.hits],
            "next": page.next,
        }
    )


def _first_color(past: Past, question: PixelQuestion) -> int:
    """The colour of a pixel that nobody has set: blank, unless the history began later than the canvas."""
    canvas = past.canvas(past.first)[1] if past.first else np.zeros((0, 0), np.uint8)
    is_inside = question.y < canvas.shape[0] and question.x < canvas.shape[1]
    return int(canvas[question.y, question.x]) if is_inside else 0


def _hit(hit: Hit, show_authors: bool, names: Mapping[int, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"v": hit.offset + 1, "time": in_words(hit.ms), "color": hit.color}
    if hit.act != NO_ACT:
        return told | {"act": hit.act}
    if not show_authors:
        return told
    name = names.get(hit.author)
    return told | {"author": f"{hit.author:016x}"} | ({} if name is None else {"name": name})


def activity_answer(past: Past, question: ActivityQuestion) -> Answer:
    """Where and when there were edits."""
    first_ms, last_ms = past.first_ms or 0, past.time_of(past.version) or 0
    begin = first_ms if question.from_ms is None else question.from_ms
    end = max(begin, last_ms) + 1 if question.to_ms is None else question.to_ms
    found = activity_of(past, min(begin, end - 1), end, cells=question.cells)
    answer = json_answer(
        {
            "from": in_words(begin),
            "to": in_words(end),
            "first": found.start,
            "version": found.end,
            "edits": int(found.cells.sum()),
            "cells": found.cells.tolist(),
            "slices": found.slices.tolist(),
            "untouched": {"pixels": int(found.untouched.sum()), "cells": found.untouched.tolist()},
        }
    )
    is_over = question.from_ms is not None and question.to_ms is not None and end <= last_ms
    return Answer(200, (("Content-Type", "application/json"), IMMUTABLE), answer.body) if is_over else answer
