"""Suggests what a mistyped name may stand for: the nearest name that there is, or all of them. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def nearest_of(name: str, known: Collection[str], prefix: str = "") -> str:
    """What to tell somebody who wrote `name`, whose case and - or _ don't count.

    Args:
        name: as it was written.
        known: the names that there are, in the order in which they are told.
        prefix: what each of them begins with, which is no likeness.
    """
    plain = {_plain(each.removeprefix(prefix)): each for each in known}
    near = difflib.get_close_matches(_plain(name.removeprefix(prefix)), plain, n=1)
    return f"did you mean {plain[near[0]]}?" if near else f"allowed are {', '.join(known)}"


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
