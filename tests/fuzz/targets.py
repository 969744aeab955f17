"""The targets of fuzzing: each takes any bytes, and raises an error if placed does something that it must not.

    head      the fast lane's reading of a request's head, against h11's of the same bytes, and against its own cache
    lanes     whole connections through the fast lane and through Hypercorn: the same answers, and the same canvas
    edit      queries and bodies of `POST /edit`, and versions: an edit inside the canvas, or a problem
    record    the log's records: decoded at once, one by one, and by a plain reading of the format, they are the same
    snapshot  stored snapshots, with the checksum that fits them: a canvas that comes back, or `SnapshotDamaged`
    palette   palette files: a palette of different colours, or `PaletteError`
    config    config files: settings that are allowed, or the errors that the command line shows
    http2     frames of a connection of HTTP/2, behind its beginning: no fault of ours, and the canvas stays

`head` is in `heads`, `lanes` and `http2` are in `lanes`, so that a run imports only what its target needs.

An input may make its reader raise the documented error; any other error is a finding.
"""

from __future__ import annotations

import contextlib
import struct
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np

from placed.canvas import snapshot
from placed.canvas.batch import Batch
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.definition import Definition
from placed.canvas.events import EDIT, Act, Edits, decode_one
from placed.canvas.palette import PaletteError
from placed.canvas.palette_files import load_palette
from placed.canvas.projection import Projection
from placed.commands.settings.config_file import ConfigError, read_config_file
from placed.commands.settings.setting import SettingError
from placed.commands.settings.values import SETTINGS
from placed.http.answer import Problem, Request
from placed.http.parameters import edit_of, version_of

_CANVAS: Final = Definition(60, 40, bytes(range(48)))
_TYPES: Final = ("application/json", "application/x-www-form-urlencoded", "text/plain", "")
_SUFFIXES: Final = (".hex", ".gpl", ".json")


def edit(data: bytes) -> None:
    """The first byte chooses the body's type; then come the query, a line end, and the body."""
    kind = _TYPES[data[0] % len(_TYPES)] if data else ""
    query, _, body = data[1:].partition(b"\n")
    headers = {"content-type": kind, "last-event-id": body[:20].decode("latin-1")}
    request = Request("POST", query.decode("latin-1"), headers, "192.0.2.1", body)
    with contextlib.suppress(Problem):
        x, y, color = edit_of(request, _CANVAS)
        assert 0 <= x < _CANVAS.width
        assert 0 <= y < _CANVAS.height
        assert 0 <= color < _CANVAS.colors
    with contextlib.suppress(Problem):
        assert 0 <= version_of(request) < 2**63
    for read in (edit_of, lambda asked, _: version_of(asked)):
        try:
            read(request, _CANVAS)
        except Problem as problem:
            _check_message(problem)


def records_of(data: bytes) -> list[bytes]:
    """Cut any bytes into records: each begins with its length; a large length means five good edits."""
    found: list[bytes] = []
    at = 0
    while at < len(data) and len(found) < 64:
        length = data[at]
        if length >= 250:
            good = [(n + length - 250, n, n, length) for n in range(5)]
            found.append(Edits(np.array(good, EDIT)).encode())
            length = 0
        else:
            found.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    return found


def records(data: bytes) -> None:
    """For any records in the log, all ways to read them agree, no pixel is outside the canvas, and no byte is lost."""
    values = records_of(data)
    whole, one_by_one = (Projection(_CANVAS, 0, Cooldowns(Rule(1, 0))) for _ in range(2))
    whole.apply(_batch(values, 0), 0)
    for offset, value in enumerate(values):
        one_by_one.apply(_batch([value], offset), 0)
        event = decode_one(value)
        assert isinstance(event, Act) or event.encode() == value
    assert whole.definition == one_by_one.definition
    assert whole.kept == one_by_one.kept
    assert (whole.canvas == one_by_one.canvas).all()
    assert int(whole.canvas.max()) < whole.definition.colors
    assert (whole.edits, whole.skipped) == (one_by_one.edits, one_by_one.skipped)
    if whole.definition == _CANVAS:  # on another canvas more edits fit
        assert whole.edits == sum(len(_plain_edits(value)) for value in values)


def _batch(values: list[bytes], first: int) -> Batch:
    offsets = np.arange(first, first + len(values))
    return Batch(offsets, offsets, values, None if values else first)


def _plain_edits(value: bytes) -> list[tuple[int, int, int, int]]:
    """The format of design.md, without numpy."""
    if value[:2] != b"\x01\x01" or len(value) < 15 or (len(value) - 2) % 13:
        return []
    edits: list[tuple[int, int, int, int]] = list(struct.iter_unpack("<HHBQ", value[2:]))
    inside = all(x < _CANVAS.width and y < _CANVAS.height and color < _CANVAS.colors for x, y, color, _ in edits)
    return edits if inside else []


def snapshots(data: bytes) -> None:
    """Try the bytes as they are, and with the right magic and checksum, so that they get past those."""
    body = b"placed\x00\x01" + data
    for whole in (data, body + blake2b(body, digest_size=16).digest()):
        try:
            read = snapshot.decode(whole)
        except snapshot.SnapshotDamaged:
            continue
        again = snapshot.decode(snapshot.encode(read))
        assert (again.log_id, again.version, again.definition) == (read.log_id, read.version, read.definition)
        assert read.version >= 0
        assert (again.canvas == read.canvas).all()
        assert read.canvas.shape == (read.definition.height, read.definition.width)
        assert int(np.max(read.canvas)) < read.definition.colors
        assert again.cooldowns.tobytes() == read.cooldowns.tobytes()


def _check_message(error: Exception) -> None:
    """Check that the message is for a person, and doesn't grow with the refused value."""
    assert 0 < len(str(error)) < 2_000


class _Files:
    """A folder for the inputs of readers that need a path; deleted with the process."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()

    def holding(self, name: str, data: bytes) -> Path:
        path = Path(self._folder.name) / name
        path.write_bytes(data)
        return path


_FILES: Final = _Files()


def palette(data: bytes) -> None:
    """The first byte chooses the kind of file."""
    suffix = _SUFFIXES[data[0] % 3] if data else ".hex"
    try:
        read = load_palette(str(_FILES.holding(f"fuzz{suffix}", data[1:])))
    except PaletteError as error:
        _check_message(error)
        return
    colors = [read.rgb[at : at + 3] for at in range(0, len(read.rgb), 3)]
    assert 2 <= len(colors) == len(set(colors)) == len(read.names) <= 256
    assert all(name.isprintable() for name in read.names)


def config(data: bytes) -> None:
    """A config file's values are allowed by the settings, or refused with their names."""
    try:
        read = read_config_file(_FILES.holding("fuzz.toml", data))
    except ConfigError as error:
        _check_message(error)
        return
    for setting, value in read.values.items():
        try:
            SETTINGS[setting].check(value)
        except SettingError as error:
            _check_message(error)
