"""Wires one server together from its parts, serves, and stops it in order.

    start     lock the data folder, listen, open the log, recover (snapshot, then replay to the log's end as it was);
              `placed.service.start` answers at the port meanwhile
    serve     reader, writer, snapshotter and front, tasks of two nurseries
    stop      accept no more connections, refuse edits, flush the writer, end the streams, save a snapshot, close the
              log, leave the data folder; meanwhile HTTP ends, and may take longer: a client that reads an image slowly
              needs neither log nor folder

    +------------------------ the log is another one, or no longer has the next record
    v                                        ^
    listen, open, recover --> serve ---------+--> stop

Also when a part fails, each client that has asked by then gets an answer: edits that aren't in the log are refused.

Stopping is bounded by `SHUTDOWN_SECONDS`. `placed.service.process` has the signals and exit codes.
"""

from __future__ import annotations

import contextlib
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import attrs
import trio

from placed.backends.opening import open_log, place_of
from placed.canvas.palette_files import palette_of
from placed.commands.settings.asked_for import DEFAULT_CANVAS, choose_by, identity_of, read_files, wanted_canvas
from placed.history.folder import FOLDER_NAME
from placed.history.restoring import restore
from placed.http.api import Api
from placed.http.catch_up_limit import CatchUpLimit
from placed.http.client_limit import ClientLimit
from placed.http.hosts import Hosts
from placed.http.lanes.app import create_app
from placed.http.lanes.descriptors import room_for_connections, tell_few
from placed.http.lanes.front import Front
from placed.http.lanes.listening import address_of, listen, url_of
from placed.http.page_load import PageLoad
from placed.http.polls import MOST_POLLS, Polls
from placed.http.replies import Replies
from placed.http.request_log import RequestLog
from placed.moderation.whole_past import WholePast
from placed.service.forgotten_canvas import refuse_to_forget
from placed.service.host_page import host_page_of
from placed.service.moderation import Moderation
from placed.service.part_metrics import watch_history, watch_parts
from placed.service.past import history_of, indexer_of
from placed.service.people import askers_of, desk_of, provider_sign_ins_of, rules_of, sign_ins_of, told_of_sign_in
from placed.service.people_topic import people_of, people_store
from placed.service.start import Start, folder_and_port, folder_watch, unless
from placed.storage.author_key import author_key, check_own_key
from placed.storage.snapshot_store import open_snapshot_store
from placed.stream.broadcaster import HEARTBEAT_SECONDS, Broadcaster
from placed.stream.pace import Pace
from placed.stream.subscriber_sockets import SubscriberSockets
from placed.tasks.image import ImageEncoder
from placed.tasks.reader import LogReader
from placed.tasks.recovery import recover
from placed.tasks.snapshotter import Snapshotter
from placed.tasks.writer import Writer
from placed.telemetry.left_out_lines import tell_left_out_lines
from placed.telemetry.loop_lag import watch_loop
from placed.telemetry.metrics import Metrics
from placed.telemetry.progress import replay_progress

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from placed.backends import Log
    from placed.canvas.projection import Projection
    from placed.commands.settings.values import Settings
    from placed.people.store import PeopleStore
    from placed.service.start import Listen
    from placed.storage.folder_watch import FolderWatch
    from placed.storage.snapshot_store import SnapshotStore

SHUTDOWN_SECONDS = 10.0  # service managers wait at least this long before they kill
_STALL_SECONDS = 30.0
_HTTP_GRACE_SECONDS = 3.0  # for answers under way, once edits are flushed and streams ended
_LAST_ANSWERS_SECONDS = 1.0  # when a part has failed: a slow reader must not hold up the next start
_LOOK_SECONDS = 0.25  # between looks whether the log can still be read, while the server waits for the last edits


class ShutdownTooSlow(Exception):
    """The deadline passed before everything was saved; the log has every acknowledged edit all the same."""


@attrs.frozen
class Running:
    """A server that is ready.

    Attributes:
        urls: the addresses at which it answers, one for each listener.
        projection: its canvas.
        folders: the watch over its folders.
        stopped: set when it has ended in order.
    """

    urls: tuple[str, ...]
    projection: Projection
    folders: FolderWatch
    stopped: trio.Event = attrs.field(factory=trio.Event)


async def serve(
    settings: Settings,
    *,
    stop: trio.Event,
    log: Log | None = None,
    listen_at: Listen | None = None,
    has_patience: bool = False,
    on_folder_free: Callable[[], None] = lambda: None,
    task_status: trio.TaskStatus[Running] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stop` is set, and then stop in order.

    Args:
        settings: the server's settings. No other server may use their data folder.
        stop: set by the caller to stop the server.
        log: an open log to use instead of the settings'; it stays open.
        listen_at: opens the listeners, instead of `listen` at the settings' address.
        has_patience: whether connections wait for the end of a long start, instead of getting 503.
        on_folder_free: called when another server may use the data folder and the log; answers may still be under way.
        task_status: gets the running server when the log is read and requests are served.

    Raises:
        TooFewDescriptors, TlsError, CannotStart, CannotListen, LogError, FolderBusy, StoreError, AuthorKeyError,
            StoppedEarly, ShutdownTooSlow: see each class; alone or in a group.
    """
    tell_few(room_for_connections()[0])
    tls = read_files(settings)
    opens = listen_at or partial(listen, settings.host, settings.port, choose_by(settings))
    async with trio.open_nursery() as connections:
        async with folder_and_port(settings, opens) as (listeners, locks), contextlib.AsyncExitStack() as stack:
            start = Start(settings, listeners, tls, has_patience=has_patience)

            async def begin() -> _Server:
                check_own_key(settings.data)
                async with contextlib.AsyncExitStack() as attempt:
                    # The log comes first, so that a start which can't open it makes no files.
                    opened = log if log is not None else await attempt.enter_async_context(open_log(settings))
                    await refuse_to_forget(settings, opened)
                    store = await attempt.enter_async_context(open_snapshot_store(settings.data / "snapshot"))
                    key = author_key(settings.data, settings.author_key_file)
                    people = await attempt.enter_async_context(people_store(settings, key))
                    await attempt.enter_async_context(people_of(settings, people, start.caution))
                    folders = folder_watch(settings, opened, locks)
                    server = await _Server.recover(settings, opened, store, people, key, tls, start, folders)
                    stack.push_async_exit(attempt.pop_all())
                    return server

            async with unless(stop):
                server = await start.until(begin)
            running = await server.serve(listeners, stop, connections, task_status)
        on_folder_free()
    running.stopped.set()


class _Server:
    """The parts of one server, and the order in which they stop."""

    def __init__(
        self,
        settings: Settings,
        key: bytes,
        people: PeopleStore,
        log: Log,
        snapshotter: Snapshotter,
        projection: Projection,
        tls: ssl.SSLContext | None,
        metrics: Metrics,
        folders: FolderWatch,
    ) -> None:
        self._settings = settings
        self._author_key = key
        self._people = people
        self._scheme = "https" if tls else "http"
        self._log = log
        self._projection = projection
        self._snapshotter = snapshotter
        self._metrics = metrics
        self._folders = folders
        self._writer = Writer(log, on_append=metrics.appended, on_failure=metrics.append_failed, folders=folders)
        self._indexer = indexer_of(settings, log, projection, folders) if settings.history else None
        past = WholePast(log, self._indexer)
        self._moderation = Moderation(projection, self._writer, past, self._reach)
        self._broadcaster = Broadcaster(
            projection,
            log.id,
            is_writable=self._is_writable,
            notices=self._moderation.status_members,
            delivered=metrics.delivered,
            pace=Pace(lambda: self._writer.is_busy),
            frame_seconds=1 / settings.max_frames_per_second,
        )
        self._reader = LogReader(log, projection, self._publish)
        self._encoder = ImageEncoder(projection, log.id, on_encode=metrics.encoded)
        self._hosts = Hosts(settings.allowed_hosts, settings.trusted_proxies)
        self._polls = Polls()
        api = self._api(log.id)
        self._sockets = SubscriberSockets(
            self._broadcaster,
            heartbeat_seconds=HEARTBEAT_SECONDS,
            stall_seconds=_STALL_SECONDS,
            frame_seconds=1 / settings.max_frames_per_second,
        )
        self._watchers = api.watchers
        unlimited = settings.unlimited_clients + settings.trusted_proxies
        connection_limit = ClientLimit(settings.max_connections_per_client, unlimited)
        history = history_of(settings, self._indexer, projection, api.askers)
        sign_ins = sign_ins_of(settings, api.askers, api.charges_of)
        providers = provider_sign_ins_of(settings, api.askers)
        acts, reports = self._moderation.acts(api.askers), self._moderation.report_desk(api.askers)
        page, desk = host_page_of(api, settings.allow_embeds), desk_of(api.askers)
        app = create_app(api, page, history, sign_ins, providers, desk, acts, reports)
        self._front = Front(
            app,
            fast=(api, PageLoad(api, page, sign_ins), history, self._sockets) if settings.fast_lane else None,
            tls=tls,
            connection_limit=connection_limit,
            hosts=self._hosts,
            replies=api.replies,
        )
        metrics.tell_build(place_of(settings).kind)
        watch_parts(
            metrics,
            log=log,
            projection=projection,
            reader=self._reader,
            writer=self._writer,
            broadcaster=self._broadcaster,
            sockets=self._sockets,
            polls=self._polls,
            front=self._front,
            encoder=self._encoder,
            snapshotter=snapshotter,
            folders=folders,
            lag=self._lag,
        )
        watch_history(metrics, self._indexer, history)

    @classmethod
    async def recover(
        cls,
        settings: Settings,
        log: Log,
        store: SnapshotStore,
        people: PeopleStore,
        key: bytes,
        tls: ssl.SSLContext | None,
        start: Start,
        folders: FolderWatch,
    ) -> _Server:
        """Bring the projection up to date, and make the parts around it."""
        for caution in log.cautions:
            start.caution(caution)
        wanted = wanted_canvas(settings)
        rule, rules = rules_of(settings, people)
        where = settings.log or str(settings.data)
        with replay_progress(start.reading) as progress:
            projection, saved_version = await recover(
                log,
                store,
                wanted,
                default=DEFAULT_CANVAS,
                rule=rule,
                rules=rules,
                where=where,
                progress=progress,
                restore=partial(restore, settings.data / FOLDER_NAME, log) if settings.history else None,
            )
        metrics = Metrics()
        await folders.look()
        snapshotter = Snapshotter(
            store, projection, log.id, saved_version=saved_version, on_save=metrics.snapshot_saved, folders=folders
        )
        return cls(settings, key, people, log, snapshotter, projection, tls, metrics, folders)

    def _api(self, log_id: str) -> Api:
        proxies = self._settings.trusted_proxies
        askers = askers_of(self._settings, self._author_key, self._people)
        return Api(
            projection=self._projection,
            writer=self._writer,
            broadcaster=self._broadcaster,
            encoder=self._encoder,
            metrics=self._metrics,
            log_id=log_id,
            askers=askers,
            sign_in=told_of_sign_in(self._settings),
            identity=identity_of(self._settings),
            palette_of=lru_cache(maxsize=1)(partial(palette_of, preferred=self._settings.palette)),
            trusted_proxies=proxies,
            allow_origins=self._settings.allow_origins,
            hosts=self._hosts,
            is_ready=lambda: self._reader.reachable and self._folders.displaced is None,
            lag=self._lag,
            stream_limit=ClientLimit(self._settings.max_streams_per_client, self._settings.unlimited_clients),
            catch_up_limit=CatchUpLimit(self._settings.max_streams_per_client, self._settings.unlimited_clients),
            replies=Replies(
                RequestLog(self._metrics, proxies, self._author_key, askers.person, self._settings.log_addresses),
                self._settings.allow_origins,
            ),
            poll_limit=ClientLimit(MOST_POLLS, self._settings.unlimited_clients),
            polls=self._polls,
            rules=self._moderation.rules,
        )

    def _publish(self) -> None:
        """Make the records that the reader has just applied count: for the rules, then for the subscribers."""
        self._moderation.rules.look()
        self._broadcaster.publish()

    async def _reach(self, version: int) -> None:
        """Wait until everything before a version is applied."""
        await self._broadcaster.wait(lambda: self._projection.version >= version)

    def _is_writable(self) -> bool:
        return self._reader.reachable and self._writer.is_writable and self._folders.displaced is None

    def _lag(self) -> int:
        """How many offsets of the log the reader has still to read, as far as this server knows the log's end."""
        return max(0, max(self._log.heard_next, self._writer.last_version) - self._reader.position)

    async def serve(
        self,
        listeners: list[trio.SocketListener],
        stop: trio.Event,
        connections: trio.Nursery,
        task_status: trio.TaskStatus[Running],
    ) -> Running:
        """Run all tasks until `stop` is set, and end them in order; the tasks in `connections` may take longer."""
        self._hosts.listen_on(address_of(listener) for listener in listeners)
        urls = tuple(url_of(self._scheme, listener) for listener in listeners)
        running = Running(urls, self._projection, self._folders)
        async with self._answering_to_the_end(), trio.open_nursery() as nursery:
            for part in (self._reader, self._writer, self._snapshotter, self._broadcaster, self._folders, self._people):
                nursery.start_soon(part.run)
            nursery.start_soon(self._moderation.run)
            if self._indexer is not None:
                nursery.start_soon(self._indexer.run)
            nursery.start_soon(watch_loop, self._metrics.loop_woke)
            nursery.start_soon(tell_left_out_lines)
            serving = await connections.start(self._serve_connections, listeners)
            task_status.started(running)
            await stop.wait()
            deadline = trio.current_time() + SHUTDOWN_SECONDS
            with trio.move_on_at(deadline) as in_time:
                await self._front.wind_down()
                await self._end_edits()
            connections.start_soon(self._end_connections, serving, deadline)
            nursery.cancel_scope.cancel()
        with trio.move_on_at(deadline) as saving:
            await self._snapshotter.save()
        if in_time.cancelled_caught or saving.cancelled_caught:
            raise ShutdownTooSlow(f"not everything ended within {SHUTDOWN_SECONDS:g} s")
        return running

    async def _serve_connections(
        self, listeners: list[trio.SocketListener], *, task_status: trio.TaskStatus[trio.CancelScope]
    ) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._sockets.run)
            if self._settings.watch == "signed-in":
                nursery.start_soon(self._watchers.run, self._sockets)
            await nursery.start(self._front.serve, listeners)
            task_status.started(nursery.cancel_scope)

    async def _end_edits(self) -> None:
        await self._writer.close()
        # Each stream still gets the last acknowledged edit before it ends, unless the log can't be read any further.
        while self._reader.reachable and self._projection.version < self._writer.last_version:
            with trio.move_on_after(_LOOK_SECONDS):
                await self._broadcaster.wait(lambda: self._projection.version >= self._writer.last_version)
        self._broadcaster.close()

    @contextlib.asynccontextmanager
    async def _answering_to_the_end(self) -> AsyncIterator[None]:
        """If a part fails in the block, answer the requests under way; the writer has ended, and refuses edits."""
        try:
            yield
        except Exception:
            self._broadcaster.close()
            with trio.move_on_after(_LAST_ANSWERS_SECONDS):
                await self._front.wind_down()
                await self._front.stop(_LAST_ANSWERS_SECONDS)
            raise

    async def _end_connections(self, serving: trio.CancelScope, deadline: float) -> None:
        with trio.move_on_at(deadline):
            await self._front.stop(_HTTP_GRACE_SECONDS)
        serving.cancel()
