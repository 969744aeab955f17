"""Texts that strangers send: what has to be refused wherever a text is taken, and what looks like it and is right."""

from __future__ import annotations

from typing import Final

UNSEEN: Final = (
    "\0",
    "\x1b",  # a terminal that shows the text would obey it
    "\u061c",
    "\u200b",
    "\u200e",
    "\u202a",
    "\u202e",  # turns what is behind it around
    "\u2066",
    "\u2069",  # ends what the page has put around the text to keep it apart
    "\ufeff",
    "\ue000",
    "\U000e0041",
    "\ud800",
)
"""Characters that nobody sees, or that turn the text around them."""

ENDS_OF_LINES: Final = ("\n", "\x85", "\u2028")
"""What a text of one line can't have; in one of several lines they are all the same."""

SEEN: Final = "Ends at six 👩\u200d👩\u200d👧, سلام می\u200cخواهم"  # noqa: RUF001 - these letters are meant
"""A text with the two characters that join others, and from both directions."""
