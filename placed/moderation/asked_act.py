"""What a moderator or host asks for, checked: the act for the log, and what it paints or makes of the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from placed.moderation.painting import needs_past

if TYPE_CHECKING:
    from placed.canvas.definition import Definition
    from placed.canvas.events import Act
    from placed.history.walk import AnyPast
    from placed.moderation.painting import PaintingAct
    from placed.moderation.restore import Restore


@attrs.frozen
class RestoreTo:
    """A restore to a moment; which version that is, the past tells.

    Attributes:
        ms: the moment, in ms since the epoch.
        restore: all else of it.
    """

    ms: int
    restore: Restore

    def at(self, past: AnyPast) -> Restore:
        """The restore to that version."""
        return attrs.evolve(self.restore, to=past.version_at(self.ms))


@attrs.frozen
class Asked:
    """One act that is asked for.

    Attributes:
        act: as the log will have it.
        paints: what it paints; None for an act that paints nothing.
        grows: what the canvas becomes; None for an act that leaves it as large as it is.
    """

    act: Act
    paints: PaintingAct | RestoreTo | None = None
    grows: Definition | None = None

    @property
    def needs_past(self) -> bool:
        """Whether what it paints can't be worked out without the past."""
        return isinstance(self.paints, RestoreTo) or (self.paints is not None and needs_past(self.paints))

    def painting(self, past: AnyPast | None) -> PaintingAct:
        """What it paints, once there is a past to ask."""
        assert self.paints is not None
        if isinstance(self.paints, RestoreTo):
            assert past is not None
            return self.paints.at(past)
        return self.paints
