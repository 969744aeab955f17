"""Finds a free name for somebody who signs in with an account from elsewhere, near to what they are called there. Pure.

What another service allows as a name may be none here: too long, or with characters that nobody sees. So it is brought
into shape first, and gets a number if somebody here has it, or one that looks like it. People can change it later.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from placed.people.changes import Name
from placed.people.names import MOST_CHARACTERS, NotAName, name_of, skeleton

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOST_TOLD: Final = 4 * MOST_CHARACTERS  # what is longer is cut before anything is done with it
_MOST_NUMBER: Final = 1_000  # looks into the store, at some microseconds each
_UNSEEN: Final = ("C", "Z")  # the categories of what becomes a space, or nothing


def free_name(told: Iterable[object], is_taken: Callable[[str], bool]) -> Name | None:
    """A name that nobody has.

    Args:
        told: what somebody is called elsewhere, the best first; whatever is no name is passed over.
        is_taken: whether somebody has this skeleton.

    Returns:
        None where nothing of it can be a name, or a thousand people have it.
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
