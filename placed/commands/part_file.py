"""Writes a file that is whole under its name, or not there: as .NAME.part-PID beside it, which is then renamed.

What fails, or is ended by Ctrl-C, SIGTERM or SIGHUP, removes its own; what was there under the name stays until the new
one is whole. What a command that was killed has left is removed by the next one that writes the same file.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

from placed.commands.operations.part_folder import runs
from placed.storage.lasting_folders import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class CannotWrite(Exception):
    """The file can't be written; the message names it."""


@contextlib.contextmanager
def part_file(path: Path) -> Iterator[Path]:
    """Where to write what is to be `path`; made, empty, and put in its place once the block ends well.

    Raises:
        CannotWrite: its folder isn't there, can't be written or is full, or `path` is something else than a file.
    """
    if path.exists() and not path.is_file():
        raise CannotWrite(f"{path} is no file; name a new one")
    if not path.parent.is_dir():
        raise CannotWrite(f"there is no folder {path.parent}; make it first")
    part = path.with_name(f".{path.name}.part-{os.getpid()}")
    _remove_leftovers(path)
    try:
        part.touch()
        yield part
        _sync(part)
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise CannotWrite(f"{path} can't be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    name = re.compile(rf"\.{re.escape(path.name)}\.part-(\d+)")
    for other in path.parent.iterdir():
        match = name.fullmatch(other.name)
        if match and not runs(int(match[1])):
            other.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
