"""Server-sent events: the bytes of the stream of edits. Sans-IO and pure.

The format is the WHATWG HTML standard's, section 9.2. A frame's `id:` is the version after it, so that a
browser's own reconnect, which sends it as `Last-Event-ID`, resumes exactly.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placed.edit_code import EditCode
    from placed.feed import Frame


def opening(retry_ms: int) -> bytes:
    """A stream's first bytes: how long a browser should wait before it reconnects, and a comment to get past
    buffers."""
    return b"retry: %d\n:\n\n" % retry_ms


def codes_frame(frame: Frame, _code: EditCode) -> bytes:
    """A frame with its edit codes as base64; no data when only the version moved."""
    return b"id: %d\ndata: %b\n\n" % (frame.version, base64.b64encode(frame.codes))


def json_frame(frame: Frame, code: EditCode) -> bytes:
    """A frame for people and bots: `{"v": version after, "edits": [[x, y, color], …]}`."""
    edits = list(zip(*(part.tolist() for part in code.unpack(frame.codes)), strict=True))
    data = json.dumps({"v": frame.version, "edits": edits}, separators=(",", ":"))
    return b"id: %d\ndata: %b\n\n" % (frame.version, data.encode())


def status_event(version: int, viewers: int, *, writable: bool) -> bytes:
    """How the server stands: its version, its open streams, and whether it takes edits. It has no id: a browser
    reconnects from the last frame."""
    told = b"true" if writable else b"false"
    return b'event: status\ndata: {"v": %d, "viewers": %d, "writable": %b}\n\n' % (version, viewers, told)


def reload_event(code: str, version: int, log_id: str) -> bytes:
    """Sends a client back to the image: `code` is too-old, future or other-log."""
    return b"event: reload\ndata: %b\n\n" % json.dumps({"code": code, "v": version, "log": log_id}).encode()
