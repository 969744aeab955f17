"""Puts together what one server needs to look after its canvas: the rules, the gatekeeper, and what all are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.canvas.clock import wall_clock_ms
from placed.http.notices import status_members
from placed.moderation.gate import Gatekeeper
from placed.moderation.rules import Rules

if TYPE_CHECKING:
    from placed.canvas.projection import Projection
    from placed.tasks.writer import Writer


class Moderation:
    """Of one server.

    Attributes:
        rules: who may paint where; told of each batch that the reader has applied.
        gatekeeper: makes plans come true.
    """

    def __init__(self, projection: Projection, writer: Writer) -> None:
        self._projection = projection
        self.rules = Rules(lambda: projection.kept.acts)
        self.gatekeeper = Gatekeeper(writer, lambda: projection.kept.acts)

    def status_members(self) -> bytes:
        """What acts have the status tell everybody now."""
        return status_members(self._projection.kept.acts, wall_clock_ms())
