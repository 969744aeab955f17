"""Keeps the history's files: a folder of segments. Each is written under another name, and then renamed.

    history/00000000000000000000-00000000000000131072.segment    named by its start and its end
            00000000000000000000-00000000000004194304.overview   of 32 segments: `overview_files`
            /part                                                a file that is being written
            /before-00000000000000131072/                        segments with a gap between them and the present ones
            /of-LOGID/                                           segments of another log; only the last such history

A crash leaves whole segments, and perhaps a `part`, which the next file overwrites. The name of a damaged segment still
says which stretch of the log the indexer has to read again. May not import Trio.

Thread: everything here blocks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from typing import TYPE_CHECKING, Final

import attrs

from placed.history.layout import Header, SegmentDamaged, decode_header
from placed.history.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Read = Callable[[int, int], bytes]

FOLDER_NAME: Final = "history"
_NAME: Final = re.compile(r"([0-9]{20})-([0-9]{20})\.segment")
_PART: Final = "part"
_FILE_MODE: Final = 0o600
# A history leaves so much of the disk free that it doesn't stop the log: LMDB grows by some MB, and each snapshot is
# written beside the last one.
_LEFT_FREE_BYTES: Final = 64 << 20
_LEFT_FREE_SHARE: Final = 16  # of a smaller disk, one part in 16


@attrs.define(eq=False)
class SegmentFile:
    """One stretch of the log in the folder.

    Attributes:
        path: the segment's file.
        start: its first offset.
        end: the offset after its last one.
        header: the segment's header; None while the segment is damaged or missing.
        is_verified: whether this process has checked the whole segment.
    """

    path: Path
    start: int
    end: int
    header: Header | None
    is_verified: bool = False

    @contextlib.contextmanager
    def open(self, *, verify: bool = True) -> Iterator[Segment]:
        """The open segment, while the block runs.

        Args:
            verify: whether to check the whole segment, if that hasn't been done yet.

        Raises:
            SegmentDamaged: the segment is damaged or missing. The block may find that later, too, when it reads on;
                `header` is None from then on.
        """
        if self.header is None:
            raise SegmentDamaged(f"{self.path} is damaged")
        try:
            with FileReader(self.path) as read:
                segment = Segment(self.header, read)
                if verify and not self.is_verified:
                    segment.verify()
                    self.is_verified = True
                yield segment
        except (SegmentDamaged, OSError) as error:
            self.header = None
            raise SegmentDamaged(f"{self.path} can't be used: {_words(error)}") from error


class FileReader:
    """Reads parts of a file while a `with` block runs: `with FileReader(path) as read`, then `read(offset, length)`.

    A plain class, since a pixel's past opens a hundred files: a generator would take 3 us more for each.

    Raises:
        OSError: the file can't be opened, or read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Read:
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return self._read

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def _read(self, offset: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, offset)


def _words(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def list_folder(folder: Path) -> list[SegmentFile]:
    """The segments in the folder, in order; a segment with a damaged header has None. Empty if there is no folder.

    Raises:
        OSError: the folder can't be read.
    """
    try:
        names = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        match = _NAME.fullmatch(name)
        if match is not None and int(match[1]) < int(match[2]):
            found.append(_look(folder / name, int(match[1]), int(match[2])))
    return found


def _look(path: Path, start: int, end: int) -> SegmentFile:
    header = None
    with contextlib.suppress(OSError, SegmentDamaged), FileReader(path) as read:
        header = decode_header(read)
    if header is not None and (header.start, header.end) != (start, end):
        header = None
    return SegmentFile(path, start, end, header)


def path_of(folder: Path, start: int, end: int) -> Path:
    """The path of a stretch's segment, whether or not it exists."""
    return folder / f"{start:020d}-{end:020d}.segment"


def write_segment(folder: Path, parts: Sequence[bytes], start: int, end: int) -> SegmentFile:
    """Write a segment, given in parts, durably, and return it. It replaces a file of that name.

    Raises:
        OSError: no room, no permission, a disk error; nothing has changed.
    """
    path = path_of(folder, start, end)
    write_file(folder, parts, path)
    kept = _look(path, start, end)
    if kept.header is None:
        raise OSError(f"{path} was written, and can't be read back")
    kept.is_verified = True
    return kept


def check_room(folder: Path, needed_bytes: int) -> None:
    """Check that the disk has room for a file of that size, and for the space that a history leaves free.

    Raises:
        OSError: it has no room.
    """
    disk = shutil.disk_usage(folder if folder.exists() else folder.parent)
    if disk.free < needed_bytes + min(_LEFT_FREE_BYTES, disk.total // _LEFT_FREE_SHARE):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def write_file(folder: Path, parts: Sequence[bytes], path: Path) -> None:
    """Write a file of the folder, given in parts, durably. It replaces a file of that name.

    Raises:
        OSError: no room, no permission, a disk error; nothing has changed.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    part = folder / _PART
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
        try:
            for each in parts:
                view = memoryview(each)
                while view:
                    view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.rename(path)
    except OSError:
        with contextlib.suppress(OSError):  # it takes room that the log may need
            part.unlink()
        raise
    _sync(folder)


def put_aside(folder: Path, kept: Sequence[SegmentFile]) -> Path | None:
    """Move segments into a folder of their own, because a gap follows them. Return that folder; None if there are no
    segments.

    Raises:
        OSError: they can't be moved.
    """
    return _move(folder / f"before-{kept[-1].end:020d}", kept) if kept else None


def put_aside_strange(folder: Path, strange: Sequence[SegmentFile]) -> Path:
    """Move segments of another log into a folder of their own, and delete earlier folders of that kind.

    Raises:
        OSError: they can't be moved.
    """
    headers = [each.header for each in strange if each.header is not None]
    aside = folder / f"of-{headers[0].log_id}"
    for old in folder.glob("of-*"):
        shutil.rmtree(old)
    return _move(aside, strange)


def _move(aside: Path, kept: Sequence[SegmentFile]) -> Path:
    folder = aside.parent
    aside.mkdir(mode=0o700, exist_ok=True)
    for each in kept:
        with contextlib.suppress(FileNotFoundError):
            each.path.rename(aside / each.path.name)
    _sync(folder)
    return aside


def remove(kept: Sequence[SegmentFile]) -> None:
    """Delete segments whose records the log still has.

    Raises:
        OSError: they can't be deleted.
    """
    for each in kept:
        each.path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
