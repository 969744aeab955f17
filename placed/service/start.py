"""Starts a server: its files, its data folder, its port, its log; and answers requests until the log is read.

    files that settings name --> data folder --> port --> log: open, replay --> serve
                                                   |        |  no answer, or no end after a second
                                                   |        v
                                                   +---> 503, and how far it is

A start that fails before the log is opened writes nothing into it, so it never makes a canvas of a size that nobody
chose. A client that connects in the first second waits in the socket, as during a restart. The server waits only for a
Kafka log; any other log that can't be opened ends the start.
"""

from __future__ import annotations

import contextlib
import gc
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import trio

from placed.backends import CannotStart, LogUnavailable
from placed.backends.opening import place_of
from placed.http.answer import Problem, retry_after
from placed.http.lanes.listening import refusing, url_of
from placed.process.collector import collector_at_rest
from placed.storage.author_key import author_key, put_back
from placed.storage.folder_lock import LOCK_NAME, lock_folder
from placed.storage.folder_watch import FolderWatch
from placed.storage.lasting_folders import make_folder
from placed.storage.open_file import first_displaced
from placed.telemetry.progress import Reading
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from placed.backends import Log
    from placed.commands.settings.values import Settings
    from placed.storage.open_file import OpenFile

    Listen = Callable[[], Awaitable[list[trio.SocketListener]]]
    Begun = TypeVar("Begun")

PATIENCE_SECONDS: Final = 1.0  # a start from a snapshot takes less, and then nobody is refused
_WAIT_SECONDS: Final = 0.5  # between attempts to open the log; an attempt without an answer takes seconds by itself
_RETRY_SECONDS: Final = 3.0
_COLLECT_SECONDS: Final = 1.0


class StoppedEarly(Exception):
    """`stop` was set while the log was still being read; nothing was served, and nothing is lost."""


@contextlib.asynccontextmanager
async def unless(stop: trio.Event) -> AsyncIterator[None]:
    """Cancel the block as soon as `stop` is set, because a long log takes minutes to read."""

    async def give_up() -> None:
        await stop.wait()
        raise StoppedEarly

    async with trio.open_nursery() as nursery:
        nursery.start_soon(give_up)
        yield
        nursery.cancel_scope.cancel()


@contextlib.asynccontextmanager
async def folder_and_port(
    settings: Settings, opens: Listen
) -> AsyncIterator[tuple[list[trio.SocketListener], list[OpenFile]]]:
    """Lock the data folder and listen, while the block runs; gives the listeners and the locked files.

    A folder that a server has used is locked before the port is opened: when two servers start with the same settings,
    the second one should name the busy folder as the reason, not the port. A folder that no server has used comes last.

    Raises:
        CannotStart: the folder can't be used.
        FolderBusy: another server has it.
        CannotListen: the address isn't free, or not one of ours.
    """
    with contextlib.ExitStack() as held:
        was_used = (settings.data / LOCK_NAME).exists()
        if was_used:
            locks = held.enter_context(_data_folder(settings))
        listeners = await opens()
        for listener in listeners:
            held.callback(listener.socket.close)
        if not was_used:
            locks = held.enter_context(_data_folder(settings))
        yield listeners, locks


@contextlib.contextmanager
def _data_folder(settings: Settings) -> Iterator[list[OpenFile]]:
    missing = [each for each in (settings.data, *settings.data.parents) if not each.exists()]
    before = _names_in(settings.data)
    try:
        make_folder(settings.data, 0o700)
        lock = contextlib.ExitStack()
        opened = lock.enter_context(lock_folder(settings.data))
    except OSError as error:
        way_out = f"give a writable one with {settings.origin('data').phrase}"
        is_file = isinstance(error, FileExistsError | NotADirectoryError)
        why = "it is, or is inside, a file" if is_file else error.strerror
        reason = f"the data folder {settings.data} can't be used: {why}; {way_out}"
        raise CannotStart(reason) from error
    with lock:
        try:
            yield opened
        except BaseException:
            with contextlib.suppress(OSError):
                _unmake(settings.data, before, missing)
            raise


def _names_in(folder: Path) -> set[str]:
    with contextlib.suppress(OSError):  # there is no folder, or the server may use it but not list it
        return {each.name for each in folder.iterdir()}
    return set()


def _unmake(folder: Path, before: set[str], missing: list[Path]) -> None:
    """Remove the lock's file and the folders that a failed start has made. Call it while the lock is still held."""
    if LOCK_NAME not in before and _names_in(folder) == before | {LOCK_NAME}:
        (folder / LOCK_NAME).unlink()
        for each in missing:
            each.rmdir()


def folder_watch(settings: Settings, log: Log, locks: list[OpenFile]) -> FolderWatch:
    """The watch over a server's folders, made once the log is open and the data folder is locked."""
    log_folder = place_of(settings).folder
    folders = {"data": settings.data} | ({} if log_folder is None else {"log": log_folder})
    watch = partial(FolderWatch, [log.why_displaced, partial(first_displaced, locks)], folders)
    # The file is the operator's, and servers share it. No server starts without it, so none can make a new key instead.
    if settings.author_key_file is not None:
        return watch()
    return watch(put_back=partial(put_back, settings.data, author_key(settings.data, None)))


class Start:
    """One start of a server, from the moment its port is open.

    Args:
        settings: the server's settings.
        listeners: the server's open listeners.
        tls: the server's TLS context; None without TLS.
        has_patience: whether new connections wait however long the start takes, as during a handover.

    Attributes:
        reading: how much of the log has been read.
    """

    def __init__(
        self,
        settings: Settings,
        listeners: list[trio.SocketListener],
        tls: ssl.SSLContext | None,
        *,
        has_patience: bool,
    ) -> None:
        self._listeners = listeners
        self._tls = tls
        self._patience_seconds = float("inf") if has_patience else PATIENCE_SECONDS
        self._may_wait = place_of(settings).is_remote and not settings.exit_if_unreachable
        self._waits = trio.Event()
        self._cautions: set[str] = set()
        self.reading = Reading()

    def caution(self, text: str) -> None:
        """Warn about the log's settings; each text once, however often the log is opened."""
        if text not in self._cautions:
            self._cautions.add(text)
            get_logger(__name__).warning("the log's settings need a look", caution=text)

    async def until(self, begin: Callable[[], Awaitable[Begun]]) -> Begun:
        """Call `begin`, which opens and reads the log, and return its result; answer 503 while it takes long.

        Raises:
            ExceptionGroup: the errors of `begin`; one error may also come alone. LogUnavailable is among them only
                where the server doesn't wait for its log.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._refuse)
            begun = await self._attempts(begin)
            nursery.cancel_scope.cancel()
        return begun

    async def _attempts(self, begin: Callable[[], Awaitable[Begun]]) -> Begun:
        while True:
            try:
                # Replaying makes no cycles of objects: with a Kafka log, looking for them takes a fifth of the time.
                with collector_at_rest():
                    begun = await begin()
            except LogUnavailable as error:
                if not self._may_wait:
                    raise
                self._note_waiting(str(error))
                await trio.sleep(_WAIT_SECONDS)
            else:
                if self._waits.is_set():
                    get_logger(__name__).info("the log answers")
                return begun

    def _note_waiting(self, reason: str) -> None:
        if not self._waits.is_set():
            url = url_of("https" if self._tls else "http", self._listeners[0])
            get_logger(__name__).warning("waiting for the log", reason=reason, url=url)
            self._waits.set()
        self.reading = Reading()

    async def _refuse(self) -> None:
        with trio.move_on_after(self._patience_seconds):
            await self._waits.wait()
        async with refusing(self._listeners, self._tls, self._problem):
            while True:  # requests leave cycles behind, and the collector is at rest
                await trio.sleep(_COLLECT_SECONDS)
                gc.collect(1)

    def _problem(self) -> Problem:
        after = retry_after(_RETRY_SECONDS)
        if self._waits.is_set() and not self.reading.of:
            return Problem(503, "not-ready", "the server waits for its log, and begins when that answers", after)
        if not self.reading.of:
            return Problem(503, "not-ready", "the server opens its log, and begins when it has read it", after)
        read, of = self.reading.read, self.reading.of
        detail = f"the server reads its log, {read:,} of {of:,} records so far, and begins when it has read all"
        return Problem(503, "not-ready", detail, after, read=read, of=of)
