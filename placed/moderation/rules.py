"""Says who may paint where, as acts have it: the gate, bans, protected areas. Asked before an edit is appended. Pure.

    Forbidden(Exception)
    ├── Closed      the canvas takes no edits
    ├── Banned      its author may not paint
    └── Protected   a pixel lies where only moderators and hosts paint

Nothing of it is asked of an edit that is in the log: it was answered 200, and paints on every server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from placed.canvas.acts.bans import ban_of, has_bans
from placed.canvas.acts.gate import is_open, next_of
from placed.canvas.acts.protections import Protection, protections
from placed.canvas.clock import wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from placed.canvas.acts.bans import Ban

    Numbers = int | NDArray[np.integer[Any]]


class Forbidden(Exception):
    """An edit that acts don't allow."""


class Closed(Forbidden):
    """The canvas takes no edits.

    Attributes:
        opens_ms: when it is planned to open; None where nothing is planned.
    """

    def __init__(self, opens_ms: int | None) -> None:
        super().__init__(opens_ms)
        self.opens_ms = opens_ms


class Banned(Forbidden):
    """The author may not paint.

    Attributes:
        until_ms: the first moment at which they may; None for good.
    """

    def __init__(self, ban: Ban) -> None:
        super().__init__(ban)
        self.until_ms = ban.until_ms


class Protected(Forbidden):
    """A pixel lies in a protected area.

    Attributes:
        protection: the area.
    """

    def __init__(self, protection: Protection) -> None:
        super().__init__(protection)
        self.protection = protection


class InForce:
    """What acts have set, made ready to be asked for each edit."""

    def __init__(self, acts: Mapping[str, Any]) -> None:
        self._acts = acts
        self._is_open = is_open(acts)
        self._has_bans = has_bans(acts)
        self._areas = _Areas(protections(acts))

    @property
    def forbids_nothing(self) -> bool:
        """Whether everybody may paint everywhere."""
        return self._is_open and not self._has_bans and not self._areas.protections

    def check(self, author: int, x: Numbers, y: Numbers, now_ms: int, looks_after: Callable[[int], bool]) -> None:
        """Let pass edits of `author` at these places.

        Args:
            author: whose they are.
            x: of one edit, or of n: shape (n,).
            y: likewise.
            now_ms: the wall clock.
            looks_after: whether an author is a moderator or host.

        Raises:
            Forbidden: one of them isn't allowed.
        """
        if not self._is_open:
            raise Closed(next_of(self._acts, "open"))
        ban = ban_of(self._acts, author, now_ms) if self._has_bans else None
        if ban is not None:
            raise Banned(ban)
        protection = self._areas.at(x, y)
        if protection is not None and not looks_after(author):
            raise Protected(protection)


class Rules:
    """What is in force on one server; it has one writer, whoever tells it that the projection has moved on.

    Args:
        acts: what acts have set, as the server has read by now.
        now_ms: the wall clock.
        changed: called when acts have set something else.

    Attributes:
        in_force: what there is to be asked; None while everybody may paint everywhere, so that it costs nothing then.
    """

    def __init__(
        self,
        acts: Callable[[], Mapping[str, Any]] = dict,
        now_ms: Callable[[], int] = wall_clock_ms,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._acts = acts
        self._changed = changed
        self._known: Mapping[str, Any] | None = None
        self.now_ms = now_ms
        self.in_force: InForce | None = None
        self.look()

    def look(self) -> None:
        """Take over what acts have set since the last look."""
        acts = self._acts()
        if acts is not self._known:
            self._known = acts
            found = InForce(acts)
            self.in_force = None if found.forbids_nothing else found
            self._changed()


class _Areas:
    """Protected areas: which one has a pixel."""

    def __init__(self, found: list[Protection]) -> None:
        self.protections = found
        table = np.array([(it.x, it.y, it.x + it.width, it.y + it.height) for it in found], np.int64).reshape(-1, 4)
        self._left, self._top, self._right, self._bottom = table.T
        # Most edits lie outside of all: these four comparisons take 0.2 us, and to look at each area 10.
        self._around = (
            (*table[:, :2].min(axis=0).tolist(), *table[:, 2:].max(axis=0).tolist()) if found else (0, 0, 0, 0)
        )

    def at(self, x: Numbers, y: Numbers) -> Protection | None:
        """An area that has one of these pixels."""
        left, top, right, bottom = self._around
        if isinstance(x, int) and not (left <= x < right and top <= y < bottom):
            return None
        if not self.protections:
            return None
        across, down = (np.atleast_1d(np.asarray(it, np.int64))[:, None] for it in (x, y))
        is_inside = (across >= self._left) & (across < self._right) & (down >= self._top) & (down < self._bottom)
        found = is_inside.any(axis=0)
        return self.protections[int(found.argmax())] if found.any() else None
