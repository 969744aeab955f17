"""Gives one server the exclusive use of a folder.

It takes two flocks: on a file inside, and on the folder itself, which stays locked even if somebody deletes that file.
The kernel releases them when the process ends, however it ends, so nobody has to remove anything by hand after kill -9.
The locks also work between two parts of one process.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import TYPE_CHECKING, Final

from placed.storage.open_file import OpenFile
from placed.storage.ownership import give_to_folders_owner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_NAME: Final = "placed.lock"
# A folder that we may use but not list; NFS, which locks only files that are open for writing.
_CAN_T_BE_LOCKED: Final = (errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_PID_BYTES: Final = 20  # digits of any process id, with room


class FolderBusy(Exception):
    """Somebody else uses the folder.

    Attributes:
        folder: the folder.
        holder: the id of the process that has it, or "unknown".
    """

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(
            f"{folder} is in use by another server (process {holder}); stop that one, or choose another folder"
        )
        self.folder = folder
        self.holder = holder


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[list[OpenFile]]:
    """Lock `folder`, which has to exist, until the block ends; yields the locked folder and its lock file.

    Raises:
        FolderBusy: another process, or another part of this one, has locked it.
        OSError: the lock file can't be written; the folder is missing, read-only or not ours.
    """
    path = folder / LOCK_NAME
    with _folder_itself(folder) as itself:
        is_new = not path.exists()
        with _opened(path, os.O_RDWR | os.O_CREAT) as descriptor:
            if is_new:
                give_to_folders_owner(path)
            _take(descriptor, folder)
            _leave_process_id(descriptor)
            yield [itself, OpenFile(path, os.fstat(descriptor))]


@contextlib.contextmanager
def lock_folder_to_read(folder: Path) -> Iterator[None]:
    """As `lock_folder`, for code that only reads: it makes and changes nothing in the folder.

    Raises:
        FolderBusy: another process, or another part of this one, has locked it.
        OSError: the folder is missing, or can't be read.
    """
    with _folder_itself(folder), contextlib.ExitStack() as stack:
        with contextlib.suppress(FileNotFoundError):  # a server would have made the file, so no server runs
            _take(stack.enter_context(_opened(folder / LOCK_NAME, os.O_RDONLY)), folder)
        yield


@contextlib.contextmanager
def _folder_itself(folder: Path) -> Iterator[OpenFile]:
    """Lock the folder itself, too, because the file in it may be deleted. If it can't be locked, the file has to do."""
    with contextlib.ExitStack() as stack:
        try:
            descriptor = stack.enter_context(_opened(folder, os.O_RDONLY | os.O_DIRECTORY))
            _take(descriptor, folder)
        except OSError as error:
            if error.errno not in _CAN_T_BE_LOCKED:
                raise
        yield OpenFile(folder, folder.stat())


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderBusy(folder, _holder(folder)) from None


def _holder(folder: Path) -> str:
    try:
        with _opened(folder / LOCK_NAME, os.O_RDONLY) as descriptor:
            digits = os.pread(descriptor, _PID_BYTES, 0).partition(b"\n")[0]
    except OSError:
        return "unknown"
    return digits.decode() if digits.isdigit() else "unknown"


def _leave_process_id(descriptor: int) -> None:
    # Only the message of `FolderBusy` needs it; a full disk must not keep a server from starting.
    with contextlib.suppress(OSError):
        line = b"%d\n" % os.getpid()
        os.pwrite(descriptor, line, 0)  # first, so that nobody finds it empty
        os.ftruncate(descriptor, len(line))
