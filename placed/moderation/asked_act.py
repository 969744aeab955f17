"""A moderator's or host's checked request: the act for the log, and the pixels or the new canvas that it asks for."""

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
    """A restore to a moment; the past tells the version at that moment.

    Attributes:
        ms: the moment, in ms since the epoch.
        restore: the restore's other fields.
    """

    ms: int
    restore: Restore

    def at(self, past: AnyPast) -> Restore:
        """The restore to the version at that moment."""
        return attrs.evolve(self.restore, to=past.version_at(self.ms))


@attrs.frozen
class Asked:
    """One act that a moderator or host asks for.

    Attributes:
        act: the act, as the log will have it.
        paints: the painting that it asks for; None for an act that paints nothing.
        grows: the canvas's new size and palette; None for an act that leaves both as they are.
    """

    act: Act
    paints: PaintingAct | RestoreTo | None = None
    grows: Definition | None = None

    @property
    def needs_past(self) -> bool:
        """Whether its pixels can't be worked out without the past."""
        return isinstance(self.paints, RestoreTo) or (self.paints is not None and needs_past(self.paints))

    def painting(self, past: AnyPast | None) -> PaintingAct:
        """The act's painting; a restore to a moment gets its version from `past`."""
        assert self.paints is not None
        if isinstance(self.paints, RestoreTo):
            assert past is not None
            return self.paints.at(past)
        return self.paints
