"""A disk that loses power: the possible contents of a folder after a crash, at any moment of a recording. Pure.

    written --its file is synced, or it was a synchronous write that ended--> durable
       |
       +--power is lost--> there, or not, or in part: each sector of 512 or 4,096 bytes by itself

A name (a new file or folder, a rename, a removal) is durable once its folder is synced. A sync covers the writes that
were issued before the sync began. After a crash, some prefix of the names that weren't durable is there, as in a
journal; the bytes of one file may arrive in any order.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import attrs

from bench.torturing import recorder

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from bench.torturing.recorder import Op

NOTHING: Final = "nothing that wasn't durable"
ALL: Final = "all that was written"
SECTORS: Final = "sectors of 512 bytes at random"
PAGES: Final = "sectors of 4,096 bytes at random"
WAYS: Final = (NOTHING, ALL, SECTORS, PAGES)
_SECTOR_BYTES: Final = {SECTORS: 512, PAGES: 4_096}
_FOLDER: Final = 0
_NAMES: Final = frozenset({recorder.CREATE, recorder.FOLDER, recorder.REMOVE, recorder.RENAME})


class _Tree:
    """Names and contents of a folder."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}  # name -> the file's number; 0 is a folder
        self.files: dict[int, bytearray] = {}

    def copy(self, files: Iterable[int]) -> _Tree:
        """A copy; it copies only `files`, as the others won't change."""
        tree = _Tree()
        tree.names = dict(self.names)
        tree.files = dict(self.files)
        tree.files.update({file: bytearray(self.files[file]) for file in files if file in self.files})
        return tree

    def rename(self, op: Op) -> None:
        """Apply an op that changes names."""
        if op.kind == recorder.CREATE:
            self.names[op.name] = op.file
        elif op.kind == recorder.FOLDER:
            self.names[op.name] = _FOLDER
        elif op.kind == recorder.REMOVE:
            self.names.pop(op.name, None)
        else:
            self.names.pop(op.name, None)
            self.names[op.data.decode()] = op.file

    def write(self, op: Op) -> None:
        """Apply an op that writes or cuts a file."""
        data = self.files.setdefault(op.file, bytearray())
        if op.kind == recorder.TRUNCATE:
            data[op.offset :] = bytes(max(0, op.offset - len(data)))
            return
        if len(data) < op.offset:
            data.extend(bytes(op.offset - len(data)))
        data[op.offset : op.offset + len(op.data)] = op.data

    def reachable(self) -> dict[str, bytes | None]:
        """The contents of all files that have a name, and None for folders."""
        found: dict[str, bytes | None] = {}
        for name in sorted(self.names):
            parent = str(PurePosixPath(name).parent)
            if parent == "." or (parent in found and found[parent] is None):
                file = self.names[name]
                found[name] = bytes(self.files.get(file, b"")) if file != _FOLDER else None
        return found


class Disk:
    """A folder on a disk, to which ops are applied.

    Attributes:
        pending: number of ops that aren't durable.
    """

    def __init__(self) -> None:
        self._durable = _Tree()
        self._live: dict[str, int] = {}
        self._writes: list[Op] = []
        self._names: list[Op] = []
        self._covers: dict[int, tuple[list[Op], list[Op]]] = {}

    @property
    def pending(self) -> int:
        """Number of ops that aren't durable."""
        return len(self._writes) + len(self._names)

    def do(self, op: Op) -> None:
        """Apply the next recorded op."""
        if op.kind in (recorder.WRITE, recorder.TRUNCATE):
            self._writes.append(op)
        elif op.kind in _NAMES:
            if op.kind == recorder.CREATE:  # the number may have belonged to a file that is gone
                self._durable.files.pop(op.file, None)
                self._writes = [write for write in self._writes if write.file != op.file]
                self._live[op.name] = op.file
            elif op.kind == recorder.RENAME:  # a file keeps its number, but its old name may never become durable
                op = attrs.evolve(op, file=self._live.pop(op.name, _FOLDER))
                self._live[op.data.decode()] = op.file
            self._names.append(op)
        elif op.kind == recorder.SYNC:
            names = [each for each in self._names if op.name in _folders(each)]
            self._covers[op.number] = ([each for each in self._writes if each.file == op.file], names)
        elif op.kind == recorder.SYNCED:
            self._settle(*self._covers.pop(op.number))
        elif op.kind == recorder.WRITTEN:
            self._settle([each for each in self._writes if each.number == op.number], [])

    def _settle(self, writes: list[Op], names: list[Op]) -> None:
        for op in names:
            self._durable.rename(op)
        for op in writes:
            self._durable.write(op)
        moved = {op.name for op in names if op.kind == recorder.RENAME}
        early = [op for op in self._names if op.kind == recorder.CREATE and op.name in moved]
        settled = {id(op) for op in (*writes, *names, *early)}
        self._writes = [op for op in self._writes if id(op) not in settled]
        self._names = [op for op in self._names if id(op) not in settled]

    def crashed(self, way: str, chance: random.Random) -> dict[str, bytes | None]:
        """The contents of the folder after a power loss now: those of files, and None for folders.

        Args:
            way: one of `WAYS`.
            chance: decides which parts survive, where that is open.
        """
        tree = self._durable.copy({op.file for op in self._writes})
        if way == NOTHING:
            return tree.reachable()
        kept = len(self._names) if way == ALL else chance.randint(0, len(self._names))
        for op in self._names[:kept]:
            tree.rename(op)
        for op in self._writes:
            for part in [op] if way == ALL else _parts(op, _SECTOR_BYTES[way], chance):
                tree.write(part)
        return tree.reachable()


def _folders(op: Op) -> set[str]:
    """The folders whose contents change by an op on names."""
    names = [op.name, *([op.data.decode()] if op.kind == recorder.RENAME else [])]
    return {str(PurePosixPath(name).parent) for name in names}


def _parts(op: Op, size: int, chance: random.Random) -> list[Op]:
    """The sectors of a write that reached the disk; each did or didn't."""
    if op.kind == recorder.TRUNCATE:
        return [op] if chance.random() < 0.5 else []
    parts, begin, end = [], op.offset, op.offset + len(op.data)
    while begin < end:
        until = min(end, (begin // size + 1) * size)
        if chance.random() < 0.5:
            parts.append(attrs.evolve(op, offset=begin, data=op.data[begin - op.offset : until - op.offset]))
        begin = until
    return parts
