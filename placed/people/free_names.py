"""Finds a free name for somebody who signs in with an account of another service, similar to their name there. Pure.

Another service's name may not be allowed here: it may be too long, or have characters that nobody sees. So the name is
brought into shape first, and gets a number if somebody here has it, or one that looks like it. People can change it
later.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from placed.people.changes import Name
from placed.people.names import MOST_CHARACTERS, NotAName, name_of, skeleton

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOST_TOLD: Final = 4 * MOST_CHARACTERS  # a longer name is cut first
_MOST_NUMBER: Final = 1_000  # looks into the store, at some microseconds each
_UNSEEN: Final = ("C", "Z")  # the categories of characters that become a space, or nothing


def free_name(told: Iterable[object], is_taken: Callable[[str], bool]) -> Name | None:
    """A name that nobody has.

    Args:
        told: somebody's names at the other service, the best first; those that can't be names here are skipped.
        is_taken: whether somebody has a name with this skeleton.

    Returns:
        None if none of them can be a name here, or a thousand people have each.
    """
    for one in told:
        base = _in_shape(one) if isinstance(one, str) else None
        if base is not None:
            for number in range(1, _MOST_NUMBER + 1):
                name = _numbered(base, number)
                if name is not None and not is_taken(name.skeleton):
                    return name
    return None


def _in_shape(told: str) -> str | None:
    text = unicodedata.normalize("NFKC", told[:_MOST_TOLD].partition("@")[0] or told[:_MOST_TOLD])
    kept = (letter for letter in text if unicodedata.category(letter) != "Cf")
    words = "".join(" " if unicodedata.category(letter)[0] in _UNSEEN else letter for letter in kept).split()
    cut = " ".join(words)[:MOST_CHARACTERS].rstrip()
    try:
        return name_of(cut)
    except NotAName:
        return None


def _numbered(base: str, number: int) -> Name | None:
    end = f" {number}" if number > 1 else ""
    try:
        text = name_of(base[: MOST_CHARACTERS - len(end)].rstrip() + end)
    except NotAName:  # cut in the middle of a letter and its marks
        return None
    return Name(text, skeleton(text))
