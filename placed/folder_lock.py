"""The exclusive use of a folder: one server, one folder.

An flock on a file inside. The kernel lets go of it when the process ends, however it ends, so that nothing has to be
removed by hand after kill -9. It holds between the parts of one process too.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from typing import TYPE_CHECKING, Final

from placed.ownership import give_to_folders_owner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_NAME: Final = "placed.lock"
_MAY_NOT_WRITE: Final = (errno.EROFS, errno.EACCES, errno.EPERM)
_PID_BYTES: Final = 20  # digits of any process id, with room


class FolderBusy(Exception):
    """Somebody else uses the folder.

    Attributes:
        folder: which one.
        holder: the process id of who has it, or "unknown".
    """

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(
            f"{folder} is in use by another server (process {holder}); stop that one, or choose another folder"
        )
        self.folder = folder
        self.holder = holder


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Have `folder`, which exists, to ourselves until the block ends.

    Raises:
        FolderBusy: another process, or another part of this one, has it.
        OSError: the lock file can't be written; the folder is missing, read-only or not ours.
    """
    path = folder / LOCK_NAME
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if is_new:
            give_to_folders_owner(path)
        _take(descriptor, folder)
        _leave_process_id(descriptor)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def lock_folder_to_read(folder: Path) -> Iterator[None]:
    """As `lock_folder`, for who only reads: also a folder that we may not write to, if a server ever was in it.

    Raises:
        FolderBusy: another process, or another part of this one, has it.
        OSError: the folder is missing, or can't be read.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock_folder(folder))
        except OSError as error:
            if error.errno not in _MAY_NOT_WRITE:
                raise
            stack.enter_context(_locked_as_it_is(folder))
        yield


@contextlib.contextmanager
def _locked_as_it_is(folder: Path) -> Iterator[None]:
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # a server would have made it, so that none is there
        yield
        return
    try:
        _take(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FolderBusy(folder, _holder(descriptor)) from None


def _holder(descriptor: int) -> str:
    digits = os.pread(descriptor, _PID_BYTES, 0).partition(b"\n")[0]
    return digits.decode() if digits.isdigit() else "unknown"


def _leave_process_id(descriptor: int) -> None:
    # For the message above, nothing else; a full disk must not keep a server from starting.
    with contextlib.suppress(OSError):
        line = b"%d\n" % os.getpid()
        os.pwrite(descriptor, line, 0)  # first, so that nobody finds it empty
        os.ftruncate(descriptor, len(line))
