"""The files of a page's first load, and a pixel's past: both lanes give the same bytes, and the fast lane answers every
plain request for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
import trio

from placed.canvas import png
from placed.canvas.palette import SEED
from placed.http.answer import Request
from placed.http.host_page.page import HostPage
from placed.http.lanes.wire import response_of
from placed.http.pages import client_folder, pages_in
from placed.http.replies import Replies
from placed.telemetry.metrics import FAST, SLOW
from tests.support.http_connection import connect
from tests.support.serving import LIMIT_SECONDS, serving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from placed.http.answer import Answer

FOLDER: Final = f"/static/{pages_in(client_folder()).version}"
SCRIPT: Final = f"GET {FOLDER}/main.js"
GZIP: Final = "Accept-Encoding: gzip, deflate, br"
ORIGIN: Final = "Origin: https://friend.test"
DIRECT: Final[dict[str, Any]] = {}
# Everything that changes these answers.
BEHIND_A_PROXY: Final[dict[str, Any]] = {
    "trusted_proxies": ("127.0.0.1",),
    "allow_origins": ("https://friend.test",),
    "allow_embeds": ("https://school.test",),
    "title": "Ada's canvas",
    "sign_in": "proxy",
    "user_header": "Remote-User",
}

Asked = tuple[int, *tuple[str, ...]]  # the status of its answer, its line, and its fields
PLAIN: Final[dict[str, Asked]] = {
    "the page": (200, "GET /"),
    "the page, compressed": (200, "GET /", GZIP),
    "the page with a query": (200, "GET /?x=1&y=2", GZIP),
    "the page with a strange query": (200, "GET /?a[]={b}", GZIP),
    "the page's head": (200, "HEAD /", GZIP),
    "the page that is known": (304, "GET /", "If-None-Match: *"),
    "the page below a path": (200, "GET /", "X-Forwarded-Prefix: /canvas", "X-Forwarded-Proto: https"),
    "the page of proxies who disagree": (200, "GET /", "X-Forwarded-Host: a.test, b.test", "Forwarded: host=c.test"),
    "a script": (200, SCRIPT),
    "a script, compressed": (200, SCRIPT, GZIP),
    "a script in a folder": (200, f"GET {FOLDER}/view/screen.js", GZIP),
    "a script's head": (200, f"HEAD {FOLDER}/main.js", GZIP),
    "a script with a query": (200, f"{SCRIPT}?v=1", GZIP),
    "a script, refused compressed": (200, SCRIPT, "Accept-Encoding: gzip;q=0, *;q=0"),
    "a script that is known": (304, SCRIPT, "If-None-Match: *"),
    "a script's head that is known": (304, f"HEAD {FOLDER}/main.js", "If-None-Match: *", GZIP),
    "a script of which something else is known": (200, SCRIPT, 'If-None-Match: "a", W/"b"'),
    "a script that is known by its date": (200, SCRIPT, "If-Modified-Since: Mon, 01 Jan 2035 00:00:00 GMT"),
    "a script under conditions": (200, SCRIPT, 'If-Match: "a"', "If-Unmodified-Since: Mon, 01 Jan 2001 00:00:00 GMT"),
    "a range of a script": (200, SCRIPT, "Range: bytes=0-9", 'If-Range: "a"'),
    "a script for another site": (200, SCRIPT, "Origin: https://evil.test", "Sec-Fetch-Site: cross-site"),
    "a script for a friend": (200, SCRIPT, ORIGIN, "Sec-Fetch-Site: cross-site"),
    "a script with an id": (200, SCRIPT, "X-Request-ID: a-1"),
    "a script with cookies": (200, SCRIPT, "Cookie: placed-session=a; b=c"),
    "a style sheet": (200, f"GET {FOLDER}/style.css", GZIP),
    "an icon": (200, f"GET {FOLDER}/favicon.svg"),
    "the facts": (200, "GET /info"),
    "the facts' head": (200, "HEAD /info"),
    "the facts for who has a token that doesn't hold": (200, "GET /info", "Authorization: Bearer pt_no"),
    "the icon": (200, "GET /icon"),
    "the icon by its hash": (200, "GET /icon?v=1"),
    "the icon that is known": (304, "HEAD /icon", "If-None-Match: *"),
    "who asks": (200, "GET /me"),
    "who asks with a cookie that doesn't hold": (200, "GET /me", "Cookie: a=b; placed-session=c"),
    "who asks, who came by a proxy": (200, "GET /me", "Remote-User: ada", "Sec-Fetch-Site: same-origin"),
    "who asks, who came by it again": (200, "HEAD /me", "Remote-User: ada", "Sec-Fetch-Site: same-origin"),
    "no such file": (404, f"GET {FOLDER}/no.js"),
    "a folder": (404, f"GET {FOLDER}/view"),
    "no such file's head": (404, f"HEAD {FOLDER}/no.js"),
    "no such file with an id": (404, f"GET {FOLDER}/no.js", "X-Request-ID: a-1"),
    "another release's file": (404, "GET /static/0123456789abcdef/main.js", GZIP),
    "a release alone": (404, f"GET {FOLDER}"),
    "a way out": (404, f"GET {FOLDER}/../main.js"),
    "a way round": (404, f"GET {FOLDER}/./main.js"),
    "a long path": (404, f"GET {FOLDER}/{'a' * 500}.js"),
    "a pixel's past": (200, "GET /history/pixel?x=1&y=2&limit=20"),
    "a pixel's past for another site": (200, "GET /history/pixel?x=1&y=2", "Origin: https://evil.test"),
    "a pixel's past for a friend": (200, "GET /history/pixel?x=1&y=2", ORIGIN, "Sec-Fetch-Site: cross-site"),
    "the canvas at a version": (200, "GET /history/canvas.png?v=0"),
    "an enlarged area of it": (200, "GET /history/canvas.png?v=0&x=1&y=2&width=3&height=2&scale=2"),
    "the canvas at a version that is known": (304, "GET /history/canvas.png?v=0", "If-None-Match: *"),
    "the canvas at a version for another site": (200, "GET /history/canvas.png?v=0", "Origin: https://evil.test"),
    "the canvas of a version to come": (400, "GET /history/canvas.png?v=99"),
    "the canvas of no version": (400, "GET /history/canvas.png?v=-1"),
    "the canvas of a moment": (302, "GET /history/canvas.png?t=2035-01-01T00:00:00Z"),
    "the past of no pixel": (400, "GET /history/pixel?x=-1&y=2"),
    "the past of a pixel that isn't named": (400, "GET /history/pixel"),
}
NOT_PLAIN: Final[dict[str, Asked]] = {
    "an escaped letter": (200, f"GET {FOLDER}/m%61in.js", GZIP),
    "an escaped slash": (200, f"GET {FOLDER}%2fmain.js"),
    "two slashes": (404, f"GET {FOLDER}//main.js"),
    "a slash behind": (404, f"GET {FOLDER}/main.js/"),
    "a folder with its slash": (404, f"GET {FOLDER}/"),
    "no release": (404, "GET /static/"),
    "the word alone": (404, "GET /static"),
    "the same in capitals": (404, f"GET {FOLDER.replace('static', 'Static')}/main.js"),
    "a tilde": (404, f"GET {FOLDER}/main.js~"),
    "a body": (200, SCRIPT, "Content-Length: 1"),
    "an edit of a file": (405, f"POST {FOLDER}/main.js", "Content-Length: 0"),
    "a question what a file may be asked": (204, f"OPTIONS {FOLDER}/main.js", ORIGIN),
    "an edit of the page": (405, "POST /", "Content-Length: 0"),
    "two slashes for the page": (404, "GET //"),
    "the head of a pixel's past": (200, "HEAD /history/pixel?x=1&y=2"),
    "the head of the canvas at a version": (200, "HEAD /history/canvas.png?v=0"),
    "a pixel's past with a slash behind": (404, "GET /history/pixel/?x=1&y=2"),
    "an edit of a pixel's past": (405, "POST /history/pixel?x=1&y=2", "Content-Length: 0"),
    "a pixel's past of a host that isn't answered": (421, "GET /history/pixel?x=1&y=2", "Host: evil.test"),
    "a host that isn't answered": (421, SCRIPT, "Host: evil.test"),
    "a page of a host that isn't answered": (421, "GET /", "Host: evil.test"),
    "facts of a host that isn't answered": (421, "GET /info", "Host: evil.test"),
}


TABLE: Final[dict[str, Asked]] = {**PLAIN, **NOT_PLAIN}
LAST: Final = ", the connection's last"
# The ids of a request and of a log; an image of the past has the log's id in its ETag, too.
_RANDOM: Final = re.compile(
    rb"(?<=^x-request-id: )[0-9a-f]{16}$|(?<=^x-canvas-log: )[0-9a-f]{32}$|(?<=^etag: \")[0-9a-f]{32}(?=-\d)"
)


def bytes_of(asked: Sequence[str], *more: str) -> bytes:
    """The bytes of a request; adds a host if it has none."""
    line, *fields = asked
    host = [] if any(field.startswith("Host:") for field in fields) else ["Host: placed.test"]
    body = "-" if "Content-Length: 1" in fields else ""
    return "\r\n".join((f"{line} HTTP/1.1", *host, *fields, *more, "", body)).encode()


def comparable(answer: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Status, headers and body, without the reason phrase, the time, the order of headers, and random ids."""
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = re.sub(rb"(?<=\r\n)[^:]+", lambda name: name[0].lower(), head).split(b"\r\n")
    told = sorted(_RANDOM.sub(b"ID", field) for field in fields)
    # Each data folder has its own id; a picture also has a checksum of it.
    body = re.sub(rb'"(log|author)":"[0-9a-f]+"|placed:(log)\0[0-9a-f]{32}.{4}', rb"\1\2", body, flags=re.DOTALL)
    return line[:12], [field for field in told if not field.startswith(b"date:")], body


async def answers_of(folder: Path, lane: str, settings: dict[str, Any]) -> dict[str, bytes]:
    """The answers to each request, both as the last of its connection and between others."""
    found = {}
    async with serving(lane, folder / lane, **settings) as server, connect(server.port) as kept:
        for name, (status, *asked) in TABLE.items():
            found[f"{name}{LAST}"] = await server.exchange(bytes_of(asked, "Connection: close"))
            with trio.fail_after(LIMIT_SECONDS):
                await kept.stream.send_all(bytes_of(asked))
                has_body = not asked[0].startswith("HEAD") and status not in (204, 304)
                found[name] = await _answer(kept.stream, has_body=has_body)
    return found


async def _answer(stream: trio.SocketStream, *, has_body: bool) -> bytes:
    """One whole answer, after which nothing follows."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += await _some(stream)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head)
    missing = int(length[1]) - len(body) if length and has_body else -len(body)
    while missing > 0:
        piece = await _some(stream)
        data += piece
        missing -= len(piece)
    assert not missing, data
    return data


async def _some(stream: trio.SocketStream) -> bytes:
    piece = bytes(await stream.receive_some(65_536))
    assert piece, "the connection ended"
    return piece


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lanes that answered so far."""
    answered, reply = [], Replies.reply

    def noted(replies: Replies, lane: str, *args: Any, **more: Any) -> Answer:
        answered.append(lane)
        return reply(replies, lane, *args, **more)

    monkeypatch.setattr(Replies, "reply", noted)
    return answered


@pytest.mark.parametrize("settings", [DIRECT, BEHIND_A_PROXY], ids=["direct", "behind a proxy"])
async def test_both_lanes_answer_what_a_page_loads_alike(
    tmp_path: Path, settings: dict[str, Any], lanes: list[str]
) -> None:
    (tmp_path / "icon.png").write_bytes(png.encode(np.zeros((64, 64), np.uint8), SEED.rgb))
    settings = {**settings, "icon": tmp_path / "icon.png"}
    fast = await answers_of(tmp_path, "fast", settings)
    assert lanes == [lane for name in TABLE for lane in 2 * [FAST if name in PLAIN else SLOW]]
    slow = await answers_of(tmp_path, "slow", settings)
    assert lanes[len(fast) :] == [SLOW] * len(slow)
    for name, answer in slow.items():
        status = TABLE[name.removesuffix(LAST)][0]
        assert answer.startswith(b"HTTP/1.1 %d " % status), (name, answer)
        assert comparable(fast[name]) == comparable(answer), name


def test_file_is_sent_from_the_bytes_that_all_share() -> None:
    page = HostPage(pages_in(client_folder()))
    request = Request("GET", "", {}, "192.0.2.1")
    files = [page.pages.file(f"{FOLDER.removeprefix('/static/')}/main.js", request) for _ in range(2)]
    pages = [page.page(request) for _ in range(2)]
    for one, other in (files, pages):
        assert response_of(one, "GET")[1] is response_of(other, "GET")[1] is one.body
