"""Writes a file so that it is complete under its name, or not there: as .NAME.part-PID next to it, renamed at the end.

A command that fails, or that Ctrl-C, SIGTERM or SIGHUP ends, removes its own part file. An existing file stays until
the new one is complete. A killed command leaves its part file: the next command that writes the same file removes it.
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
    """An empty file to write to; it becomes `path` when the block ends without an error.

    Raises:
        CannotWrite: the folder isn't there, can't be written or is full, or `path` isn't a file.
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
