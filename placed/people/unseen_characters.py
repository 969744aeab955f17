"""Finds characters that nobody sees, or that turn the text around them. A text that people type has none. Pure.

A name may have none of them. Other texts may have the two joiners: without these, Persian and Hindi words fall apart,
and so do emoji of several people.
"""

from __future__ import annotations

import unicodedata
from typing import Final

JOINERS: Final = frozenset("\u200c\u200d")
# Control characters; format characters, some of which turn a text around (U+202E) or hide the text between them; halves
# of a UTF-16 pair; private characters; separators of lines.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def unseen_in(text: str, allowed: frozenset[str] = JOINERS) -> str | None:
    """The first character of `text` that nobody sees, as `U+202E`; None if all can be seen, or are in `allowed`."""
    for letter in text:
        if unicodedata.category(letter) in _UNSEEN and letter not in allowed:
            return f"U+{ord(letter):04X}"
    return None
