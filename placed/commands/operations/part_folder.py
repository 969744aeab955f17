"""Makes the folder for building a backup or a new log, next to its destination: DEST.part-PID.

A backup's folder holds a secret, the author key, so none may stay behind. A command that fails, or that Ctrl-C,
SIGTERM or SIGHUP ends, removes its own folder. A killed command can't: the next command that builds in the same place
removes that folder, also for another DEST. A running command locks its folder, and the kernel unlocks it when the
command ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME: Final = re.compile(r".+\.part-(\d+)")
_CONTENTS: Final = {"snapshot", "log", "people", "author.key", "spool"}


@contextlib.contextmanager
def part_folder(destination: Path) -> Iterator[Path]:
    """A new folder next to `destination`, for this process alone, removed if the block fails; the caller renames it.

    Raises:
        OSError: the folder can't be made, or another backup has removed it before it was locked.
    """
    _remove_leftovers(destination.parent)
    part = destination.with_name(f"{destination.name}.part-{os.getpid()}")
    part.mkdir(mode=0o700)
    with _removed_if_it_fails(part), _locked(part) as is_ours:
        if not is_ours or not part.exists():
            raise FileNotFoundError(2, "removed by another backup that began just then; run it again", str(part))
        yield part


def _remove_leftovers(folder: Path) -> None:
    for path in folder.iterdir():
        name = _NAME.fullmatch(path.name)
        if name and not path.is_symlink() and path.is_dir():
            with contextlib.suppress(OSError), _locked(path, process_id=int(name[1])) as is_ours:
                if is_ours and {each.name for each in path.iterdir()} <= _CONTENTS:
                    shutil.rmtree(path)


@contextlib.contextmanager
def _locked(path: Path, *, process_id: int | None = None) -> Iterator[bool]:
    """Lock a folder; yields whether it did. If folders can't be locked, it did unless the process in its name runs."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        except OSError:
            yield process_id is None or not runs(process_id)
        else:
            yield True
    finally:
        os.close(descriptor)


def runs(process_id: int) -> bool:
    """Whether there is a process with this id."""
    try:
        os.kill(process_id, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


@contextlib.contextmanager
def _removed_if_it_fails(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
