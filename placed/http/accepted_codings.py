"""Says which content codings a client accepts (RFC 9110, section 12.5.3). Pure."""

from __future__ import annotations

import re
from typing import Final

_MOST_CHARACTERS: Final = 256  # browsers send 30; a longer header isn't read, and the body goes uncompressed
_QUALITY = re.compile(r"(?:.*;)?\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;.*)?", re.ASCII)


def takes_coding(coding: str, accept_encoding: str) -> bool:
    """Whether a client with this Accept-Encoding accepts `coding`: by its name, or by `*`, with a quality above 0."""
    if len(accept_encoding) > _MOST_CHARACTERS:
        return False
    told: dict[str, bool] = {}
    for entry in accept_encoding.lower().split(","):
        name, mark, parameters = entry.partition(";")
        told[name.strip()] = not mark or _is_wanted(parameters)
    return told.get(coding, told.get("*", False))


def _is_wanted(parameters: str) -> bool:
    quality = _QUALITY.fullmatch(parameters)
    return quality is not None and float(quality[1]) > 0
