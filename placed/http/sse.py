"""Server-sent events: the bytes of the stream of edits. Sans-IO and pure.

The format is the WHATWG HTML standard's, section 9.2. A frame's `id:` is the version after it, so that a
browser's own reconnect, which sends it as `Last-Event-ID`, resumes exactly.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from placed.edit_code import EditCode
    from placed.feed import Frame

HEARTBEAT: Final = b":\n\n"


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


def reload_event(code: str, version: int, log_id: str) -> bytes:
    """Sends a client back to the image: `code` is too-old, future or other-log."""
    return b"event: reload\ndata: %b\n\n" % json.dumps({"code": code, "v": version, "log": log_id}).encode()
