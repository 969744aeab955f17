"""Defines the source of a film's edits: a data folder or topic, or a server's history over HTTP."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from placed.canvas.definition import Definition
    from placed.commands.past import OpenPast


class Source(abc.ABC):
    """A past that can be filmed. Its methods block, and raise CannotRead.

    Attributes:
        first: the first version.
        version: the last version.
        last_ms: the time of the last record, ms since the epoch.
    """

    first: int
    version: int
    last_ms: int

    @abc.abstractmethod
    def version_at(self, ms: int) -> int:
        """The version of the canvas at the end of a millisecond."""

    @abc.abstractmethod
    def canvas(self, version: int) -> tuple[Definition, NDArray[np.uint8]]:
        """The size and palette, and the canvas, uint8, shape (height, width)."""

    @abc.abstractmethod
    def rows(self, start: int, end: int) -> Iterator[tuple[NDArray[np.void], Definition, int]]:
        """The edits and corrections from one version to another, in order: rows, dtype `placed.history.stretch.ROW`,
        their canvas, and the version reached."""


class LocalSource(Source):
    """The past in a data folder or a topic that this machine can read."""

    def __init__(self, opened: OpenPast) -> None:
        self._past = opened.past
        self.first, self.version, self.last_ms = opened.past.first, opened.past.version, opened.last_ms

    def version_at(self, ms: int) -> int:
        """See `Source`."""
        return max(self.first, self._past.version_at(ms))

    def canvas(self, version: int) -> tuple[Definition, NDArray[np.uint8]]:
        """See `Source`."""
        return self._past.canvas(version)

    def rows(self, start: int, end: int) -> Iterator[tuple[NDArray[np.void], Definition, int]]:
        """See `Source`."""
        for stretch, definition in self._past.stretches(start, end):
            yield stretch.rows, definition, stretch.end
