"""Puts together what keeps one server's past: the indexer, which follows the log behind the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.history.folder import FOLDER_NAME
from placed.history.ground import Ground
from placed.history.indexer import Indexer, Live

if TYPE_CHECKING:
    from placed.backends import Log
    from placed.canvas.projection import Projection
    from placed.commands.settings.values import Settings
    from placed.storage.folder_watch import FolderWatch


def indexer_of(settings: Settings, log: Log, projection: Projection, folders: FolderWatch) -> Indexer:
    """The indexer of a log; it writes as long as its folder is in its place."""
    live = Live(
        version=lambda: projection.version,
        definition=lambda: projection.definition,
        created=lambda: Ground(projection.kept.created, 0),
        ground=lambda: Ground(projection.definition, projection.version, projection.canvas.copy()),
        is_in_place=lambda: folders.displaced is None,
    )
    return Indexer(settings.data / FOLDER_NAME, log, live)
