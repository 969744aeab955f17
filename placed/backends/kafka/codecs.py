"""Recognises kafka-python's errors about records that can't be unpacked, and words the message for an operator.

Knows nothing of Trio.
"""

from __future__ import annotations

import gzip
import re
import zlib
from typing import Final

from kafka import errors as kafka_errors

_MISSING: Final = re.compile(r"Libraries for (\w+) compression codec not found")
_SHOWN_CHARACTERS: Final = 300


def is_of_codec(error: Exception) -> bool:
    """Whether a codec is missing, or fails: zstd and snappy raise errors of their own, lz4 a RuntimeError."""
    if isinstance(error, kafka_errors.UnsupportedCodecError | zlib.error | gzip.BadGzipFile | EOFError):
        return True
    if isinstance(error, kafka_errors.KafkaError | OSError):
        return False
    return not isinstance(error, RuntimeError) or str(error).startswith("LZ4")


def undecodable(topic: str, error: Exception) -> str:
    """The error message that names the topic, and the codec if it is known."""
    missing = _MISSING.search(str(error))
    if missing is None:
        reason = " ".join(str(error).split())[:_SHOWN_CHARACTERS] or type(error).__name__
        return f"topic {topic!r}: its records are compressed in a way that can't be undone: {reason}"
    return (
        f"topic {topic!r}: its records are compressed with {missing[1]}, which can't be undone here;"
        " pip install 'placed[kafka]' brings the codecs zstd, lz4 and snappy"
    )
