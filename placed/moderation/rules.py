"""Says who may paint where, by the acts: gate, bans, protected areas. Checked before an edit is appended. Pure.

    Forbidden(Exception)
    ├── Closed      the canvas takes no edits
    ├── Banned      its author may not paint
    └── Protected   a pixel lies where only moderators and hosts paint

An edit in the log isn't checked any more: its client has got 200, and it paints on every server.
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
        opens_ms: when it is planned to open, in ms since the epoch; None without a plan.
    """

    def __init__(self, opens_ms: int | None) -> None:
        super().__init__(opens_ms)
        self.opens_ms = opens_ms


class Banned(Forbidden):
    """The author may not paint.

    Attributes:
        until_ms: the first moment at which they may paint again, in ms since the epoch; None for good.
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
    """The bans, protections and gate that acts have set, prepared for a check of each edit."""

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
        """Check that `author` may place edits at these places.

        Args:
            author: the edits' author.
            x: of one edit, or of n: shape (n,).
            y: likewise.
            now_ms: the wall clock, in ms since the epoch.
            looks_after: whether an author is a moderator or host.

        Raises:
            Forbidden: one of the edits isn't allowed.
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
    """One server's present rules. They have one writer: the task that calls `look` when the projection has moved on.

    Args:
        acts: gives the state that acts have set, as far as the server has read the log.
        now_ms: the wall clock.
        changed: called when acts have changed that state.

    Attributes:
        in_force: the rules to check; None while everybody may paint everywhere, so that a check costs nothing then.
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
        """Take over the changes that acts have made since the last look."""
        acts = self._acts()
        if acts is not self._known:
            self._known = acts
            found = InForce(acts)
            self.in_force = None if found.forbids_nothing else found
            self._changed()


class _Areas:
    """Finds the protected area that a pixel lies in."""

    def __init__(self, found: list[Protection]) -> None:
        self.protections = found
        table = np.array([(it.x, it.y, it.x + it.width, it.y + it.height) for it in found], np.int64).reshape(-1, 4)
        self._left, self._top, self._right, self._bottom = table.T
        # Most edits lie outside of all areas: these four comparisons take 0.2 us; to look at each area takes 10.
        self._around = (
            (*table[:, :2].min(axis=0).tolist(), *table[:, 2:].max(axis=0).tolist()) if found else (0, 0, 0, 0)
        )

    def at(self, x: Numbers, y: Numbers) -> Protection | None:
        """A protected area that has one of these pixels; None without one."""
        left, top, right, bottom = self._around
        if isinstance(x, int) and not (left <= x < right and top <= y < bottom):
            return None
        if not self.protections:
            return None
        across, down = (np.atleast_1d(np.asarray(it, np.int64))[:, None] for it in (x, y))
        is_inside = (across >= self._left) & (across < self._right) & (down >= self._top) & (down < self._bottom)
        found = is_inside.any(axis=0)
        return self.protections[int(found.argmax())] if found.any() else None
