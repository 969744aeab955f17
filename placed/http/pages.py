"""The client's files and the API's description, read once at the start, with what a browser needs to trust and to
cache them.

There is no build step: scripts and style sheets lose their comments and indentation when they are read, and what is
text is compressed once, for those who take it: that halves the bytes, and more than halves them again on the wire. The
page names all modules that its script begins with, so that a browser asks for them at once rather than finds one by
another. Pure but for that reading.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import rcssmin
import rjsmin
from werkzeug.http import parse_accept_header

from placed.http.answer import Answer, Problem, has_tag

if TYPE_CHECKING:
    from placed.http.answer import Request

# Nothing but the server's own files, and no inline code or style. Pages may fetch from anywhere, by CORS and without
# cookies, as a template is an image whose address the page's user gave; it is drawn from the bytes, as a blob.
_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "connect-src": "'self' https: http:",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
}
_HEADERS: Final = (
    ("Cache-Control", "no-cache"),  # revalidated by ETag: a new release is seen at the next load
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "; ".join(f"{name} {value}" for name, value in _POLICY.items())),
)
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".yaml": "application/yaml",  # RFC 9512
}
_STANDS_FOR_HASH: Final = "\ue000"  # for private use: to rjsmin a letter, and in no script
_SCRIPT: Final = re.compile(r' *<script type="module" src="client/([^"]+)"')
_IMPORT: Final = re.compile(r"\b(?:from|import)\s*'(\.[^']+)'")
_GZIP_LEVEL: Final = 9  # 3 ms for all files together


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


def description_file() -> Path:
    """Where the API's OpenAPI description is: in the installed package, or among a checkout's docs.

    Raises:
        FileNotFoundError: in neither.
    """
    package = Path(__file__).parent.parent
    for file in (package / "openapi.yaml", package.parent / "docs/openapi.yaml"):
        if file.is_file():
            return file
    raise FileNotFoundError(f"openapi.yaml is neither in {package} nor in docs beside it; install placed again")


@attrs.frozen
class _File:
    """One file, in one encoding."""

    etag: str
    answer: Answer

    @classmethod
    def of(cls, tag: str, body: bytes, *headers: tuple[str, str]) -> _File:
        etag = f'"{tag}"'
        return cls(etag, Answer(200, (*headers, ("ETag", etag), *_HEADERS), body))

    def answer_to(self, request: Request) -> Answer:
        if not has_tag(request.headers.get("if-none-match"), self.etag):
            return self.answer
        kept = tuple(header for header in self.answer.headers if header[0] not in ("Content-Type", "Content-Encoding"))
        return Answer(304, kept)


@attrs.frozen
class Pages:
    """The client's files, by their path below its folder, and the description: as they are, and compressed, where that
    is of use."""

    _files: dict[str, tuple[_File, _File | None]]
    _description: tuple[_File, _File | None]

    @classmethod
    def load(cls, folder: Path) -> Pages:
        """Read every file below `folder`, and the description."""
        paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
        files = {path.relative_to(folder).as_posix(): _read(path) for path in paths}
        return cls(files, _read(description_file()))

    def answer(self, path: str, request: Request) -> Answer:
        """The file at `path`, or 304 to one who has it, in the encoding that is asked for.

        Raises:
            Problem: 404.
        """
        if path not in self._files:
            raise Problem(404, "not-found", f"there is no {path[:128]!r} here")
        return _answer(self._files[path], request)

    def description(self, request: Request) -> Answer:
        """The OpenAPI description, or 304 to one who has it, in the encoding that is asked for."""
        return _answer(self._description, request)


def _answer(file: tuple[_File, _File | None], request: Request) -> Answer:
    plain, compressed = file
    if compressed is not None and _takes_gzip(request):
        return compressed.answer_to(request)
    return plain.answer_to(request)


def _read(path: Path) -> tuple[_File, _File | None]:
    kind = _TYPES.get(path.suffix)
    body = path.read_bytes() if kind is None else _stripped(path).encode()
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    if kind is None:
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return _File.of(tag, body, ("Content-Type", kind)), None
    headers = ("Content-Type", kind), ("Vary", "Accept-Encoding")
    packed = gzip.compress(body, _GZIP_LEVEL, mtime=0)
    return _File.of(tag, body, *headers), _File.of(f"{tag}-gzip", packed, *headers, ("Content-Encoding", "gzip"))


def _stripped(path: Path) -> str:
    """A text file, without what only its readers need."""
    text = path.read_text("utf-8")
    if path.suffix == ".js":
        # rjsmin doesn't know that #name is a name, and would join the line to the one before, which needs no semicolon.
        stripped: str = rjsmin.jsmin(text.replace("#", _STANDS_FOR_HASH)).replace(_STANDS_FOR_HASH, "#")
    elif path.suffix == ".css":
        stripped = rcssmin.cssmin(text)
    else:
        stripped = _SCRIPT.sub(lambda script: _preloads(path.parent, script[1]) + script[0], text)
    return stripped


def _preloads(folder: Path, script: str) -> str:
    """Links to all modules that a script imports, they themselves import, and so on; not those that it loads later."""
    found: dict[str, None] = {}
    reached = [folder / script]
    while reached:
        module = reached.pop(0)
        for name in _IMPORT.findall(_stripped(module)):
            imported = (module.parent / name).resolve().relative_to(folder.resolve()).as_posix()
            if imported not in found:
                found[imported] = None
                reached.append(folder / imported)
    return "".join(f'  <link rel="modulepreload" href="client/{module}">\n' for module in found)


def _takes_gzip(request: Request) -> bool:
    return parse_accept_header(request.headers.get("accept-encoding")).quality("gzip") > 0
