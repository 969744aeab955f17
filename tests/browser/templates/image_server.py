"""Another site with the templates' images; it records the requests for them, with their headers."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from types import TracebackType


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case


class ImageServer:
    """Serves images on 127.0.0.1; any page may read those below /open/, and no page the others.

    Args:
        images: path -> body.
    """

    def __init__(self, images: dict[str, bytes]) -> None:
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(images))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _handler(self, images: dict[str, bytes]) -> type[BaseHTTPRequestHandler]:
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                body = images.get(self.path.partition("?")[0])
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                if self.path.startswith("/open/"):
                    self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body or b"")

            do_HEAD = do_GET  # noqa: N815 # the base class' naming

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # the base class' name
                """Log nothing: tests look at the requests themselves."""

        return Handler
