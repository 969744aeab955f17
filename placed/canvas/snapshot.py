"""Encodes and decodes a snapshot: the canvas, version and log id, and the other projections at that version.

    magic 8 | header length u32 | header, JSON | canvas, height * width bytes | cooldowns, 16 bytes an author
    | digest 16

Little-endian. The digest is BLAKE2b over all bytes before it, so a damaged snapshot is never applied. Pure.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any, Final

import attrs
import numpy as np

from placed.canvas.cooldown import SAVED
from placed.canvas.definition import Definition
from placed.canvas.kept_state import Kept

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC: Final = b"placed\x00\x01"
_LENGTH = struct.Struct("<I")
_DIGEST_BYTES: Final = 16


class SnapshotDamaged(ValueError):
    """The bytes aren't a complete snapshot of ours; the message says what is wrong."""


@attrs.frozen(eq=False)
class Snapshot:
    """The state of a canvas at one version of one log.

    Attributes:
        log_id: the id of the log whose records it has.
        version: the snapshot has every record with a lower offset.
        definition: the canvas's size and palette.
        kept: the rest of the state.
        canvas: the palette indexes, uint8, shape (height, width).
        cooldowns: the authors who owe charges, dtype `placed.canvas.cooldown.SAVED`, shape (authors,).
        charge_ms: how long a charge took to come back, in ms; None in snapshots of older servers, which leave it out.
    """

    log_id: str
    version: int
    definition: Definition
    kept: Kept
    canvas: NDArray[np.uint8]
    cooldowns: NDArray[np.void]
    charge_ms: int | None = None


def encode(snapshot: Snapshot) -> bytes:
    """The snapshot as bytes."""
    header = json.dumps(
        {
            "log": snapshot.log_id,
            "version": snapshot.version,
            "width": snapshot.definition.width,
            "height": snapshot.definition.height,
            "palette": snapshot.definition.rgb.hex(),
            "authors": len(snapshot.cooldowns),
            "charge_ms": snapshot.charge_ms,
            "kept": snapshot.kept.as_json(),
        }
    ).encode()
    body = b"".join(
        (_MAGIC, _LENGTH.pack(len(header)), header, snapshot.canvas.tobytes(), snapshot.cooldowns.tobytes())
    )
    return body + _digest(body)


def decode(data: bytes) -> Snapshot:
    """The snapshot in `data`.

    Raises:
        SnapshotDamaged: wrong magic, digest, length or header.
    """
    body = memoryview(data)[:-_DIGEST_BYTES]
    if bytes(body[: len(_MAGIC)]) != _MAGIC:
        raise SnapshotDamaged(f"it begins with {data[:8].hex()}, not with {_MAGIC.hex()}")
    if _digest(body) != data[-_DIGEST_BYTES:]:
        raise SnapshotDamaged("its checksum doesn't match")
    begin = len(_MAGIC) + _LENGTH.size
    try:
        end = begin + _LENGTH.unpack_from(body, len(_MAGIC))[0]
        return _build(json.loads(bytes(body[begin:end])), body[end:])
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise SnapshotDamaged(f"its header is not understood: {error}") from error


def _build(header: dict[str, Any], arrays: memoryview) -> Snapshot:
    width, height, authors = (int(str(header[key])) for key in ("width", "height", "authors"))
    version = int(str(header["version"]))
    if version < 0:
        raise ValueError(f"version {version}; allowed are offsets of a log, from 0 on")
    definition = Definition(width, height, bytes.fromhex(str(header["palette"])))
    pixels = width * height
    canvas = np.frombuffer(arrays[:pixels], np.uint8).reshape(height, width)
    cooldowns = np.frombuffer(arrays[pixels:], SAVED)
    if len(cooldowns) != authors or int(canvas.max()) >= definition.colors:
        raise ValueError("its parts don't fit together")
    charge_ms = header.get("charge_ms")
    if charge_ms is not None and int(str(charge_ms)) < 0:
        raise ValueError(f"charges that come back in {charge_ms} ms")
    # Older servers have no `kept`: they knew only edits, on a canvas that never grows.
    kept = Kept.of_json(header["kept"]) if "kept" in header else Kept(definition, begun=version > 1)
    if kept.since > version:
        raise ValueError(f"version {version}, and its kept state is of version {kept.since}, which is later")
    return Snapshot(
        str(header["log"]),
        version,
        definition,
        kept,
        canvas.copy(),
        cooldowns.copy(),
        None if charge_ms is None else int(str(charge_ms)),
    )


def _digest(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
