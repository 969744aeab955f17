"""Says which characters of a text nobody sees, or turn the text around them. What people write has none. Pure.

A name allows none of them. A text may have the two joiners, without which Persian and Hindi words fall apart, and
emoji of several people do.
"""

from __future__ import annotations

import unicodedata
from typing import Final

JOINERS: Final = frozenset("\u200c\u200d")
# Control characters; format characters, among them those that turn a text around (U+202E) or hide what is between them;
# halves of one that is two in UTF-16; private characters; separators of lines.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def unseen_in(text: str, allowed: frozenset[str] = JOINERS) -> str | None:
    """The first character of `text` that nobody sees, as `U+202E`; None where all are seen, or in `allowed`."""
    for letter in text:
        if unicodedata.category(letter) in _UNSEEN and letter not in allowed:
            return f"U+{ord(letter):04X}"
    return None
