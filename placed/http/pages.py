"""The client's files, read once at the start, with what a browser needs to trust and to cache them. Pure but
for that reading."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from placed.http.answer import Answer, Problem, has_tag

if TYPE_CHECKING:
    from placed.http.answer import Request

_HEADERS = (
    ("Cache-Control", "no-cache"),  # revalidated by ETag: a new release is seen at the next load
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    (
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'",
    ),
)
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}


def client_folder() -> Path:
    """Where the client's files are: in the installed package, or beside it in a checkout.

    Raises:
        FileNotFoundError: in neither.
    """
    package = Path(__file__).parent.parent
    for folder in (package / "client", package.parent / "client"):
        if (folder / "index.html").is_file():
            return folder
    raise FileNotFoundError(f"the client's files are neither in {package} nor beside it; install placed again")


@attrs.frozen
class Pages:
    """Path below the client's folder -> its answer and ETag."""

    _files: dict[str, tuple[str, Answer]]

    @classmethod
    def load(cls, folder: Path) -> Pages:
        """Read every file below `folder`."""
        files = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                body = path.read_bytes()
                etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
                kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                headers = (("Content-Type", kind), ("ETag", etag), *_HEADERS)
                files[path.relative_to(folder).as_posix()] = etag, Answer(200, headers, body)
        return cls(files)

    def answer(self, path: str, request: Request) -> Answer:
        """The file at `path`, or 304 to one who has it.

        Raises:
            Problem: 404.
        """
        if path not in self._files:
            raise Problem(404, "not-found", f"there is no {path[:128]!r} here")
        etag, answer = self._files[path]
        if has_tag(request.headers.get("if-none-match"), etag):
            return Answer(304, answer.headers[1:])
        return answer
