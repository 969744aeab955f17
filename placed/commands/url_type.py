"""Checks a server's address on the command line, for click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import httpx

if TYPE_CHECKING:
    _UrlType = click.ParamType[httpx.URL]
else:
    _UrlType = click.ParamType  # takes no arguments before click 8.4


class UrlType(_UrlType):
    """The address of a server's page, http or https, also below a sub-path."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> httpx.URL:
        try:
            url = httpx.URL(value)
            url.host.encode("idna")  # connecting does the same, but httpx has no error for it
        except (httpx.InvalidURL, UnicodeError) as error:
            self.fail(f"{value!r} is not an address: {error}", param, ctx)
        if url.scheme not in {"http", "https"} or not url.host:
            self.fail(f"{value!r} is not an address; allowed is one like http://127.0.0.1:8080", param, ctx)
        if url.port is not None and not 1 <= url.port <= 65_535:
            self.fail(f"{value!r} has port {url.port}; allowed are 1 to 65535", param, ctx)
        return url.copy_with(query=None, fragment=None)
