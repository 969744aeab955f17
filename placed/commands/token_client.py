"""Sends requests to a running server over HTTP, with a host's or moderator's token, for their commands."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

import attrs
import httpx
import trio

from placed import __version__
from placed.commands.connection_error import in_words
from placed.commands.token_file import TokenFileError, read_token

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

# Ten thousand codes take some seconds; an act over a large canvas, behind seven others, some minutes.
_TIMEOUT: Final = httpx.Timeout(600, connect=10)
_MOST_ANSWER_BYTES: Final = 8_000_000  # ten thousand codes are 1 MB, a picture of a large canvas as base64 is 5


class CannotAsk(Exception):
    """It wasn't done; the message says why, and the way out."""


@attrs.frozen
class TokenClient:
    """A running server, and a token for its API.

    Attributes:
        client: sends the token with each request.
        address: the address of its page, without a password.
        role: the role that the token needs, for messages.
    """

    client: httpx.AsyncClient
    address: str
    role: str

    async def ask(self, method: str, path: str, **asked: Any) -> dict[str, Any]:
        """The answer, a JSON object.

        Raises:
            CannotAsk: there is no answer, or it is an error.
        """
        body = bytearray()
        _refuse_what_is_no_text(asked.get("json", {}))
        try:
            async with self.client.stream(method, path, **asked) as response:
                # Cancelling, unlike leaving the loop, ends httpx's nested generators from the inside.
                with trio.CancelScope() as scope:
                    async for piece in response.aiter_raw():
                        body += piece
                        if len(body) > _MOST_ANSWER_BYTES:
                            scope.cancel()
        except httpx.HTTPError as error:
            reached = method != "GET" and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            perhaps = "; it may have been done all the same, so look before you try again" if reached else ""
            raise CannotAsk(f"{self.address} doesn't answer: {in_words(error)}{perhaps}") from error
        if len(body) > _MOST_ANSWER_BYTES:
            raise CannotAsk(f"the answer of {self.address} is longer than {_MOST_ANSWER_BYTES:,} bytes")
        return self._read(response, bytes(body))

    def _read(self, response: httpx.Response, body: bytes) -> dict[str, Any]:
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            told = None
        if response.status_code == 401:
            way_out = f"make one with: placed people token NAME --role {self.role}"
            raise CannotAsk(f"the server doesn't know this token; {way_out}")
        if not isinstance(told, dict) or (response.status_code in (404, 405) and "code" not in told):
            raise CannotAsk(f"{self.address} answers HTTP {response.status_code}, and not like a placed server")
        if not response.is_success:
            raise CannotAsk(str(told.get("detail", f"HTTP {response.status_code}"))[:500])
        return told


def _refuse_what_is_no_text(fields: dict[str, Any]) -> None:
    """A shell passes on any bytes, but JSON takes only text."""
    for name, value in fields.items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise CannotAsk(f"{name} {value!r} has bytes that aren't UTF-8; allowed is text") from None


@contextlib.asynccontextmanager
async def open_client(url: httpx.URL, token_file: Path, program: str, role: str) -> AsyncGenerator[TokenClient]:
    """A client for the server at `url`, with the token in a file; `program` is the command's name.

    Raises:
        CannotAsk: the file holds no token.
    """
    try:
        token = read_token(token_file)
    except TokenFileError as error:
        raise CannotAsk(str(error)) from error
    headers = {
        "User-Agent": f"placed-{program}/{__version__}",
        "Accept-Encoding": "identity",  # a compressed answer may become far longer than its counted bytes
        "Authorization": f"Bearer {token}",
    }
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT) as client:
        yield TokenClient(client, str(url.copy_with(userinfo=b"")), role)
