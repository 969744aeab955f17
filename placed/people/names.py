"""Says what a person's name may be, and which two names look alike, so that nobody can pass for somebody else. Pure.

    typed text --NFKC--> name --skeleton--> a text that is equal for names that look alike

People see a name as it was chosen. Nobody ever sees its skeleton: the people store keeps it to find the person who has
a name. The skeleton is the same for look-alikes among Latin, Greek and Cyrillic letters and digits, because people type
those on the keyboards of Europe. In other scripts it evens out only case, accents and compatible forms (NFKD).
"""

# ruff: noqa: RUF001 - it is about letters that look like others

from __future__ import annotations

import unicodedata
from typing import Final

from placed.people.unseen_characters import unseen_in

MOST_CHARACTERS: Final = 24
ALLOWED: Final = f"1 to {MOST_CHARACTERS} letters, digits, signs and single spaces"
_MOST_MARKS: Final = 2  # on one letter, as in Vietnamese; dozens cover the lines around them
# Characters that fonts draw as nothing, though Unicode counts them as letters, signs or marks.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_MARKS: Final = frozenset({"Mn", "Me"})

# Greek capitals that look like one Latin letter, while their small letters look like another one.
_CAPITALS: Final = str.maketrans("ΝΗΥΜΖ", "nhymz")
# Each line: one shape, and the letters of that shape, without case and accents.
_SHAPES: Final = """
    a αа
    b βвьъ
    c сϲ
    d ԁ
    e еєε
    f ƒϝ
    g ԍɡ
    h һн
    i іι1l|ıɩ
    j јϳ
    k κк
    m м
    n ηո
    o οо0øөσ
    p ρр
    q ԛ
    s ѕ
    t τт
    u υμս
    v νѵ
    w ωшщѡԝ
    x χх×
    y уγү
    3 зӡʒ
    4 ч
    6 б
    - –—−‐‑_
    ' ’‘`´ʼ
"""
_SHAPE_OF: Final = {
    ord(letter): shape
    for shape, letters in (line.split() for line in _SHAPES.strip().splitlines())
    for letter in letters
}
_PAIRS: Final = (("rn", "m"), ("vv", "w"))  # two letters that look like one
_UNCOUNTED: Final = str.maketrans("", "", " -.")  # "Ada L." and "AdaL" count as one name


class NotAName(ValueError):
    """A text that can't be a name; the message is for people, and says what is wrong with the text."""


def name_of(text: str) -> str:
    """The name for the typed `text`, in its one form (NFKC).

    Raises:
        NotAName: the text can't be a name.
    """
    # NFKC turns some characters into 18: a text that is far too long for a name isn't even converted.
    if len(text) > 4 * MOST_CHARACTERS:
        raise NotAName(f"has {len(text)} characters")
    name = unicodedata.normalize("NFKC", text)
    if not name or not name.strip():
        raise NotAName("is empty")
    if len(name) > MOST_CHARACTERS:
        raise NotAName(f"has {len(name)} characters")
    # A character that Unicode hasn't assigned yet may later be drawn as anything, or as nothing.
    is_unassigned = any(unicodedata.category(letter) == "Cn" for letter in name)
    if unseen_in(name, allowed=frozenset()) or is_unassigned or not _BLANK.isdisjoint(name):
        raise NotAName("has a character that nobody sees")
    if name != name.strip() or "  " in name:
        raise NotAName("has spaces at its beginning or end, or two in a row")
    if any(unicodedata.category(letter) == "Zs" and letter != " " for letter in name):
        raise NotAName("has a space of an unusual width")
    if _most_marks(name) > _MOST_MARKS:
        raise NotAName(f"has more than {_MOST_MARKS} marks on one letter")
    if not any(unicodedata.category(letter)[0] in "LNS" for letter in name):
        raise NotAName("has neither a letter nor a digit")
    return name


def _most_marks(name: str) -> int:
    """The length of the longest row of marks; marks at the beginning of the name are a row, too."""
    most = row = 0
    for letter in unicodedata.normalize("NFD", name):
        row = row + 1 if unicodedata.category(letter) in _MARKS else 0
        most = max(most, row)
    return most


def skeleton(name: str) -> str:
    """The text that `name` shares with all names that look like it. Two names with one skeleton look the same."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not _is_accent(letter))
    shapes = bare.translate(_CAPITALS).casefold().translate(_SHAPE_OF)
    for pair, letter in _PAIRS:
        shapes = shapes.replace(pair, letter)
    return shapes.translate(_UNCOUNTED) or shapes


def _is_accent(letter: str) -> bool:
    """Whether a mark only varies the letter before it. Hindi and Thai vowels are marks, too, but make another word."""
    return "\u0300" <= letter <= "\u036f" or "\u1dc0" <= letter <= "\u1dff" or "\ufe00" <= letter <= "\ufe0f"
