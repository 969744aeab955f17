"""Suggests a name for a mistyped one: the nearest known name, or all of them. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def nearest_of(name: str, known: Collection[str], prefix: str = "") -> str:
    """The hint for somebody who wrote `name`; its case, and - or _, make no difference.

    Args:
        name: the mistyped name.
        known: the known names, in the order for the message.
        prefix: the common beginning of all known names, which doesn't count as likeness.
    """
    plain = {_plain(each.removeprefix(prefix)): each for each in known}
    near = difflib.get_close_matches(_plain(name.removeprefix(prefix)), plain, n=1)
    return f"did you mean {plain[near[0]]}?" if near else f"allowed are {', '.join(known)}"


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
