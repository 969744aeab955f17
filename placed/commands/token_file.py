"""Reads a command's token from a file, so that no list of processes shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES: Final = 1_024


class TokenFileError(Exception):
    """The file can't be read, or holds no token; the message names it."""


def read_token(path: Path) -> str:
    """The token in a file.

    Raises:
        TokenFileError: the file can't be read, or holds no token.
    """
    try:
        with path.open("rb") as file:
            token = file.read(_MOST_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't a text"
        raise TokenFileError(f"the token file {path} can't be read: {reason}") from error
    if not token or any(letter.isspace() for letter in token):
        raise TokenFileError(f"the token file {path} doesn't hold one token, as placed people token prints it")
    return token
