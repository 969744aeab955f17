"""The service: one server, wired together. Only this module names concrete backends.

    start     lock the data folder, open the log, recover (snapshot, then replay to the log's end as it was), listen
    serve     reader, writer, snapshotter and front, tasks of one nursery
    stop      refuse edits, flush the writer, end the streams, stop HTTP, save a snapshot, close the log

Stopping is bounded by `SHUTDOWN_SECONDS`; a second signal ends the process at once, by the system's own default.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import secrets
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import trio
from rich.console import Console

from placed.author import KEY_BYTES
from placed.backends import LogError
from placed.backends.lmdb import open_lmdb_log
from placed.backends.memory import open_memory_log
from placed.broadcaster import HEARTBEAT_SECONDS, Broadcaster
from placed.cooldown import Cooldowns, Rule
from placed.exit_codes import ExitCode
from placed.folder_lock import FolderBusy, lock_folder
from placed.http.api import Api
from placed.http.app import create_app
from placed.http.followers import Followers
from placed.http.front import Front
from placed.http.pages import Pages, client_folder
from placed.image import ImageEncoder
from placed.lmdb_environment import StoreError
from placed.metrics import Metrics
from placed.palette import SEED
from placed.palette_files import palette_of
from placed.progress import replay_progress
from placed.reader import Reader
from placed.record import Definition
from placed.recovery import CannotStart, Wanted, recover
from placed.snapshot_store import open_snapshot_store
from placed.snapshotter import Snapshotter
from placed.structured_logs import get_logger
from placed.tls import TlsError, server_context
from placed.writer import Writer

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager

    from placed.backends import Log
    from placed.projection import Projection
    from placed.settings import Settings
    from placed.snapshot_store import SnapshotStore

SHUTDOWN_SECONDS = 10.0  # what service managers wait at the least before they kill
_STALL_SECONDS = 30.0
_HTTP_GRACE_SECONDS = 3.0  # for answers under way, once edits are flushed and streams ended
_DEFAULT = Definition(1000, 1000, SEED.rgb)
_KEY_NAME = "author.key"


class CannotListen(Exception):
    """The address can't be listened on."""


class StoppedEarly(Exception):
    """`stop` was set while the log was still being read; nothing was served, and nothing is lost."""


class ShutdownTooSlow(Exception):
    """The deadline passed before everything was saved; the log has every acknowledged edit all the same."""


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, and return the process's exit code (`ExitCode`)."""
    # What the imports made stays: looking through its 66,000 objects again makes each full collection a pause of 50 ms.
    gc.freeze()
    try:
        trio.run(_serve_until_signal, settings)
    except Exception as error:  # noqa: BLE001 - the process's last resort: whatever it is, it gets an exit code
        return _report(error)
    return ExitCode.OK


def _report(error: BaseException) -> ExitCode:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    logger = get_logger(__name__)
    if isinstance(error, StoppedEarly):
        logger.info("stopped before the log was read")
        return ExitCode.OK
    if isinstance(error, CannotStart | LogError | FolderBusy | StoreError):
        logger.error("the log or the data folder can't be used", reason=str(error))
        return ExitCode.UNUSABLE
    if isinstance(error, TlsError):
        logger.error("the certificate can't be used", reason=str(error))
        return ExitCode.BAD_USAGE
    if isinstance(error, CannotListen):
        logger.error("can't listen", reason=str(error))
        return ExitCode.CANNOT_LISTEN
    if isinstance(error, ShutdownTooSlow):
        logger.error("stopped late", reason=str(error))
    else:
        logger.error("a fault while serving", exc_info=error)
    return ExitCode.FAULT


async def _serve_until_signal(settings: Settings) -> None:
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            nursery.start_soon(_stop_on_signal, signals, stop)
            running = await nursery.start(partial(serve, settings, stop=stop))
            _announce(running)
            await running.stopped.wait()
        nursery.cancel_scope.cancel()


async def _stop_on_signal(signals: AsyncIterator[int], stop: trio.Event) -> None:
    async for number in signals:
        get_logger(__name__).info("stopping", signal=signal.Signals(number).name)
        for again in (signal.SIGTERM, signal.SIGINT):
            signal.signal(again, signal.SIG_DFL)
        stop.set()
        return


@attrs.frozen
class Running:
    """A server that is ready.

    Attributes:
        urls: where it answers, one for each listener.
        projection: its canvas.
        stopped: set when it has ended in order.
    """

    urls: tuple[str, ...]
    projection: Projection
    stopped: trio.Event = attrs.field(factory=trio.Event)


async def serve(
    settings: Settings,
    *,
    stop: trio.Event,
    log: Log | None = None,
    task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stop` is set, and then stop in order.

    Args:
        settings: of this server; it has its data folder to itself.
        stop: set by the caller.
        log: an open log to use instead of the settings', left open.
        task_status: told when the port is open.

    Raises:
        TlsError, CannotStart, CannotListen, LogError, FolderBusy, StoreError, StoppedEarly, ShutdownTooSlow: as
            they say; alone or in a group.
    """
    tls = server_context(settings.certificate, settings.certificate_key) if settings.certificate else None
    with _data_folder(settings.data):
        async with contextlib.AsyncExitStack() as stack:
            opened = log if log is not None else await stack.enter_async_context(_open_log(settings))
            store = await stack.enter_async_context(open_snapshot_store(settings.data / "snapshot"))
            async with _unless(stop):
                server = await _Server.recover(settings, opened, store, tls)
            await server.serve(stop, task_status)


@contextlib.asynccontextmanager
async def _unless(stop: trio.Event) -> AsyncIterator[None]:
    """Give the block up as soon as `stop` is set; a long log takes minutes to read."""

    async def give_up() -> None:
        await stop.wait()
        raise StoppedEarly

    async with trio.open_nursery() as nursery:
        nursery.start_soon(give_up)
        yield
        nursery.cancel_scope.cancel()


@contextlib.contextmanager
def _data_folder(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = contextlib.ExitStack()
        lock.enter_context(lock_folder(folder))
    except OSError as error:
        reason = f"the data folder {folder} can't be used: {error.strerror}; give a writable one with --data"
        raise CannotStart(reason) from error
    with lock:
        yield


def _open_log(settings: Settings) -> AbstractAsyncContextManager[Log]:
    kind, _, place = (settings.log or f"lmdb:{settings.data / 'log'}").partition(":")
    if kind == "memory":
        return open_memory_log()
    if kind == "lmdb":
        return open_lmdb_log(Path(place))
    raise CannotStart(f"--log {settings.log!r}: this build has no {kind} backend; allowed are memory: and lmdb:PATH")


class _Server:
    """The parts of one server, and the order in which they stop."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        snapshotter: Snapshotter,
        projection: Projection,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._settings = settings
        self._scheme = "https" if tls else "http"
        self._projection = projection
        self._snapshotter = snapshotter
        self._metrics = Metrics()
        self._broadcaster = Broadcaster(projection, log.id)
        self._reader = Reader(log, projection, self._broadcaster.publish)
        self._writer = Writer(log, on_append=self._metrics.appended)
        self._encoder = ImageEncoder(projection, log.id)
        api = self._api(log.id)
        self._followers = Followers(
            self._broadcaster,
            heartbeat_seconds=HEARTBEAT_SECONDS,
            stall_seconds=_STALL_SECONDS,
            frame_seconds=1 / settings.max_frames_per_second,
        )
        fast = (api, self._followers) if settings.fast_lane else None
        self._front = Front(create_app(api, Pages.load(client_folder())), fast=fast, tls=tls)
        self._watch()

    @classmethod
    async def recover(cls, settings: Settings, log: Log, store: SnapshotStore, tls: ssl.SSLContext | None) -> _Server:
        """Bring the projection up to date, and make the parts around it."""
        palette = settings.palette
        wanted = Wanted(settings.width, settings.height, palette.rgb if palette else None)
        rule = Rule(settings.charges, round(settings.charge_seconds * 1000))
        where = settings.log or str(settings.data)
        with replay_progress() as progress:
            projection, saved_version = await recover(
                log, store, wanted, default=_DEFAULT, cooldowns=Cooldowns(rule), where=where, progress=progress
            )
        snapshotter = Snapshotter(store, projection, log.id, saved_version=saved_version)
        return cls(settings, log, snapshotter, projection, tls)

    def _api(self, log_id: str) -> Api:
        palette = palette_of(self._projection.definition.rgb, self._settings.palette)
        return Api(
            projection=self._projection,
            writer=self._writer,
            broadcaster=self._broadcaster,
            encoder=self._encoder,
            metrics=self._metrics,
            log_id=log_id,
            author_key=_author_key(self._settings.data / _KEY_NAME),
            hex_colors=tuple(palette.hex_colors()),
            color_names=palette.names,
            trusted_proxies=self._settings.trusted_proxies,
            allow_origins=self._settings.allow_origins,
            is_ready=lambda: self._reader.reachable,
        )

    def _watch(self) -> None:
        projection, watch = self._projection, self._metrics.watch
        watch("placed_version", "Offset of the next record to apply.", lambda: projection.version)
        watch("placed_edits_applied", "Edits read from the log since the start.", lambda: projection.edits)
        watch("placed_records_refused", "Records not understood since the start.", lambda: projection.refused)
        watch("placed_subscribers", "Open streams.", lambda: self._broadcaster.subscribers)
        watch("placed_reloads", "Streams told to reload since the start.", lambda: self._broadcaster.reloads)
        watch("placed_image_encodes", "Images made since the start.", lambda: self._encoder.encodes)
        watch("placed_connections", "Open connections.", lambda: self._front.connections)
        watch("placed_edits_waiting", "Edits that wait for the log.", lambda: self._writer.waiting)
        watch("placed_snapshot_version", "Version of the last snapshot.", lambda: self._snapshotter.saved_version)
        watch("placed_log_reachable", "1 while the log can be read.", lambda: self._reader.reachable)

    async def serve(self, stop: trio.Event, task_status: trio.TaskStatus[Running]) -> None:
        """Listen, run all tasks until `stop` is set, and end them in order."""
        listeners = await _listen(self._settings.host, self._settings.port)
        running = Running(tuple(_url(self._scheme, listener) for listener in listeners), self._projection)
        async with trio.open_nursery() as nursery:
            for task in (self._reader.run, self._writer.run, self._snapshotter.run, self._followers.run):
                nursery.start_soon(task)
            await nursery.start(self._front.serve, listeners)
            task_status.started(running)
            await stop.wait()
            deadline = trio.current_time() + SHUTDOWN_SECONDS
            with trio.move_on_at(deadline) as in_time:
                await self._end_requests()
            nursery.cancel_scope.cancel()
        with trio.move_on_at(deadline) as saving:
            await self._snapshotter.save()
        if in_time.cancelled_caught or saving.cancelled_caught:
            raise ShutdownTooSlow(f"not everything ended within {SHUTDOWN_SECONDS:g} s")
        running.stopped.set()

    async def _end_requests(self) -> None:
        await self._writer.close()
        # Streams end with the last edit that was acknowledged in them.
        await self._broadcaster.wait(lambda: self._projection.version >= self._writer.last_version)
        self._broadcaster.close()
        await self._front.stop(_HTTP_GRACE_SECONDS)


async def _listen(host: str, port: int) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        busy = error.errno == errno.EADDRINUSE or isinstance(error.__cause__, OSError)
        why = "the address is in use" if busy and error.errno != errno.EACCES else (error.strerror or str(error))
        raise CannotListen(f"{host}:{port}: {why}; choose another with --host and --port") from error


def _url(scheme: str, listener: trio.SocketListener) -> str:
    host, port = listener.socket.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _announce(running: Running) -> None:
    """Say where the canvas is; on a terminal as a link."""
    console = Console(stderr=False, highlight=False, soft_wrap=True)
    for url in running.urls:
        console.print(f"placed serves its canvas at [link={url}]{url}[/link]" if console.is_terminal else url)


def _author_key(path: Path) -> bytes:
    """The secret that turns addresses into authors; made at the first start and kept, so that cooldowns outlive one."""
    try:
        if not path.exists():
            part = path.with_suffix(".part")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        key = path.read_bytes()
    except OSError as error:
        raise CannotStart(f"{path} can't be used: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise CannotStart(
            f"{path} has {len(key)} bytes; an author key has {KEY_BYTES}. Delete it, and a new one is made"
        )
    return key
