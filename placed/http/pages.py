"""Serves the client's files and the API's description. Reads them once, at the start; browsers may cache them.

    /                       names all others; the browser asks at each load, and gets 304 if it has the page
    /static/HASH/PATH       kept by the browser for good: HASH is of all files, so a changed file has another address.
                            A module's relative imports stay in that folder, without being rewritten
    /static/OTHER/PATH      404: the page that asks is older or newer, and these files wouldn't fit it

There is no build step. Scripts and style sheets lose indentation and comments when the server reads them: these make up
a third of the files, even when compressed. Lines keep their numbers. Text is compressed once, for browsers that accept
it. The page names all modules that its script begins with. So a browser loads them at once, and doesn't have to find
each one in the module before it. Pure but for that reading.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from placed.http.accepted_codings import takes_coding
from placed.http.answer import Answer, Problem, has_tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placed.http.answer import Request

# The page loads only the server's own files, and no inline code or style. It may fetch from anywhere, by CORS and
# without cookies: a template is an image whose address the user gives, and the page draws its bytes, as a blob.
# `placed.http.framing` says which sites may show the page in a frame.
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
}
_PAGES_POLICY: Final = "; ".join(f"{name} {value}" for name, value in _POLICY.items())
# For workers, which have the policy of their script, and for a file that somebody opens by itself. It's short because
# heads aren't compressed: the page's own policy, sent with each of its 30 files, was 6 KB of the 50 KB that the browser
# loaded until the canvas was live.
_FILES_POLICY: Final = ("Content-Security-Policy", "default-src 'self'")
_HEADERS: Final = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))
_REVALIDATED: Final = ("Cache-Control", "no-cache")  # by ETag: the next load shows a new release
_KEPT: Final = ("Cache-Control", "public, max-age=31536000, immutable")
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".yaml": "application/yaml",  # RFC 9512
}
_PAGE: Final = "index.html"
# Indentation and comments: whole lines, and comments after code that contain no quote, since `//` may be part of a
# string, and then the string's last quote comes after it. A test compares the syntax trees: it finds a string of
# several lines that this would change.
_UNREAD: Final = re.compile(
    r"""^[ \t]*(?:/\*(?:[^*]|\*(?!/))*\*/[ \t]*$|//[^\n]*$)?|[ \t]+//[ \t][^'"`\n]*$""", re.MULTILINE
)
_SCRIPT: Final = re.compile(r' *<script type="module" src="client/([^"]+)"')
_IMPORT: Final = re.compile(r"\b(?:from|import)\s*'(\.[^']+)'")
_GZIP_LEVEL: Final = 9  # 10 ms for all files together


@cache
def pages_in(folder: Path) -> Pages:
    """The pages in `folder`, read once for all servers of a process.

    Reading, stripping and packing the client's hundred files takes more than half of a start, in a process that has
    started a server before. Files change only with a new release, and that runs in a new process.
    """
    return Pages.load(folder)


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


Packed = tuple[_File, _File | None]  # a file as it is, and compressed, if that makes sense for its type


@attrs.frozen
class Pages:
    """The page, the files that it is made of, by their path below the client's folder, and the description. Each is
    kept as it is, and compressed if that makes sense for its type.

    Attributes:
        version: a hash of all files together, part of their addresses.
        text: the page's HTML, without the host's title, description and icon.
    """

    version: str
    text: str = attrs.field(repr=False)
    _files: dict[str, Packed]
    _description: Packed

    @classmethod
    def load(cls, folder: Path) -> Pages:
        """Read every file below `folder`, and the description."""
        paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
        bodies = {path.relative_to(folder).as_posix(): _body(path) for path in paths}
        page = bodies.pop(_PAGE, b"").decode()
        version = _version_of(bodies)
        page = _SCRIPT.sub(lambda script: _preloads(bodies, script[1]) + script[0], page)
        return cls(
            version,
            page.replace('="client/', f'="static/{version}/'),
            {path: packed(path, body, _KEPT, _FILES_POLICY) for path, body in bodies.items()},
            packed("openapi.yaml", description_file().read_bytes(), _REVALIDATED, _FILES_POLICY),
        )

    @staticmethod
    def packed_page(text: str, framing: str) -> Packed:
        """The page with this HTML, and the policy for all that it loads; `framing` is the policy's last directive."""
        policy = ("Content-Security-Policy", f"{_PAGES_POLICY}; {framing}")
        return packed(_PAGE, text.encode(), _REVALIDATED, policy)

    def file(self, path: str, request: Request) -> Answer:
        """The file at `path`, "HASH/main.js", in an encoding that the client accepts, or 304 to a client that has it.

        Raises:
            Problem: 404.
        """
        version, _, name = path.partition("/")
        if version != self.version or name not in self._files:
            raise Problem(404, "not-found", f"there is no {path[:128]!r} here; the page names the files that there are")
        return answer_in_encoding(self._files[name], request)

    def description(self, request: Request) -> Answer:
        """The OpenAPI description, in an encoding that the client accepts, or 304 to a client that has it."""
        return answer_in_encoding(self._description, request)


def answer_in_encoding(file: Packed, request: Request) -> Answer:
    """The file, in an encoding that the client accepts, or 304 to a client that has it."""
    plain, compressed = file
    if compressed is not None and _takes_gzip(request):
        return compressed.answer_to(request)
    return plain.answer_to(request)


def _body(path: Path) -> bytes:
    """The bytes to serve for a file: scripts and style sheets without comments and indentation, others as they are."""
    if path.suffix not in (".js", ".css"):
        return path.read_bytes()
    return _UNREAD.sub(lambda unread: "\n" * unread[0].count("\n"), path.read_text("utf-8")).encode()


def _version_of(bodies: Mapping[str, bytes]) -> str:
    """One version for all files. The headers are part of it, since a browser keeps them together with the bytes."""
    parts = (
        repr((_HEADERS, _FILES_POLICY)).encode(),
        *(part for path, body in bodies.items() for part in (path.encode(), body)),
    )
    whole = hashlib.blake2b(digest_size=12)
    for part in parts:
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole.hexdigest()


def packed(name: str, body: bytes, *more: tuple[str, str]) -> Packed:
    """A file of this name, with its type, its tag, and `more` headers."""
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    suffix = Path(name).suffix
    if suffix not in _TYPES:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return _File.of(tag, body, ("Content-Type", kind), *more), None
    headers = ("Content-Type", _TYPES[suffix]), ("Vary", "Accept-Encoding"), *more
    small = gzip.compress(body, _GZIP_LEVEL, mtime=0)
    return _File.of(tag, body, *headers), _File.of(f"{tag}-gzip", small, *headers, ("Content-Encoding", "gzip"))


def _preloads(bodies: Mapping[str, bytes], script: str) -> str:
    """Links to all modules that a script imports, directly or through others, but not to those that it loads later."""
    found: dict[str, None] = {}
    reached = [script]
    while reached:
        module = reached.pop(0)
        for name in _IMPORT.findall(bodies[module].decode()):
            imported = posixpath.normpath(posixpath.join(posixpath.dirname(module), name))
            if imported not in found:
                found[imported] = None
                reached.append(imported)
    return "".join(f'  <link rel="modulepreload" href="client/{module}">\n' for module in found)


def _takes_gzip(request: Request) -> bool:
    return takes_coding("gzip", request.headers.get("accept-encoding", ""))
