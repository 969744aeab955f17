"""Encodes server-sent events: the bytes of the stream of edits. Sans-IO and pure.

The format is the WHATWG HTML standard's, section 9.2. A frame's `id:` is the version after it. A browser sends it as
`Last-Event-ID` when it reconnects, and so resumes exactly. No line is longer than `MAX_LINE_BYTES`: a record that is
larger than a frame has several lines of data. Parsers join them with line feeds, which mean nothing in base64 and
between the edits of JSON.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from placed.canvas.feed import MAX_FRAME_EDITS
from placed.canvas.limits import MAX_COLORS, MAX_SIDE_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.edit_code import EditCode
    from placed.canvas.feed import Frame

MAX_LINE_BYTES: Final = 64_000  # many clients take lines of 64 KB, and no longer ones
_BASE64_BYTES: Final = 60_000
_NEXT_LINE: Final = b"\ndata: "


def retry_line(retry_ms: int) -> bytes:
    """The line that says how long a browser should wait before it reconnects. It is the beginning of the first event:
    alone it would be an event without data, which some parsers give to their callers."""
    return b"retry: %d\n" % retry_ms


def codes_frame(frame: Frame, _code: EditCode) -> bytes:
    """A frame with its edit codes as base64; no data when only the version moved."""
    text = base64.b64encode(frame.codes)
    lines = (text[at : at + _BASE64_BYTES] for at in range(0, len(text), _BASE64_BYTES))
    return b"id: %d\ndata: %b\n\n" % (frame.version, _NEXT_LINE.join(lines))


def json_frame(frame: Frame, code: EditCode) -> bytes:
    """A frame for people and bots: `{"v": version after, "edits": [[x, y, color], …]}`."""
    x, y, color = code.unpack(frame.codes)
    of_x, of_y, of_color = _texts()  # 12 times as fast as formatting each number
    texts = np.stack([of_x[x], of_y[y], of_color[color]], axis=1)
    lines = (texts[at : at + MAX_FRAME_EDITS] for at in range(0, len(texts), MAX_FRAME_EDITS))
    edits = _NEXT_LINE.join("".join(line.ravel().tolist()).encode() for line in lines).removesuffix(b",")
    return b'id: %d\ndata: {"v":%d,"edits":[%b]}\n\n' % (frame.version, frame.version, edits)


@cache
def _texts() -> tuple[NDArray[np.object_], NDArray[np.object_], NDArray[np.object_]]:
    """The text of each possible x, y and color of an edit: half a megabyte, made when the first client wants JSON."""
    return (
        np.array([f"[{x}," for x in range(MAX_SIDE_PX)], object),
        np.array([f"{y}," for y in range(MAX_SIDE_PX)], object),
        np.array([f"{color}]," for color in range(MAX_COLORS)], object),
    )


def status_event(version: int, viewers: int, *, writable: bool, notices: bytes = b"") -> bytes:
    """The status event: the server's version, its open streams, whether it takes edits, and further members, each after
    a comma. It has no id, so that a browser reconnects from the last frame."""
    told = b"true" if writable else b"false"
    members = b'"v": %d, "viewers": %d, "writable": %b%b' % (version, viewers, told, notices)
    return b"event: status\ndata: {%b}\n\n" % members


def reload_event(code: str, version: int, log_id: str) -> bytes:
    """The event that sends a client back to the image: `code` is too-old, future, other-log or canvas."""
    return b"event: reload\ndata: %b\n\n" % json.dumps({"code": code, "v": version, "log": log_id}).encode()
