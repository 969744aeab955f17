"""Keeps one server's people in an LMDB environment of its own, DATA/people, and follows what other processes change.

    change --decided and written in one transaction--> LMDB --read on the loop--> person, code, named, ...
                                                       |  ^
                              memory <--when it moves--+  +-- another process: `placed people` beside the server

With a Kafka log all servers have the same people, and a change goes by way of their topic (`placed.people.following`).

Reading takes some tenths of a millisecond, on the Trio thread; what each request asks for is in memory
(`placed.people.memory`). Several processes may have the store open at once: LMDB's lock keeps their changes apart, and
each sees the others' within `LOOK_SECONDS`. May import Trio.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import trio

from placed.people.changes import Seen
from placed.people.memory import Memory
from placed.people.pages import DATABASE, PagesView
from placed.people.record_writing import Written, check
from placed.people.records import RecordDamaged
from placed.people.view import ADDRESS_KEY, SCRUBBED_KEY, People
from placed.storage.lasting_folders import make_folder
from placed.storage.lmdb_environment import DATA_NAME, StoreDamaged, StoreError, StoreUnavailable
from placed.storage.lmdb_lock import LOCK_NAME
from placed.storage.lmdb_shared import look_at_environment, open_shared_environment
from placed.storage.ownership import give_to_folders_owner
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from lmdb import Transaction
    from lmdb import _Database as Database

    from placed.people.changes import Change
    from placed.people.following import Following
    from placed.people.person import Code, HostLink, Person, Token
    from placed.people.records import Put
    from placed.people.report import Report
    from placed.people.view import Head, View
    from placed.storage.lmdb_shared import SharedEnvironment

FOLDER_NAME: Final = "people"
LOOK_SECONDS: Final = 0.25  # between looks at what other processes have changed: two meta pages, 3 us
_SCRUB_TRIES: Final = 20  # 5 s, where a backup reads the file meanwhile
_SEEN_SECONDS: Final = 60.0  # how late the last use of a token is written down
_SEEN_IN_TOPIC_MS: Final = 3_600_000  # and with a topic
_MOST_AT_ONCE: Final = 500  # records whose memory is looked up one by one, at some 20 us each
_CAN_T_BE_LOCKED: Final = (errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

Found = TypeVar("Found")


class PeopleStore:
    """An open store; opened by `open_people`.

    Reading raises StoreError: the disk fails, or the file is damaged.

    Attributes:
        folder: where it is.
    """

    def __init__(self, environment: SharedEnvironment, key: bytes) -> None:
        self.folder = environment.folder
        self._environment = environment
        self._key = key
        self._memory = Memory()
        self._metas = b""  # the file's meta pages, as the memory was last compared with it
        self._refreshed = 0  # how often an own change has come into memory
        self._scrubbed = 0  # `Head.forgotten`, as of the last time
        self._used: dict[bytes, int] = {}
        self._following: Following | None = None
        self._is_failing = False

    @property
    def tokens(self) -> Mapping[bytes, Token]:
        """Every token that holds, by the digest of its text."""
        return self._memory.tokens

    @property
    def roles(self) -> Mapping[int, frozenset[str]]:
        """The roles of those authors that are more than a person: hosts, moderators, bots."""
        return self._memory.roles

    @property
    def revoked(self) -> Mapping[int, int]:
        """Author -> ms since the epoch: sessions issued at or before it don't count."""
        return self._memory.signed_out

    @property
    def head(self) -> Head:
        """How many there are, and how far a topic was read."""
        return self._look(lambda people: people.head)

    def author_of(self, person_id: str) -> int:
        """The author of whoever has this id."""
        return self._look(lambda people: people.author_of(person_id))

    def person(self, author: int) -> Person | None:
        """Whoever has this author, or None."""
        return self._look(lambda people: people.person(author))

    def named(self, skeleton: str) -> int | None:
        """The author of who holds the name with this skeleton; None if nobody does."""
        return self._look(lambda people: people.named(skeleton))

    def code(self, digest: bytes) -> Code | None:
        """The code of this digest, or None."""
        return self._look(lambda people: people.code(digest))

    def code_numbered(self, code_id: str) -> Code | None:
        """The code of this number, or None."""
        return self._look(lambda people: people.code_numbered(code_id))

    def people(self, after: int | None = None, limit: int = 100) -> list[Person]:
        """The next persons by author, those above `after`, at most `limit`."""
        return self._look(lambda people: people.persons(after, limit))

    def codes(self, after: str | None = None, limit: int = 100) -> list[Code]:
        """The next codes by number, those after `after`, at most `limit`."""
        return self._look(lambda people: people.codes(after, limit))

    def host_links(self) -> list[HostLink]:
        """All host links, those that were used or are too old included, until another one is made."""
        return self._look(lambda people: list(people.host_links()))

    def reports_by(self, author: int) -> list[Report]:
        """What an author has reported, the oldest first; blocks for some 20 us a report of anybody."""
        return self._look(lambda people: [one.read() for one in people.reports() if one.author == author], at_all=True)

    def used(self, token: Token) -> None:
        """Note that a token was used just now; it is written down within a minute."""
        self._used[token.digest] = time.time_ns() // 1_000_000

    async def change(self, change: Change) -> Sequence[Put]:
        """Make a change: durable, and applied here when this returns.

        Returns:
            The records that made it.

        Raises:
            Refused: it can't be made; nothing was changed.
            StoreError: it can't be written; `StoreUncertain` where it may have been. With a topic also where the
                brokers are away.

        Cancellation: only before it begins.
        """
        puts: Sequence[Put]
        if self._following is not None:
            puts = await self._following.change(change)
        elif self.head.topic is not None:
            raise StoreUnavailable(f"{self.folder} has people of a Kafka topic, which isn't open")
        else:
            remembered, puts = await self._environment.write(partial(self._decide, change))
            self._note(remembered, [put.key for put in puts])
        if self.head.forgotten != self._scrubbed:
            await self._environment.write(_touch)  # a crash falls back to this one: not to one that has them
            await self._scrub()
        return puts

    def follow(self, following: Following | None) -> None:
        """Change people by way of a topic, which `run` follows; `placed.people.taking_over` does it."""
        self._following = following

    async def see(self, look: Callable[[View, bytes], Found]) -> Found:
        """What `look` makes of one committed state and the author key, in a thread; raises as reading does."""

        def see() -> Found:
            with self._named_damage():
                return self._environment.look(lambda pages: look(PagesView(pages), self._key))

        return await trio.to_thread.run_sync(see)

    async def transact(self, transact: Callable[[Transaction[bytes], Database | None], Found]) -> Found:
        """Run a write transaction in a thread, whoever's change it is; raises StoreError."""
        return await self._environment.write(transact)

    async def was_written(self, remembered_before: int, keys: list[bytes]) -> None:
        """Bring memory up to date after `transact` has written records of these keys."""
        if len(keys) > _MOST_AT_ONCE:
            await self.load()
        else:
            self._note(remembered_before, keys)

    async def _scrub(self) -> None:
        """Overwrite what the file, and memory that LMDB writes from, still have of those who were forgotten."""
        forgotten = self.head.forgotten
        try:
            for _ in range(_SCRUB_TRIES):
                if await self._environment.scrub():
                    self._scrubbed = forgotten
                    await self._put(SCRUBBED_KEY, b"%d" % forgotten)
                    return
                await trio.sleep(LOOK_SECONDS)
        except StoreError as error:
            reason = str(error)
        else:
            reason = "a backup reads the file"
        get_logger(__name__).warning("what was forgotten may still be in the file until the next time", reason=reason)

    @property
    def address(self) -> str | None:
        """Where the last server of this folder was to be found; None if none has said so."""
        return self._look(lambda people: people.address)

    async def note_address(self, address: str) -> None:
        """Note where the server is to be found, for the links that `placed people` prints; raises as `change`."""
        if address != self.address:
            await self._put(ADDRESS_KEY, address.encode())

    async def _put(self, key: bytes, value: bytes) -> None:
        await self._environment.write(lambda transaction, database: transaction.put(key, value, db=database))

    async def run(self) -> None:
        """Follow what other processes change, and write down which tokens were used, for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow)
            nursery.start_soon(self._write_down_uses)
            if self._following is not None:
                nursery.start_soon(self._following.run)

    def why_displaced(self) -> str | None:
        """Why the store's files are no longer where they were; None while they are."""
        return self._environment.why_displaced()

    def begin(self, *, is_beside: bool) -> None:
        """Know what was overwritten of those forgotten; a crash may have come between. `open_people` does it first."""
        self._scrubbed = self._look(lambda people: people.head.forgotten if is_beside else people.scrubbed)

    async def load(self) -> None:
        """Read what is kept in memory, if others have changed it; `open_people` does it first."""
        metas = self._environment.metas()
        if metas == self._metas:
            return
        while self.head.remembered != self._memory.remembered:
            refreshed = self._refreshed
            memory = await trio.to_thread.run_sync(self._look_at_all, Memory.of)
            if refreshed == self._refreshed:  # else it may lack what was changed here while it was read
                self._memory.become(memory)
        self._metas = metas
        if self.head.forgotten != self._scrubbed:
            await self._environment.write(_touch)
            await self._scrub()

    def _decide(
        self, change: Change, transaction: Transaction[bytes], database: Database | None
    ) -> tuple[int, list[Put]]:
        """Make the change in a write transaction; `remembered` before it, and the records. In a thread."""
        written = Written(transaction, database)
        before = written.head.remembered
        puts = [check(put) for put in change.puts(People(written, self._key))]
        for put in puts:
            written.write(put)
        written.finish()
        return before, puts

    def _note(self, remembered_before: int, keys: list[bytes]) -> None:
        self._refreshed += 1
        is_all = remembered_before == self._memory.remembered  # else another process has changed something, too

        def look(people: People) -> None:
            head = people.head
            self._memory.refresh(people, keys)
            if is_all and head.floor_ms == self._memory.signed_out.floor_ms:
                self._memory.remembered = head.remembered

        self._look(look)

    async def _follow(self) -> None:
        while True:
            try:
                await self.load()
            except StoreError as error:
                self._tell_failing(str(error))
            else:
                self._is_failing = False
            await trio.sleep(LOOK_SECONDS)

    def _tell_failing(self, reason: str) -> None:
        if not self._is_failing:
            get_logger(__name__).error("the people store can't be read; nobody can sign in", reason=reason)
        self._is_failing = True

    async def _write_down_uses(self) -> None:
        while True:
            await trio.sleep(_SEEN_SECONDS)
            await self.write_down_uses()

    async def write_down_uses(self) -> None:
        """Write down which tokens were used since the last time."""
        used = {digest: at_ms for digest, at_ms in self._used.items() if self._is_due(digest, at_ms)}
        self._used = {digest: at_ms for digest, at_ms in self._used.items() if digest not in used}
        if not used:
            return
        try:
            await self.change(Seen(tokens=used))
        except StoreError as error:
            get_logger(__name__).warning("the last use of tokens can't be written down", reason=str(error))

    def _is_due(self, digest: bytes, at_ms: int) -> bool:
        if self._following is None:
            return True
        token = self._memory.tokens.get(digest)  # a topic has a record for each, which every server reads
        return token is None or token.seen_ms is None or at_ms - token.seen_ms >= _SEEN_IN_TOPIC_MS

    def _look(self, look: Callable[[People], Found], *, at_all: bool = False) -> Found:
        with self._named_damage():
            return self._environment.look(lambda pages: look(People(PagesView(pages, many=at_all), self._key)))

    @contextlib.contextmanager
    def _named_damage(self) -> Generator[None]:
        try:
            yield
        except RecordDamaged as damage:
            raise StoreDamaged(_damaged(self.folder, damage)) from damage

    def _look_at_all(self, look: Callable[[People], Found]) -> Found:
        return self._look(look, at_all=True)


@contextlib.asynccontextmanager
async def open_people(folder: Path, key: bytes, *, is_beside: bool = False) -> AsyncGenerator[PeopleStore]:
    """The store in `folder`, made if it isn't there; closed at the end.

    Args:
        folder: `FOLDER_NAME` in the data folder.
        key: the author key.
        is_beside: whether a server has it open, and has checked all of it.

    Raises:
        StoreUnavailable: no permission, a read-only or full disk.
        StoreDamaged: the file is damaged, or isn't ours.
    """
    async with contextlib.AsyncExitStack() as stack:
        with await trio.to_thread.run_sync(_only_opener, folder):
            opening = open_shared_environment(folder, DATABASE, whole=not is_beside)
            environment = await stack.enter_async_context(opening)
            await trio.to_thread.run_sync(_give, folder)
        store = PeopleStore(environment, key)
        store.begin(is_beside=is_beside)
        await store.load()
        yield store
        if store.head.topic is None:
            await store.write_down_uses()


@contextlib.asynccontextmanager
async def look_at_people(folder: Path, key: bytes, *, is_beside: bool = False) -> AsyncGenerator[PeopleStore]:
    """The store in `folder`, which has one, to be read alone: nothing is made there. Args, Raises: as `open_people`."""
    async with look_at_environment(folder, DATABASE, whole=not is_beside) as environment:
        store = PeopleStore(environment, key)
        store.begin(is_beside=True)  # what was forgotten is overwritten by who writes
        await store.load()
        yield store


def _touch(transaction: Transaction[bytes], database: Database | None) -> None:
    """Change nothing, in a transaction that is written all the same."""
    Written(transaction, database).finish()


def _only_opener(folder: Path) -> contextlib.ExitStack:
    """Lock the folder, made if needed: of two processes that make the store at once one would lose its own."""
    held = contextlib.ExitStack()
    try:
        make_folder(folder, 0o700)
        give_to_folders_owner(folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreUnavailable(f"the people's folder {folder} can't be used: {error.strerror}") from error
    held.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _CAN_T_BE_LOCKED:
            held.close()
            raise StoreUnavailable(f"{folder} can't be locked: {error.strerror}") from error
    return held


def _give(folder: Path) -> None:
    for name in (DATA_NAME, LOCK_NAME):
        give_to_folders_owner(folder / name)


def _damaged(folder: Path, damage: Exception) -> str:
    return f"{folder / DATA_NAME} is damaged: {damage}. Restore a backup of {folder}, or move it away"
