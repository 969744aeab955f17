"""Opens a canvas' past for commands that read it: from the data folder, also while its server runs, or from a topic.

`placed.history.reading` reads the history's sealed segments first, and the rest from the log.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import attrs

from placed.backends import CannotStart, LogError
from placed.backends.lmdb.beside import open_beside
from placed.backends.opening import place_of
from placed.commands.log_thread import open_in_thread
from placed.history.past import NotKept
from placed.history.reading import ReadPast, read_past
from placed.storage.lmdb_environment import DATA_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from placed.canvas.batch import Batch
    from placed.commands.settings.values import Settings

_HISTORY_NAME: Final = "history"
_LOOK_BACK: Final = 1_000  # records


class CannotRead(Exception):
    """A past can't be read; the message says why, and the way out."""


@attrs.frozen
class OpenPast:
    """A past, up to the log's end at the time of opening.

    Attributes:
        log_id: the log's id.
        past: the past, to read from.
        last_ms: the time of its last record, ms since the epoch; 0 if that isn't known.
    """

    log_id: str
    past: ReadPast
    last_ms: int


@contextlib.contextmanager
def open_past(settings: Settings) -> Iterator[OpenPast]:
    """The past of the canvas that these settings name. It blocks, for one thread.

    Raises:
        CannotRead: there is no past, or it can't be read; reading inside the block raises it, too.
    """
    place, history = place_of(settings), settings.data / _HISTORY_NAME
    folder = place.folder
    if not place.lasts:
        raise CannotRead("a log in memory exists only inside its server")
    if folder is not None and not (folder / DATA_NAME).exists():
        raise CannotRead(f"there is no canvas in {folder}; say where it is, with --data FOLDER")
    with explained():
        if folder is not None:
            with open_beside(folder) as log:
                past = read_past(history, log.id, 0, log.next, log.batches, copied_from=log.copied_from)
                yield OpenPast(log.id, past, _last_ms(log.batches, log.next))
        else:
            with open_in_thread(settings) as topic:
                past = read_past(history, topic.id, topic.first, topic.next, topic.batches)
                yield OpenPast(topic.id, past, _last_ms(topic.batches, topic.next, topic.first))


def _last_ms(batches: Callable[[int], Iterator[Batch]], end: int, first: int = 0) -> int:
    """The time of the last record. A topic may end with offsets without records, so this looks at some offsets back."""
    begin = max(first, end - _LOOK_BACK)
    return max((int(batch.times_ms.max(initial=0)) for batch in batches(begin)), default=0) if begin < end else 0


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn each error of reading a past into CannotRead."""
    try:
        yield
    except (LogError, CannotStart, NotKept) as error:
        raise CannotRead(str(error)) from error
