"""Makes the parts for one server's past: the indexer, which follows the log behind the reader, and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placed.canvas.acts.record import told_of
from placed.history.folder import FOLDER_NAME
from placed.history.ground import Ground
from placed.history.indexer import Indexer, Live
from placed.http.history import History
from placed.process.allocator import give_back_holes

if TYPE_CHECKING:
    from placed.backends import Log
    from placed.canvas.projection import Projection
    from placed.commands.settings.values import Settings
    from placed.http.askers import Askers
    from placed.storage.folder_watch import FolderWatch


def indexer_of(settings: Settings, log: Log, projection: Projection, folders: FolderWatch) -> Indexer:
    """The indexer of a log; it writes as long as the data folder is in its place."""
    live = Live(
        version=lambda: projection.version,
        definition=lambda: projection.definition,
        created=lambda: Ground(projection.kept.created, 0),
        ground=lambda: Ground(projection.definition, projection.version, projection.canvas.copy()),
        is_in_place=lambda: folders.displaced is None,
    )
    return Indexer(settings.data / FOLDER_NAME, log, live, give_back=give_back_holes)


def history_of(settings: Settings, indexer: Indexer | None, projection: Projection, askers: Askers) -> History:
    """The endpoints about the past. They also tell which acts everybody has been told about."""
    return History(
        indexer,
        settings.show_authors,
        settings.trusted_proxies,
        settings.unlimited_clients,
        askers,
        told=lambda: told_of(projection.kept.acts),
    )
