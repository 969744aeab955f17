"""Texts that strangers send: some must be refused wherever a text is taken, and one looks like those but is right."""

from __future__ import annotations

from typing import Final

UNSEEN: Final = (
    "\0",
    "\x1b",  # a terminal that shows the text would obey it
    "\u061c",
    "\u200b",
    "\u200e",
    "\u202a",
    "\u202e",  # reverses the text after it
    "\u2066",
    "\u2069",  # ends the isolation that the page has put around the text
    "\ufeff",
    "\ue000",
    "\U000e0041",
    "\ud800",
)
"""Characters that are invisible, or change the direction of the text around them."""

ENDS_OF_LINES: Final = ("\n", "\x85", "\u2028")
"""Ends of lines. A text of one line can't have them; in a text of several lines they are all the same."""

SEEN: Final = "Ends at six 👩\u200d👩\u200d👧, سلام می\u200cخواهم"  # noqa: RUF001 - these letters are intended
"""A text with the two characters that join others, in scripts of both directions."""
