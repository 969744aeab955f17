"""Keeps one server's people in an LMDB environment of its own, DATA/people, and follows other processes' changes.

    change --decided and written in one transaction--> LMDB --read on the loop--> person, code, named, ...
                                                       |  ^
                              memory <--when it moves--+  +-- another process: `placed people` beside the server

With a Kafka log all servers have the same people, and a change goes through the people's topic
(`placed.people.following`).

A read takes some tenths of a millisecond, on the Trio thread; the part that each request needs is in memory
(`placed.people.memory`). Several processes may have the store open at once: LMDB's lock keeps their changes apart, and
each process sees the others' changes within `LOOK_SECONDS`. May import Trio.
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
LOOK_SECONDS: Final = 0.25  # between looks for other processes' changes: two meta pages, 3 us
_SCRUB_TRIES: Final = 20  # 5 s in all, while a backup reads the file
_SEEN_SECONDS: Final = 60.0  # how late the last use of a token is written down
_SEEN_IN_TOPIC_MS: Final = 3_600_000  # the same with a topic
_MOST_AT_ONCE: Final = 500  # written records that memory looks up one by one, at some 20 us each
_CAN_T_BE_LOCKED: Final = (errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

Found = TypeVar("Found")


class PeopleStore:
    """One open store of people; `open_people` opens it.

    Every method that reads raises StoreError if the disk fails or the file is damaged.

    Attributes:
        folder: the store's folder.
    """

    def __init__(self, environment: SharedEnvironment, key: bytes) -> None:
        self.folder = environment.folder
        self._environment = environment
        self._key = key
        self._memory = Memory()
        self._metas = b""  # the file's meta pages when memory was last compared with the file
        self._refreshed = 0  # how often one of this process's own changes has come into memory
        self._scrubbed = 0  # `Head.forgotten` when the file was last scrubbed
        self._used: dict[bytes, int] = {}
        self._following: Following | None = None
        self._is_failing = False

    @property
    def tokens(self) -> Mapping[bytes, Token]:
        """Every valid token, by the digest of its text."""
        return self._memory.tokens

    @property
    def roles(self) -> Mapping[int, frozenset[str]]:
        """The roles of all authors that are more than a plain person: hosts, moderators, bots."""
        return self._memory.roles

    @property
    def revoked(self) -> Mapping[int, int]:
        """Author -> a time in ms since the epoch; the author's sessions that were issued up to it don't count."""
        return self._memory.signed_out

    @property
    def head(self) -> Head:
        """The counts of all records, and how far this server has read the topic."""
        return self._look(lambda people: people.head)

    def author_of(self, person_id: str) -> int:
        """The author of the person with this id."""
        return self._look(lambda people: people.author_of(person_id))

    def person(self, author: int) -> Person | None:
        """The person with this author, or None."""
        return self._look(lambda people: people.person(author))

    def named(self, skeleton: str) -> int | None:
        """The author of the person who holds the name with this skeleton; None if nobody holds it."""
        return self._look(lambda people: people.named(skeleton))

    def code(self, digest: bytes) -> Code | None:
        """The code of this digest, or None."""
        return self._look(lambda people: people.code(digest))

    def code_numbered(self, code_id: str) -> Code | None:
        """The code of this number, or None."""
        return self._look(lambda people: people.code_numbered(code_id))

    def people(self, after: int | None = None, limit: int = 100) -> list[Person]:
        """The next persons, in the order of their authors: those above `after`, at most `limit`."""
        return self._look(lambda people: people.persons(after, limit))

    def codes(self, after: str | None = None, limit: int = 100) -> list[Code]:
        """The next codes, in the order of their numbers: those after `after`, at most `limit`."""
        return self._look(lambda people: people.codes(after, limit))

    def host_links(self) -> list[HostLink]:
        """All host links. Used ones and those that are too old stay in it until somebody makes a new link."""
        return self._look(lambda people: list(people.host_links()))

    def reports_by(self, author: int) -> list[Report]:
        """An author's reports, the oldest first; blocks for some 20 us for each report in the store."""
        return self._look(lambda people: [one.read() for one in people.reports() if one.author == author], at_all=True)

    def used(self, token: Token) -> None:
        """Note that a token was used just now; the store writes it down within a minute, with a topic once an hour."""
        self._used[token.digest] = time.time_ns() // 1_000_000

    async def change(self, change: Change) -> Sequence[Put]:
        """Make a change. When this returns, the change is durable, and applied here.

        Returns:
            The records of the change.

        Raises:
            Refused: the change isn't possible; nothing was changed.
            StoreError: the change can't be written, or, with a topic, the brokers are away; `StoreUncertain` if the
                change may have been written all the same.

        Cancellation: only before the change begins.
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
            await self._environment.write(_touch)  # a crash falls back to this state: forgotten people aren't in it
            await self._scrub()
        return puts

    def follow(self, following: Following | None) -> None:
        """Change people through a topic from now on, which `run` follows; `placed.people.taking_over` calls this."""
        self._following = following

    async def see(self, look: Callable[[View, bytes], Found]) -> Found:
        """Call `look` in a thread, with one committed state and the author key; raises StoreError as all reads do."""

        def see() -> Found:
            with self._named_damage():
                return self._environment.look(lambda pages: look(PagesView(pages), self._key))

        return await trio.to_thread.run_sync(see)

    async def transact(self, transact: Callable[[Transaction[bytes], Database | None], Found]) -> Found:
        """Run a write transaction in a thread, for changes of this server or of another one; raises StoreError."""
        return await self._environment.write(transact)

    async def was_written(self, remembered_before: int, keys: list[bytes]) -> None:
        """Bring memory up to date after `transact` has written records of these keys."""
        if len(keys) > _MOST_AT_ONCE:
            await self.load()
        else:
            self._note(remembered_before, keys)

    async def _scrub(self) -> None:
        """Overwrite the remains of forgotten people, in the file and in the memory that LMDB writes from."""
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
        """The address of the last server of this folder; None if no server has noted one."""
        return self._look(lambda people: people.address)

    async def note_address(self, address: str) -> None:
        """Note the server's address, for the links that `placed people` prints; raises as `change`."""
        if address != self.address:
            await self._put(ADDRESS_KEY, address.encode())

    async def _put(self, key: bytes, value: bytes) -> None:
        await self._environment.write(lambda transaction, database: transaction.put(key, value, db=database))

    async def run(self) -> None:
        """Follow other processes' changes, and write down which tokens were used, for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow)
            nursery.start_soon(self._write_down_uses)
            if self._following is not None:
                nursery.start_soon(self._following.run)

    def why_displaced(self) -> str | None:
        """Why the store's files are no longer where they were; None while they are."""
        return self._environment.why_displaced()

    def begin(self, *, is_beside: bool) -> None:
        """Read which remains were overwritten before: a crash may have left some. `open_people` calls this first."""
        self._scrubbed = self._look(lambda people: people.head.forgotten if is_beside else people.scrubbed)

    async def load(self) -> None:
        """Read memory's part of the store anew, if other processes have changed it; `open_people` calls this first."""
        metas = self._environment.metas()
        if metas == self._metas:
            return
        while self.head.remembered != self._memory.remembered:
            refreshed = self._refreshed
            memory = await trio.to_thread.run_sync(self._look_at_all, Memory.of)
            if refreshed == self._refreshed:  # else it may lack a change that was made here while it was read
                self._memory.become(memory)
        self._metas = metas
        if self.head.forgotten != self._scrubbed:
            await self._environment.write(_touch)
            await self._scrub()

    def _decide(
        self, change: Change, transaction: Transaction[bytes], database: Database | None
    ) -> tuple[int, list[Put]]:
        """Make the change in a write transaction, in a thread; returns `remembered` before it, and the records."""
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
        """Write down which tokens were used since the last call."""
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
        token = self._memory.tokens.get(digest)  # every note is a record in the topic, which every server reads
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
    """Open the store in `folder`, make it if it isn't there, and close it at the end.

    Args:
        folder: `FOLDER_NAME` in the data folder.
        key: the author key.
        is_beside: whether a server has the store open, and has checked all of it.

    Raises:
        StoreUnavailable: no permission, a read-only or full disk.
        StoreDamaged: the file is damaged, or is no store of people.
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
    """Open the store in `folder` for reading only; it has to be there. Args, Raises: as `open_people`."""
    async with look_at_environment(folder, DATABASE, whole=not is_beside) as environment:
        store = PeopleStore(environment, key)
        store.begin(is_beside=True)  # a process that writes overwrites the remains of forgotten people
        await store.load()
        yield store


def _touch(transaction: Transaction[bytes], database: Database | None) -> None:
    """Change nothing, in a transaction that LMDB commits all the same."""
    Written(transaction, database).finish()


def _only_opener(folder: Path) -> contextlib.ExitStack:
    """Make the folder if needed, and lock it: if two processes made the store at once, one would lose its own."""
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
