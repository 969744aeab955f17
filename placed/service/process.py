"""Runs one server process: its signals, its reports to the service manager, its exit code, and its successor.

    SIGTERM, SIGINT   stop in order; a second one ends the process at once, by the system's own default.
                      One that comes too early (`placed.__main__` blocks it) waits until the server can obey it
    SIGHUP            stop in order: the terminal is gone. However often it comes, and unless it is ignored (nohup)
    SIGUSR2           hand over to a new process (`placed.process.handover`); if the new one fails, go on. While this
                      process starts, it refuses. SIGUSR2 never ends it, from its first moment (`placed.__main__`) on

    start --> serve --SIGTERM--> stop
      ^         +----SIGUSR2---> stop, but listen --the new one serves--> end
      +------ the log is another one, or no longer has the next record; the new process failed

The listening sockets belong to the process. A server that starts again in it refuses nobody meanwhile.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import trio
from rich.console import Console

from placed.backends import CannotStart, LogError, LogReplaced, OffsetOutOfRange
from placed.backends.opening import place_of
from placed.commands.settings.asked_for import choose_by, read_files
from placed.http.lanes.descriptors import TooFewDescriptors
from placed.http.lanes.listening import CannotListen, Listening
from placed.http.tls import TlsError
from placed.process.allocator import give_back_large_blocks
from placed.process.exit_codes import ExitCode
from placed.process.handover import HandoverFailed, own_command, predecessor_of, start_successor
from placed.process.inherited_sockets import WrongSocket, activated_sockets
from placed.process.sd_notify import Notifier
from placed.service.start import StoppedEarly, unless
from placed.service.wiring import ShutdownTooSlow, serve
from placed.storage.author_key import AuthorKeyError
from placed.storage.folder_lock import FolderBusy
from placed.storage.lmdb_environment import StoreError
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping, Sequence

    from placed.commands.settings.values import Settings
    from placed.process.handover import Predecessor, Successor
    from placed.service.wiring import Running

_HANDOVER = signal.SIGUSR2
_INIT = 1  # the process id whose end is a container's end


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, and return the process's exit code (`ExitCode`)."""
    # The objects that the imports made stay. Looking through those 66,000 again would make each full collection a pause
    # of 50 ms.
    gc.freeze()
    try:
        process = ServerProcess(settings, os.environ, own_command())
    except WrongSocket as error:
        return _report(error)
    try:
        trio.run(process.serve)
    except Exception as error:  # noqa: BLE001 - the process's last resort: every error gets an exit code
        return _report(_cause(error))
    return ExitCode.OK


def _cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _report(error: BaseException) -> ExitCode:
    logger = get_logger(__name__)
    if isinstance(error, StoppedEarly):
        logger.info("stopped before the log was read")
        return ExitCode.OK
    if isinstance(error, CannotStart | LogError | FolderBusy | StoreError | AuthorKeyError):
        logger.error("the log or the data folder can't be used", reason=str(error))
        return ExitCode.UNUSABLE
    if isinstance(error, TooFewDescriptors):
        logger.error("too few files may be open", reason=str(error))
        return ExitCode.UNUSABLE
    if isinstance(error, TlsError):
        logger.error("the certificate can't be used", reason=str(error))
        return ExitCode.BAD_USAGE
    if isinstance(error, CannotListen | WrongSocket):
        logger.error("can't listen", reason=str(error))
        return ExitCode.CANNOT_LISTEN
    if isinstance(error, ShutdownTooSlow):
        logger.error("stopped late", reason=str(error))
    else:
        logger.error("a fault while serving", exc_info=error)
    return ExitCode.FAULT


class ServerProcess:
    """The server process: runs one server after another, until a signal ends it or a successor takes over.

    Args:
        settings: the server's settings.
        environment: the process's variables; those that are meant for this process alone are removed.
        command: the command line that starts the successor.

    Raises:
        WrongSocket: the process was given sockets that it can't listen on.
    """

    def __init__(self, settings: Settings, environment: MutableMapping[str, str], command: Sequence[str]) -> None:
        self._settings = settings
        self._command = command
        self._notifier = Notifier(environment, os.getpid())
        self._predecessor: Predecessor | None = predecessor_of(environment)
        activated = activated_sockets(environment)
        inherited = self._predecessor.sockets if self._predecessor else activated
        self._listening = Listening(settings.host, settings.port, chosen_by=choose_by(settings), inherited=inherited)
        self._stop = trio.Event()
        self._ends = False
        self._goes_on = False  # a handover failed, and this process starts again: let waiting connections wait, no 503
        self._running: Running | None = None
        self._successor: Successor | None = None
        self._handing_over = trio.Event()
        self._handing_over.set()

    async def serve(self) -> None:
        """Serve until a signal ends the process.

        Raises:
            StoppedEarly: a signal stopped the server before it served.
            ExceptionGroup: the errors of `placed.service.wiring.serve`; one error may also come alone.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._notifier.keep_telling)
            with _signals() as signals:
                # This nursery ends before the receiver closes. Closing takes back the signals that nobody has read, and
                # a task that was just woken to read one of them would fail.
                async with trio.open_nursery() as looking:
                    looking.start_soon(self._obey, signals, nursery)
                    if self._predecessor is not None:
                        await self._wait_for_predecessor(self._predecessor)
                    while not self._ends:
                        await self._serve_until_the_log_is_another()
                        await self._handing_over.wait()
                    looking.cancel_scope.cancel()
            nursery.cancel_scope.cancel()

    async def _wait_for_predecessor(self, predecessor: Predecessor) -> None:
        read_files(self._settings)  # a bad file must end this process while the old one still serves
        async with unless(self._stop):
            await predecessor.wait_for_go()

    async def _serve_until_the_log_is_another(self) -> None:
        try:
            await self._serve_once()
        except Exception as error:
            self._running = None
            cause = _cause(error)
            if not isinstance(cause, LogReplaced | OffsetOutOfRange):
                raise
            # The canvas that was served is no longer the log's. Clients learn that when they connect again.
            get_logger(__name__).warning("the log is not what it was; starting again", reason=str(cause))

    async def _serve_once(self) -> None:
        """Run one server, from its start to its end."""
        self._stop = trio.Event() if not self._ends else self._stop
        self._folder_free = folder_free = trio.Event()
        serving = partial(
            serve,
            self._settings,
            stop=self._stop,
            listen_at=self._listening.open,
            has_patience=self._predecessor is not None or self._goes_on,
            on_folder_free=folder_free.set,
        )
        try:
            await self._serve(serving)
        finally:
            folder_free.set()  # also when the server failed, because a handover may be waiting for this

    async def _serve(self, serving: Callable[..., Awaitable[None]]) -> None:
        serves = trio.Event()
        async with trio.open_nursery() as nursery:
            if self._predecessor is None:
                nursery.start_soon(self._notifier.ask_for_time, "reading the log", serves)
            running = await nursery.start(serving)
            serves.set()
            nursery.start_soon(self._tell_that_we_serve, running)
            await running.stopped.wait()
            self._running = None
            nursery.cancel_scope.cancel()

    async def _tell_that_we_serve(self, running: Running) -> None:
        give_back_large_blocks()
        _announce(running)
        if self._predecessor is not None:
            await self._predecessor.tell_that_we_serve()
            self._predecessor = None
        self._running = running
        self._goes_on = False
        await self._notifier.ready()

    async def _obey(self, signals: AsyncIterator[int], nursery: trio.Nursery) -> None:
        async for number in signals:
            if number == _HANDOVER:
                self._begin_handover(nursery)
                continue
            if self._ends:  # SIGHUP comes from the terminal, and again from its shell
                continue
            get_logger(__name__).info("stopping", signal=signal.Signals(number).name)
            for again in (signal.SIGTERM, signal.SIGINT):
                signal.signal(again, signal.SIG_DFL)
            self._ends = True
            self._listening.close()
            self._stop.set()
            if self._successor is not None:
                self._successor.terminate()
            await self._notifier.stopping()

    def _begin_handover(self, nursery: trio.Nursery) -> None:
        reason = self._why_no_handover()
        if reason:
            get_logger(__name__).warning("not handing over", reason=reason)
            return
        self._handing_over = trio.Event()
        nursery.start_soon(self._hand_over, nursery)

    def _why_no_handover(self) -> str | None:
        if os.getpid() == _INIT:
            return "this is the first process of a container, which would end with it; start the container again"
        if self._ends:
            return "it is stopping"
        if not place_of(self._settings).lasts:
            return "the log is in memory, and would be gone"
        if not self._handing_over.is_set():
            return "it is handing over already"
        if self._running is None:
            return "it is starting"
        displaced = self._running.folders.displaced
        return displaced and f"{displaced}, so that the new process would serve another canvas"

    async def _hand_over(self, nursery: trio.Nursery) -> None:
        logger = get_logger(__name__)
        logger.info("handing over to a new process")
        await self._notifier.reloading()
        nursery.start_soon(self._notifier.ask_for_time, "handing over to a new process", self._handing_over)
        try:
            await self._be_succeeded()
        except (HandoverFailed, OSError) as error:
            if self._ends:
                return
            logger.error("the new process can't take over, so this one goes on", reason=str(error))
            self._goes_on = self._running is None
            if self._running is not None:
                await self._notifier.ready()
        finally:
            self._successor = None
            self._handing_over.set()

    async def _be_succeeded(self) -> None:
        """Let a new process serve in this one's place.

        Raises:
            HandoverFailed: the new process doesn't serve. If it failed late, this one has stopped serving, too.
        """
        self._successor = successor = await start_successor(self._listening.sockets, self._command)
        get_logger(__name__).info("the new process has started", process=successor.pid)
        if not self._ends:
            await successor.prepared()
        if self._ends:
            successor.terminate()
            await successor.end()
            return
        self._stop.set()
        await self._folder_free.wait()
        await successor.take_over()
        self._ends = True
        self._listening.close()
        get_logger(__name__).info("a new process serves", process=successor.pid)
        await self._notifier.ready(f"MAINPID={successor.pid}")
        await successor.release()


@contextlib.contextmanager
def _signals() -> Iterator[AsyncIterator[int]]:
    """Receive the signals that come while the block runs, and those that came earlier and were blocked."""
    obeyed = [signal.SIGTERM, signal.SIGINT, _HANDOVER]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        obeyed.append(signal.SIGHUP)
    # When the receiver closes, it restores the handlers from before. With the system's default, a late SIGHUP or
    # SIGUSR2 would then kill a process that is ending well. To block them wouldn't do: the mask is the main thread's
    # alone, and the system would deliver them to another thread.
    harmless = {_HANDOVER, signal.SIGHUP}.intersection(obeyed)
    for number in harmless:
        signal.signal(number, lambda *_: None)
    try:
        with trio.open_signal_receiver(*obeyed) as signals:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {_HANDOVER, signal.SIGTERM, signal.SIGHUP})
            yield signals
    finally:
        for number in harmless:  # not our handlers: at its end, Python sets those back to the system's default
            signal.signal(number, signal.SIG_IGN)


def _announce(running: Running) -> None:
    """Say where the canvas is; on a terminal as a link."""
    console = Console(stderr=False, highlight=False, soft_wrap=True)
    for url in running.urls:
        console.print(f"placed serves its canvas at [link={url}]{url}[/link]" if console.is_terminal else url)
